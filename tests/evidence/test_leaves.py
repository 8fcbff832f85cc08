"""One entry, one writing."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faitfoi.evidence.leaves import NotCanonical, canonical, leaf_hash, named_by_salted_hash, read_canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_keys_are_sorted_and_accents_stay_as_they_are() -> None:
    entry = {"type": "scellé", "v": 1, "artefact": {"sha256": "ab", "pages": [1, None, True]}}
    assert canonical(entry) == '{"artefact":{"pages":[1,null,true],"sha256":"ab"},"type":"scellé","v":1}'.encode()


@given(st.dictionaries(TEXT, VALUES, max_size=6))
def test_what_is_written_is_read_back_whatever_the_order_of_keys(entry: dict[str, object]) -> None:
    written = canonical(entry)
    assert read_canonical(written) == entry
    assert canonical(dict(reversed(entry.items()))) == written


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        Decimal(1),
        datetime(2026, 11, 21, tzinfo=UTC),
        b"x",
        (1,),
        {1: "x"},
        {"a": [0.5]},
        2**53,
        "\ud800",
    ],
    ids=repr,
)
def test_what_two_programs_could_write_differently_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical({"value": value})


def test_an_endless_nesting_is_refused_not_followed() -> None:
    deep: list[object] = []
    deep.append(deep)
    with pytest.raises(NotCanonical, match="levels"):
        canonical({"deep": deep})


@pytest.mark.parametrize(
    "data",
    [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"[]", b"{", b'{"a":1.0}', b'{"a":"\\u00e9"}', b"[" * 100_000],
)
def test_bytes_in_another_form_are_not_an_entry(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        read_canonical(data)


def test_a_leaf_is_not_the_hash_of_its_entry_alone() -> None:
    assert leaf_hash(b"entry") == hashlib.sha256(b"\x00entry").digest()


def test_the_same_address_has_another_name_under_another_salt() -> None:
    first = named_by_salted_hash(b"compta@gaec.example", bytes(16))
    assert first == named_by_salted_hash(b"compta@gaec.example", bytes(16))
    assert first != named_by_salted_hash(b"compta@gaec.example", bytes(15) + b"\x01")
    with pytest.raises(ValueError, match="guessed"):
        named_by_salted_hash(b"compta@gaec.example", b"short")

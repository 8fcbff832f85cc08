"""A time-stamp is kept when it says what was asked; an authority that is down or lies is told apart."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from faitfoi.evidence.stamps import LARGEST_ANSWER, AuthoritySilent, StampRefused, ask_stamp, check_stamp, load_roots
from tests.evidence.tsa import MESSAGE, Authority, Lie, about_something_else, garbage, serving, with_another_nonce
from tests.waiting import PATIENCE


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with serving(Authority(tmp_path / "tsa")) as made:
        yield made


HURRIED = 1.0
"""Seconds that an authority is waited for which takes far longer."""


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the authority stamps the real hour


def test_a_stamp_of_what_was_asked_is_kept_and_verifies_again(authority: Authority) -> None:
    roots = load_roots(authority.roots.read_bytes())
    stamp = ask_stamp(MESSAGE, url=authority.url, roots=roots, now=now())
    assert abs(stamp.at - now()) < timedelta(minutes=1)
    assert check_stamp(stamp.token, MESSAGE, roots=roots) == stamp
    with pytest.raises(StampRefused):
        check_stamp(stamp.token, MESSAGE + b"x", roots=roots)
    changed = bytearray(stamp.token)
    changed[-5] ^= 1
    with pytest.raises(StampRefused):
        check_stamp(bytes(changed), MESSAGE, roots=roots)


@pytest.mark.parametrize("lie", [about_something_else, with_another_nonce, garbage])
def test_a_lie_is_refused(authority: Authority, lie: Lie) -> None:
    authority.lie = lie
    roots = load_roots(authority.roots.read_bytes())
    with pytest.raises(StampRefused, match="demandé"):
        ask_stamp(MESSAGE, url=authority.url, roots=roots, now=now())


def test_a_stamp_that_leads_to_another_root_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = load_roots(Authority(tmp_path / "other").roots.read_bytes())
    with pytest.raises(StampRefused):
        ask_stamp(MESSAGE, url=authority.url, roots=other, now=now())


def test_an_expired_authority_is_refused(tmp_path: Path) -> None:
    with serving(Authority(tmp_path / "old", valid_until=now() - timedelta(days=1))) as old:
        roots = load_roots(old.roots.read_bytes())
        with pytest.raises(StampRefused):
            ask_stamp(MESSAGE, url=old.url, roots=roots, now=now())


@pytest.mark.parametrize("years", [-10, 10])
def test_clocks_that_differ_are_told(authority: Authority, years: int) -> None:
    roots = load_roots(authority.roots.read_bytes())
    with pytest.raises(StampRefused, match="horloge"):
        ask_stamp(MESSAGE, url=authority.url, roots=roots, now=now() + timedelta(days=365 * years))


def test_an_authority_that_is_down_is_not_one_that_lies(authority: Authority) -> None:
    roots = load_roots(authority.roots.read_bytes())
    authority.down = True
    with pytest.raises(AuthoritySilent, match="503"):
        ask_stamp(MESSAGE, url=authority.url, roots=roots, now=now())
    with pytest.raises(AuthoritySilent, match="ne répond pas"):
        ask_stamp(MESSAGE, url="http://127.0.0.1:9/tsa", roots=roots, now=now())


def test_an_authority_that_is_slow_or_never_ends_is_not_waited_for(authority: Authority) -> None:
    roots = load_roots(authority.roots.read_bytes())
    authority.delay = PATIENCE
    with pytest.raises(AuthoritySilent, match="ne répond pas"):
        ask_stamp(MESSAGE, url=authority.url, roots=roots, now=now(), timeout=HURRIED)
    authority.delay, authority.drip = 0, 0.05  # each byte comes in time, all of them would take a minute
    with pytest.raises(AuthoritySilent, match="ne répond pas"):
        ask_stamp(MESSAGE, url=authority.url, roots=roots, now=now(), timeout=HURRIED)


def test_an_answer_without_end_is_not_read(authority: Authority) -> None:
    authority.lie = lambda _authority, _query: bytes(LARGEST_ANSWER + 1)
    roots = load_roots(authority.roots.read_bytes())
    with pytest.raises(AuthoritySilent, match="trop long"):
        ask_stamp(MESSAGE, url=authority.url, roots=roots, now=now())


def test_a_file_without_roots_is_refused() -> None:
    with pytest.raises(StampRefused, match="FAITFOI_TSA_ROOTS"):
        load_roots(b"nothing")

"""RFC 6962 trees: published vectors, and properties over trees of every shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.merkle import (
    EMPTY_ROOT,
    Frontier,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from tests.evidence.rows import consistency_proof, inclusion_proof
from tests.work import cost

# The inputs and heads that every Certificate Transparency implementation is tested with.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
HEADS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def by_the_definition(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word: slow, and the measure of the fast one."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(by_the_definition(hashes[:split]), by_the_definition(hashes[split:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_heads_are_found(size: int) -> None:
    assert root(LEAVES[:size]).hex() == HEADS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_published_inclusion_path_is_found() -> None:
    assert [step.hex() for step in inclusion_proof(LEAVES, 5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.integers(0, 300))
def test_root_and_frontier_agree_with_the_definition(size: int) -> None:
    frontier = Frontier()
    for leaf in leaves(size):
        frontier.append(leaf)
    assert frontier.size == size
    assert frontier.root() == root(leaves(size)) == by_the_definition(leaves(size))


@given(st.integers(0, 300), st.integers(0, 40))
def test_a_frontier_goes_on_after_a_restart(before: int, after: int) -> None:
    kept = leaves(before + after)
    frontier = Frontier()
    for leaf in kept[:before]:
        frontier.append(leaf)
    again = Frontier.load(frontier.dump())
    for leaf in kept[before:]:
        again.append(leaf)
    assert (again.size, again.root()) == (before + after, root(kept))


@pytest.mark.parametrize("damage", [b"", b"\x00" * 7, (3).to_bytes(8, "big") + b"\x00" * 32])
def test_bytes_that_are_no_frontier_are_refused(damage: bytes) -> None:
    with pytest.raises(ValueError, match="not a frontier"):
        Frontier.load(damage)


@given(st.data())
def test_every_leaf_is_proven_and_no_other_is(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    kept = leaves(size)
    head, proof = root(kept), inclusion_proof(kept, index)
    assert verify_inclusion(kept[index], index=index, size=size, proof=proof, head=head)
    assert not verify_inclusion(leaf_hash(b"another"), index=index, size=size, proof=proof, head=head)
    other = data.draw(st.integers(-1, size).filter(lambda number: number != index))
    assert not verify_inclusion(kept[index], index=other, size=size, proof=proof, head=head)
    assert not verify_inclusion(kept[index], index=index, size=size, proof=[*proof, head], head=head)
    if proof:
        assert not verify_inclusion(kept[index], index=index, size=size, proof=proof[:-1], head=head)


@given(st.data())
def test_growth_is_proven_and_a_rewritten_past_is_not(data: st.DataObject) -> None:
    later = data.draw(st.integers(1, 130))
    earlier = data.draw(st.integers(1, later))
    kept = leaves(later)
    proof = consistency_proof(kept, earlier)
    heads = {"earlier_head": root(kept[:earlier]), "later_head": root(kept)}
    assert verify_consistency(earlier=earlier, later=later, proof=proof, **heads)
    changed = data.draw(st.integers(0, earlier - 1))
    rewritten = [*kept]
    rewritten[changed] = leaf_hash(b"rewritten")
    forged = consistency_proof(rewritten, earlier)
    heads["later_head"] = root(rewritten)
    assert not verify_consistency(earlier=earlier, later=later, proof=forged, **heads)
    assert not verify_consistency(earlier=earlier, later=later, proof=proof, **heads)


def test_anything_grows_from_the_empty_tree() -> None:
    head = root(leaves(5))
    assert verify_consistency(
        earlier=0, later=5, earlier_head=EMPTY_ROOT, later_head=head, proof=consistency_proof(leaves(5), 0)
    )
    assert not verify_consistency(earlier=6, later=5, earlier_head=head, later_head=head, proof=[])


def test_a_hundred_thousand_leaves_take_less_than_a_second() -> None:
    kept = leaves(100_000)
    assert cost(lambda: root(kept)) < 1

"""The tree by tiles equals the tree by definition, at every size that matters."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faitfoi.evidence import merkle
from faitfoi.evidence.tiles import TiledTree
from tests.evidence.rows import Rows

LEAVES = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(70_000)]
SIZES = (1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000, 4_096, 65_535, 65_536, 65_537, 70_000)


ROWS = Rows(LEAVES, 300, 301, 65_000, 70_000)


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert TiledTree(size, ROWS.row).root() == merkle.root(LEAVES[:size])


def test_the_root_of_nothing() -> None:
    assert TiledTree(0, ROWS.row).root() == merkle.EMPTY_ROOT


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIZES), st.data())
def test_proofs_verify_against_the_definition(size: int, data: st.DataObject) -> None:
    tree, head = TiledTree(size, ROWS.row), merkle.root(LEAVES[:size])
    index = data.draw(st.integers(0, size - 1))
    assert merkle.verify_inclusion(LEAVES[index], index=index, size=size, proof=tree.inclusion(index), head=head)
    earlier = data.draw(st.integers(0, size))
    assert merkle.verify_consistency(
        earlier=earlier,
        later=size,
        earlier_head=merkle.root(LEAVES[:earlier]),
        later_head=head,
        proof=tree.consistency(earlier),
    )


def test_a_proof_reads_few_rows() -> None:
    rows = Rows(LEAVES)
    TiledTree(70_000, rows.row).inclusion(12_345)
    assert rows.read <= 4


def test_an_entry_outside_the_tree_has_no_proof() -> None:
    with pytest.raises(IndexError, match="300"):
        TiledTree(300, ROWS.row).inclusion(300)
    with pytest.raises(IndexError, match="301"):
        TiledTree(300, ROWS.row).consistency(301)

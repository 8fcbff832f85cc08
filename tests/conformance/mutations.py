"""From a valid document to a mutant, always the same one for the same seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from lxml import etree

from faitfoi.einvoice.xml import parse_xml
from tests.conformance import extended, french, grouped, structure, values  # noqa: F401  (importing them fills the register)
from tests.conformance.mutation import MUTATIONS
from tests.conformance.tree import Tree

_TRIES = 100
# Rules also meet each other: one mutant in five is changed twice.
_TWICE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One changed document: what it was made from, and the kinds of mutation that changed it."""

    base: str
    kinds: tuple[str, ...]
    xml: bytes

    @property
    def name(self) -> str:
        """What to call it in a report."""
        return f"{self.base}: {' + '.join(self.kinds)}"


def mutants(bases: Sequence[tuple[str, bytes]], count: int, *, seed: int) -> Iterator[Mutant]:
    """`count` mutants of the documents `bases`, the kinds taken in turn, so that each is used as often as another."""
    kinds = sorted(MUTATIONS)
    for position in range(count):
        yield mutant(bases, kinds[position % len(kinds)], seed=f"{seed}/{position}")


def mutant(bases: Sequence[tuple[str, bytes]], kind: str, *, seed: str) -> Mutant:
    """One mutant of that kind, from the first document drawn that has what it changes; else of another kind."""
    dice = Random(seed)
    while True:
        for _ in range(_TRIES):
            base, xml = dice.choice(bases)
            tree = Tree(parse_xml(xml), dice)
            if MUTATIONS[kind](tree):
                kinds = (kind, *_once_more(tree))
                return Mutant(base=base, kinds=kinds, xml=etree.tostring(tree.root, encoding="UTF-8"))
        kind = dice.choice(sorted(MUTATIONS))


def _once_more(tree: Tree) -> tuple[str, ...]:
    """Sometimes a second change of the same document."""
    if tree.dice.random() >= _TWICE:
        return ()
    another = tree.dice.choice(sorted(MUTATIONS))
    return (another,) if MUTATIONS[another](tree) else ()

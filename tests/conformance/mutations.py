"""From a valid document to a mutant, always the same one for the same seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from lxml import etree

from faitfoi.einvoice.xml import parse_xml
from tests.conformance import french, structure, values  # noqa: F401  (importing them fills the register)
from tests.conformance.mutation import MUTATIONS
from tests.conformance.tree import Tree

_TRIES = 200
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
    """One mutant of that kind, from the first document drawn that has what it changes.

    Raises LookupError when none of many draws can be changed that way.
    """
    dice = Random(seed)
    for _ in range(_TRIES):
        base, xml = dice.choice(bases)
        tree = Tree(parse_xml(xml), dice)
        kinds = [kind]
        if not MUTATIONS[kind](tree):
            continue
        if dice.random() < _TWICE:
            another = dice.choice(sorted(MUTATIONS))
            if MUTATIONS[another](tree):
                kinds.append(another)
        return Mutant(base=base, kinds=tuple(kinds), xml=etree.tostring(tree.root, encoding="UTF-8"))
    raise LookupError(f"no document can be changed this way: {kind}")

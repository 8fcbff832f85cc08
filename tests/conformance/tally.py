"""What many comparisons add up to, by rule."""

import fnmatch
from collections import Counter
from dataclasses import dataclass, field

from tests.conformance.comparison import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One document and what was found; `comparison` is None when it could not be read at all."""

    name: str
    xml: bytes
    comparison: Comparison | None

    @property
    def well_formed(self) -> bool:
        """False when the official schema refuses the document before any rule."""
        return self.comparison is None or self.comparison.well_formed


@dataclass(slots=True)
class Tally:
    """What all comparisons add up to, for the rules whose id is like `only`.

    `read_away` are differences that come from reading, not from a rule: they are counted apart from `false_alarms` and
    `misses`, and are differences all the same.
    """

    only: str = "*"
    documents: int = 0
    unreadable: int = 0
    unjudged: int = 0
    same_verdict: int = 0
    ours_ms: float = 0
    official_ms: float = 0
    agreed: Counter[str] = field(default_factory=Counter)
    false_alarms: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    read_away: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    lost: dict[str, list[str]] = field(default_factory=dict)

    def add(self, judged: Judged) -> None:
        """Count one document."""
        self.documents += 1
        found = judged.comparison
        if found is None:
            self.unreadable += 1
            return
        both = found.agreement
        self.unjudged += bool(both.unjudged)
        self.ours_ms += both.ours_ms
        self.official_ms += both.official_ms
        self.same_verdict += not self._of_interest(both.differences)
        self.agreed.update(self._of_interest((both.ours & both.official) - both.unjudged))
        self.read_away.update(self._of_interest(found.read_away))
        self.false_alarms.update(self._of_interest(both.only_ours - found.read_away))
        self.misses.update(self._of_interest(both.only_official - found.read_away))
        for rule in self._of_interest(both.differences):
            told = self.lost if rule in found.read_away else self.examples
            side = "false alarm" if rule in both.ours else "missed"
            told.setdefault(rule, []).append(f"{side} in {judged.name}")

    def _of_interest(self, rules: frozenset[str]) -> list[str]:
        return [rule for rule in rules if fnmatch.fnmatchcase(rule, self.only)]

    @property
    def judged(self) -> int:
        """How many documents both judges took."""
        return self.documents - self.unreadable

    @property
    def agreed_verdicts(self) -> int:
        """How often both judges found a rule broken."""
        return sum(self.agreed.values())

    @property
    def verdicts(self) -> int:
        """How often one judge at least found a rule broken."""
        others = (self.false_alarms, self.misses, self.read_away)
        return self.agreed_verdicts + sum(sum(each.values()) for each in others)

    @property
    def rules(self) -> list[str]:
        """The rules that were broken at all."""
        return sorted({*self.agreed, *self.false_alarms, *self.misses, *self.read_away})

    @property
    def differing(self) -> list[str]:
        """The rules on which the two judges differ for another reason than reading."""
        return sorted({*self.false_alarms, *self.misses})

    def unexplained(self, known: tuple[str, ...]) -> list[str]:
        """The differing rules that are not like any of the `known` ones."""
        return [rule for rule in self.differing if not any(fnmatch.fnmatchcase(rule, one) for one in known)]

    def figures(self) -> dict[str, object]:
        """All of it, for a program."""
        return {
            "documents": self.documents,
            "unreadable": self.unreadable,
            "all_the_same": self.same_verdict,
            "verdicts": self.verdicts,
            "agreed_verdicts": self.agreed_verdicts,
            "false_alarms": dict(self.false_alarms),
            "misses": dict(self.misses),
            "read_away": dict(self.read_away),
        }


def percent(part: int, whole: int) -> str:
    """A share as people read it, a dash of nothing; never rounded up to 100."""
    if whole == 0:
        return "—"
    share = f"{100 * part / whole:.2f} %"
    return "> 99.99 %" if part < whole and share == "100.00 %" else share

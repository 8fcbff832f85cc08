"""Compare our rules with the official judge on mutants of valid invoices, and say by rule where they differ.

    tools/conformance.py --mutants 5000 --seed 1 [--rule BR-CO-10] [--save build/conformance]

Exit 0 when every difference is explained: lost by our reader (shown apart), or listed with its reason in
docs/conformance.md. A mutant is found again by its number and the seed.
"""

import argparse
import fnmatch
import json
import multiprocessing
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.conformance.bases import documents  # noqa: E402  (the root must be importable first)
from tests.conformance.comparison import Comparison, explain  # noqa: E402
from tests.conformance.corpora import valid_files  # noqa: E402
from tests.conformance.mutation import MUTATIONS  # noqa: E402
from tests.conformance.mutations import Mutant, mutant  # noqa: E402

from faitfoi.einvoice.reading import Unreadable  # noqa: E402

PAGE = ROOT / "docs" / "conformance.md"
CHUNK = 20


def main() -> int:
    """Run the comparison the arguments ask for, print it, and return the exit code."""
    options = _arguments()
    tally, refused = Tally(only=options.rule), Tally(only=options.rule)
    started = time.monotonic()
    sources = tuple(each for each in (*documents(), *valid_files()) if options.base in each[0])
    for judged in _judged(options, sources):
        by_schema = judged.comparison is not None and not judged.comparison.well_formed
        (refused if by_schema else tally).add(judged)
    _print(tally, refused, options, sources=len(sources), seconds=time.monotonic() - started)
    return 1 if tally.unexplained(known_differences()) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One mutant and what was found; `comparison` is None when it could not be read at all."""

    number: int
    mutant: Mutant
    comparison: Comparison | None


@dataclass(slots=True)
class Tally:
    """What all comparisons add up to, for the rules whose id is like `only`."""

    only: str
    documents: int = 0
    unreadable: int = 0
    unjudged: int = 0
    same_verdict: int = 0
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
        self.same_verdict += not self._of_interest(both.differences)
        self.agreed.update(self._of_interest(both.ours & both.official))
        self.read_away.update(self._of_interest(found.read_away))
        self.false_alarms.update(self._of_interest(both.only_ours - found.read_away))
        self.misses.update(self._of_interest(both.only_official - found.read_away))
        for rule in self._of_interest(both.differences):
            told = self.lost if rule in found.read_away else self.examples
            side = "false alarm" if rule in both.ours else "missed"
            told.setdefault(rule, []).append(f"{side} in mutant {judged.number}, {judged.mutant.name}")

    def _of_interest(self, rules: frozenset[str]) -> list[str]:
        return [rule for rule in rules if fnmatch.fnmatchcase(rule, self.only)]

    @property
    def differing(self) -> list[str]:
        """The rules on which the two judges differ for another reason than reading."""
        return sorted(set(self.false_alarms) | set(self.misses))

    def unexplained(self, known: tuple[str, ...]) -> list[str]:
        """The differing rules that docs/conformance.md does not list."""
        return [rule for rule in self.differing if not any(fnmatch.fnmatchcase(rule, one) for one in known)]


def known_differences() -> tuple[str, ...]:
    """The rules (or patterns with `*`) that the table of docs/conformance.md gives a reason for."""
    text = PAGE.read_text(encoding="utf-8")
    _, _, table = text.partition("<!-- differences -->")
    return tuple(re.findall(r"^\| `([^`]+)`", table, flags=re.MULTILINE))


def ready(sources: tuple[tuple[str, bytes], ...]) -> None:
    """Make a process ready to judge mutants of these documents."""
    global _sources
    _sources = sources
    # Saxon prints a page of its own for each document that stops a sheet; the tally says how many did.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


_sources: tuple[tuple[str, bytes], ...] = ()


def judge(seed: int, numbers: range, kinds: tuple[str, ...]) -> list[Judged]:
    """Make and judge the mutants of these numbers, in a process of its own."""
    found = []
    for number in numbers:
        made = mutant(_sources, kinds[number % len(kinds)], seed=f"{seed}/{number}")
        try:
            comparison: Comparison | None = explain(made.xml)
        except Unreadable:
            comparison = None
        found.append(Judged(number=number, mutant=made, comparison=comparison))
    return found


def _judged(options: argparse.Namespace, sources: tuple[tuple[str, bytes], ...]) -> Iterator[Judged]:
    """Every mutant judged, in the order in which they are ready; stops in time and says so."""
    kinds = tuple(sorted(kind for kind in MUTATIONS if options.kind in kind))
    chunks = [
        range(start, min(start + CHUNK, options.start + options.mutants))
        for start in range(options.start, options.start + options.mutants, CHUNK)
    ]
    deadline = time.monotonic() + options.seconds
    # The official judge's virtual machine does not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(options.jobs, mp_context=context, initializer=ready, initargs=(sources,))
    with _bar() as bar, pool:
        task = bar.add_task("mutants", total=options.mutants)
        waiting: set[Future[list[Judged]]] = {pool.submit(judge, options.seed, chunk, kinds) for chunk in chunks}
        for done in as_completed(waiting):
            for judged in done.result():
                if options.save:
                    _save(judged, options)
                yield judged
            bar.advance(task, CHUNK)
            if time.monotonic() > deadline:
                print(f"Stopped after {options.seconds} s: the figures are those of the mutants judged so far.")
                pool.shutdown(wait=False, cancel_futures=True)
                return


def _save(judged: Judged, options: argparse.Namespace) -> None:
    comparison = judged.comparison
    different = () if comparison is None else comparison.agreement.differences - comparison.read_away
    if not any(fnmatch.fnmatchcase(rule, options.rule) for rule in different):
        return
    folder = Path(options.save)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{options.seed}-{judged.number}.xml").write_bytes(judged.mutant.xml)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())


def _print(tally: Tally, refused: Tally, options: argparse.Namespace, *, sources: int, seconds: float) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    rules = sorted(set(tally.agreed) | set(tally.differing) | set(tally.read_away))
    unlisted = tally.unexplained(known_differences())
    console.print(_table(tally, rules if options.all else _telling(tally, rules)))
    for rule in tally.differing:
        state = "" if rule in unlisted else " (listed)"
        console.print(f"[bold]{rule}[/]{state}: " + "; ".join(tally.examples[rule][: options.examples]))
    for rule, examples in sorted(tally.lost.items()) if options.lost else ():
        console.print(f"[bold]{rule}[/] lost while reading: " + "; ".join(examples[: options.examples]))
    _write(tally, refused, options)
    console.print(
        f"{tally.documents + refused.documents} mutants of {len(MUTATIONS)} kinds from {sources} valid documents, "
        f"seed {options.seed}, in {seconds:.0f} s; {tally.unreadable} unreadable, {tally.unjudged} on which an "
        f"official sheet stopped. {len(rules)} rules were broken by one judge at least, {len(tally.differing)} differ."
    )
    console.print(f"Documents that the schema takes: {_sum_up(tally)}")
    console.print(f"Documents that the schema refuses: {_sum_up(refused)}")
    if unlisted:
        console.print(f"Not listed in {PAGE.relative_to(ROOT)}: {', '.join(unlisted)}", style="red")


def _sum_up(tally: Tally) -> str:
    judged = tally.documents - tally.unreadable
    same, lost = sum(tally.agreed.values()), sum(tally.read_away.values())
    alarms, misses = sum(tally.false_alarms.values()), sum(tally.misses.values())
    return (
        f"{judged}; verdicts of rules: {same} the same, {alarms} false alarms, {misses} misses, "
        f"{_percent(same, same + alarms + misses)} agreement; {lost} more lost while reading "
        f"({_percent(same, same + alarms + misses + lost)} with them). "
        f"All verdicts the same on {_percent(tally.same_verdict, judged)} of the documents."
    )


def _telling(tally: Tally, rules: list[str]) -> list[str]:
    """The rules worth a line: those that differ."""
    return [rule for rule in rules if rule in tally.differing or rule in tally.read_away]


def _table(tally: Tally, rules: list[str]) -> Table:
    table = Table(title="Where the judges differ (--all: every rule)" if rules else "No rule differs")
    for name in ("rule", "same", "false alarms", "misses", "lost while reading", "agreement"):
        table.add_column(name, justify="left" if name == "rule" else "right")
    for rule in rules:
        same, alarms, misses = tally.agreed[rule], tally.false_alarms[rule], tally.misses[rule]
        counts = (same, alarms, misses, tally.read_away[rule])
        table.add_row(rule, *(str(count or "·") for count in counts), _percent(same, same + alarms + misses))
    return table


def _write(tally: Tally, refused: Tally, options: argparse.Namespace) -> None:
    """The same figures for a program, in build/conformance.json."""
    path = ROOT / "build" / "conformance.json"
    path.parent.mkdir(exist_ok=True)
    figures = {
        "kinds": len(MUTATIONS),
        "seed": options.seed,
        **{name: _figures(each) for name, each in (("schema_takes", tally), ("schema_refuses", refused))},
    }
    path.write_text(json.dumps(figures, indent=1, sort_keys=True), encoding="utf-8")


def _figures(tally: Tally) -> dict[str, object]:
    return {
        "documents": tally.documents,
        "all_the_same": tally.same_verdict,
        "same": sum(tally.agreed.values()),
        "false_alarms": dict(tally.false_alarms),
        "misses": dict(tally.misses),
        "read_away": dict(tally.read_away),
    }


def _percent(part: int, whole: int) -> str:
    return "—" if whole == 0 else f"{100 * part / whole:.2f} %"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=5000, help="how many (5000)")
    parser.add_argument("--seed", type=int, default=1, help="other seeds give other mutants (1)")
    parser.add_argument("--start", type=int, default=0, help="the number of the first one (0)")
    parser.add_argument("--base", default="", help="only documents whose name contains this")
    parser.add_argument("--kind", default="", help="only kinds of mutation whose name contains this")
    parser.add_argument("--rule", default="*", help="only compare rules like this: BR-FR-*, BR-S-0?")
    parser.add_argument("--save", default="", help="a folder for the documents on which the judges differ")
    parser.add_argument("--examples", type=int, default=3, help="how many examples for each differing rule (3)")
    parser.add_argument("--lost", action="store_true", help="examples of what is lost while reading, too")
    parser.add_argument("--all", action="store_true", help="a line for every rule, not only for those that differ")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one for each core)")
    parser.add_argument("--seconds", type=int, default=1800, help="stop then, and report what is done (1800)")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())

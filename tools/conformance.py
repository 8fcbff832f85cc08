"""Compare our rules with the official judge on the public test data and on mutants of valid invoices, rule by rule.

    tools/conformance.py --mutants 5000 --seed 1 [--rule BR-CO-10] [--save build/conformance]

Exit 0 when every difference is explained: lost by our reader (shown apart), or listed with its reason in
docs/conformance.md. A mutant is found again by its number and the seed. `--record` writes the figures into that page.
"""

import argparse
import fnmatch
import json
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.conformance.bases import documents  # noqa: E402  (the root must be importable first)
from tests.conformance.comparison import explain  # noqa: E402
from tests.conformance.corpora import CORPORA, corpora, valid_files  # noqa: E402
from tests.conformance.mutation import MUTATIONS  # noqa: E402
from tests.conformance.mutations import mutant  # noqa: E402
from tests.conformance.tally import Judged, Tally, percent  # noqa: E402

from faitfoi.einvoice.reading import Unreadable  # noqa: E402

PAGE = ROOT / "docs" / "conformance.md"
CHUNK = 20
TAKEN, REFUSED = "documents that the schema takes", "documents that the schema refuses"


@dataclass(slots=True)
class Run:
    """What was compared: the public files by folder, the mutants by whether the schema takes them."""

    files: dict[str, Tally]
    mutants: dict[str, Tally]
    kinds: int
    sources: int
    seed: int
    seconds: float = 0

    @property
    def tallies(self) -> list[Tally]:
        """Every tally."""
        return [*self.files.values(), *self.mutants.values()]

    def unexplained(self) -> list[str]:
        """The differing rules that docs/conformance.md does not list; mutants that no schema takes are not counted."""
        counted = [*self.files.values(), self.mutants[TAKEN]]
        return sorted({rule for tally in counted for rule in tally.unexplained(known_differences())})


def main() -> int:
    """Run the comparison the arguments ask for, print it, and return the exit code."""
    options = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    started = time.monotonic()
    sources = tuple(each for each in (*documents(), *valid_files()) if options.base in each[0])
    run = Run(
        files={},
        mutants={TAKEN: Tally(only=options.rule), REFUSED: Tally(only=options.rule)},
        kinds=len(MUTATIONS),
        sources=len(sources),
        seed=options.seed,
    )
    for group, judged in _judged(options, sources):
        if group is not None:
            run.files.setdefault(group, Tally(only=options.rule)).add(judged)
        else:
            run.mutants[TAKEN if judged.well_formed else REFUSED].add(judged)
    run.seconds = time.monotonic() - started
    _print(run, options, console)
    _write(run)
    if options.record:
        record(run)
    return 1 if run.unexplained() else 0


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
_Grouped = list[tuple[str | None, Judged]]


def judge_mutants(seed: int, numbers: range, kinds: tuple[str, ...]) -> _Grouped:
    """Make and judge the mutants of these numbers, in a process of its own."""
    found: _Grouped = []
    for number in numbers:
        made = mutant(_sources, kinds[number % len(kinds)], seed=f"{seed}/{number}")
        found.append((None, _judge(f"mutant {number}, {made.name}", made.xml)))
    return found


def judge_files(files: list[tuple[str, str, bytes]]) -> _Grouped:
    """Judge these files, each with its folder, in a process of its own."""
    return [(folder, _judge(name, xml)) for folder, name, xml in files]


def _judge(name: str, xml: bytes) -> Judged:
    try:
        return Judged(name=name, xml=xml, comparison=explain(xml))
    except Unreadable:
        return Judged(name=name, xml=xml, comparison=None)


def _judged(options: argparse.Namespace, sources: tuple[tuple[str, bytes], ...]) -> Iterator[tuple[str | None, Judged]]:
    """Every file, with its folder, and every mutant judged, in the order they are ready; stops in time, says so."""
    kinds = tuple(sorted(kind for kind in MUTATIONS if options.kind in kind))
    files = [] if options.no_corpora else [each for each in corpora() if options.base in each[1]]
    last = options.start + options.mutants
    deadline = time.monotonic() + options.seconds
    # The official judge's virtual machine does not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(options.jobs, mp_context=context, initializer=ready, initargs=(sources,))
    with _bar() as bar, pool:
        task = bar.add_task("documents", total=options.mutants + len(files))
        waiting: set[Future[_Grouped]] = {
            pool.submit(judge_files, files[start : start + CHUNK]) for start in range(0, len(files), CHUNK)
        }
        waiting |= {
            pool.submit(judge_mutants, options.seed, range(start, min(start + CHUNK, last)), kinds)
            for start in range(options.start, last, CHUNK)
        }
        for done in as_completed(waiting):
            for group, judged in done.result():
                if options.save:
                    _save(judged, options)
                yield group, judged
            bar.advance(task, CHUNK)
            if time.monotonic() > deadline:
                print(f"Stopped after {options.seconds} s: the figures are those of the documents judged so far.")
                pool.shutdown(wait=False, cancel_futures=True)
                return


def _save(judged: Judged, options: argparse.Namespace) -> None:
    comparison = judged.comparison
    different = () if comparison is None else comparison.agreement.differences
    if not any(fnmatch.fnmatchcase(rule, options.rule) for rule in different):
        return
    folder = Path(options.save)
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", judged.name)[:100]
    (folder / f"{options.seed}-{name}.xml").write_bytes(judged.xml)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())


def _print(run: Run, options: argparse.Namespace, console: Console) -> None:
    if not run.files and not options.no_corpora:
        console.print(f"The public test data is not at {CORPORA}: only mutants of our own documents were compared.")
    console.print(_documents(run))
    rules = sorted({rule for tally in run.tallies for rule in (tally.rules if options.all else _telling(tally))})
    console.print(_rules(run, rules))
    known = known_differences()
    for tally in run.tallies:
        for rule in tally.differing:
            state = "" if rule in tally.unexplained(known) else " (listed)"
            console.print(f"[bold]{rule}[/]{state}: " + "; ".join(tally.examples[rule][: options.examples]))
        for rule, examples in sorted(tally.lost.items()) if options.lost else ():
            console.print(f"[bold]{rule}[/] lost while reading: " + "; ".join(examples[: options.examples]))
    documents_judged = sum(tally.documents for tally in run.tallies)
    console.print(
        f"{documents_judged} documents in {run.seconds:.0f} s; mutants of {run.kinds} kinds from {run.sources} valid "
        f"documents, seed {run.seed}; {sum(tally.unreadable for tally in run.tallies)} unreadable, "
        f"{sum(tally.unjudged for tally in run.tallies)} on which an official sheet stopped. "
        f"{len({rule for tally in run.tallies for rule in tally.rules})} rules were broken by one judge at least."
    )
    if unlisted := run.unexplained():
        console.print(f"Not listed in {PAGE.relative_to(ROOT)}: {', '.join(unlisted)}", style="red")


def _telling(tally: Tally) -> list[str]:
    """The rules worth a line: those that differ."""
    return [rule for rule in tally.rules if rule in tally.differing or rule in tally.read_away]


def _rows(run: Run) -> Iterator[tuple[str, ...]]:
    """The figures of each folder of files and of the mutants, as they are printed and recorded."""
    named = [(f"corpora: {folder}", tally) for folder, tally in sorted(run.files.items())]
    named += [(f"mutants: {name}", tally) for name, tally in run.mutants.items()]
    for name, tally in named:
        yield (
            name,
            str(tally.judged),
            str(tally.same_verdict),
            str(tally.verdicts),
            str(tally.agreed_verdicts),
            percent(tally.agreed_verdicts, tally.verdicts),
            str(sum(tally.false_alarms.values())),
            str(sum(tally.misses.values())),
            str(sum(tally.read_away.values())),
        )


COLUMNS = (
    "documents",
    "files",
    "all the same",
    "verdicts",
    "agreed",
    "agreement",
    "false alarms",
    "misses",
    "lost while reading",
)


def _documents(run: Run) -> Table:
    table = Table(title="Both judges on the public test data (corpora) and on mutants")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "documents" else "right")
    for row in _rows(run):
        table.add_row(*row)
    return table


def _rules(run: Run, rules: list[str]) -> Table:
    table = Table(title="Where the judges differ (--all: every rule)" if rules else "No rule differs")
    for name in ("rule", "same", "false alarms", "misses", "lost while reading", "agreement"):
        table.add_column(name, justify="left" if name == "rule" else "right")
    for rule in rules:
        same, alarms, misses, lost = (
            sum(getattr(tally, counter)[rule] for tally in run.tallies)
            for counter in ("agreed", "false_alarms", "misses", "read_away")
        )
        counts = (str(count or "·") for count in (same, alarms, misses, lost))
        table.add_row(rule, *counts, percent(same, same + alarms + misses + lost))
    return table


def _write(run: Run) -> None:
    """The same figures for a program, in build/conformance.json."""
    path = ROOT / "build" / "conformance.json"
    path.parent.mkdir(exist_ok=True)
    figures = {
        "kinds": run.kinds,
        "seed": run.seed,
        "corpora": {folder: tally.figures() for folder, tally in run.files.items()},
        "schema_takes": run.mutants[TAKEN].figures(),
        "schema_refuses": run.mutants[REFUSED].figures(),
    }
    path.write_text(json.dumps(figures, indent=1, sort_keys=True), encoding="utf-8")


def record(run: Run) -> None:
    """Write the figures into the part of docs/conformance.md that is generated."""
    start, end = "<!-- figures: written by tools/conformance.py --record -->", "<!-- end of figures -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(end)
    ruler = ["---", *["--:"] * (len(COLUMNS) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (COLUMNS, ruler, *_rows(run))]
    broken = len({rule for tally in run.tallies for rule in tally.rules})
    said = (
        f"Seed {run.seed}, {run.kinds} kinds of mutation, {run.sources} valid documents to start from, {broken} rules "
        "broken by one judge at least."
    )
    PAGE.write_text("\n".join([f"{before}{start}", "", *lines, "", said, "", f"{end}{after}"]), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=5000, help="how many (5000)")
    parser.add_argument("--seed", type=int, default=1, help="other seeds give other mutants (1)")
    parser.add_argument("--start", type=int, default=0, help="the number of the first one (0)")
    parser.add_argument("--no-corpora", action="store_true", help="do not compare on the public test data itself")
    parser.add_argument("--base", default="", help="only documents whose name contains this")
    parser.add_argument("--kind", default="", help="only kinds of mutation whose name contains this")
    parser.add_argument("--rule", default="*", help="only compare rules like this: BR-FR-*, BR-S-0?")
    parser.add_argument("--save", default="", help="a folder for the documents on which the judges differ")
    parser.add_argument("--record", action="store_true", help="write the figures into docs/conformance.md")
    parser.add_argument("--examples", type=int, default=3, help="how many examples for each differing rule (3)")
    parser.add_argument("--lost", action="store_true", help="examples of what is lost while reading, too")
    parser.add_argument("--all", action="store_true", help="a line for every rule, not only for those that differ")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one for each core)")
    parser.add_argument("--seconds", type=int, default=1800, help="stop then, and report what is done (1800)")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())

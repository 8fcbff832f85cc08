"""What `faitfoi check` and `faitfoi compare` do: every file asked the same question, and told as it comes."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faitfoi.cli.library_compare import Agreements, show_comparison
from faitfoi.cli.library_desk import Question, Row, answers, finding
from faitfoi.cli.library_files import CannotWrite, find_files, forget_output
from faitfoi.cli.library_ledger import Ledger
from faitfoi.cli.library_words import WORDS, Counts, how_many, show_counts, show_report

VALID, INVALID, UNREADABLE = 0, 1, 2
INTERRUPTED = 130
"""As a shell says it of a program that Ctrl-C has ended."""


def check_all(
    files: list[Path], question: Question, *, as_json: bool, everything: bool, jobs: int, report: Path | None
) -> int:
    """Check what was given, say what is found, and return the exit code."""
    console, counts = Console(soft_wrap=True, highlight=False), Counts()
    found, folder = find_files(files, but=report)

    def tell(path: Path, row: Row) -> None:
        counts.add(row)
        if as_json:
            _print_json({"file": str(path), **_readable(row)})
        elif everything or not folder or not row.get("valid"):
            show_report(
                console,
                _name(path),
                row,
                language=question.language,
                everything=everything,
                official=question.official,
            )

    def tell_all(seconds: float, known: int) -> None:
        if not as_json and (folder or len(found) > 1):
            show_counts(console, counts, seconds=seconds, known=known, language=question.language)

    _run(found, question, tell=tell, tell_all=tell_all, jobs=jobs, report=report)
    return UNREADABLE if counts.unreadable else INVALID if counts.invalid else VALID


def compare_all(files: list[Path], question: Question, *, as_json: bool, jobs: int, report: Path | None) -> int:
    """Compare both judges on what was given, say what is found, and return the exit code."""
    console, sums = Console(soft_wrap=True, highlight=False), Agreements()
    found, folder = find_files(files, but=report)

    def tell(path: Path, row: Row) -> None:
        sums.add(row)
        if as_json:
            _print_json({"file": str(path), **_comparable(row)})
        elif not folder or row.get("only_ours") or row.get("only_official"):
            show_comparison(console, _name(path), row)

    def tell_all(seconds: float, known: int) -> None:
        if as_json:
            _print_json(sums.as_row())
        elif folder or len(found) > 1:
            sums.show(console, seconds=seconds, known=known)

    _run(found, question, tell=tell, tell_all=tell_all, jobs=jobs, report=report)
    return UNREADABLE if sums.unreadable else INVALID if sums.agreed_files < sums.files else VALID


def _run(
    files: list[Path],
    question: Question,
    *,
    tell: Callable[[Path, Row], None],
    tell_all: Callable[[float, int], None],
    jobs: int,
    report: Path | None,
) -> None:
    """Ask the question of every file, and say what is found as it comes; Ctrl-C says what was done so far."""
    if not files:
        typer.echo("Aucun fichier à juger : ce dossier est vide, ou ne contient que des fichiers cachés.", err=True)
        raise typer.Exit(UNREADABLE)
    wanted = min(jobs or len(os.sched_getaffinity(0)), len(files))
    started, done = time.monotonic(), 0
    with _courteous():
        ledger = Ledger(report, judge=_signature(question)) if report is not None else None
        try:
            with (
                _bar(len(files)) as advance,
                closing(answers(files, question, jobs=wanted, ledger=ledger)) as answered,
            ):
                for path, row in answered:
                    tell(path, row)
                    done += 1
                    advance()
        except KeyboardInterrupt:
            tell_all(time.monotonic() - started, ledger.found if ledger else 0)
            words = WORDS[question.language]
            stopped = words["stopped"].format(how_many(done, words["file"]), len(files))
            again = f" La même commande reprendra avec {report}." if report is not None else ""
            typer.echo(stopped + again, err=True)
            raise typer.Exit(INTERRUPTED) from None
        finally:
            if ledger is not None:
                ledger.close()
        tell_all(time.monotonic() - started, ledger.found if ledger else 0)


def _signature(question: Question) -> str:
    """Whatever a verdict depends on besides the file: another one is judged again."""
    asked = "compare" if question.compare else "official" if question.official else "ours"
    families = {None: "auto", True: "br-fr", False: "no-br-fr"}[question.br_fr]
    return f"{asked} {families} {question.language} faitfoi {version('faitfoi')} factur-x {version('factur-x')}"


def _readable(row: Row) -> Row:
    """A report as JSON has it: what cannot be read is a fatal finding of its own."""
    if "unreadable" not in row:
        return row
    findings = [finding("FF-UNREADABLE", row["unreadable"])]
    return {"format": "", "profile": "", "number": "", "valid": False, "findings": findings}


def _comparable(row: Row) -> Row:
    if "unreadable" not in row:
        return row
    nothing: Row = {name: [] for name in ("ours", "official", "only_ours", "only_official", "own", "apart", "unjudged")}
    return {**nothing, "unreadable": row["unreadable"]}


def _print_json(row: Any) -> None:
    line = json.dumps(row, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:  # a file's name need not be text, nor the output be in UTF-8
        line = json.dumps(row)
    print(line, flush=True)


def _name(path: Path) -> str:
    """A file's name as a terminal may show it: without anything that it would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in str(path))


@contextmanager
def _courteous() -> Iterator[None]:
    """A closed pipe or a full disk ends the command with one sentence, or none."""
    try:
        yield
    except CannotWrite as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREADABLE) from None
    except BrokenPipeError:
        forget_output()
        raise typer.Exit(UNREADABLE) from None


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar on the standard error while it is a terminal and there are many files."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # otherwise what is piped would go to the terminal
        disable=total < 2 or not sys.stderr.isatty(),
    )
    with progress:
        task = progress.add_task("Fichiers jugés", total=total)
        yield lambda: progress.advance(task)

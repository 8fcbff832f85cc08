"""Commands that work with the invoice library alone: check, extract."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Finding, Severity, is_valid
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.reading import Format, Unreadable
from faitfoi.pipeline.sandbox import Sandbox

VALID, INVALID, UNREADABLE = 0, 1, 2
Files = Annotated[list[Path], typer.Argument(help="Factures : PDF, XML ou JSON ; - pour l’entrée standard.")]
STYLE = {Severity.FATAL: "bold red", Severity.WARNING: "yellow", Severity.INFORMATION: "cyan"}
ORDER = [severity.value for severity in Severity]
MARK = {Severity.FATAL: "✗", Severity.WARNING: "!", Severity.INFORMATION: "·"}


def register(app: typer.Typer) -> None:
    """Add the library's commands."""
    app.command()(check)
    app.command()(extract)


def check(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="Une ligne de JSON par fichier.")] = False,
    br_fr: Annotated[bool, typer.Option("--br-fr", help="Applique aussi les règles françaises BR-FR.")] = False,
) -> None:
    """Vérifie des factures avec les règles officielles. Code 0 : valides ; 1 : non valide ; 2 : illisible."""
    worst = VALID
    console = Console()
    with Sandbox() as sandbox:
        for path in files:
            verdict, code = _judge(path, sandbox, br_fr=br_fr)
            worst = max(worst, code)
            if as_json:
                typer.echo(json.dumps(verdict, ensure_ascii=False))
            else:
                _show(console, verdict)
    raise typer.Exit(worst)


def extract(
    file: Annotated[Path, typer.Argument(help="Un PDF Factur-X ou ZUGFeRD ; - pour l’entrée standard.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Où écrire le XML (sinon sortie standard).")
    ] = None,
) -> None:
    """Sort le XML d’un PDF, octet pour octet."""
    with Sandbox() as sandbox:
        try:
            xml = sandbox.extract(_bytes_of(file))
        except Unreadable as error:
            typer.echo(f"{file} : {error.reason}", err=True)
            raise typer.Exit(UNREADABLE) from None
    if output is None:
        sys.stdout.buffer.write(xml)
        sys.stdout.buffer.flush()
    else:
        output.write_bytes(xml)


def _judge(path: Path, sandbox: Sandbox, *, br_fr: bool) -> tuple[dict[str, object], int]:
    try:
        reading = sandbox.read(_bytes_of(path))
    except Unreadable as error:
        finding = Finding(rule="FF-UNREADABLE", severity=Severity.FATAL, message=error.reason)
        return _verdict(path, format_="", profile="", findings=(finding,)), UNREADABLE
    xml = write_cii(reading.invoice) if reading.format is Format.JSON else reading.xml
    findings = (*reading.findings, *check_official(xml, br_fr=br_fr))
    verdict = _verdict(path, format_=reading.format.value, profile=reading.profile, findings=findings)
    return verdict, VALID if verdict["valid"] else INVALID


def _bytes_of(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"Ce fichier ne s’ouvre pas : {error.strerror}.") from error


def _verdict(path: Path, *, format_: str, profile: str, findings: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "file": str(path),
        "format": format_,
        "profile": profile,
        "valid": is_valid(findings),
        "findings": [
            {"rule": f.rule, "severity": f.severity.value, "term": f.term, "message": f.message} for f in findings
        ],
    }


def _show(console: Console, verdict: dict[str, object]) -> None:
    word = "[bold green]valide[/]" if verdict["valid"] else "[bold red]non valide[/]"
    console.print(f"{word}  ", end="")
    console.print(str(verdict["file"]), markup=False, highlight=False, end="")
    console.print(f"  ({verdict['format'] or 'illisible'})", style="dim", markup=False, highlight=False)
    findings = verdict["findings"]
    assert isinstance(findings, list)  # noqa: S101  # built just above
    told = Counter((item["severity"], item["rule"], item["term"], item["message"]) for item in findings)
    for (weight, rule, term, message), times in sorted(told.items(), key=lambda pair: ORDER.index(pair[0][0])):
        severity = Severity(weight)
        head = f"  {MARK[severity]} {rule}{f' {term}' if term else ''}{f' (× {times})' if times > 1 else ''}"
        console.print(head, style=STYLE[severity], markup=False, end="  ")
        console.print(message, markup=False, highlight=False)

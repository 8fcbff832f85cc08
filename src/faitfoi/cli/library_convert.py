"""`faitfoi convert`, `extract` and `render`: from any syntax to any other, to the XML inside, to a page for people."""

import os
import sys
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from faitfoi.einvoice.findings import Finding
    from faitfoi.einvoice.model import Invoice
    from faitfoi.einvoice.page import Look
    from faitfoi.einvoice.reading import Reading

DONE, REFUSED, UNREADABLE = 0, 1, 2


class To(StrEnum):
    """What `convert` writes."""

    CII = "cii"
    UBL = "ubl"
    JSON = "json"
    FACTURX = "facturx"


class ProfileName(StrEnum):
    """The profiles that can be asked for, as one types them."""

    MINIMUM = "minimum"
    BASIC_WL = "basic-wl"
    BASIC = "basic"
    EN16931 = "en16931"
    EXTENDED = "extended"
    EXTENDED_CTC_FR = "extended-ctc-fr"
    XRECHNUNG = "xrechnung"
    PEPPOL = "peppol"


File = Annotated[
    Path, typer.Argument(help="Une facture (PDF, XML ou JSON) ; - pour l’entrée standard.", show_default=False)
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Où écrire (sinon, sur la sortie standard).", show_default=False),
]


def convert(
    file: File,
    *,
    to: Annotated[To, typer.Option("--to", "-t", help="La forme voulue.", show_default=False)],
    output: Output = None,
    profile: Annotated[
        ProfileName | None,
        typer.Option(
            "--profile",
            "-p",
            help="Le profil voulu (BT-24) ; ce qui n’y tient pas est laissé, et dit.",
        ),
    ] = None,
    pdf: Annotated[
        Path | None,
        typer.Option(
            "--pdf", help="Avec --to facturx : le PDF/A qui portera la facture, au lieu du nôtre.", show_default=False
        ),
    ] = None,
    wrap: Annotated[
        bool, typer.Option("--wrap", help="Avec --pdf : fait d’abord un PDF/A de ses pages, si rien ne s’y oppose.")
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="N’écrit rien si quelque chose se perd ou si le résultat n’est pas valide."),
    ] = False,
) -> None:
    """Écrit une facture dans une autre syntaxe, et dit ce qui n’a pas pu être repris.

    Code 0 : écrit ; 1 : refusé (--strict, ou un PDF qui n’est pas un PDF/A) ; 2 : illisible, ou impossible à écrire.
    """
    if pdf is not None and to is not To.FACTURX:
        _give_up(pdf, "--pdf ne sert qu’avec --to facturx.")
    if wrap and pdf is None:
        _give_up(file, "--wrap enveloppe le PDF que --pdf donne : ajoutez --pdf.")
    _ask_for_a_file(output, binary=to is To.FACTURX)
    reading = _read(file)
    made, lost = _converted(reading, to, profile)
    invalid = _broken(made)
    _tell_losses(file, reading.invoice, lost)
    if invalid:
        rules = ", ".join(invalid)
        typer.echo(f"{file} : le résultat n’est pas valide ({rules}). faitfoi check dit pourquoi.", err=True)
    if strict and (lost or invalid):
        typer.echo(f"{file} : rien n’est écrit, parce que --strict le demande.", err=True)
        raise typer.Exit(REFUSED)
    if pdf is not None:
        made = _carried(pdf, made, wrap=wrap)
    elif to is To.FACTURX:
        made = _page(file, reading.invoice, look=_plain_look(), xml=made)
    _write(output, made)


def extract(file: File, output: Output = None) -> None:
    """Sort le XML d’un PDF Factur-X ou ZUGFeRD, octet pour octet."""
    from faitfoi.cli.library_files import read_file
    from faitfoi.einvoice.xml import Unreadable
    from faitfoi.pipeline.sandbox import Sandbox

    with Sandbox() as sandbox:
        try:
            xml = sandbox.extract(read_file(file))
        except Unreadable as error:
            _give_up(file, error.reason)
    _write(output, xml)


def render(
    file: File,
    *,
    output: Output = None,
    logo: Annotated[Path | None, typer.Option("--logo", help="Un logo, PNG ou SVG.", show_default=False)] = None,
    accent: Annotated[str, typer.Option("--accent", help="La couleur des filets et des titres.")] = "#1f4e79",
    footer: Annotated[str, typer.Option("--footer", help="Le texte au bas de chaque page.", show_default=False)] = "",
    mark: Annotated[
        str, typer.Option("--mark", help="Un mot en travers de chaque page, par exemple COPIE.", show_default=False)
    ] = "",
) -> None:
    """Met en page une facture pour qu’on la lise : un PDF/A sans données (convert --to facturx les joint)."""
    from faitfoi.cli.library_files import read_file
    from faitfoi.einvoice.page import Look
    from faitfoi.einvoice.xml import Unreadable

    _ask_for_a_file(output, binary=True)
    reading = _read(file)
    try:
        look = Look(logo=read_file(logo) if logo is not None else None, accent=accent, footer=footer)
    except Unreadable as error:
        _give_up(logo or file, error.reason)
    _write(output, _page(file, reading.invoice, look=look, mark=mark))


def _read(file: Path) -> "Reading":
    """Read in the limited child, or say why not and stop."""
    from faitfoi.cli.library_files import read_file
    from faitfoi.einvoice.xml import Unreadable
    from faitfoi.pipeline.sandbox import Sandbox

    with Sandbox() as sandbox:
        try:
            return sandbox.read(read_file(file))
        except Unreadable as error:
            _give_up(file, error.reason)


def _converted(reading: "Reading", to: To, name: ProfileName | None) -> "tuple[bytes, tuple[Finding, ...]]":
    """The XML or JSON asked for, and what it does not hold; a document already in that form stays as it is."""
    from faitfoi.einvoice.conversion import Target
    from faitfoi.einvoice.conversion import convert as convert_model
    from faitfoi.einvoice.profiles import Profile
    from faitfoi.einvoice.reading import Format

    profile = Profile[name.name] if name is not None else None
    already = {
        To.CII: {Format.CII, Format.FACTURX},
        To.FACTURX: {Format.CII, Format.FACTURX},
        To.UBL: {Format.UBL_INVOICE, Format.UBL_CREDIT_NOTE},
        To.JSON: set[Format](),
    }[to]
    if profile is None and reading.format in already:
        return reading.xml, ()
    target = Target.CII if to is To.FACTURX else Target(to.value)
    conversion = convert_model(reading.invoice, target, profile=profile)
    return conversion.content, (*reading.findings, *conversion.lost)


def _carried(pdf: Path, xml: bytes, *, wrap: bool) -> bytes:
    """The given PDF with the invoice inside, or every reason why it cannot carry one."""
    from rich.console import Console

    from faitfoi.cli.library_files import read_file
    from faitfoi.cli.library_words import show_findings
    from faitfoi.einvoice.pdfa import NotPdfA
    from faitfoi.einvoice.reading import read
    from faitfoi.einvoice.reports import as_rows
    from faitfoi.einvoice.xml import Unreadable
    from faitfoi.pipeline.sandbox import Sandbox

    invoice = read(xml).invoice
    with Sandbox() as sandbox:
        try:
            specification = invoice.process.specification
            return sandbox.attach(read_file(pdf), xml, at=_now(), specification=specification, wrap=wrap)
        except NotPdfA as error:
            cannot = "ses pages ne peuvent pas devenir un PDF/A" if wrap else "ce PDF n’est pas un PDF/A"
            typer.echo(f"{pdf} : {cannot}, il ne peut pas porter la facture.", err=True)
            console = Console(stderr=True, soft_wrap=True, highlight=False)
            show_findings(console, as_rows(error.findings, invoice), language="fr")
            raise typer.Exit(REFUSED) from None
        except Unreadable as error:
            _give_up(pdf, error.reason)


def _plain_look() -> "Look":
    from faitfoi.einvoice.page import Look

    return Look()


def _page(file: Path, invoice: "Invoice", *, look: "Look", xml: bytes | None = None, mark: str = "") -> bytes:
    """The readable copy, or a sentence about the look that cannot be drawn."""
    from faitfoi.einvoice.page import render_page

    try:
        return render_page(invoice, look=look, created=_now(), xml=xml, mark=mark)
    except ValueError as error:
        _give_up(file, f"cette page ne peut pas être mise en forme : {error}")


def _now() -> datetime:
    """This very second, or the one that SOURCE_DATE_EPOCH says, for who wants the same bytes twice."""
    return datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), tz=UTC)


def _broken(made: bytes) -> list[str]:
    """The rules that what was made breaks, EN 16931's and the French ones that block."""
    from faitfoi.einvoice.checking import check
    from faitfoi.einvoice.findings import Severity

    return list(dict.fromkeys(each.rule for each in check(made).findings if each.severity is Severity.FATAL))


def _tell_losses(file: Path, invoice: "Invoice", lost: "tuple[Finding, ...]") -> None:
    from rich.console import Console

    from faitfoi.cli.library_words import show_findings
    from faitfoi.einvoice.reports import as_rows

    if lost:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print(f"{file} : ce qui suit n’est pas repris.", markup=False)
        show_findings(console, as_rows(lost, invoice), language="fr")


def _write(output: Path | None, data: bytes) -> None:
    from faitfoi.cli.library_files import CannotWrite, write_file

    try:
        write_file(output, data)
    except CannotWrite as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREADABLE) from None


def _ask_for_a_file(output: Path | None, *, binary: bool) -> None:
    if binary and (output is None or str(output) == "-") and sys.stdout.isatty():
        typer.echo("Un PDF ne se lit pas dans un terminal : donnez-lui un fichier avec -o, ou un tube.", err=True)
        raise typer.Exit(UNREADABLE)


def _give_up(file: Path, reason: str) -> NoReturn:
    typer.echo(f"{file} : {reason}", err=True)
    raise typer.Exit(UNREADABLE)

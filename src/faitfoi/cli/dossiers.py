"""`faitfoi dossier`: hand out the proof of one invoice, or of all of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faitfoi.cli.sending import NamedInFull
from faitfoi.cli.server import fail, platform_open, the_document, the_organisation, write_or_leave

if TYPE_CHECKING:
    from faitfoi.accounts.models import Organisation

ACTOR = "operator"


def dossier(
    number: Annotated[str | None, typer.Argument(help="Le numéro de la facture ou de l’avoir.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Où l’écrire ; avec --all ou --year, dans quel dossier.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Un dossier pour chaque facture et avoir.")] = False,
    year: Annotated[int | None, typer.Option("--year", help="Ceux qui sont datés de cette année.")] = None,
    organisation: NamedInFull = None,
) -> None:
    """Écrit le dossier de preuve d’une facture : il se vérifie sans Faitfoi, hors ligne, par « sh verify.sh ».

    Avec --all ou --year, un dossier pour chacune ; relancée, la commande reprend où elle s’était arrêtée.
    """
    several = everything or year is not None
    if several == (number is not None):
        fail("Donnez un numéro, ou bien --all ou --year.", code=2)
    if several and output is None:
        fail("Dites dans quel dossier les écrire (-o).", code=2)
    with platform_open():
        from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
        from faitfoi.evidence.witness_wire import WitnessSilent
        from faitfoi.pipeline.dossiers import NotProved
        from faitfoi.pipeline.witnessing import JournalBehind

        chosen = the_organisation(organisation)
        try:
            if number is None and output is not None:
                _write_all(chosen, output, year=year)
            elif number is not None:
                _write_one(chosen, number, output)
        except (JournalBehind, NotProved, ObjectAltered, ObjectMissing, WitnessSilent) as error:
            fail(str(error))


def _write_one(chosen: "Organisation", number: str, output: Path | None) -> None:
    from faitfoi.evidence.dossier import dossier_name
    from faitfoi.pipeline.dossiers import NotProved, Planned, make_dossiers

    document = the_document(chosen, number)
    planned = Planned(document_id=document.id, path=f"{dossier_name(number)}.zip")
    ((_, content),) = make_dossiers(chosen.id, [planned], actor=ACTOR)
    if isinstance(content, NotProved):
        raise content
    target = output or Path(planned.path)
    write_or_leave(target, content)
    typer.echo(f"{target} : dossier de la facture {number}. Pour le vérifier : décompressez-le, « sh verify.sh ».")


def _write_all(chosen: "Organisation", folder: Path, *, year: int | None) -> None:
    from faitfoi.pipeline.dossiers import NotProved, make_dossiers, plan

    planned = plan(chosen.id, year=year)
    if not planned:
        fail(f"Aucune facture à {chosen.name}" + (f" en {year}." if year else "."), code=2)
    made = 0
    missing = [each for each in planned if not (folder / each.path).exists()]
    columns = (TextColumn("Dossiers"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=len(planned), completed=len(planned) - len(missing))
        for each, content in make_dossiers(chosen.id, missing, actor=ACTOR):
            if isinstance(content, NotProved):
                typer.echo(f"  {content}", err=True)
                continue
            target = folder / each.path
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                fail(f"{target.parent} ne se crée pas : {error.strerror}. Choisissez un autre endroit (-o).")
            write_or_leave(target, content)
            made += 1
            bar.advance(task)
    there = f", {len(planned) - len(missing)} y étaient déjà" if len(missing) < len(planned) else ""
    typer.echo(f"{folder} : {made} dossiers écrits{there}. Pour en vérifier un : faitfoi verify FICHIER.zip")

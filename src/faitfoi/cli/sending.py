"""`faitfoi send` and `faitfoi documents`: hand files over, watch them go, list what became of them."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from faitfoi.cli.server import fail, home, platform_open, the_organisation
from faitfoi.cli.supervisor import Supervisor

if TYPE_CHECKING:
    from faitfoi.accounts.models import Organisation
    from faitfoi.pipeline.counts import Counts
    from faitfoi.records.models import Batch

Named = Annotated[str | None, typer.Option("--organisation", "-o", help="L’organisation (son nom court).")]
AsJson = Annotated[bool, typer.Option("--json", help="Du JSON plutôt qu’un tableau.")]
TICK = 0.25
MOST_TOLD = 40

ROWS = (
    ("received", "Fichiers reçus"),
    ("ready", "· prêts"),
    ("needs_someone", "· attendent quelqu’un"),
    ("refused", "· refusés"),
    ("selected", "Factures à envoyer"),
    ("sent", "· envoyées"),
    ("accepted", "··· acceptées"),
    ("delivered", "··· remises"),
    ("returned", "··· revenues"),
    ("rejected", "··· rejetées"),
    ("pending", "··· réponse attendue"),
    ("unknown", "··· sort inconnu"),
    ("held", "· pas encore parties"),
    ("failed", "· à corriger"),
    ("skipped", "· déjà faites"),
)


def send(
    paths: Annotated[list[Path] | None, typer.Argument(help="Factures (PDF, XML, JSON) ou dossiers.")] = None,
    organisation: Named = None,
    resume: Annotated[bool, typer.Option("--resume", help="Reprend les lots interrompus.")] = False,
    as_json: AsJson = False,
) -> None:
    """Envoie des factures : chacune est lue, vérifiée, scellée, archivée, puis part par le bon canal."""
    if not paths and not resume:
        fail("Donnez au moins un fichier ou un dossier, ou --resume pour reprendre un lot interrompu.", code=2)
    console = Console(stderr=as_json)
    with platform_open(), ExitStack() as stack:
        chosen = the_organisation(organisation)
        batches = _unfinished(chosen) if resume else [_hand_over(chosen, paths or [], console)]
        if not batches:
            console.print("Aucun lot interrompu : rien à reprendre.")
            return
        supervisor = stack.enter_context(Supervisor(home() / "log"))
        _ensure_worker(supervisor, console)
        try:
            for batch in batches:
                watch_batch(chosen, batch, console, supervisor=supervisor)
        except KeyboardInterrupt:
            console.print("\nInterrompu : rien n’est perdu. Pour finir : faitfoi send --resume")
            raise typer.Exit(130) from None
        counts = _total(chosen, batches)
        _tell_problems(chosen, batches, console)
        if as_json:
            typer.echo(json.dumps(counts.as_dict()))
        else:
            show(console, counts)
    raise typer.Exit(0 if counts.refused + counts.needs_someone + counts.failed == 0 else 1)


def documents(organisation: Named = None, as_json: AsJson = False) -> None:
    """Liste les factures et avoirs : numéro, où ils en sont, canal, empreinte. Sans --organisation : toutes."""
    with platform_open():
        from faitfoi.accounts.models import Organisation
        from faitfoi.accounts.tenancy import acting_for, directory

        if organisation:
            chosen = [the_organisation(organisation)]
        else:
            with directory():
                chosen = list(Organisation.objects.all())
        table = Table("Numéro", "Nature", "Où elle en est", "Canal", "Scellée", "SHA-256")
        for each in chosen:
            with acting_for(each.id):
                for row in _documents(each):
                    if as_json:
                        typer.echo(json.dumps(row, ensure_ascii=False))
                    else:
                        sealed = "oui" if row["sealed"] else "non"
                        cells = (
                            row["number"],
                            row["kind"],
                            row["stage"],
                            row["channel"],
                            sealed,
                            str(row["sha256"])[:16],
                        )
                        table.add_row(*map(str, cells))
        if not as_json:
            Console().print(table)


def files_in(paths: list[Path]) -> list[Path]:
    """Return the files that the paths name; of a folder, all but what is hidden or half-written."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (p for p in sorted(path.rglob("*")) if p.is_file() and not p.is_symlink())
            found += [p for p in inside if not p.name.startswith(".") and p.suffix not in {".part", ".tmp"}]
        elif path.is_file():
            found.append(path)
        else:
            fail(f"Le fichier {path} n’existe pas ou ne se lit pas. Vérifiez son nom.", code=2)
    return found


def watch_batch(organisation: "Organisation", batch: "Batch", console: Console, *, supervisor: Supervisor) -> None:
    """Show a progress bar until every line is judged and every delivery has been tried."""
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.counts import count_batch

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        reading = bar.add_task("Lecture et scellement", total=None)
        leaving = bar.add_task("Envoi", total=None)
        while True:
            with acting_for(organisation.id):
                counts = count_batch(batch)
                waiting_now = waits(batch)
            tried = counts.selected - counts.skipped - waiting_now
            bar.update(reading, total=counts.received, completed=counts.received - counts.waiting)
            bar.update(leaving, total=max(counts.selected - counts.skipped, 1), completed=tried)
            if counts.waiting == 0 and waiting_now == 0:
                return
            supervisor.check()
            time.sleep(TICK)


def waits(batch: "Batch") -> int:
    """Count the batch's deliveries that are still to be tried for the first time, or are being. Inside `acting_for`."""
    from faitfoi.records.models import Delivery
    from faitfoi.records.stages import Stage

    own = Delivery.objects.filter(document__lines__batch=batch, document__lines__already_done=False)
    untried = own.filter(stage=Stage.ROUTED, attempts_made=0) | own.filter(stage=Stage.SENDING)
    return untried.distinct().count()


def show(console: Console, counts: "Counts") -> None:
    """Print the batch's arithmetic as a table."""
    table = Table(title="Ce que le lot est devenu", show_header=False)
    values = counts.as_dict()
    for name, label in ROWS:
        if values[name] or name in {"received", "ready", "sent"}:
            table.add_row(label, str(values[name]))
    console.print(table)


def _hand_over(organisation: "Organisation", paths: list[Path], console: Console) -> "Batch":
    from faitfoi.pipeline.receive import TooMuch, receive
    from faitfoi.records.models import Batch

    found = files_in(paths)
    name = paths[0].name if len(paths) == 1 else f"{len(found)} fichiers"
    try:
        batch = receive(organisation, _contents(found), origin=Batch.Origin.COMMAND, name=name, actor="operator")
    except TooMuch as error:
        fail(str(error), code=2)
    console.print(f"{len(found)} fichier(s) reçus pour {organisation.name}, lot « {batch.name} ».")
    return batch


def _contents(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        yield path.name, path.read_bytes()


def _unfinished(organisation: "Organisation") -> "list[Batch]":
    """Return the organisation's batches with lines still waiting or deliveries untried, made due again."""
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.receive import resume
    from faitfoi.records.models import Batch

    with acting_for(organisation.id):
        return [batch for batch in Batch.objects.all() if resume(batch) or waits(batch)]


def _ensure_worker(supervisor: Supervisor, console: Console) -> None:
    """Start a worker for the time of this command when none is alive."""
    from faitfoi.pipeline.worker import alive

    if not alive():
        console.print("Aucun ouvrier ne tournait : un est lancé le temps de cet envoi.", style="dim")
        supervisor.start("ouvrier", ["worker"])


def _tell_problems(organisation: "Organisation", batches: "list[Batch]", console: Console) -> None:
    """Say, file by file, what did not go as it should, with its reason."""
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.counts import HELD
    from faitfoi.records.models import BatchLine, Event
    from faitfoi.records.stages import LineOutcome, Stage

    with acting_for(organisation.id):
        troubled = [LineOutcome.REFUSED, LineOutcome.NEEDS_SOMEONE]
        told = [
            (line.filename, line.reason)
            for line in BatchLine.objects.filter(batch__in=batches, outcome__in=troubled)[:MOST_TOLD]
        ]
        stages = [*HELD, Stage.TO_FIX, Stage.TO_FIND, Stage.UNKNOWN]
        news = Event.objects.filter(
            axis=Event.Axis.OURS, document__lines__batch__in=batches, delivery__stage__in=stages
        ).exclude(reason="")
        latest = {event.delivery_id: (event.document.number, event.reason) for event in news.select_related("document")}
    for name, reason in [*told, *latest.values()][:MOST_TOLD]:
        console.print(f"! {name} — {reason}", highlight=False, markup=False)


def _total(organisation: "Organisation", batches: "list[Batch]") -> "Counts":
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.counts import Counts, count_batch

    total = Counts()
    with acting_for(organisation.id):
        for batch in batches:
            total += count_batch(batch)
    return total


def _documents(organisation: "Organisation") -> Iterator[dict[str, object]]:
    from faitfoi.pipeline.counts import stage_of
    from faitfoi.records.models import Document
    from faitfoi.records.stages import ArtefactRole, Purpose

    for document in Document.objects.order_by("issue_date", "number").prefetch_related("artefacts", "deliveries"):
        legal = [d for d in document.deliveries.all() if d.purpose == Purpose.LEGAL]
        latest = max(legal, key=lambda delivery: delivery.sequence, default=None)
        artefacts = {artefact.role: artefact for artefact in document.artefacts.all()}
        yield {
            "organisation": organisation.slug,
            "number": document.number,
            "kind": document.kind,
            "stage": stage_of(document)[0],
            "sealed": artefacts[ArtefactRole.LEGAL].sealed,
            "channel": latest.channel if latest else None,
            "sha256": artefacts[ArtefactRole.LEGAL].sha256,
        }

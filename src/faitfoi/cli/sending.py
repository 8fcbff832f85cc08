"""`faitfoi send` and `faitfoi documents`: hand files over, watch them go, list what became of them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from faitfoi.cli.server import fail, home, platform_open, the_organisation
from faitfoi.cli.supervisor import Died, Halted, Supervisor

if TYPE_CHECKING:
    from faitfoi.accounts.models import Organisation
    from faitfoi.pipeline.counts import Counts
    from faitfoi.records.models import Batch

Named = Annotated[str | None, typer.Option("--organisation", "-o", help="L’organisation (son nom court).")]
NamedInFull = Annotated[str | None, typer.Option("--organisation", help="L’organisation (son nom court).")]
"""Where `-o` says where to write."""
AsJson = Annotated[bool, typer.Option("--json", help="Du JSON plutôt qu’un tableau.")]
TICK = 0.25
CALM = 4  # a look that takes long is followed by a pause so many times as long: the workers need the machine
MOST_TOLD = 40
HALTED_AFTER = 60.0
"""Seconds without any change after which an alarm is taken for the reason: a person looks, a script goes on."""

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
    ("skipped", "· déjà faites, ou gardées sans envoi"),
)


def send(
    paths: Annotated[list[Path] | None, typer.Argument(help="Factures (PDF, XML, JSON) ou dossiers.")] = None,
    organisation: Named = None,
    resume: Annotated[bool, typer.Option("--resume", help="Reprend les lots interrompus.")] = False,
    attach: Annotated[
        list[Path] | None, typer.Option("--attach", help="Un fichier pour chaque courriel du lot.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Envoie des factures : chacune est lue, vérifiée, scellée, archivée, puis part par le bon canal."""
    if not paths and not resume:
        fail("Donnez au moins un fichier ou un dossier, ou --resume pour reprendre un lot interrompu.", code=2)
    console = Console(stderr=as_json)
    with platform_open(), ExitStack() as stack:
        chosen = the_organisation(organisation)
        batches = _unfinished(chosen) if resume else [_hand_over(chosen, paths or [], console, along=attach or [])]
        if not batches:
            console.print("Aucun lot interrompu : rien à reprendre.")
            return
        supervisor = stack.enter_context(Supervisor(home() / "log"))
        try:
            for batch in batches:
                watch_batch(
                    chosen, batch, console, supervisor=supervisor, tend=lambda: _ensure_worker(supervisor, console)
                )
        except Died as error:
            fail(f"{error}\nRien n’est perdu. Pour finir : faitfoi send --resume")
        except KeyboardInterrupt:
            console.print("\nInterrompu : rien n’est perdu. Pour finir : faitfoi send --resume")
            raise typer.Exit(130) from None
        counts = _total(chosen, batches)
        _tell_problems(chosen, batches, console)
        if as_json:
            typer.echo(json.dumps(counts.as_dict()))
        else:
            show(console, counts)
        if counts.held:
            console.print(
                f"{counts.held} facture(s) ne sont pas encore parties. Elles seront tentées de nouveau tant que "
                "« faitfoi run » tourne ; sinon : faitfoi send --resume"
            )
    raise typer.Exit(0 if counts.refused + counts.needs_someone + counts.failed + counts.held == 0 else 1)


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


def watch_batch(
    organisation: "Organisation",
    batch: "Batch",
    console: Console,
    *,
    supervisor: Supervisor,
    tend: Callable[[], None] = lambda: None,
) -> None:
    """Show a progress bar until every line is judged and every delivery has been tried; calls `tend` at each look.

    Raises Died when one of the supervisor's processes has ended, Halted when an alarm keeps everything from moving.
    """
    from django.utils import timezone

    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.counts import count_batch
    from faitfoi.pipeline.pacing import expected_end

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        reading = bar.add_task("Lecture et scellement", total=None)
        leaving = bar.add_task("Envoi", total=None)
        since = timezone.now()
        before, moved = (-1, -1), time.monotonic()
        while True:
            tend()
            looked = time.monotonic()
            with acting_for(organisation.id):
                counts = count_batch(batch)
                waiting_now = waits(batch, since=since)
                end = expected_end(batch)
            tried = max(0, counts.selected - counts.skipped - waiting_now)
            bar.update(reading, total=counts.received, completed=counts.received - counts.waiting)
            bar.update(
                leaving, description=_leaving(end), total=max(counts.selected - counts.skipped, 1), completed=tried
            )
            if counts.waiting == 0 and waiting_now == 0:
                return
            supervisor.check()
            if before != (counts.waiting, waiting_now):
                before, moved = (counts.waiting, waiting_now), time.monotonic()
            _leave_when_halted(idle=time.monotonic() - moved)
            time.sleep(max(TICK, CALM * (time.monotonic() - looked)))


def _leaving(end: datetime | None) -> str:
    """Name the bar of what leaves, with the hour of the last mail when a pace is asked for."""
    from django.utils import timezone

    return "Envoi" if end is None else f"Envoi (le dernier courriel vers {timezone.localtime(end):%H:%M le %d/%m})"


def _leave_when_halted(*, idle: float) -> None:
    """Raise Halted when the journal is stopped, or when nothing has moved for `idle` seconds and an alarm is up."""
    from faitfoi.pipeline.rollback import STOPPED
    from faitfoi.records.models import Alarm

    alarms = dict(Alarm.objects.order_by("since").values_list("cause", "sentence"))
    if STOPPED in alarms or (alarms and idle > HALTED_AFTER):
        raise Halted("\n".join(alarms.values()))


def waits(batch: "Batch", *, since: datetime) -> int:
    """Count the batch's deliveries still to be tried: never yet, or due since that instant, or being tried.

    Runs inside `acting_for`.
    """
    from django.db.models import Q

    from faitfoi.records.models import Delivery
    from faitfoi.records.stages import Purpose, Stage

    own = Delivery.objects.filter(document__lines__batch=batch, document__lines__already_done=False)
    untried = Q(stage=Stage.ROUTED) & (Q(attempts_made=0) | Q(next_attempt_at__lte=since))
    # A notice is opened long after; nobody waits for it.
    return own.exclude(purpose=Purpose.NOTICE).filter(untried | Q(stage=Stage.SENDING)).distinct().count()


def show(console: Console, counts: "Counts") -> None:
    """Print the batch's arithmetic as a table."""
    table = Table(title="Ce que le lot est devenu", show_header=False)
    values = counts.as_dict()
    for name, label in ROWS:
        if values[name] or name in {"received", "ready", "sent"}:
            table.add_row(label, str(values[name]))
    console.print(table)


def _hand_over(organisation: "Organisation", paths: list[Path], console: Console, *, along: list[Path]) -> "Batch":
    from faitfoi.pipeline.receive import CannotJoin, TooMuch, receive
    from faitfoi.records.models import Batch

    found = files_in(paths)
    name = paths[0].name if len(paths) == 1 else f"{len(found)} fichiers"
    try:
        batch = receive(
            organisation,
            _contents(found),
            origin=Batch.Origin.COMMAND,
            name=name,
            actor="operator",
            along=list(_contents(along)),
        )
    except (TooMuch, CannotJoin) as error:
        fail(str(error), code=2)
    console.print(f"{len(found)} fichier(s) reçus pour {organisation.name}, lot « {batch.name} ».")
    return batch


def _contents(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            yield path.name, path.read_bytes()
        except OSError as error:
            fail(f"Le fichier {path} ne se lit pas : {error.strerror}. Vérifiez ses droits, puis recommencez.", code=2)


def _unfinished(organisation: "Organisation") -> "list[Batch]":
    """Return the organisation's batches with lines still waiting or deliveries not gone yet, made due now."""
    from django.db.models import Q

    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.receive import resume
    from faitfoi.pipeline.retry import hurry
    from faitfoi.records.models import Batch
    from faitfoi.records.stages import LineOutcome, Stage

    under_way = Q(lines__already_done=False, lines__document__deliveries__stage__in=[Stage.ROUTED, Stage.SENDING])
    with acting_for(organisation.id):
        found = list(Batch.objects.filter(Q(lines__outcome=LineOutcome.WAITING) | under_way).distinct())
        for batch in found:
            resume(batch)
            hurry(batch)
    return found


def _ensure_worker(supervisor: Supervisor, console: Console) -> None:
    """Start a worker for the time of this command when none is alive, or none any more."""
    from faitfoi.pipeline.worker import alive

    if "ouvrier" not in supervisor and not alive():
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
        rows = news.order_by("at", "id").values_list("delivery_id", "document__number", "reason")
        latest = {delivery: (number, reason) for delivery, number, reason in rows}
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
    from faitfoi.pipeline.counts import standing
    from faitfoi.records.models import Document
    from faitfoi.records.stages import ArtefactRole, Purpose, Stage

    known = Document.objects.order_by("issue_date", "number").defer("invoice", "findings")
    for document in known.prefetch_related("artefacts", "deliveries").iterator(chunk_size=500):
        legal = [d for d in document.deliveries.all() if d.purpose == Purpose.LEGAL]
        latest = max(legal, key=lambda delivery: delivery.sequence, default=None)
        artefacts = {artefact.role: artefact for artefact in document.artefacts.all()}
        yield {
            "organisation": organisation.slug,
            "number": document.number,
            "kind": document.kind,
            "stage": "kept"
            if document.kept_because
            else standing(document.waiting_for, Stage(latest.stage) if latest else None)[0],
            "sealed": artefacts[ArtefactRole.LEGAL].sealed,
            "channel": latest.channel if latest else None,
            "sha256": artefacts[ArtefactRole.LEGAL].sha256,
        }

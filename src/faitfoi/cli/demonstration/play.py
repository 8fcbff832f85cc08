"""The demonstration: real servers, real files, time pushed until everything has ended, then the reckoning."""

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import typer
from rich.console import Console

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.cli.demonstration.builder import build, corpora_files
from faitfoi.cli.demonstration.invoices import pieces
from faitfoi.cli.demonstration.loading import OtherSide, load, new_passwords
from faitfoi.cli.demonstration.other_side import Witness
from faitfoi.cli.demonstration.seed import seed
from faitfoi.cli.demonstration.telling import tell_tasks
from faitfoi.cli.processes import sending_processes, start_house
from faitfoi.cli.sending import show, watch_batch
from faitfoi.cli.server import home
from faitfoi.cli.supervisor import Supervisor, control, free_port, wait_for_port
from faitfoi.pipeline.counts import Counts, count_batch
from faitfoi.pipeline.due import collect_later
from faitfoi.pipeline.following import due_polls
from faitfoi.pipeline.questions import due_questions
from faitfoi.pipeline.receive import receive
from faitfoi.pipeline.rerouting import route_again
from faitfoi.pipeline.retry import hurry
from faitfoi.pipeline.setting_up import change_customer
from faitfoi.pipeline.worker import jobs_left
from faitfoi.records.models import Batch
from faitfoi.records.stages import LineOutcome

PUSH = 12 * 3600  # seconds of simulated time at each turn
LIVING = 60  # the same while the pages are looked at, for each second
PATIENCE = 90.0  # seconds without any change before the reckoning is made as things stand
QUIET_TURNS = 3
WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the simulators' control addresses are."""

    smtp_control: str
    chorus_control: str
    pa_control: str


def play(supervisor: Supervisor, *, port: int, stay: bool, corpora: bool) -> int:
    """Run the demonstration; returns the exit code: 0 only when every count agrees and nothing is lost or doubled."""
    console = Console()
    stage, organisations, web_port = _set_the_stage(supervisor, port=port if stay else 0)
    witness = Witness(
        home() / "other-side.json",
        smtp_control=stage.smtp_control,
        chorus_control=stage.chorus_control,
        pa_control=stage.pa_control,
    )
    try:
        code = _send_and_follow(organisations, stage, witness, console, supervisor, corpora=corpora)
        if stay:
            _stay(console, web_port, supervisor, stage)
    finally:
        # The simulators forget when they stop, also when somebody interrupts: once nobody sends any more, what they
        # have is kept, or the next run would call it lost.
        supervisor.stop(*sending_processes(WORKERS))
        with suppress(OSError):  # they may be what has died
            witness.gather()
    return code


def _send_and_follow(
    organisations: list[Organisation],
    stage: Stage,
    witness: Witness,
    console: Console,
    supervisor: Supervisor,
    *,
    corpora: bool,
) -> int:
    inbox = build(home() / "demonstration")
    batches: list[tuple[Organisation, Batch]] = []
    waiting: list[tuple[Organisation, list[Path]]] = []
    for organisation in organisations:
        kept_back = {piece.file for piece in pieces(organisation.slug) if piece.later}
        written = inbox.get(organisation.slug, [])
        files = [path for path in written if path.name not in kept_back]
        if kept_back:
            waiting.append((organisation, [path for path in written if path.name in kept_back]))
        if corpora and organisation.sends_for_others:
            files = [*files, *corpora_files(Path.cwd().parent / "shared")]
        batch = _send(organisation, files, console, supervisor)
        if corpora and organisation.registers_customers:
            _complete_records(organisation, batch, console, supervisor)
        batches.append((organisation, batch))
    _follow_to_the_end(batches, stage, console, supervisor)
    for organisation, files in waiting:
        batches.append((organisation, _send(organisation, files, console, supervisor, which=", suite")))
    return _reckon(organisations, batches, witness, console)


def _set_the_stage(supervisor: Supervisor, *, port: int) -> tuple[Stage, list[Organisation], int]:
    smtp, smtp_control, chorus, chorus_control, pa, pa_control, returns = (free_port() for _ in range(7))
    web_port = free_port(port) if port else 0
    supervisor.start(
        "simulateur-smtp",
        ["simulate", "smtp", "--port", str(smtp), "--control-port", str(smtp_control), "--return-port", str(returns)],
    )
    supervisor.start(
        "simulateur-chorus",
        ["simulate", "chorus", "--port", str(chorus), "--control-port", str(chorus_control), "--factor", "0"],
    )
    supervisor.start(
        "simulateur-afnor",
        ["simulate", "afnor", "--port", str(pa), "--control-port", str(pa_control), "--factor", "0"],
    )
    urls = {"chorus_url": f"http://127.0.0.1:{chorus}", "pa_url": f"http://127.0.0.1:{pa}"}
    organisations = load(OtherSide(smtp_port=smtp, **urls))
    start_house(supervisor, port=web_port, workers=WORKERS, returns_port=returns)
    for needed in (
        smtp,
        smtp_control,
        chorus,
        chorus_control,
        pa,
        pa_control,
        returns,
        *([web_port] if web_port else []),
    ):
        wait_for_port(needed, supervisor)
    stage = Stage(
        smtp_control=f"http://127.0.0.1:{smtp_control}",
        chorus_control=f"http://127.0.0.1:{chorus_control}",
        pa_control=f"http://127.0.0.1:{pa_control}",
    )
    structures = json.dumps({"structures": seed()["chorus_structures"]}).encode()
    control(stage.chorus_control, "structures", structures)
    control(stage.pa_control, "directory", json.dumps({"lines": seed()["directory_lines"]}).encode())
    return stage, organisations, web_port


def _send(
    organisation: Organisation, files: list[Path], console: Console, supervisor: Supervisor, *, which: str = ""
) -> Batch:
    known = {batch.id for batch in _batches(organisation)}
    contents = ((path.name, path.read_bytes()) for path in files)
    name = f"Démonstration du {seed()['demonstration_day']:%d/%m/%Y}{which}"
    batch = receive(organisation, contents, origin=Batch.Origin.FOLDER, name=name, actor="demonstration")
    plural = "s" if len(files) > 1 else ""
    if batch.id in known:
        said = f"ce lot de {len(files)} fichier{plural} est déjà fait, rien n’est renvoyé."
    else:
        said = f"{len(files)} fichier{plural} reçu{plural}."
    console.print(f"{organisation.name} : {said}", soft_wrap=True)
    watch_batch(organisation, batch, console, supervisor=supervisor)
    return batch


def _complete_records(organisation: Organisation, batch: Batch, console: Console, supervisor: Supervisor) -> None:
    """Do what a clerk would: give the customers of the real invoices a (fictitious) address, and let them leave."""
    with acting_for(organisation.id):
        waiting = list(batch.lines.filter(outcome=LineOutcome.NEEDS_SOMEONE).select_related("document__customer"))
        mended: list[UUID] = []
        for line in waiting:
            customer = line.document.customer if line.document else None
            if line.document and customer and not customer.billing_email:
                address = f"client-{customer.id.hex[-8:]}@clients.example"
                change_customer(customer.id, {"billing_email": address}, actor="demonstration")
            if line.document_id and customer:
                mended.append(line.document_id)
    left = sum(not route_again(organisation, document_id, actor="demonstration") for document_id in mended)
    if left:
        console.print(
            f"{organisation.name} : {left} factures attendaient une adresse ; fiches complétées, elles partent."
        )
    watch_batch(organisation, batch, console, supervisor=supervisor)


def _batches(organisation: Organisation) -> list[Batch]:
    with acting_for(organisation.id):
        return list(Batch.objects.all())


def _follow_to_the_end(
    batches: list[tuple[Organisation, Batch]], stage: Stage, console: Console, supervisor: Supervisor
) -> None:
    """Push the simulators' time and ask for news until nothing changes any more.

    Our own clock is not pushed: what waits for its next try goes at once instead, until its tries are used up.
    """
    quiet, before, deadline = 0, Counts(), time.monotonic() + PATIENCE
    with console.status("Le temps simulé avance : accusés, retours, statuts de Chorus Pro et de la plateforme agréée…"):
        while quiet < QUIET_TURNS and time.monotonic() < deadline:
            _push(stage, PUSH)
            trying = 0
            for organisation, batch in batches:
                with acting_for(organisation.id):
                    trying += hurry(batch)
                due_polls(organisation.id, everything=True)
                due_questions(organisation.id, everything=True)
                collect_later(organisation.id)
            _wait_for_jobs(supervisor, deadline)
            now = _count(batches)
            quiet = quiet + 1 if now == before and not trying else 0
            if now != before or trying:
                deadline = time.monotonic() + PATIENCE
            before = now


def _push(stage: Stage, seconds: int) -> None:
    """Let the simulators' time go on; what is due by then is said."""
    body = json.dumps({"seconds": seconds}).encode()
    for where in (stage.smtp_control, stage.chorus_control, stage.pa_control):
        control(where, "advance", body)


def _wait_for_jobs(supervisor: Supervisor, deadline: float) -> None:
    while jobs_left() and time.monotonic() < deadline:
        supervisor.check()
        time.sleep(0.05)


def _count(batches: list[tuple[Organisation, Batch]]) -> Counts:
    total = Counts()
    for organisation, batch in batches:
        with acting_for(organisation.id):
            total += count_batch(batch)
    return total


def _reckon(
    organisations: list[Organisation], batches: list[tuple[Organisation, Batch]], witness: Witness, console: Console
) -> int:
    counts = _count(batches)
    account = witness.account(organisations)
    show(console, counts)
    if tell_tasks(organisations, console):
        console.print("\nLa page « À faire » dit de chacune ce qui s’est passé, et a les boutons.")
    figures = counts.as_dict()
    waiting = figures.pop("waiting")
    typer.echo(json.dumps({**figures, "lost": account.lost, "doubled": account.doubled}))
    wrong = counts.disagreements()
    if waiting:
        wrong.append(f"{waiting} fichier(s) pas encore lus")
    if account.lost or account.doubled:
        wrong.append(f"perdues : {account.lost}, en double : {account.doubled}")
    for sentence in wrong:
        console.print(f"Les comptes ne tombent pas juste — {sentence}", style="bold red")
    return 1 if wrong else 0


def _stay(console: Console, web_port: int, supervisor: Supervisor, stage: Stage) -> None:
    """Serve the pages until Ctrl-C; the other side lives on, so that what is sent from them ends too."""
    console.print(f"\nLes pages : [bold]http://127.0.0.1:{web_port}[/]  (Ctrl-C pour tout arrêter)")
    for email, password in new_passwords().items():
        console.print(f"  compte {email}, mot de passe [bold]{password}[/]", highlight=False)
    over = threading.Event()
    try:
        while not over.wait(1.0):
            supervisor.check()
            _push(stage, LIVING)
    except KeyboardInterrupt:
        console.print("\nArrêt…")

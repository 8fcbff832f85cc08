"""The long-running commands: worker, returns, watch, run, simulate, demo."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from faitfoi.cli.sending import Named
from faitfoi.cli.server import fail, home, only_house, platform_open, stop_database, the_organisation
from faitfoi.cli.supervisor import Died, Supervisor

simulate = typer.Typer(no_args_is_help=True, help="L’autre côté de chaque canal, sur cette machine seulement.")

RETURNS_PORT = 8825
WEB_PORT = 8000
LOOK_EVERY = 1.0  # seconds between two looks at a watched folder
LOOK_AGAIN = 5.0  # seconds before the next one when the database does not answer
DATABASE_AWAY = "La base de données ne répond pas. Les fichiers attendent dans le dossier ; aucun n’est perdu."
Port = Annotated[int, typer.Option("--port", help="Port d’écoute, sur cette machine seulement.")]
ControlPort = Annotated[int, typer.Option("--control-port", help="Port de commande du simulateur.")]


def worker(
    queue: Annotated[
        list[str] | None, typer.Option("--queue", help="Files servies (journey, steward) ; toutes sinon.")
    ] = None,
) -> None:
    """Fait le travail en attente, jusqu’à ce qu’on l’arrête. On peut en lancer autant que voulu, où l’on veut."""
    with platform_open():
        from faitfoi.pipeline.worker import work

        look_at_the_journal()
        work(queues=queue)


def returns(port: Port = RETURNS_PORT) -> None:
    """Écoute les messages qui reviennent (avis de non-remise), en LMTP ou SMTP, sur cette machine."""
    with platform_open():
        from faitfoi.intake.returns import ReturnListener
        from faitfoi.pipeline.returning import is_ours, take_in

        listener = ReturnListener("127.0.0.1", port, take_in, accepts=is_ours)
        listener.start()
        try:
            wait_for_signal()
        finally:
            listener.stop()


def watch(
    folder: Annotated[Path, typer.Argument(help="Le dossier où votre logiciel dépose ses factures.")],
    organisation: Named = None,
    once: Annotated[bool, typer.Option("--once", help="Prend ce qui est prêt, puis rend la main.")] = False,
) -> None:
    """Surveille un dossier : ce qui y est déposé part, puis est rangé dans « faits » ou « refuses »."""
    with platform_open():
        from django.db import InterfaceError, OperationalError, connections

        from faitfoi.intake.hot_folder import FolderUnusable
        from faitfoi.pipeline.watching import Watch

        chosen = the_organisation(organisation)
        over = _stop_flag()
        watched = None
        while not over.is_set():
            try:
                watched = watched or Watch(chosen, folder)
                watched.look()
                if once and watched.idle:
                    return
                over.wait(LOOK_EVERY)
            except FolderUnusable as error:
                fail(str(error), code=2)
            except (OperationalError, InterfaceError):
                if once:
                    fail(DATABASE_AWAY, code=1)
                typer.echo(DATABASE_AWAY, err=True)
                connections.close_all()
                watched = None  # the next one takes up what this one had in hand
                over.wait(LOOK_AGAIN)


def run(
    port: Port = WEB_PORT,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Nombre d’ouvriers.")] = 2,
    returns_port: Annotated[int, typer.Option("--returns-port")] = RETURNS_PORT,
) -> None:
    """Fait tourner tout : base, pages, ouvriers, écoute des retours. Ctrl-C arrête tout."""
    with only_house(), platform_open(keep_running=True), Supervisor(home() / "log") as supervisor:
        try:
            look_at_the_journal()
            start_house(supervisor, port=port, workers=workers, returns_port=returns_port)
            typer.echo(f"Les pages sont à l’adresse http://127.0.0.1:{port} — Ctrl-C pour tout arrêter.")
            over = _stop_flag()
            while not over.wait(1.0):
                for name in supervisor.revive():
                    typer.echo(f"« {name} » s’était arrêté : le voilà reparti. Voyez {home()}/log/{name}.log", err=True)
        except Died as error:
            fail(str(error))
        finally:
            supervisor.stop()
            stop_database()


def pages(port: Port = WEB_PORT) -> None:
    """Sert les pages seules, sur cette machine (« faitfoi run » les sert avec tout le reste)."""
    with platform_open():
        from gunicorn.app.wsgiapp import WSGIApplication

        look_at_the_journal()

        sys.argv = ["faitfoi", "faitfoi.web.wsgi", "-w", "1", "--threads", "4", "-b", f"127.0.0.1:{port}"]
        WSGIApplication(prog="faitfoi pages").run()


def demo(
    once: Annotated[bool, typer.Option("--once", help="S’arrête après le bilan.")] = False,
    corpora: Annotated[
        bool, typer.Option("--corpora", help="Envoie aussi les vrais Factur-X de ../shared/corpora.")
    ] = False,
    port: Port = WEB_PORT,
) -> None:
    """Montre tout, de bout en bout, avec des données fictives et des serveurs simulés sur cette machine."""
    from faitfoi.cli.demonstration.seed import seed

    os.environ["FAITFOI_TODAY"] = str(seed()["demonstration_day"])
    with only_house(), platform_open(keep_running=True), Supervisor(home() / "log") as supervisor:
        try:
            from faitfoi.cli.demonstration.loading import real_organisations
            from faitfoi.cli.demonstration.play import play

            if real := real_organisations():
                fail(
                    f"De vraies organisations travaillent dans {home()} ({', '.join(real)}) : la démonstration n’y "
                    "touche pas. Donnez-lui un dossier à elle : FAITFOI_HOME=… faitfoi demo"
                )
            code = play(supervisor, port=port, stay=not once, corpora=corpora)
        except Died as error:
            fail(str(error))
        except KeyboardInterrupt:
            typer.echo("\nInterrompu : « make demo » reprendra où le lot en était.", err=True)
            code = 130
        finally:
            supervisor.stop()
            stop_database()
    raise typer.Exit(code)


@simulate.command("smtp")
def simulate_smtp(
    port: Port = 2525,
    control_port: ControlPort = 2526,
    return_port: Annotated[
        int, typer.Option("--return-port", help="Où envoyer les avis de non-remise.")
    ] = RETURNS_PORT,
    auto: Annotated[bool, typer.Option("--auto", help="Envoie les avis tout de suite.")] = False,
) -> None:
    """Simule un relais de messagerie."""
    from faitfoi.simulators import smtp

    smtp.run("127.0.0.1", port, control_port=control_port, return_port=return_port, auto=auto)


@simulate.command("chorus")
def simulate_chorus(
    port: Port = 8801,
    control_port: ControlPort = 8802,
    factor: Annotated[float, typer.Option("--factor", help="Vitesse du temps simulé.")] = 1.0,
) -> None:
    """Simule Chorus Pro."""
    from faitfoi.simulators import chorus

    chorus.run("127.0.0.1", port, control_port=control_port, factor=factor)


@simulate.command("afnor")
def simulate_afnor(
    port: Port = 8803,
    control_port: ControlPort = 8804,
    factor: Annotated[float, typer.Option("--factor", help="Vitesse du temps simulé.")] = 1.0,
    version: Annotated[str, typer.Option("--api-version", help="Version de l’API parlée : 1.0 à 1.3.")] = "1.3",
) -> None:
    """Simule une plateforme agréée (API AFNOR), son annuaire et la plateforme de l’acheteur."""
    from faitfoi.simulators import afnor

    afnor.run("127.0.0.1", port, control_port=control_port, factor=factor, version=version)


def start_house(supervisor: Supervisor, *, port: int, workers: int, returns_port: int) -> None:
    """Start pages, workers and the return listener under a supervisor."""
    supervisor.start("retours", ["returns", "--port", str(returns_port)])
    supervisor.start("intendant", ["worker", "--queue", "steward"])
    for name in sending_processes(workers):
        supervisor.start(name, ["worker", "--queue", "journey"])
    if port:
        supervisor.start("pages", ["pages", "--port", str(port)])


def sending_processes(workers: int) -> list[str]:
    """Return the names of the processes that touch the wire."""
    return [f"ouvrier-{number}" for number in range(1, workers + 1)]


def look_at_the_journal() -> None:
    """Hold the journal against what its witnesses know before any work begins, and say what is wrong.

    What is wrong stops nobody here: reading goes on, and each act asks again.
    """
    from faitfoi.pipeline.witnessing import may_number
    from faitfoi.records.models import Alarm

    may_number()
    for sentence in Alarm.objects.order_by("since").values_list("sentence", flat=True):
        typer.echo(sentence, err=True)


def wait_for_signal() -> None:
    """Block until SIGTERM or SIGINT."""
    _stop_flag().wait()


def _stop_flag() -> threading.Event:
    over = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: over.set())
    return over

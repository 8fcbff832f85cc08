"""`faitfoi restore`: the governed way back to the journal that was witnessed, after a database went back."""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faitfoi.cli.server import fail, platform_open

if TYPE_CHECKING:
    from faitfoi.pipeline.restore_files import Request

app = typer.Typer(no_args_is_help=True, help="Remet le journal en état après une base ramenée en arrière.")

Name = Annotated[str, typer.Argument(help="Le nom de la demande (« faitfoi restore status » les montre).")]
By = Annotated[
    str,
    typer.Option("--by", help="L’adresse du compte qui parle ; son mot de passe est demandé."),
]
SHOWN = 20


@app.command()
def request(
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Ce qui s’est passé.")],
    backup: Annotated[str, typer.Option("--backup", help="La sauvegarde qui a été restaurée.")],
    burnt: Annotated[
        Path | None,
        typer.Option("--burnt", help="Si une partie est perdue : les numéros dont on sait qu’ils ont servi."),
    ] = None,
) -> None:
    """Écrit une demande de remise en état, avec la liste exacte de ce qui manque à la base."""
    with platform_open():
        from faitfoi.pipeline.restore_files import CannotRestore
        from faitfoi.pipeline.restoring import request_restore

        try:
            lines = burnt.read_text("utf-8").splitlines() if burnt else []
            made = request_restore(email=by, password=_password(by), reason=reason, backup=backup, burnt=lines)
        except (OSError, UnicodeDecodeError) as error:
            fail(f"Le fichier {burnt} ne se lit pas : {error}.", code=2)
        except CannotRestore as error:
            fail(str(error), code=2)
        _show(made)
        typer.echo(f"Une autre personne l’approuve : faitfoi restore approve {made.name} --by ADRESSE")


@app.command()
def approve(name: Name, by: By) -> None:
    """Approuve une demande : une autre personne que celle qui demande ; valable 24 heures."""
    with platform_open():
        from faitfoi.pipeline.restore_files import CannotRestore
        from faitfoi.pipeline.restoring import approve as approved

        try:
            request = approved(name, email=by, password=_password(by))
        except CannotRestore as error:
            fail(str(error), code=2)
        _show(request)
        typer.echo(f"Approuvée. Pour l’exécuter dans les 24 heures : faitfoi restore run {name}")


@app.command()
def refuse(name: Name, by: By, reason: Annotated[str, typer.Option("--reason", help="Pourquoi.")]) -> None:
    """Refuse une demande pour de bon ; le refus est gardé."""
    with platform_open():
        from faitfoi.pipeline.restore_files import CannotRestore
        from faitfoi.pipeline.restoring import refuse as refused

        try:
            refused(name, email=by, password=_password(by), reason=reason)
        except CannotRestore as error:
            fail(str(error), code=2)
        typer.echo(f"La demande {name} est refusée. Le refus est gardé.")


@app.command()
def run(name: Name) -> None:
    """Exécute une demande approuvée. Sans danger si on l’interrompt : relancez la même commande."""
    with platform_open():
        from faitfoi.evidence.witness_wire import WitnessSilent
        from faitfoi.pipeline.restore_files import CannotRestore
        from faitfoi.pipeline.restoring import run_restore
        from faitfoi.pipeline.rollback import JournalBehind

        try:
            done = run_restore(name)
        except CannotRestore as error:
            fail(str(error), code=2)
        except (JournalBehind, WitnessSilent) as error:
            fail(f"{error} Relancez « faitfoi restore run {name} » ensuite : ce qui est fait reste fait.")
        typer.echo(
            f"Le journal est celui que le témoin a vu : {done.entries} écritures et {done.documents} documents remis. "
            f"Il en a maintenant {done.size}, vues par le témoin. Les envois reprennent."
        )
        if done.without_password:
            typer.echo("Ces comptes n’ont pas de mot de passe (le journal n’en garde aucun) ; donnez-leur-en un :")
            for email in done.without_password:
                typer.echo(f"  faitfoi account password {email}")


@app.command()
def status() -> None:
    """Dit si tout est arrêté et pourquoi, et ce que sont devenues les demandes."""
    with platform_open():
        from django.utils import timezone

        from faitfoi.pipeline.restore_files import all_requests
        from faitfoi.pipeline.rollback import stopped
        from faitfoi.pipeline.witnessing import may_number

        may_number()
        typer.echo(stopped() or "Le journal est celui que le témoin a vu : rien n’est arrêté.")
        for each in all_requests():
            if each.done_at is not None:
                state = f"exécutée le {each.done_at:%d/%m/%Y à %H:%M} UTC"
            elif each.refused:
                state = "refusée"
            elif each.approvals(timezone.now()):
                state = "approuvée : « faitfoi restore run » l’exécute"
            else:
                state = "attend une approbation"
            typer.echo(f"{each.name}\t{state}\t{each.facts['reason']}")


def _password(by: str) -> str:
    """What opens the account: asked for at the terminal, else one line of the standard input; never a word typed."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Mot de passe de {by} : ")
    return sys.stdin.readline().rstrip("\r\n")


def _show(request: "Request") -> None:
    """Say what a request would bring back, as whoever approves must know it."""
    facts, missing = request.facts, request.facts["missing"]
    typer.echo(f"Demande {request.name} (SHA-256 {request.sha256})")
    typer.echo(f"  Raison : {facts['reason']}")
    typer.echo(f"  Sauvegarde : {facts['backup']}")
    typer.echo(
        f"  La base a {facts['has']} écritures, dont {facts['sound']} sûres ; le témoin en a vu {facts['seen']} ; le "
        f"miroir rend celles de {missing['from']} à {missing['to'] - 1}."
    )
    typer.echo(f"  Numéros qui manquent : {len(missing['numbers'])}")
    for each in missing["documents"][:SHOWN]:
        typer.echo(f"    {each['number']}  {', '.join(each['channels']) or 'sans envoi'}")
    if (more := len(missing["documents"]) - SHOWN) > 0:
        typer.echo(f"    et {more} autre(s) : tous sont dans la demande ($FAITFOI_HOME/restore/{request.name}).")
    if missing["lost"]:
        first, end = missing["lost"]
        typer.echo(f"  Numéros brûlés, connus par ailleurs : {sum(map(len, facts['burnt'].values()))}")
        typer.echo(f"  Perdues pour de bon : les écritures {first} à {end - 1}, que ni la base ni le miroir n’ont.")

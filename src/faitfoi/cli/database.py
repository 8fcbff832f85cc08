"""`faitfoi database start|stop|status|backup|restore`: the embedded PostgreSQL by hand.

Nothing at all when `DATABASE_URL` is set.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, NoReturn

import typer

from faitfoi.database.errors import DatabaseUnavailable

app = typer.Typer(no_args_is_help=True, help="Démarre, arrête, montre et sauvegarde la base PostgreSQL embarquée.")

Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="Dossier de la base (par défaut : $FAITFOI_HOME/postgres, sinon var/postgres)."),
]


@app.command()
def start(folder: Folder = None) -> None:
    """Démarre la base, et la crée la première fois. Sans effet si elle répond déjà."""
    embedded = _embedded()
    place = folder or embedded.default_folder()
    try:
        found = embedded.start(place, say=lambda sentence: typer.echo(sentence, err=True))
    except DatabaseUnavailable as error:
        _fail(error)
    verb = "démarrée" if found.started_here else "déjà en marche"
    typer.echo(f"Base {verb} : {found.data_directory}")
    typer.echo(f"Pour l'arrêter : {_command('stop', folder)}")


@app.command()
def stop(folder: Folder = None) -> None:
    """Arrête la base. Ce qui a été validé reste écrit."""
    embedded = _embedded()
    try:
        stopped = embedded.stop(folder or embedded.default_folder())
    except DatabaseUnavailable as error:
        _fail(error)
    typer.echo("Base arrêtée." if stopped else "La base était déjà arrêtée.")


@app.command()
def status(folder: Folder = None) -> None:
    """Montre l'état de la base ; code de sortie 0 si elle répond, 3 sinon."""
    embedded = _embedded()
    place = folder or embedded.default_folder()
    try:
        state = embedded.status(place)
    except DatabaseUnavailable as error:
        _fail(error)
    if state.running:
        typer.echo(f"En marche : PostgreSQL {state.version}, processus {state.pid}, données {state.data_directory}")
        return
    if state.created:
        typer.echo(f"Arrêtée : données {state.data_directory}. Pour la démarrer : {_command('start', folder)}")
    else:
        typer.echo(f"Aucune base dans {place}. Pour la créer : {_command('start', folder)}")
    raise typer.Exit(3)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Le fichier à écrire ; il ne doit pas exister.")], folder: Folder = None
) -> None:
    """Sauvegarde toute la base dans un fichier, sans arrêter le travail. Les clés et le coffre sont à copier à part."""
    embedded = _embedded()
    from faitfoi.database.backup import back_up

    try:
        size = back_up(folder or embedded.default_folder(), file)
    except DatabaseUnavailable as error:
        _fail(error)
    typer.echo(f"{file} : {size} octets. Copiez aussi « keys » et « store » : la base ne les contient pas.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="Un fichier de « faitfoi database backup ».")], folder: Folder = None
) -> None:
    """Remet une sauvegarde à la place de la base, qui reste gardée sous un autre nom."""
    embedded = _embedded()
    from faitfoi.database.backup import put_back

    place = folder or embedded.default_folder()
    try:
        aside = put_back(place, file, at=datetime.fromtimestamp(time.time(), tz=UTC))
    except DatabaseUnavailable as error:
        _fail(error)
    typer.echo(f"{file} est en place. La base d'avant reste sous le nom {aside}.")
    typer.echo(
        "Ce qui a été fait depuis cette sauvegarde n'y est pas : rien ne sera numéroté ni envoyé avant que "
        "« faitfoi restore request » et une seconde personne l'aient fait revenir."
    )


def _embedded() -> ModuleType:
    """The module behind these commands; leaves with a sentence where it has nothing to do or is not installed."""
    try:
        # Late: the library's commands share this program and must start without the server extra.
        from faitfoi.database import embedded
    except ModuleNotFoundError as error:
        typer.echo(f"Il manque {error.name} : installez « faitfoi[server] » pour la base embarquée.", err=True)
        raise typer.Exit(1) from None
    if embedded.external_url():
        typer.echo("DATABASE_URL est défini : ce serveur-là sert, la base embarquée reste comme elle est.")
        raise typer.Exit(0)
    return embedded


def _fail(error: DatabaseUnavailable) -> NoReturn:
    typer.echo(error.reason, err=True)
    raise typer.Exit(1)


def _command(verb: str, folder: Path | None) -> str:
    return f"faitfoi database {verb}" + (f" --folder {folder}" if folder else "")

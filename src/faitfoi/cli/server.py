"""Opens the platform for a command: the embedded database unless DATABASE_URL is set, Django, the migrations."""

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from faitfoi.accounts.models import Organisation
    from faitfoi.records.models import Document


def home() -> Path:
    """Return the folder of this installation: `FAITFOI_HOME`, else `var` where the command is run."""
    return Path(os.environ.get("FAITFOI_HOME", "") or "var").resolve()


def fail(sentence: str, *, code: int = 1) -> NoReturn:
    """Say one French sentence on standard error and leave."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)


def write_or_leave(target: Path, content: bytes) -> None:
    """Write a file whole or not at all; leave with a French sentence when it cannot be written."""
    from faitfoi.cli.library_files import CannotWrite, write_file

    try:
        write_file(target, content)
    except CannotWrite as error:
        fail(str(error))


@contextmanager
def only_house() -> Iterator[None]:
    """Hold this installation for `run` or `demo`: a second one would change the first's ports, and stop its database.

    Leaves with a French sentence when another holds it. The kernel gives it back whatever happens to us.
    """
    with (_home_made() / "house.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(
                f"Faitfoi tourne déjà dans {home()} (« faitfoi run » ou « faitfoi demo »). Arrêtez-le d’abord, ou "
                "donnez à celui-ci un dossier à lui : FAITFOI_HOME=… faitfoi …"
            )
        yield


@contextmanager
def platform_open(*, keep_running: bool = False) -> Iterator[None]:
    """Give the command a migrated database and a ready Django; a server started here is stopped at the end.

    With `keep_running` the caller stops it (`stop_database`). Leaves with a French sentence when it cannot be
    opened, or when the command meets a disk at its reserve.
    """
    try:
        from faitfoi.database import embedded
    except ModuleNotFoundError as error:
        fail(f"Il manque {error.name} : cette commande demande « faitfoi[server] ».")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill ends like Ctrl-C: nothing is left behind
    os.environ["FAITFOI_HOME"] = str(_home_made())
    started = False
    if url := embedded.external_url():
        _check_address(url)
    else:
        try:
            running = embedded.start(home() / "postgres", say=lambda sentence: typer.echo(sentence, err=True))
        except embedded.DatabaseUnavailable as error:
            fail(error.reason)
        started = running.started_here
        os.environ["DATABASE_URL"] = running.app_url
        os.environ["FAITFOI_OWNER_URL"] = running.owner_url
        os.environ["FAITFOI_EMBEDDED"] = "1"
    from faitfoi.evidence.shelf import NoRoom

    try:
        _set_up()
        yield
    except NoRoom as error:
        fail(str(error.strerror))
    finally:
        _close_connections()
        if started and not keep_running:
            stop_database(only_if_unused=True)


def stop_database(*, only_if_unused: bool = False) -> None:
    """Stop the embedded server of this installation, if it is ours to stop (and nobody else came meanwhile)."""
    if os.environ.get("FAITFOI_EMBEDDED"):
        from faitfoi.database import embedded

        embedded.stop(home() / "postgres", only_if_unused=only_if_unused)


def the_organisation(slug: str | None) -> "Organisation":
    """Return the organisation a command works for; with several and no name, leave with the list."""
    from faitfoi.accounts.models import Organisation
    from faitfoi.accounts.tenancy import directory

    slug = slug or os.environ.get("FAITFOI_ORGANISATION")
    with directory():
        known = list(Organisation.objects.all())
    if slug is None and len(known) == 1:
        return known[0]
    for organisation in known:
        if organisation.slug == slug:
            return organisation
    if not known:
        fail("Il n’y a encore aucune organisation ici. Pour essayer : faitfoi demo", code=2)
    names = ", ".join(organisation.slug for organisation in known)
    said = f"Aucune organisation ne s’appelle « {slug} »." if slug else "Pour quelle organisation ?"
    fail(f"{said} Ajoutez --organisation avec l’une de : {names}", code=2)


def the_document(organisation: "Organisation", number: str) -> "Document":
    """Return the organisation's document of that number, the latest of several years; leave when there is none."""
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.records.models import Document

    with acting_for(organisation.id):
        document = Document.objects.filter(number=number).order_by("-issue_date").first()
    if document is None:
        fail(f"Aucune facture {number} chez {organisation.name}. Vérifiez le numéro.", code=2)
    return document


def _home_made() -> Path:
    place = home()
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not os.access(place, os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13))
    except OSError as error:
        fail(
            f"Le dossier {place} (FAITFOI_HOME) ne peut pas servir : {error.strerror}. "
            "Donnez dans FAITFOI_HOME un dossier où écrire, puis recommencez."
        )
    return place


def _check_address(url: str) -> None:
    """Leave with a sentence when the database's address cannot be one; the address itself holds a password."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"postgresql", "postgres"} and len(parts.path) > 1 and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        fail(
            "DATABASE_URL n’est pas l’adresse d’une base PostgreSQL. Écrivez-la ainsi : "
            "postgresql://utilisateur:motdepasse@machine:5432/base — ou retirez-la pour la base embarquée."
        )


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faitfoi.web.settings")
    import django

    django.setup()
    _migrate()
    from faitfoi.accounts.tenancy import bypass_of_current_role

    if reason := bypass_of_current_role():
        fail(reason)


def _migrate() -> None:
    """Bring the tables up to date where the owner's address is known; say what to do where it is not."""
    from django.core.management import call_command
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor
    from django.db.utils import OperationalError, ProgrammingError

    alias = "owner" if "owner" in connections else "default"
    try:
        executor = MigrationExecutor(connections[alias])
    except (OperationalError, ProgrammingError) as error:
        address = "FAITFOI_OWNER_URL" if alias == "owner" else "DATABASE_URL"
        said = " ".join(str(error).split())
        fail(f"La base de données ne répond pas ou refuse : {said} Vérifiez {address}, puis recommencez.")
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    if alias != "owner":
        fail(
            "Les tables ne sont pas à jour. Donnez dans FAITFOI_OWNER_URL l’adresse du rôle propriétaire de la base, "
            "puis recommencez : les migrations se feront toutes seules."
        )
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [0x0FA17F02])  # two starters at once: one migrates
        try:
            call_command("migrate", database="owner", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [0x0FA17F02])


def _close_connections() -> None:
    if "django.db" in sys.modules:
        from django.db import connections

        connections.close_all()

"""The cast and the stage: a real PostgreSQL, the application's own role, two organisations that must never meet."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connections

from faitfoi.accounts.models import Membership, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.database import roles
from faitfoi.web.settings import database as read_url
from tests.environment import ROOT
from tests.postgres import cluster, fresh_database


def _migrations_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src").glob("faitfoi/*/migrations/*.py")):
        digest.update(path.read_bytes())
    digest.update((ROOT / "src" / "faitfoi" / "accounts" / "tenancy.py").read_bytes())
    digest.update((ROOT / "requirements.lock").read_bytes())
    return digest.hexdigest()[:12]


def template_database() -> str:
    """Return a migrated database to copy, made once per state of the migrations."""
    import fcntl

    server, name = cluster(), f"template_{_migrations_digest()}"
    with (ROOT / "build" / "test-postgres" / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if roles.database_exists(server.superuser_url, name):
            return name
        draft = fresh_database(f"{name}_draft")
        environment = {**os.environ, "DATABASE_URL": draft.app_url, "FAITFOI_OWNER_URL": draft.owner_url}
        environment["DJANGO_SETTINGS_MODULE"] = "faitfoi.web.settings"
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--database", "owner", "-v", "0"],
            check=True,
            env={**environment, "PYTHONPATH": str(ROOT / "src")},
        )
        with psycopg.connect(draft.superuser_url, autocommit=True) as connection:
            # Tests that really commit empty the tables afterwards; the application itself may not.
            connection.execute(f"GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {roles.APP}".encode())
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}_draft" RENAME TO "{name}"'.encode())
        return name


@pytest.fixture(scope="session")
def django_db_setup() -> Iterator[None]:
    """Give this worker its own copy of the migrated database, used as the application's role."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    copy = fresh_database(f"test_{worker}_{os.getpid()}", template=template_database())
    os.environ["DATABASE_URL"] = copy.app_url
    connections["default"].close()
    connections["default"].settings_dict.update(read_url(copy.app_url))
    connections.settings["default"].update(read_url(copy.app_url))
    yield
    connections["default"].close()
    # The address of a server's own database: one cannot drop the database one stands in.
    roles.drop_database(cluster().superuser_url, str(connections["default"].settings_dict["NAME"]))


def make_organisation(slug: str, name: str, siren: str, **fields: object) -> Organisation:
    """Create an organisation as the operator does."""
    organisation = Organisation(slug=slug, name=name, siren=siren, siret=f"{siren}00018"[:14], **fields)
    with acting_for(organisation.id):
        organisation.save(force_insert=True)
    return organisation


def make_member(organisation: Organisation, email: str, *, role: Role = Role.CLERK) -> User:
    """Create a user who belongs to one organisation."""
    user = User.objects.create_user(
        email, "mot de passe de démonstration", name=email.split("@", maxsplit=1)[0].title()
    )
    with acting_for(organisation.id):
        Membership.objects.create(organisation=organisation, user=user, role=role)
    return user


def forget_the_journal() -> None:
    """Begin another journal: the database of each test is empty, and no witness would take it for the last one's."""
    from django.conf import settings

    from faitfoi.pipeline.witnesses import forget_keys

    for folder in ("keys/journal", "witness", "store/journal"):
        shutil.rmtree(Path(settings.FAITFOI_HOME) / folder, ignore_errors=True)
    forget_keys()


@pytest.fixture
def cooperative(db: None) -> Organisation:
    """Alice's organisation, with a journal of its own."""
    forget_the_journal()
    return make_organisation("trois-vallees", "CUMA des Trois Vallées", "000000018", demonstration=True)


@pytest.fixture
def rival(db: None) -> Organisation:
    """Charlie's organisation, which must see nothing of Alice's."""
    return make_organisation("val-clair", "Coopérative du Val Clair", "000000026")


@pytest.fixture
def alice(cooperative: Organisation) -> User:
    """The clerk."""
    return make_member(cooperative, "alice@trois-vallees.example")


@pytest.fixture
def bob(cooperative: Organisation) -> User:
    """Her colleague."""
    return make_member(cooperative, "bob@trois-vallees.example", role=Role.MANAGER)


@pytest.fixture
def charlie(rival: Organisation) -> User:
    """The clerk of another company."""
    return make_member(rival, "charlie@val-clair.example")

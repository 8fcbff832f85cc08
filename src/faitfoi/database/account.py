"""Under which system account the embedded PostgreSQL runs: our own, or a dedicated one when we are root.

PostgreSQL refuses to run as uid 0. As root the server therefore gets a system user that owns nothing else.
"""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from faitfoi.database.errors import DatabaseUnavailable

SYSTEM_USER = "faitfoi-postgres"
"""Made by `useradd` the first time root starts a server."""

_SECONDS_FOR_USERADD = 10.0
# Nothing of the caller's environment reaches the server: PGDATA, PGPORT or LC_* would change what it does.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The uid and gid that own the data and run the server; `borrowed` when they are not the caller's."""

    uid: int
    gid: int
    name: str
    borrowed: bool

    def run(self, command: Iterable[str | Path], *, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a program as this account with a bare environment; never raises for its exit code.

        Raises DatabaseUnavailable when this process may not take the account's identity.
        """
        arguments = [str(part) for part in command]
        try:
            return subprocess.run(
                arguments,
                cwd=cwd,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                user=self.uid if self.borrowed else None,
                group=self.gid if self.borrowed else None,
                extra_groups=[] if self.borrowed else None,
            )
        except PermissionError as error:
            raise DatabaseUnavailable(
                f"Ce processus ne peut pas lancer {arguments[0]} sous le compte « {self.name} » ({error.strerror}). "
                "Lancez Faitfoi sous un utilisateur ordinaire, ou indiquez un serveur PostgreSQL dans DATABASE_URL."
            ) from error

    def reaches(self, path: Path) -> bool:
        """Whether this account can enter a folder or execute a file: asked by really trying, ACLs included."""
        if not self.borrowed:
            return os.access(path, os.X_OK)
        return self.run(["test", "-x", path], cwd=Path("/")).returncode == 0


def account_for(data_owner: int | None, *, say: Callable[[str], None]) -> Account:
    """The account for a server whose data belong to `data_owner` (a uid, None when there are none yet).

    Raises DatabaseUnavailable when the data belong to somebody else, or no account can be had.
    """
    me = os.geteuid()
    if me != 0:
        if data_owner is not None and data_owner != me:
            raise DatabaseUnavailable(
                f"Les données de la base appartiennent au compte « {_name(data_owner)} » : lancez la commande sous "
                "ce compte (ou en root), ou choisissez un autre dossier."
            )
        if not _known(me):
            raise DatabaseUnavailable(
                f"L'utilisateur {me} n'a pas de nom dans /etc/passwd, et PostgreSQL en exige un. Donnez-lui un nom "
                "(useradd), ou indiquez un serveur PostgreSQL dans DATABASE_URL."
            )
        return Account(uid=me, gid=os.getegid(), name=_name(me), borrowed=False)
    if data_owner:  # an ordinary user made these data: root starts the server for that user
        group = pwd.getpwuid(data_owner).pw_gid if _known(data_owner) else data_owner
        return Account(uid=data_owner, gid=group, name=_name(data_owner), borrowed=True)
    return _dedicated(say)


def _dedicated(say: Callable[[str], None]) -> Account:
    give_up = time.monotonic() + _SECONDS_FOR_USERADD
    while True:
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            complaint = _create_user()
            if not complaint:
                say(f"PostgreSQL refuse de tourner en root : utilisateur système « {SYSTEM_USER} » créé pour lui.")
            elif time.monotonic() > give_up:
                raise DatabaseUnavailable(
                    f"PostgreSQL refuse de tourner en root et l'utilisateur système « {SYSTEM_USER} » n'a pas pu être "
                    f"créé ({complaint}). Créez-le (useradd --system {SYSTEM_USER}), lancez Faitfoi sous un "
                    "utilisateur ordinaire, ou indiquez un serveur PostgreSQL dans DATABASE_URL."
                ) from None
            else:
                time.sleep(0.2)  # another starter may hold the lock of /etc/passwd
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=SYSTEM_USER, borrowed=True)


def _create_user() -> str:
    """Make the system user; the complaint of `useradd`, empty when it is made."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return "la commande useradd manque"
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false"]
    done = subprocess.run(
        [useradd, *options, SYSTEM_USER], env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else (done.stderr.strip() or f"useradd: code {done.returncode}")


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name if _known(uid) else str(uid)

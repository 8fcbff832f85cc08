"""Where an embedded PostgreSQL keeps its things, and who may enter there.

<folder>/lock            flock: one starter or stopper at a time
<folder>/server/         0700, owned by the server's account; under root a link when `folder` is out of its reach
<folder>/server/data     the cluster
<folder>/server/run      0700, the socket; a link to a short folder when the path is unfit for a socket's address
<folder>/server/log      what the server says
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from faitfoi.database.account import Account, account_for
from faitfoi.database.errors import DatabaseUnavailable

PORT = 5432
"""Only a part of the socket's name: nothing listens on TCP."""

SHELTER = Path("/var/lib/faitfoi")
"""Under root, the home of servers whose folder their account cannot reach, and of the programs' copy."""

_LONGEST_SOCKET_PATH = 103  # bytes: 107 on Linux, 103 on the BSDs
_LONGEST_LOG = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The resolved places of one server and the account that owns them."""

    home: Path
    account: Account

    @property
    def data(self) -> Path:
        """The cluster (PGDATA)."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's own words."""
        return self.home / "log"

    @property
    def socket_folder(self) -> Path:
        """Where the socket is or will be, short enough for a socket's address."""
        return (self.home / "run").resolve()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: the kernel gives it back when its holder dies. Creates the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseUnavailable(
            f"Le dossier de la base {folder} n'est pas accessible ({error.strerror}). Corrigez ses droits, ou "
            "choisissez un autre dossier."
        ) from error
    try:
        owner = folder.stat()
        if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)  # the folder's own user must be able to lock it later
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def existing(folder: Path) -> Layout | None:
    """The layout of a cluster that has been created in `folder`, None when there is none (or none for us to see)."""
    home = (folder / "server").resolve()
    try:
        if not (home / "data" / "PG_VERSION").is_file():
            return None
        owner = (home / "data").stat().st_uid
    except PermissionError:
        owner = home.stat().st_uid
    return Layout(home=home, account=account_for(owner, say=_say_nothing))


def prepared(folder: Path, *, say: Callable[[str], None]) -> Layout:
    """The layout for starting in `folder`: account chosen, folders made and given to it, socket path short enough.

    To be called under the lock. Raises DatabaseUnavailable.
    """
    link = folder / "server"
    if link.is_dir():
        layout = Layout(home=link.resolve(), account=account_for(link.stat().st_uid, say=say))
        _give(layout.home, layout.account)  # a starter may have died between making it and giving it
    else:
        layout = _new_home(folder, link=link, account=account_for(None, say=say), say=say)
    _prepare_socket_folder(layout)
    if layout.log.is_file() and layout.log.stat().st_size > _LONGEST_LOG:
        layout.log.replace(layout.log.with_suffix(".old"))
    return layout


def _new_home(folder: Path, *, link: Path, account: Account, say: Callable[[str], None]) -> Layout:
    home = link
    if account.reaches(folder):
        home.mkdir(mode=0o700, exist_ok=True)
    else:
        SHELTER.mkdir(mode=0o755, parents=True, exist_ok=True)
        home = SHELTER / f"postgres-{secrets.token_hex(8)}"
        home.mkdir(mode=0o700)
        link.unlink(missing_ok=True)  # a link whose target is gone
        link.symlink_to(home)
        say(f"Le compte « {account.name} » n'a pas accès à {folder} : les données de la base sont dans {home}.")
    _give(home, account)
    return Layout(home=home.resolve(), account=account)


def _prepare_socket_folder(layout: Layout) -> None:
    run = layout.home / "run"
    if run.is_symlink():
        if _is_private(run.resolve(), layout.account):
            return
        run.unlink()  # the short folder went with a reboot, or somebody else has put something there
    socket = os.fsencode(layout.home.resolve() / "run" / f".s.PGSQL.{PORT}")
    if len(socket) <= _LONGEST_SOCKET_PATH and b"," not in socket:  # clients read a comma as a list of hosts
        run.mkdir(mode=0o700, exist_ok=True)
        _give(run, layout.account)
        return
    with suppress(FileNotFoundError):
        shutil.rmtree(run)
    # /tmp itself and not TMPDIR, which may be long too, or closed to the server's account.
    short = Path(tempfile.mkdtemp(prefix="faitfoi-", dir="/tmp"))
    _give(short, layout.account)
    run.symlink_to(short)


def _is_private(folder: Path, account: Account) -> bool:
    try:
        facts = folder.lstat()
    except FileNotFoundError:
        return False
    return folder.is_dir() and facts.st_uid == account.uid and facts.st_mode & 0o777 == 0o700


def _give(path: Path, account: Account) -> None:
    if account.borrowed and path.stat().st_uid != account.uid:
        os.chown(path, account.uid, account.gid)


def _say_nothing(_sentence: str) -> None:
    """For questions that change nothing."""

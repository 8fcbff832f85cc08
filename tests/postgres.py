"""One throw-away PostgreSQL for the whole test run, shared by every worker and every run that overlaps.

`cluster()` may be called by any process, at any time, any number of times. Each process that uses the cluster holds
a shared lock, which the kernel takes back if it dies; whoever leaves last stops the server. A run that was killed
leaves a server that the next run uses and stops.
"""

import atexit
import fcntl
import os
from pathlib import Path

from faitfoi.database import embedded, roles

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "test-postgres"

_held: dict[str, int] = {}


def cluster() -> embedded.Running:
    """The tests' server (nothing waits for the disk), started if need be; held until `release` or the process's end."""
    if "users" not in _held:
        _held["users"] = _open_users()
        fcntl.flock(_held["users"], fcntl.LOCK_SH)
        atexit.register(release)
    return embedded.start(FOLDER, durable=False)


def release() -> None:
    """Give the server up, and stop it when nobody else holds it. Does no harm when it was not held."""
    descriptor = _held.pop("users", None)
    if descriptor is None:
        descriptor = _open_users()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # somebody still works with it
    else:
        embedded.stop(FOLDER)
    finally:
        os.close(descriptor)


def fresh_database(name: str, *, template: str | None = None) -> embedded.Running:
    """An empty database (or a copy of `template`) of that name, whatever an earlier run left; its three addresses.

    All three URLs of the answer lead to that database.
    """
    server = cluster()
    roles.drop_database(server.superuser_url, name)
    roles.create_database(server.superuser_url, name, template=template)
    return embedded.Running(
        app_url=roles.on_database(server.app_url, name),
        owner_url=roles.on_database(server.owner_url, name),
        superuser_url=roles.on_database(server.superuser_url, name),
        data_directory=server.data_directory,
        started_here=False,
    )


def _open_users() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    return os.open(FOLDER / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

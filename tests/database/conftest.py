"""Folders for servers that a test may break: short, enterable by the server's account, and cleaned up for certain."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faitfoi.database import embedded
from faitfoi.database.layout import existing
from faitfoi.database.server import process


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place for one server, in a directory that everybody may enter (pytest's own are closed to other accounts)."""
    base = Path(tempfile.mkdtemp(prefix="ff-", dir="/tmp"))
    base.chmod(0o755)
    yield base / "postgres"
    sweep(base / "postgres")
    shutil.rmtree(base)


def sweep(place: Path) -> None:
    """Stop what a test left running and remove what it put outside its folder."""
    layout = existing(place)
    if layout is None:
        return
    if pid := process(layout):
        os.kill(pid, signal.SIGQUIT)
    embedded.stop(place)
    socket_folder = layout.socket_folder
    if not socket_folder.is_relative_to(layout.home):
        shutil.rmtree(socket_folder, ignore_errors=True)
    if not layout.home.is_relative_to(place.resolve()):
        shutil.rmtree(layout.home)

"""Runs the program as a user does, and inside this process when only its answer counts."""

import subprocess
import sys
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from faitfoi.cli import library

PROGRAM = [sys.executable, "-m", "faitfoi.cli"]

_APP = typer.Typer()
library.register(_APP)


def run(*arguments: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """The whole program, in a process of its own."""
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, input=stdin, check=False)


def ask(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    """The library's commands, in this process."""
    return CliRunner().invoke(_APP, [str(argument) for argument in arguments], input=stdin)

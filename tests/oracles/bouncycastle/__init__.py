"""Bouncy Castle, another reader of evidence records (RFC 4998)."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.oracles.java import give_up, java, need_java

_JUDGE = Path(__file__).with_name("Judge.java")


def bouncycastle(folders: Iterable[Path]) -> dict[str, str]:
    """What it says of `record.ers` for the files in `objects`, by folder: "accepted", or why not.

    Skips the test without Java or its compiler (fails it in CI).
    """
    need_java()
    if shutil.which("javac") is None:
        give_up("needs a JDK, to run a source file (Debian: apt install default-jdk-headless)")
    lines = java("bouncycastle", str(_JUDGE), *map(str, folders)).splitlines()
    return dict(line.split("\t", 1) for line in lines)

"""Poppler's pdfsig, the validator of many free readers (NSS underneath)."""

import shutil
import subprocess
from pathlib import Path

from tests.oracles.java import give_up
from tests.waiting import PATIENCE


def pdfsig(path: Path) -> str:
    """What pdfsig says of a PDF's signatures. Skips the test without it (fails it in CI)."""
    if shutil.which("pdfsig") is None:
        give_up("needs pdfsig (Debian: apt install poppler-utils)")
    done = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.stdout

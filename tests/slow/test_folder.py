"""Ten thousand small files: every core at work, and memory as flat at the end as at the beginning.

The program is weighed each time so many answers have been read from it. It cannot be further ahead of the reader than
its pipe and its desks hold, so that it is weighed at work, and as often, on any machine.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from faitfoi.cli.demonstration.builder import build
from tests.cli.commands import PROGRAM
from tests.slow.fleet import children, resident

pytestmark = pytest.mark.slow

CORES = len(os.sched_getaffinity(0))
FILES = max(1000, 200 * CORES, int(os.environ.get("DOCUMENTS", "10000")))
EVERY = FILES // 50
PIPE = 4096
"""Bytes that the program may write before they are read: a dozen answers."""
TOLERANCE = 16 * 1024 * 1024


def test_a_folder_is_judged_on_every_core_in_flat_memory(tmp_path: Path) -> None:
    build(tmp_path / "demo")
    folder = tmp_path / "folder"
    folder.mkdir()
    first = folder / "0.json"
    shutil.copy(tmp_path / "demo" / "trois-vallees" / "TV-2026-0406.json", first)
    for number in range(1, FILES):
        os.link(first, folder / f"{number}.json")
    told_lines, seen = list[bytes](), list[tuple[int, int]]()
    with subprocess.Popen([*PROGRAM, "check", "--json", str(folder)], stdout=subprocess.PIPE, pipesize=PIPE) as running:
        assert running.stdout is not None
        for line in running.stdout:
            told_lines.append(line)
            if len(told_lines) % EVERY == 0:
                seen.append(_weigh(running.pid))
    assert running.returncode == 0
    assert len(told_lines) == FILES
    assert all(json.loads(line)["valid"] for line in told_lines[:10])
    assert max(many for _, many in seen) == CORES
    weights = [weight for weight, many in seen if many == CORES]
    assert len(weights) >= 30, seen  # but for the first answers and the last
    half = len(weights) // 2
    assert max(weights[half:]) < max(weights[:half]) + TOLERANCE, weights


def _weigh(pid: int) -> tuple[int, int]:
    """Bytes held by a process and its children, and how many these are; nothing when one of them is just ending."""
    try:
        inner = children(pid)
        return sum(resident(each) for each in (pid, *inner)), len(inner)
    except OSError:
        return 0, 0

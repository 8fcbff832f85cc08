"""Ten thousand small files: every core at work, and memory as flat at the end as at the beginning."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faitfoi.cli.demonstration.builder import build
from tests.cli.commands import PROGRAM
from tests.slow.fleet import children, resident

pytestmark = pytest.mark.slow

FILES = max(1000, int(os.environ.get("DOCUMENTS", "10000")))
CORES = len(os.sched_getaffinity(0))
TOLERANCE = 16 * 1024 * 1024


def test_a_folder_is_judged_on_every_core_in_flat_memory(tmp_path: Path) -> None:
    build(tmp_path / "demo")
    folder = tmp_path / "folder"
    folder.mkdir()
    first = folder / "0.json"
    shutil.copy(tmp_path / "demo" / "trois-vallees" / "TV-2026-0406.json", first)
    for number in range(1, FILES):
        os.link(first, folder / f"{number}.json")
    with (tmp_path / "told.jsonl").open("wb") as told:
        running = subprocess.Popen([*PROGRAM, "check", "--json", str(folder)], stdout=told)
        seen = [_weigh(running.pid) for _ in _ticks(running)]
    assert running.returncode == 0
    assert len(told_lines := (tmp_path / "told.jsonl").read_text().splitlines()) == FILES
    assert all(json.loads(line)["valid"] for line in told_lines[:10])
    assert max(many for _, many in seen) == CORES
    weights = [weight for weight, many in seen if many == CORES]
    half = len(weights) // 2
    assert max(weights[half:]) < max(weights[:half]) + TOLERANCE, weights


def _ticks(running: "subprocess.Popen[bytes]") -> Iterator[None]:
    while running.poll() is None:
        yield
        time.sleep(0.1)


def _weigh(pid: int) -> tuple[int, int]:
    """Bytes held by a process and its children, and how many these are; nothing when one of them is just ending."""
    try:
        inner = children(pid)
        return sum(resident(each) for each in (pid, *inner)), len(inner)
    except OSError:
        return 0, 0

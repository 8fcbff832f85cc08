"""What the pages show is run: every block of Python and of shell, in their order, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("docs/library.md", "README.md")

# The README's shell is for people who set the platform up; the tests of the platform do that.
SHELL = {"docs/library.md"}

RUN = """
import sys, pathlib
for number, block in enumerate(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").split("\\f")):
    exec(compile(block, f"block {number + 1}", "exec"), globals())
"""


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_do_what_they_say(page: str, tmp_path: Path) -> None:
    python = blocks(page, "python")
    assert python
    program = tmp_path / ".program"
    program.write_text("\f".join(python), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN, program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for block in blocks(page, "sh") if page in SHELL else ():
        _run_shell(block, tmp_path)


def test_the_example_of_the_readme_fits_a_screen() -> None:
    (example,) = blocks("README.md", "python")
    assert len(example.splitlines()) <= 20


def _run_shell(block: str, folder: Path) -> None:
    """Run in a shell that stops at the first error, where `faitfoi` is this very project."""
    program = folder / ".bin" / "faitfoi"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m faitfoi.cli "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", block],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

"""Types commands, each in a process of its own that begins with everything imported: starting bare costs a second each.

python -m tests.pipeline.typist     # then one JSON list of words a line; one JSON answer a line comes back
"""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import faitfoi.cli.main
import faitfoi.pipeline
from tests.waiting import PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a command said, and the code with which it ended."""

    returncode: int
    stdout: str
    stderr: str


class Typist:
    """A process that has imported the program once, and forks for each command."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pipeline.typist"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=PATIENCE)

    def type(self, *words: str) -> Typed:
        """Type one command and wait for its end; the typist is killed if that never comes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(PATIENCE, self._process.kill)
        late.start()
        try:
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        finally:
            late.cancel()
        assert answer, f"{words} did not end"
        return Typed(**json.loads(answer))


def _type(words: list[str]) -> Typed:
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        child = os.fork()
        if child == 0:
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (said.fileno(), 1), (complained.fileno(), 2)):
                os.dup2(source, target)
            sys.argv = ["faitfoi", *words]
            faitfoi.cli.main.main()
            sys.exit()
        _, status = os.waitpid(child, 0)
        texts = []
        for kept in (said, complained):
            kept.seek(0)
            texts.append(kept.read().decode())
    return Typed(returncode=os.waitstatus_to_exitcode(status), stdout=texts[0], stderr=texts[1])


def _serve() -> None:
    import django

    django.setup()
    for room in (faitfoi.cli, faitfoi.pipeline):
        for module in pkgutil.iter_modules(room.__path__, room.__name__ + "."):
            if not module.name.endswith((".__main__", "sandbox_child")):
                importlib.import_module(module.name)
    for line in sys.stdin:
        typed = _type(json.loads(line))
        print(json.dumps({"returncode": typed.returncode, "stdout": typed.stdout, "stderr": typed.stderr}), flush=True)


if __name__ == "__main__":
    _serve()

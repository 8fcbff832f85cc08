"""Java oracles: judges written by others, run beside our tests. A user need not have them; CI must."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

_HERE = Path(__file__).parent
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "faitfoi-oracles"


def need_java() -> None:
    """Skip the test without Java and Maven; fail it in CI, where they must be there."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if not missing:
        return
    give_up(f"needs {' and '.join(missing)} (Debian: apt install default-jdk-headless maven)")


def give_up(reason: str) -> NoReturn:
    """Skip the test for want of its oracle; fail it in CI."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"This oracle {reason}", pytrace=False)
    pytest.skip(reason)


@cache
def class_path(name: str) -> str:
    """The class path of `tests/oracles/<name>/pom.xml`, resolved once by Maven and kept for the next runs.

    Skips the test when Maven cannot fetch it (fails it in CI).
    """
    pom = _HERE / name / "pom.xml"
    kept = _CACHE / f"{name}.classpath"
    if kept.is_file() and kept.stat().st_mtime >= pom.stat().st_mtime:
        path = kept.read_text(encoding="utf-8")
        if all(Path(jar).is_file() for jar in path.split(os.pathsep)):
            return path
    _CACHE.mkdir(parents=True, exist_ok=True)
    written = kept.with_suffix(f".{os.getpid()}")
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:build-classpath", f"-Dmdep.outputFile={written}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        give_up(f"could not be fetched by Maven ({pom}):\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    written.replace(kept)
    return kept.read_text(encoding="utf-8")


def java(name: str, main_class: str, *arguments: str) -> str:
    """Standard output of a main class of one oracle; its exit code is the oracle's own affair."""
    command = ["java", "-Xmx512m", "-cp", class_path(name), main_class, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"{main_class} said nothing:\n{done.stderr[-2000:]}")
    return done.stdout

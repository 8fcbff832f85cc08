"""Mustang, another reader and validator of Factur-X and ZUGFeRD: PDF, attachment, XMP, schema and rules."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.oracles.java import give_up, java, need_java

_JUDGE = Path(__file__).with_name("Judge.java")


def mustang(paths: Iterable[Path]) -> dict[Path, tuple[str, ...]]:
    """The errors Mustang finds in each Factur-X; an empty tuple says that it is valid. Warnings are left aside.

    All files go through one Java machine. Skips the test without Java or its compiler (fails it in CI).
    """
    need_java()
    if shutil.which("javac") is None:
        give_up("needs a JDK, to run a source file (Debian: apt install default-jdk-headless)")
    asked = [path.resolve() for path in paths]
    lines = java("mustang", str(_JUDGE), *map(str, asked)).splitlines()
    reports = dict(zip(lines[::2], lines[1::2], strict=True))
    return {path: _errors(reports[str(judged)]) for path, judged in zip(paths, asked, strict=True)}


def _errors(report: str) -> tuple[str, ...]:
    root = ET.fromstring(report.encode())
    said = [" ".join("".join(each.itertext()).split()) for each in root.iter("error")]
    envelope = root.find("pdf/summary")
    if envelope is None or envelope.get("status") != "valid":
        said.append("the PDF is not valid: " + " ".join("".join(root.itertext()).split())[:500])
    return tuple(said)

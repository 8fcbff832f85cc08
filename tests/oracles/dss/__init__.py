"""EU DSS, the European Commission's own validator of signatures (ETSI EN 319 102-1)."""

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.oracles.java import give_up, java, need_java

_JUDGE = Path(__file__).with_name("Judge.java")
_RECORDS = Path(__file__).with_name("Records.java")


@dataclass(frozen=True, slots=True, kw_only=True)
class DssVerdict:
    """What DSS says of a file's only signature: its indication, why, the format it recognises, and the mathematics."""

    indication: str
    reason: str
    format: str
    intact: bool
    valid: bool


def dss(paths: Iterable[Path], *, roots: Sequence[Path], at: datetime) -> dict[Path, DssVerdict]:
    """The verdict on each PDF, with `roots` (PEM or DER files) as the only trusted authorities, at that instant.

    All files go through one Java machine. Skips the test without Java or its compiler (fails it in CI).
    """
    need_java()
    if shutil.which("javac") is None:
        give_up("needs a JDK, to run a source file (Debian: apt install default-jdk-headless)")
    asked = {str(path.resolve()): path for path in paths}
    trusted = os.pathsep.join(str(root.resolve()) for root in roots)
    said = java("dss", str(_JUDGE), str(int(at.timestamp())), trusted, *asked)
    verdicts = {}
    for line in said.splitlines():
        name, indication, reason, kind, mathematics = line.split("\t")
        intact, valid = (word == "true" for word in mathematics.split())
        verdicts[asked[name]] = DssVerdict(
            indication=indication, reason=reason, format=kind, intact=intact, valid=valid
        )
    return verdicts


def dss_records(folders: Iterable[Path], *, roots: Sequence[Path]) -> dict[str, str]:
    """What it says of `record.ers` for the files in `objects`, by folder: "accepted" and how many tokens, or why not.

    `roots` are the only trusted authorities, one certificate (PEM or DER) in each file. Skips the test without Java or
    its compiler (fails it in CI).
    """
    need_java()
    if shutil.which("javac") is None:
        give_up("needs a JDK, to run a source file (Debian: apt install default-jdk-headless)")
    trusted = os.pathsep.join(str(root.resolve()) for root in roots)
    lines = java("dss", str(_RECORDS), trusted, *map(str, folders)).splitlines()
    return dict(line.split("\t", 1) for line in lines)

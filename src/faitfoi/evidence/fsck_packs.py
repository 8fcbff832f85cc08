"""Recompute what packs hold, copy by copy, from their bytes: names, both fingerprints, objects, seals.

Several processes read whole packs, in the order in which they were written: hashing is all the work there is. The one
that gives the packs away examines some itself instead of waiting.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from uuid import UUID

from faitfoi.evidence.fsck import Problem, ProblemKind
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.evidence.shelf import ObjectMissing, Shelf
from faitfoi.evidence.shelves import open_shelf
from faitfoi.evidence.store import digest_of, pack_name

COPIES = ("première copie", "seconde copie")
MOST_WAITING = 64
"""Packs given to the processes and not yet examined: more would only hold their descriptions in memory."""
FEW = 8
"""Packs that are examined sooner than another process has started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One object as its entry names it: fingerprints in hex, place in bytes; `sealed` when it is a PDF of ours."""

    sha256: str
    sha512: str
    offset: int
    size: int
    sealed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPack:
    """One pack as its entry names it."""

    organisation: UUID
    retention: str
    sha256: str
    sha512: str
    size: int
    objects: tuple[Expected, ...]

    @property
    def name(self) -> str:
        """Where it lies on a shelf."""
        return pack_name(self.organisation, self.retention, self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the copies of one pack gave."""

    copies: int
    octets: int
    problems: tuple[Problem, ...]


def examine_pack(shelf: Shelf, pack: ExpectedPack, *, copy: str, certificates: Sequence[bytes]) -> Examined:
    """Recompute one copy of a pack; never raises for damage."""
    try:
        content = shelf.get(pack.name)
    except ObjectMissing:
        sentence = f"Le paquet {pack.sha256} de l’organisation {pack.organisation} manque ({copy})."
        missing = Problem(kind=ProblemKind.PACK_MISSING, object=pack.sha256, sentence=sentence)
        return Examined(copies=0, octets=0, problems=(missing,))
    problems = tuple(_problems(content, pack, copy=copy, certificates=certificates))
    return Examined(copies=1, octets=len(content), problems=problems)


def _problems(content: bytes, pack: ExpectedPack, *, copy: str, certificates: Sequence[bytes]) -> Iterator[Problem]:
    whole = digest_of(content)
    if whole.sha256 != pack.sha256:
        sentence = f"Le paquet {pack.sha256} a changé depuis son dépôt ({copy})."
        yield Problem(kind=ProblemKind.PACK_ALTERED, object=pack.sha256, sentence=sentence)
    elif (whole.sha512, whole.size) != (pack.sha512, pack.size):
        sentence = f"Le paquet {pack.sha256} n’a pas le SHA-512 ou la taille que dit son écriture ({copy})."
        yield Problem(kind=ProblemKind.DIGEST_DIFFERS, object=pack.sha256, sentence=sentence)
    view = memoryview(content)
    for each in pack.objects:
        part = view[each.offset : each.offset + each.size]
        if hashlib.sha256(part).hexdigest() != each.sha256:
            sentence = f"L’objet {each.sha256} a changé depuis son dépôt, dans le paquet {pack.sha256} ({copy})."
            yield Problem(kind=ProblemKind.OBJECT_ALTERED, object=each.sha256, sentence=sentence)
            continue
        if len(part) != each.size or hashlib.sha512(part).hexdigest() != each.sha512:
            sentence = f"L’objet {each.sha256} n’a pas le SHA-512 ou la taille que dit son écriture ({copy})."
            yield Problem(kind=ProblemKind.DIGEST_DIFFERS, object=each.sha256, sentence=sentence)
        if each.sealed and (state := check_seal(bytes(part), certificates)) is not SealState.INTACT:
            sentence = f"Le cachet du PDF {each.sha256} ne tient pas : {SEAL_SENTENCES[state]} ({copy})."
            yield Problem(kind=ProblemKind.SEAL_BROKEN, object=each.sha256, sentence=sentence)


SEAL_SENTENCES = {
    SealState.ABSENT: "le fichier n’en porte pas",
    SealState.UNREADABLE: "sa signature est illisible",
    SealState.INCOMPLETE: "il ne couvre pas tout le fichier",
    SealState.ALTERED: "le fichier a changé depuis",
    SealState.UNKNOWN_CERTIFICATE: "son certificat n’est pas un de ceux de l’organisation",
    SealState.FORGED: "sa signature n’est pas celle du certificat",
}


_Task = tuple[int, ExpectedPack, tuple[bytes, ...]]


@dataclass(slots=True)
class PackExaminers:
    """Examines packs as they are given, on every shelf of the list of addresses; by several processes when many."""

    addresses: tuple[str, ...]
    packs: int = 0
    octets: int = 0
    problems: list[Problem] = field(default_factory=list)
    _first: list[_Task] = field(default_factory=list)
    _pool: ProcessPoolExecutor | None = None
    _waiting: dict["Future[Examined]", _Task] = field(default_factory=dict)

    def __enter__(self) -> "PackExaminers":
        """Nothing yet: processes are started when it is worth it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def give(self, pack: ExpectedPack, *, certificates: Sequence[bytes]) -> None:
        """Have every copy of a pack examined; when many are in hand, examines one itself."""
        for number in range(len(self.addresses)):
            self._first.append((number, pack, tuple(certificates)))
        if len(self._first) < FEW and self._pool is None:
            return
        if self._pool is None:
            _open_shelves(self.addresses)
            # A new interpreter each: a fork would take over connections and whatever other threads hold.
            self._pool = ProcessPoolExecutor(
                max_workers=max(1, (os.cpu_count() or 2) - 1),
                mp_context=get_context("spawn"),
                initializer=_open_shelves,
                initargs=(self.addresses,),
            )
        for each in self._first:
            if len(self._waiting) < MOST_WAITING:
                self._waiting[self._pool.submit(_examine, *each)] = each
            else:
                self._add(_examine(*each))
                self._gather(timeout=0)
        self._first.clear()

    def finish(self) -> None:
        """Examine what nobody has begun, then wait for what is in hand."""
        if self._first:
            _open_shelves(self.addresses)
            for each in self._first:
                self._add(_examine(*each))
            self._first.clear()
        for future, each in reversed(list(self._waiting.items())):
            if future.cancel():
                del self._waiting[future]
                self._add(_examine(*each))
        while self._waiting:
            self._gather()

    def _gather(self, *, timeout: float | None = None) -> None:
        for each in wait(self._waiting, timeout=timeout, return_when=FIRST_COMPLETED).done:
            del self._waiting[each]
            self._add(each.result())

    def _add(self, found: Examined) -> None:
        self.packs += found.copies
        self.octets += found.octets
        self.problems.extend(found.problems)


_shelves: list[Shelf] = []


def _open_shelves(addresses: Sequence[str]) -> None:
    """Open shelves of this process alone: a connection must not be shared with the process that forked it."""
    _shelves[:] = [open_shelf(address) for address in addresses]


def _examine(number: int, pack: ExpectedPack, certificates: tuple[bytes, ...]) -> Examined:
    return examine_pack(_shelves[number], pack, copy=COPIES[number], certificates=certificates)

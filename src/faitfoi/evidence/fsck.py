"""Recompute the whole proof from bytes: journal entries, leaves, root, stored objects and seals.

Pure examination: the caller reads its tables and hands the rows over; nothing is repaired here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from faitfoi.evidence.leaves import NotCanonical, leaf_hash, read_canonical
from faitfoi.evidence.merkle import Frontier
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.store import Place, Store, digest_of, read_from


class ProblemKind(StrEnum):
    """What can be wrong; the value is stable, for whoever counts or filters."""

    ENTRY_ALTERED = "entry_altered"
    ENTRY_NOT_CANONICAL = "entry_not_canonical"
    ENTRY_OF_ANOTHER = "entry_of_another"
    INDEX_GAP = "index_gap"
    SIZE_DIFFERS = "size_differs"
    ROOT_DIFFERS = "root_differs"
    OBJECT_MISSING = "object_missing"
    OBJECT_ALTERED = "object_altered"
    DIGEST_DIFFERS = "digest_differs"
    NOT_JOURNALLED = "not_journalled"
    SEAL_BROKEN = "seal_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One row of the journal as stored: dense index, canonical bytes, leaf hash (32 bytes), and whose it is."""

    index: int
    entry: bytes
    leaf: bytes
    organisation: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The tree head as stored: how many entries, and the root over their leaves (32 bytes)."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One object that the tables name: digests in hex, size in bytes, and the index of the entry that journalled it.

    `sealed` says that it is a PDF with our seal; `places` are where rows say that it lies; `entry_index` is None when
    no entry is known for it, itself a problem.
    """

    organisation: UUID
    sha256: str
    sha512: str
    size: int
    entry_index: int | None
    sealed: bool
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing found wrong: what kind, on which object (entry index or SHA-256), and a French sentence."""

    kind: ProblemKind
    object: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was examined and what was found; `sound` when nothing is wrong.

    `unclaimed` counts packs that no row names: what a crash between store and database leaves, no damage.
    """

    entries: int
    objects: int
    seals: int
    unclaimed: int
    root: bytes
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """True when every entry, object and seal is what it should be."""
        return not self.problems


class Progress(Protocol):
    """Called after each step with the step's name (`entries`, `objects`) and how many are done."""

    def __call__(self, step: str, done: int, /) -> None: ...


def examine(
    *,
    lines: Iterable[JournalLine],
    head: Head,
    store: Store,
    artefacts: Iterable[Kept],
    certificates: Mapping[UUID, Sequence[bytes]],
    packs: Collection[str],
    progress: Progress | None = None,
) -> Report:
    """Recompute everything from bytes and report each difference; never raises for damage.

    `lines` come in the order of their index; `artefacts` in any order; `certificates` are the DER seal certificates of
    each organisation, past and present; `packs` the names of those that rows name. Memory
    grows with the artefacts, not with the journal's bytes.
    """
    kept = list(artefacts)
    journal = _examine_journal(lines, head=head, kept=kept, progress=progress)
    objects = _examine_objects(kept, store=store, certificates=certificates, progress=progress)
    return Report(
        entries=journal.frontier.size,
        objects=len(kept),
        seals=sum(item.sealed for item in kept),
        unclaimed=sum(name not in packs for name in store.first.names() if _is_pack(name)),
        root=journal.frontier.root(),
        problems=(*journal.problems, *objects),
    )


@dataclass(slots=True)
class _Journal:
    frontier: Frontier = field(default_factory=Frontier)
    problems: list[Problem] = field(default_factory=list)


def _examine_journal(
    lines: Iterable[JournalLine], *, head: Head, kept: Sequence[Kept], progress: Progress | None
) -> _Journal:
    journal = _Journal()
    named_at: dict[int | None, list[Kept]] = defaultdict(list)
    for item in kept:
        named_at[item.entry_index].append(item)
    expected = 0
    for line in lines:
        if line.index != expected:
            journal.problems.append(_gap(expected, line.index))
        expected = line.index + 1
        journal.frontier.append(leaf_hash(line.entry))
        journal.problems.extend(_problems_of(line, named_at.pop(line.index, [])))
        if progress:
            progress("entries", journal.frontier.size)
    for without_entry in named_at.values():
        journal.problems.extend(_not_journalled(item) for item in without_entry)
    journal.problems.extend(_head_problems(journal.frontier, head))
    return journal


def _problems_of(line: JournalLine, kept: Sequence[Kept]) -> Iterator[Problem]:
    if leaf_hash(line.entry) != line.leaf:
        yield Problem(
            kind=ProblemKind.ENTRY_ALTERED,
            object=str(line.index),
            sentence=f"L’écriture {line.index} du journal ne donne plus son empreinte : son contenu a été modifié.",
        )
    try:
        entry = read_canonical(line.entry)
    except NotCanonical:
        yield Problem(
            kind=ProblemKind.ENTRY_NOT_CANONICAL,
            object=str(line.index),
            sentence=f"L’écriture {line.index} du journal n’est pas sous sa forme canonique.",
        )
        yield from (_not_journalled(item) for item in kept)
        return
    claimed = entry.get("organisation")
    if isinstance(claimed, str) and claimed != str(line.organisation):
        yield Problem(
            kind=ProblemKind.ENTRY_OF_ANOTHER,
            object=str(line.index),
            sentence=f"L’écriture {line.index} dit être de {claimed}, mais elle est rangée chez {line.organisation}.",
        )
    texts = set(_texts(entry))
    yield from (
        _not_journalled(item) for item in kept if item.sha256 not in texts or item.organisation != line.organisation
    )


def _head_problems(frontier: Frontier, head: Head) -> Iterator[Problem]:
    if frontier.size != head.size:
        yield Problem(
            kind=ProblemKind.SIZE_DIFFERS,
            object=str(head.size),
            sentence=f"Le journal compte {frontier.size} écritures, sa tête en annonce {head.size}.",
        )
    if frontier.root() != head.root:
        yield Problem(
            kind=ProblemKind.ROOT_DIFFERS,
            object=str(head.size),
            sentence=(
                f"La racine recalculée du journal est {frontier.root().hex()}, sa tête dit {head.root.hex()} : "
                "des écritures ont été changées, ajoutées ou retirées."
            ),
        )


def _examine_objects(
    kept: Sequence[Kept],
    *,
    store: Store,
    certificates: Mapping[UUID, Sequence[bytes]],
    progress: Progress | None,
) -> Iterator[Problem]:
    for done, item in enumerate(kept, start=1):
        yield from _object_problems(item, store=store, certificates=certificates.get(item.organisation, ()))
        if progress:
            progress("objects", done)


def _object_problems(item: Kept, *, store: Store, certificates: Sequence[bytes]) -> Iterator[Problem]:
    content = b""
    problems: list[Problem] = []
    for place in item.places:
        try:
            content = read_from(store.first, place)
        except ObjectMissing as error:
            problems.append(Problem(kind=ProblemKind.OBJECT_MISSING, object=item.sha256, sentence=str(error)))
        except ObjectAltered as error:
            problems.append(Problem(kind=ProblemKind.OBJECT_ALTERED, object=item.sha256, sentence=str(error)))
    if not item.places:
        sentence = f"L’objet {item.sha256} de l’organisation {item.organisation} n’est dans aucun paquet."
        problems.append(Problem(kind=ProblemKind.OBJECT_MISSING, object=item.sha256, sentence=sentence))
    yield from problems
    if len(problems) >= max(len(item.places), 1):
        return
    digest = digest_of(content)
    if (digest.sha512, digest.size) != (item.sha512, item.size):
        yield Problem(
            kind=ProblemKind.DIGEST_DIFFERS,
            object=item.sha256,
            sentence=(
                f"L’objet {item.sha256} fait {digest.size} octets et son SHA-512 est {digest.sha512} ; "
                f"la base annonce {item.size} octets et {item.sha512}."
            ),
        )
    if item.sealed and (state := check_seal(content, certificates)) is not SealState.INTACT:
        yield Problem(
            kind=ProblemKind.SEAL_BROKEN,
            object=item.sha256,
            sentence=f"Le cachet du PDF {item.sha256} ne tient pas : {_SEAL_SENTENCES[state]}.",
        )


_SEAL_SENTENCES = {
    SealState.ABSENT: "le fichier n’en porte pas",
    SealState.UNREADABLE: "sa signature est illisible",
    SealState.INCOMPLETE: "il ne couvre pas tout le fichier",
    SealState.ALTERED: "le fichier a changé depuis",
    SealState.UNKNOWN_CERTIFICATE: "son certificat n’est pas un de ceux de l’organisation",
    SealState.FORGED: "sa signature n’est pas celle du certificat",
}


def _gap(expected: int, found: int) -> Problem:
    return Problem(
        kind=ProblemKind.INDEX_GAP,
        object=str(expected),
        sentence=f"Le journal passe à l’écriture {found} alors que l’écriture {expected} était attendue.",
    )


def _not_journalled(item: Kept) -> Problem:
    whom = f"L’objet {item.sha256} de l’organisation {item.organisation}"
    if item.entry_index is None:
        sentence = f"{whom} n’a aucune écriture au journal."
    else:
        sentence = f"{whom} n’est pas nommé par l’écriture {item.entry_index} du journal, comme la base le dit."
    return Problem(kind=ProblemKind.NOT_JOURNALLED, object=item.sha256, sentence=sentence)


def _is_pack(name: str) -> bool:
    return not name.startswith("journal/")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)

"""`faitfoi fsck`: brings together what `evidence.fsck` and `evidence.fsck_packs` then recompute from bytes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from django.db import connection, transaction

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.checkpoint import Checkpoint as Statement
from faitfoi.evidence.checkpoint import open_checkpoint
from faitfoi.evidence.fsck import (
    Entries,
    Head,
    JournalLine,
    Problem,
    ProblemKind,
    Progress,
    Report,
    Tree,
)
from faitfoi.evidence.fsck_packs import Expected, ExpectedPack, PackExaminers
from faitfoi.evidence.merkle import EMPTY_ROOT
from faitfoi.evidence.note import NoteRefused, SignedNote, open_note
from faitfoi.evidence.stamps import StampRefused, check_stamp
from faitfoi.evidence.store import digest_of
from faitfoi.pipeline.epochs import former_origins
from faitfoi.pipeline.examination_mirror import mirror_problems
from faitfoi.pipeline.examination_rows import Rows
from faitfoi.pipeline.installation import addresses, store
from faitfoi.pipeline.jobs import every_organisation
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.sealing import certificates_of, declared_at, doubtful, known_certificates
from faitfoi.pipeline.stamping import trusted_roots
from faitfoi.pipeline.witness_panels import why_unwitnessed
from faitfoi.pipeline.witnesses import log_signer
from faitfoi.records.journal import sequence
from faitfoi.records.models import Checkpoint, CheckpointStamp, JournalEntry, JournalHead, JournalLeaf, JournalNode
from faitfoi.records.objects import KEPT, RETIRED

CHUNK = 2000
HOLE = -1
"""The index of an entry without a leaf: one that cannot be."""


def examine_installation(*, progress: Progress | None = None) -> Report:
    """Recompute leaves, tree, signatures, packs and seals of every organisation, as the tables stand at one instant.

    Both copies are read, of the packs and of the journal's mirror. Work may go on meanwhile: what is not yet numbered
    then is left for the next examination. Memory grows with digests, not with the bytes of entries or packs.
    """
    while not stopped() and sequence():
        pass
    with PackExaminers(addresses()) as packs:
        examination = _Examination(packs, progress)
        with _one_instant():
            organisations = every_organisation()
            for organisation_id in organisations:
                with acting_for(organisation_id):
                    examination.read(organisation_id)
            root = examination.grow_tree()
        unclaimed = examination.unclaimed(organisations)
        mirror = tuple(mirror_problems())
        packs.finish()
    return Report(
        entries=examination.entries.count,
        objects=examination.objects,
        seals=examination.seals,
        packs=packs.packs,
        octets=packs.octets,
        checkpoints=examination.checkpoints,
        stamps=examination.stamps,
        unclaimed=unclaimed,
        doubts=examination.doubts,
        root=root,
        problems=(*examination.entries.problems, *examination.problems, *packs.problems, *mirror),
    )


class _Examination:
    """What has been seen so far, organisation after organisation, all within one instant of the database."""

    def __init__(self, packs: PackExaminers, progress: Progress | None) -> None:
        self.entries = Entries()
        self.problems: list[Problem] = []
        self.objects = self.seals = self.checkpoints = self.stamps = self.doubts = 0
        self._packs = packs
        self._progress = progress
        self._named: set[str] = set()

    def read(self, organisation_id: UUID) -> None:
        """Examine one organisation's entries and rows, and give its packs away. Runs inside `acting_for`."""
        rows = Rows(organisation_id)
        certificates = certificates_of(organisation_id)
        retired = _retired()
        given = 0
        for chunk in _entries():
            kept: list[ExpectedPack] = []
            for index, body, leaf, details in chunk:
                if index is None:
                    rows.read_unnumbered(body)
                    continue
                line = JournalLine(index=index, entry=body.encode(), leaf=leaf, organisation=organisation_id)
                entry = self.entries.examine(line)
                if details is not None and entry and digest_of(details.encode()).sha256 != entry.get("details"):
                    self._refuse_details(index)
                rows.read(entry)
                if entry.get("type") == KEPT:
                    kept += _packs(organisation_id, entry, sealed=rows.sealed)
            self.problems += rows.compare([pack for pack in kept if pack.name not in retired])
            for pack in kept:
                self._named.add(pack.name)
                if pack.name in retired:
                    continue
                self._packs.give(pack, certificates=certificates)
                self.objects += len(pack.objects)
                self.seals += sum(each.sealed for each in pack.objects)
                given += 1
            self._tell(self.entries.count)
        self.problems += rows.strangers()
        self._read_compromises(organisation_id)

    def grow_tree(self) -> bytes:
        """Recompute the tree over all leaves, and everything that was said of it; returns its root."""
        nodes = JournalNode.objects.values_list("level", "position", "node")
        tree = Tree(entries=self.entries, tiles={(level, position): bytes(node) for level, position, node in nodes})
        signed = {each.size: each for each in Checkpoint.objects.all()}
        for size in tree.grow(_leaves()):
            if size in signed:
                self._check_signatures(signed.pop(size), tree.frontier.root())
        for checkpoint in signed.values():
            self._refuse(checkpoint.size, "porte sur plus d’écritures que le journal n’en a")
        latest = JournalHead.objects.order_by("-size").first()
        tree.close(Head(size=latest.size, root=bytes(latest.root)) if latest else Head(size=0, root=EMPTY_ROOT))
        self.problems += tree.problems
        self._check_stamps()
        return tree.frontier.root()

    def _read_compromises(self, organisation_id: UUID) -> None:
        """Tell what a compromised key sealed after it was declared so, and count what came shortly before."""
        for certificate in known_certificates(organisation_id):
            since = declared_at(certificate)
            for each in doubtful(organisation_id, certificate):
                if since is None or each.index is None or each.index < since:
                    self.doubts += 1
                    continue
                sentence = (
                    f"Le document {each.document_id} (écriture {each.index}) porte un cachet de la clé "
                    f"{certificate.fingerprint[:16]}…, fait après que cette clé a été déclarée compromise."
                )
                self.problems.append(
                    Problem(kind=ProblemKind.SEAL_COMPROMISED, object=str(each.document_id), sentence=sentence)
                )

    def unclaimed(self, organisations: Sequence[UUID]) -> int:
        """Count the packs on the first shelf that no entry names."""
        names = (name for each in organisations for name in store().first.names(f"{each}/"))
        return sum(name not in self._named for name in names)

    def _check_signatures(self, checkpoint: Checkpoint, root: bytes) -> None:
        self.checkpoints += 1
        try:
            said, note = _opened(checkpoint.note.encode())
        except NoteRefused as error:
            self._refuse(checkpoint.size, f"ne se vérifie pas ({error})")
            return
        if (said.size, said.root) != (checkpoint.size, root):
            self._refuse(checkpoint.size, "n’est pas celui des écritures d’aujourd’hui : le journal a été réécrit")
        if why := why_unwitnessed(note, checkpoint.size):
            self._refuse(checkpoint.size, why)

    def _check_stamps(self) -> None:
        stamps = CheckpointStamp.objects.select_related("checkpoint").order_by("id")
        roots = trusted_roots() if stamps.exists() else ()
        for stamp in stamps.iterator():
            self.stamps += 1
            try:
                check_stamp(bytes(stamp.token), stamp.checkpoint.note.encode(), roots=roots)
            except StampRefused as error:
                where = f"sur le point de contrôle {stamp.checkpoint_id}"
                sentence = f"L’horodatage de {stamp.authority} {where} ne tient pas."
                self.problems.append(
                    Problem(kind=ProblemKind.STAMP_REFUSED, object=str(stamp.id), sentence=f"{sentence} {error}")
                )

    def _refuse_details(self, index: int) -> None:
        sentence = f"Les images des lignes gardées avec l’écriture {index} ne sont plus celles qu’elle nomme."
        self.problems.append(Problem(kind=ProblemKind.DETAILS_ALTERED, object=str(index), sentence=sentence))

    def _refuse(self, size: int, why: str) -> None:
        sentence = f"Le point de contrôle à {size} écritures {why}."
        self.problems.append(Problem(kind=ProblemKind.CHECKPOINT_REFUSED, object=str(size), sentence=sentence))

    def _tell(self, entries: int) -> None:
        if self._progress is not None:
            self._progress("entries", entries)
            self._progress("packs", self._packs.packs)


def _opened(note: bytes) -> tuple[Statement, SignedNote]:
    """A checkpoint that our log has signed, under its present name or that of an earlier epoch. Raises NoteRefused."""
    verifier = log_signer().verifier
    named = Statement.parse(open_note(note).text).origin
    return open_checkpoint(note, replace(verifier, name=named) if named in former_origins() else verifier)


@contextmanager
def _one_instant() -> Iterator[None]:
    """Open a transaction that sees nothing of what others commit meanwhile."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _entries() -> Iterator[list[tuple[int | None, str, bytes, str | None]]]:
    """Give the current organisation's entries with index, leaf and details; HOLE for one without a leaf."""
    last = "00000000-0000-0000-0000-000000000000"
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT e.id, e.body, l.entry_id IS NULL, l.index, l.leaf, d.body FROM records_journalentry e "
                "LEFT JOIN records_journalleaf l ON l.entry_id = e.id "
                "LEFT JOIN records_journaldetails d ON d.entry_id = e.id "
                "WHERE e.id > %s ORDER BY e.id LIMIT %s",
                [last, CHUNK],
            )
            found = cursor.fetchall()
        if not found:
            return
        last = found[-1][0]
        yield [
            (HOLE if alone else index, body, bytes(leaf or b""), details)
            for _, body, alone, index, leaf, details in found
        ]


def _leaves() -> Iterator[tuple[int, bytes]]:
    numbered = JournalLeaf.objects.exclude(index=None).order_by("index")
    last = -1
    while chunk := list(numbered.filter(index__gt=last).values_list("index", "leaf")[:20_000]):
        for index, leaf in chunk:
            yield index or 0, bytes(leaf)
        last = chunk[-1][0] or 0


def _retired() -> set[str]:
    """Return the names of the packs that were taken away by an act of their own."""
    if not JournalEntry.objects.filter(kind=RETIRED).exists():
        return set()
    with connection.cursor() as cursor:
        # The last word counts: one that was kept again since has come back, however often it was kept before.
        cursor.execute(
            "SELECT last.name FROM (SELECT DISTINCT ON (e.body::json->>'retention', e.body::json->>'pack') "
            "e.kind, e.body::json->>'name' AS name FROM records_journalentry e "
            "LEFT JOIN records_journalleaf l ON l.entry_id = e.id WHERE e.kind IN (%s, %s) "
            "ORDER BY e.body::json->>'retention', e.body::json->>'pack', l.index DESC NULLS FIRST, l.arrival DESC"
            ") last WHERE last.kind = %s",
            [RETIRED, KEPT, RETIRED],
        )
        return {name for (name,) in cursor.fetchall()}


def _packs(organisation_id: UUID, entry: Mapping[str, object], *, sealed: set[bytes]) -> list[ExpectedPack]:
    """Read what an entry says of a pack; nothing when it does not say it as we write it."""
    objects = entry.get("objects")
    if not isinstance(objects, list):
        return []
    try:
        pack = ExpectedPack(
            organisation=organisation_id,
            retention=str(entry["retention"]),
            sha256=str(entry["pack"]),
            sha512=str(entry["sha512"]),
            size=int(str(entry["size"])),
            objects=tuple(
                Expected(
                    sha256=sha256,
                    sha512=sha512,
                    offset=int(offset),
                    size=int(size),
                    sealed=bytes.fromhex(sha256) in sealed,
                )
                for sha256, sha512, offset, size in (str(line).split(" ") for line in objects)
            ),
        )
    except (KeyError, ValueError):
        return []
    return [pack]

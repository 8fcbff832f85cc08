"""What the tables of one organisation say, held against what its entries say."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from faitfoi.evidence.fsck import Problem, ProblemKind
from faitfoi.evidence.fsck_packs import ExpectedPack
from faitfoi.records.models import Artefact, Delivery, Event, StoredObject
from faitfoi.records.objects import KEPT
from faitfoi.records.stages import Stage

RENDERED = ("document_sealed", "document_rendered", "document_imported")
KEPT_BESIDE = ("attestation_issued", "line_refused", "remote_event")
"""Entries that name, under `sha256`, an object which is no artefact: an answer as received, a file refused…"""

MOVES = ("stage_moved", "delivery_imported")


class Rows:
    """Entries are read in order, packs compared as they come, and what no entry explains is told at the end.

    Runs inside `acting_for`. Digests are held as 32 bytes each: an organisation may have millions.
    """

    def __init__(self, organisation_id: UUID) -> None:
        self._organisation_id = organisation_id
        self.sealed = {bytes.fromhex(each) for each in _digests(Artefact.objects.filter(sealed=True))}
        self._rendered: set[bytes] = set()
        self._beside: set[bytes] = set()
        self._kept: set[bytes] = set()
        self._packs: set[str] = set()
        self._fresh: set[str] = set()
        self._eliminated: set[str] = set()
        self._entered: dict[str, Counter[str]] = defaultdict(lambda: Counter({Stage.ROUTED.value: 1}))

    def read(self, entry: Mapping[str, object]) -> None:
        """Take in what one believable entry says."""
        kind = entry.get("type")
        if kind in RENDERED:
            self._rendered |= {bytes.fromhex(str(value)) for name, value in entry.items() if name.startswith("sha256_")}
            answers = entry.get("answers")
            self._beside |= {bytes.fromhex(str(each)) for each in answers} if isinstance(answers, list) else set()
        elif kind in KEPT_BESIDE and entry.get("sha256"):
            self._beside.add(bytes.fromhex(str(entry["sha256"])))
        elif kind in MOVES:
            self._move(entry)
        elif kind == "document_eliminated":
            self._eliminate(entry)

    def read_unnumbered(self, body: str) -> None:
        """Note what an entry without an index names: it is another day's, neither a hole nor a stranger."""
        entry = json.loads(body)
        if entry.get("type") in MOVES:
            self._move(entry)
        elif entry.get("type") == "document_eliminated":
            self._eliminate(entry)
        for value in entry.values():
            if isinstance(value, str):
                self._fresh.add(value)
            elif isinstance(value, list) and entry.get("type") == KEPT:
                self._fresh |= {str(line).partition(" ")[0] for line in value}

    def compare(self, packs: Sequence[ExpectedPack]) -> Iterator[Problem]:
        """Hold the rows of some packs against their entries."""
        found: dict[tuple[str, str], set[tuple[str, str, int, int]]] = defaultdict(set)
        rows = StoredObject.objects.filter(pack__in={pack.sha256 for pack in packs}).order_by()
        for row in rows:
            found[row.pack, row.retention].add((row.sha256, row.sha512, row.offset, row.size))
        for each in packs:
            self._packs.add(each.name)
            self._kept |= {bytes.fromhex(one.sha256) for one in each.objects}
            said = {(one.sha256, one.sha512, one.offset, one.size) for one in each.objects}
            for sha256, *_ in sorted(said ^ found[each.sha256, each.retention]):
                where = f"La place de l’objet {sha256} dans le paquet {each.sha256}"
                sentence = f"{where} n’est pas, dans la base, celle que dit son écriture."
                yield Problem(kind=ProblemKind.ROW_DIFFERS, object=sha256, sentence=sentence)

    def strangers(self) -> Iterator[Problem]:
        """Tell what rows say and no entry does, once all entries are read."""
        yield from self._strange_packs()
        yield from self._strange_artefacts()
        yield from self._strange_answers()
        yield from self._moved_aside()
        for sha256 in sorted(self._rendered | self._beside):
            if sha256 not in self._kept and sha256.hex() not in self._eliminated:
                yield self._nowhere(sha256.hex())

    def _strange_packs(self) -> Iterator[Problem]:
        for retention, pack in StoredObject.objects.order_by().values_list("retention", "pack").distinct():
            name = f"{self._organisation_id}/{retention}/{pack[:2]}/{pack[2:]}"
            if name not in self._packs and pack not in self._fresh:
                sentence = f"Le paquet {pack}, où la base range des objets, n’est nommé par aucune écriture."
                yield Problem(kind=ProblemKind.NOT_JOURNALLED, object=pack, sentence=sentence)

    def _strange_artefacts(self) -> Iterator[Problem]:
        for sha256 in _digests(Artefact.objects.all()):
            if bytes.fromhex(sha256) not in self._rendered and sha256 not in self._fresh:
                sentence = f"L’objet {sha256}, fichier d’un document d’après la base, n’a aucune écriture au journal."
                yield Problem(kind=ProblemKind.NOT_JOURNALLED, object=sha256, sentence=sentence)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a.sha256 FROM records_artefact a WHERE NOT EXISTS (SELECT 1 FROM records_storedobject s "
                "WHERE s.organisation_id = a.organisation_id AND s.sha256 = a.sha256 AND s.sha512 = a.sha512 "
                "AND s.size = a.size) ORDER BY a.id"
            )
            different = [sha256 for (sha256,) in cursor.fetchall() if sha256 not in self._eliminated]
        for sha256 in different:
            sentence = f"Le fichier {sha256} n’a pas, dans la base, la taille et le SHA-512 de l’objet conservé."
            yield Problem(kind=ProblemKind.DIGEST_DIFFERS, object=sha256, sentence=sentence)

    def _strange_answers(self) -> Iterator[Problem]:
        claimed = Event.objects.exclude(raw_sha256="").order_by().values_list("raw_sha256", flat=True)
        for sha256 in sorted(set(claimed) - self._fresh):
            if bytes.fromhex(sha256) not in self._beside:
                sentence = f"La réponse {sha256}, qu’un événement dit avoir reçue, n’est nommée par aucune écriture."
                yield Problem(kind=ProblemKind.NOT_JOURNALLED, object=sha256, sentence=sentence)

    def _moved_aside(self) -> Iterator[Problem]:
        """Tell the deliveries that do not stand where their journalled moves lead: a stage has one door.

        Where they lead does not depend on the order of the entries: it is the one stage entered once more than left.
        """
        for delivery_id, stage in Delivery.objects.order_by("id").values_list("id", "stage").iterator():
            if self._entered[str(delivery_id)][stage] != 1:
                sentence = (
                    f"L’envoi {delivery_id} est dit « {Stage(stage).label} » ; aucune écriture du journal ne l’y "
                    "a mené : il a été changé sans passer par Faitfoi."
                )
                yield Problem(kind=ProblemKind.NOT_JOURNALLED, object=str(delivery_id), sentence=sentence)

    def _eliminate(self, entry: Mapping[str, object]) -> None:
        """Note what the journal says to be no more: it is not missing."""
        named = entry.get("fingerprints")
        self._eliminated |= {str(each) for each in named} if isinstance(named, list) else set()

    def _move(self, entry: Mapping[str, object]) -> None:
        moves = self._entered[str(entry.get("delivery"))]
        moves[str(entry.get("target"))] += 1
        moves[str(entry.get("source"))] -= 1

    def _nowhere(self, sha256: str) -> Problem:
        sentence = f"L’objet {sha256} de l’organisation {self._organisation_id} n’est dans aucun paquet."
        return Problem(kind=ProblemKind.OBJECT_MISSING, object=sha256, sentence=sentence)


def _digests(artefacts: QuerySet[Artefact]) -> Iterator[str]:
    yield from artefacts.order_by().values_list("sha256", flat=True).iterator()

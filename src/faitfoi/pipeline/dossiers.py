"""Brings together the dossiers of invoices, from the tables and the store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.reading import Unreadable
from faitfoi.evidence.dossier import VERSIONS, Dossier, ProvedEntry, dossier_name
from faitfoi.evidence.leaves import read_canonical
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.tlog_proof import TlogProof
from faitfoi.pipeline.archive import fetch
from faitfoi.pipeline.dossiers_imported import IMPORTED, SEALED, origins_of
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.renewing import evidence_record
from faitfoi.pipeline.sealing import certificate_on
from faitfoi.pipeline.stamping import roots_file
from faitfoi.pipeline.witnessing import log_signer, witnessed, witnesses_of
from faitfoi.records.journal import row, write_entry
from faitfoi.records.models import Artefact, Checkpoint, Document, JournalEntry, JournalLeaf
from faitfoi.records.stages import ArtefactRole


class NotProved(Exception):
    """A dossier cannot be made of what is here; the message is a French sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A dossier to write: of which document, and where in the folder of all of them."""

    document_id: UUID
    path: str


def plan(organisation_id: UUID, *, year: int | None = None) -> list[Planned]:
    """Every sealed document of an organisation, or those issued in a year, each with its own path: year/dossier.zip.

    The same documents get the same paths again, so that an interrupted run is taken up where it stopped.
    """
    with acting_for(organisation_id):
        sealed = Document.objects.filter(artefacts__role=ArtefactRole.LEGAL)
        wanted = sealed.filter(issue_date__year=year) if year else sealed
        known = list(wanted.order_by("issue_date", "id").values_list("id", "number", "issue_date").distinct())
    planned: dict[str, Planned] = {}
    for document_id, number, issued in known:
        path = f"{issued.year}/{dossier_name(number)}.zip"
        if path.lower() in planned:  # another seller's number, or one that reads the same as a file name
            path = f"{issued.year}/{dossier_name(number)}-{document_id.hex}.zip"
        planned[path.lower()] = Planned(document_id=document_id, path=path)
    return list(planned.values())


def make_dossier(organisation_id: UUID, document_id: UUID) -> tuple[str, bytes]:
    """Return the name and the bytes (a ZIP archive) of a document's dossier, under a checkpoint of now.

    Raises Document.DoesNotExist, NotProved, and WitnessSilent or JournalBehind when no witness vouches for the journal.
    """
    witnessed()
    return _made(organisation_id, document_id)


def make_dossiers(
    organisation_id: UUID, planned: list[Planned], *, actor: str
) -> Iterator[tuple[Planned, bytes | NotProved]]:
    """Make dossiers one after the other; that each was handed over is journalled. Raises as `make_dossier`, but
    gives `NotProved` in the place of the dossier that cannot be made.
    """
    witnessed()
    for each in planned:
        try:
            content = _made(organisation_id, each.document_id)[1]
        except (NotProved, ObjectAltered, ObjectMissing) as error:
            yield each, NotProved(str(error))
            continue
        with acting_for(organisation_id):
            tell_communicated(each.document_id, what="dossier", actor=actor)
        yield each, content


def tell_communicated(document_id: UUID, *, what: str, actor: str) -> None:
    """Write down that something of a document is handed over, and to whom. Runs inside `acting_for`."""
    write_entry("communicated", actor=actor, document_id=document_id, what=what)


def _made(organisation_id: UUID, document_id: UUID) -> tuple[str, bytes]:
    with acting_for(organisation_id):
        document = Document.objects.get(id=document_id)
        artefacts = {artefact.role: artefact for artefact in document.artefacts.all()}
        entries = list(JournalEntry.objects.filter(document_id=document.id).order_by("id"))
    indices = JournalLeaf.objects.in_bulk([entry.id for entry in entries])
    checkpoint = _checkpoint_over(max((leaf.index or 0 for leaf in indices.values()), default=0))
    tree = TiledTree(checkpoint.size, row)
    stamped = list(checkpoint.stamps.order_by("id"))
    stamps = {stamp.authority: bytes(stamp.token) for stamp in stamped}
    proved = {
        entry.kind + str(entry.id): _proved(entry, index, tree, checkpoint)
        for entry in entries
        # What was written since the checkpoint will be in a later dossier.
        if (index := indices[entry.id].index) is not None and index < checkpoint.size
    }
    told = {name: each for kind in (SEALED, IMPORTED) for name, each in proved.items() if name.startswith(kind)}
    sealed = next(iter(told.values()), None)
    if sealed is None:
        raise NotProved(
            f"Le cachet de {document.number} n’est pas au journal d’ici : son dossier ne peut pas être fait."
        )
    legal, original = artefacts[ArtefactRole.LEGAL], artefacts[ArtefactRole.ORIGINAL]
    pdf = fetch(organisation_id, legal.sha256)
    xml = _xml(pdf)
    dossier = Dossier(
        number=document.number,
        pdf=pdf,
        xml=xml if _names_xml(sealed) else b"",
        original=fetch(organisation_id, original.sha256),
        original_extension=original.filename.rpartition(".")[2],
        evidence=evidence_record(stamped[0]) if stamped else b"",
        versions=_versions(organisation_id, artefacts, sealed),
        sealed=sealed,
        story=[each for each in proved.values() if each is not sealed],
        log=log_signer().verifier,
        witnesses=witnesses_of(checkpoint.note.encode()),
        certificate=certificate_on(organisation_id, pdf) if legal.sealed else "",
        stamps=stamps,
        stamp_roots=roots_file() if stamps else b"",
    )
    at = timezone.now()
    if next(iter(told)).startswith(IMPORTED):
        inner = b""
        for origin in reversed(origins_of(organisation_id, document_id)):
            foreign = replace(
                dossier,
                xml=xml if _names_xml(origin.sealed) else b"",
                evidence=b"",
                versions=_versions(organisation_id, artefacts, origin.sealed),
                sealed=origin.sealed,
                story=origin.story,
                log=origin.log,
                witnesses=origin.witnesses,
                stamps=origin.stamps,
                stamp_roots=origin.stamp_roots,
                origin=inner,
            )
            inner = foreign.write(at=at)
        dossier = replace(dossier, origin=inner)
    return dossier.name, dossier.write(at=at)


def _names_xml(entry: ProvedEntry) -> bool:
    """Whether an entry names the data within the PDF: that of an import names the PDF alone, which holds them."""
    return bool(read_canonical(entry.body).get("xml_sha256"))


def _versions(organisation_id: UUID, artefacts: Mapping[str, Artefact], sealed: ProvedEntry) -> dict[str, bytes]:
    """The other renderings that the same entry names: what went to Chorus Pro, the copy."""
    entry = read_canonical(sealed.body)
    others = {role: artefacts[role] for role in VERSIONS if role in artefacts}
    named = {role: each.sha256 for role, each in others.items() if entry.get(f"sha256_{role}") == each.sha256}
    return {role: fetch(organisation_id, sha256) for role, sha256 in named.items()}


def _checkpoint_over(index: int) -> Checkpoint:
    """The first time-stamped checkpoint that covers an entry; the last one when none is stamped yet."""
    # Under the log's present name: a former epoch's checkpoints are of another one.
    ours = Checkpoint.objects.filter(note__startswith=f"{log_signer().name}\n")
    stamped = ours.filter(size__gt=index, stamps__isnull=False).order_by("size").first()
    return stamped or ours.latest("size")


def _proved(entry: JournalEntry, index: int, tree: TiledTree, checkpoint: Checkpoint) -> ProvedEntry:
    proof = TlogProof(index=index, path=tuple(tree.inclusion(index)), checkpoint=checkpoint.note.encode())
    return ProvedEntry(body=entry.body.encode(), proof=proof)


def _xml(pdf: bytes) -> bytes:
    try:
        return sandbox().extract(pdf)
    except Unreadable:
        return b""

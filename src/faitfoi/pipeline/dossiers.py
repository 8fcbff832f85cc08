"""Brings together the dossier of one invoice, from the tables and the store."""

from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.reading import Unreadable
from faitfoi.evidence.dossier import Dossier, ProvedEntry
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.tlog_proof import TlogProof
from faitfoi.pipeline.archive import fetch
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.sealing import certificate_on
from faitfoi.pipeline.stamping import roots_file
from faitfoi.pipeline.witnessing import log_signer, witnessed, witnesses_of
from faitfoi.records.journal import row
from faitfoi.records.models import Checkpoint, Document, JournalEntry, JournalLeaf
from faitfoi.records.stages import ArtefactRole


def make_dossier(organisation_id: UUID, document_id: UUID) -> tuple[str, bytes]:
    """Return the name and the bytes (a ZIP archive) of a document's dossier, under a checkpoint of now.

    Raises Document.DoesNotExist, and WitnessSilent or JournalBehind when no witness vouches for the journal.
    """
    witnessed()
    with acting_for(organisation_id):
        document = Document.objects.get(id=document_id)
        artefacts = {artefact.role: artefact for artefact in document.artefacts.all()}
        entries = list(JournalEntry.objects.filter(document_id=document.id).order_by("id"))
    indices = JournalLeaf.objects.in_bulk([entry.id for entry in entries])
    checkpoint = _checkpoint_over(max(leaf.index or 0 for leaf in indices.values()))
    tree = TiledTree(checkpoint.size, row)
    stamps = {stamp.authority: bytes(stamp.token) for stamp in checkpoint.stamps.all()}
    proved = {
        entry.kind + str(entry.id): _proved(entry, index, tree, checkpoint)
        for entry in entries
        # What was written since the checkpoint will be in a later dossier.
        if (index := indices[entry.id].index) is not None and index < checkpoint.size
    }
    sealed = next(each for name, each in proved.items() if name.startswith("document_sealed"))
    legal, original = artefacts[ArtefactRole.LEGAL], artefacts[ArtefactRole.ORIGINAL]
    pdf = fetch(organisation_id, legal.sha256)
    dossier = Dossier(
        number=document.number,
        pdf=pdf,
        xml=_xml(pdf),
        original=fetch(organisation_id, original.sha256),
        original_extension=original.filename.rpartition(".")[2],
        sealed=sealed,
        story=[each for each in proved.values() if each is not sealed],
        log=log_signer().verifier,
        witnesses=witnesses_of(checkpoint.note.encode()),
        certificate=certificate_on(organisation_id, pdf) if legal.sealed else "",
        stamps=stamps,
        stamp_roots=roots_file() if stamps else b"",
    )
    return dossier.name, dossier.write(at=timezone.now())


def _checkpoint_over(index: int) -> Checkpoint:
    """The first time-stamped checkpoint that covers an entry; the last one when none is stamped yet."""
    stamped = Checkpoint.objects.filter(size__gt=index, stamps__isnull=False).order_by("size").first()
    return stamped or Checkpoint.objects.latest("size")


def _proved(entry: JournalEntry, index: int, tree: TiledTree, checkpoint: Checkpoint) -> ProvedEntry:
    proof = TlogProof(index=index, path=tuple(tree.inclusion(index)), checkpoint=checkpoint.note.encode())
    return ProvedEntry(body=entry.body.encode(), proof=proof)


def _xml(pdf: bytes) -> bytes:
    try:
        return sandbox().extract(pdf)
    except Unreadable:
        return b""

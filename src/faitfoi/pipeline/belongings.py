"""Which stored objects belong to a document: its renderings, its file as received, what the other side said of it."""

from collections.abc import Iterable

from faitfoi.accounts.models import Organisation
from faitfoi.records.models import (
    ActFile,
    Artefact,
    Attestation,
    BatchLine,
    DeadLetter,
    Document,
    Event,
    MailFile,
    StoredObject,
)


def belongings_of(document: Document) -> set[str]:
    """The SHA-256 of everything that is kept because of this document. Runs inside `acting_for`."""
    found = set(Artefact.objects.filter(document=document).values_list("sha256", flat=True))
    found |= set(Event.objects.filter(document=document).exclude(raw_sha256="").values_list("raw_sha256", flat=True))
    found |= set(BatchLine.objects.filter(document=document).values_list("sha256", flat=True))
    found |= set(ActFile.objects.filter(act__delivery__document=document).values_list("sha256", flat=True))
    return found | {document.original_sha256}


def only_theirs(organisation: Organisation, digests: Iterable[str], documents: Iterable[Document]) -> set[str]:
    """Of these digests, those that nothing alive but these documents needs: the same bytes may belong to others too.

    Runs inside `acting_for`.
    """
    wanted, leaving = set(digests), [document.pk for document in documents]
    others = Document.objects.filter(eliminated_at=None).exclude(pk__in=leaving)
    rendered = Artefact.objects.filter(sha256__in=wanted, document__in=others)
    said = Event.objects.filter(raw_sha256__in=wanted, document__in=others)
    lines = BatchLine.objects.filter(sha256__in=wanted)
    received = lines.filter(document__in=others) | lines.filter(document=None)
    attested = Attestation.objects.filter(sha256__in=wanted)
    along = MailFile.objects.filter(sha256__in=wanted)
    needed = {organisation.logo_sha256, organisation.terms_sha256}
    joined = ActFile.objects.filter(sha256__in=wanted, act__delivery__document__in=others)
    needed |= set(joined.values_list("sha256", flat=True))
    for column, rows in (
        ("sha256", rendered),
        ("raw_sha256", said),
        ("sha256", received),
        ("sha256", attested),
        ("sha256", along),
        ("raw_sha256", DeadLetter.objects.filter(raw_sha256__in=wanted, settled_at=None)),
    ):
        needed |= set(rows.values_list(column, flat=True))
    return wanted - needed


def fingerprints_of(digests: Iterable[str]) -> list[str]:
    """Each object as `sha256 sha512`, for the list that an elimination leaves. Runs inside `acting_for`."""
    rows = StoredObject.objects.filter(sha256__in=set(digests)).values_list("sha256", "sha512").distinct()
    return sorted(f"{sha256} {sha512}" for sha256, sha512 in rows)

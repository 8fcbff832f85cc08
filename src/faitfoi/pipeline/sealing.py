"""Which key an organisation seals with, and what happens to it: made, brought in, replaced, declared compromised.

A key's files are written first, its row and its journal entry afterwards in one transaction: a crash in between
leaves a folder that nothing names. What was sealed before stays verified, whatever becomes of the key.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from ssl import DER_cert_to_PEM_cert, PEM_cert_to_DER_cert
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.keys import (
    Algorithm,
    KeyRefused,
    SealKey,
    SignerRefused,
    SignerSilent,
    create_key,
    keep_key,
    load_key,
)
from faitfoi.evidence.keys_import import read_pkcs12
from faitfoi.evidence.seal import seal
from faitfoi.evidence.seal_check import sealed_by
from faitfoi.pipeline.installation import sandbox
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Checkpoint, JournalEntry, JournalLeaf, SealCertificate
from faitfoi.records.models_seal import SealDriver, SealState
from faitfoi.records.vault import installation_secret

MAKER = "faitfoi"
RENDERED = ("document_sealed", "document_rendered")


class CannotSeal(Exception):
    """Nothing can be sealed for this organisation now; what waits for a seal goes on waiting. A French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A document whose seal proves nothing by itself: its entry came after the last stamped checkpoint before a
    compromise."""

    document_id: UUID
    index: int | None


def ensure_seal_key(organisation: Organisation) -> None:
    """Make the organisation's seal key at first need. One that had any before gets no other without somebody's word."""
    with acting_for(organisation.id):
        if SealCertificate.objects.exists():
            return
    _replace(organisation, _made(organisation, algorithm="P-256"), actor=MAKER, only_first=True)


def seal_for(organisation_id: UUID, pdf: bytes, *, at: datetime) -> tuple[bytes, str]:
    """Seal a PDF with the organisation's key; the child reads the PDF, the key stays here.

    Returns the sealed PDF and the fingerprint of the certificate. Raises CannotSeal when there is no key in service, or
    when it cannot be asked; Unreadable when this PDF cannot be sealed. Never called inside a transaction.
    """
    key = seal_key(organisation_id)
    try:
        sealed = seal(pdf, key, at=at, lay_out=sandbox().lay_out)
    except (KeyRefused, SignerSilent, SignerRefused) as error:
        raise CannotSeal(f"En attente du cachet. {error}") from error
    return sealed, fingerprint_of(key.certificate)


def seal_key(organisation_id: UUID) -> SealKey:
    """Return the key in service, opened once per process. Raises CannotSeal."""
    with acting_for(organisation_id):
        row = SealCertificate.objects.filter(state=SealState.ACTIVE).first()
    if row is None:
        raise CannotSeal(
            "En attente du cachet. La clé de cachet a été déclarée compromise : elle ne scelle plus rien. "
            "Faites-en une autre (« faitfoi seal rotate ») ; les factures en attente partiront d’elles-mêmes."
        )
    try:
        return _opened(organisation_id, row.fingerprint)
    except (KeyRefused, SignerSilent, SignerRefused) as error:
        raise CannotSeal(f"En attente du cachet. {error}") from error


def rotate(
    organisation: Organisation, *, actor: str, algorithm: Algorithm = "P-256", at: datetime | None = None
) -> SealCertificate:
    """Put a new key of this installation into service; the one before is retired, and its seals still verified."""
    return _replace(organisation, _made(organisation, algorithm=algorithm, at=at), actor=actor)


def bring_in(organisation: Organisation, content: bytes, *, password: str, where: str, actor: str) -> SealCertificate:
    """Put an organisation's own key (PKCS#12) into service. Raises KeyRefused; nothing has changed then."""
    private_key, certificates = read_pkcs12(content, password=password, at=timezone.now(), where=where)
    fingerprint = fingerprint_of(certificates[0].public_bytes(Encoding.DER))
    with acting_for(organisation.id):
        if known := SealCertificate.objects.filter(fingerprint=fingerprint).first():
            raise KeyRefused(
                f"Ce certificat est déjà connu ici ({known.get_state_display()}) : une clé n’est pas remise en "
                "service. Demandez un nouveau certificat, pour une nouvelle clé."
            )
    folder = _folder(organisation.id, fingerprint)
    keep_key(folder, private_key, certificates, secret=installation_secret())
    return _replace(organisation, _row(organisation, certificates), actor=actor)


def declare_compromised(organisation: Organisation, fingerprint: str, *, actor: str) -> SealCertificate:
    """Stop trusting a key at once: it seals nothing more, and its seals hold up to the last stamped checkpoint.

    `fingerprint` may be shortened; a compromise declared twice changes nothing. Raises KeyRefused.
    """
    stamped = Checkpoint.objects.filter(stamps__isnull=False).order_by("-size").first()
    with acting_for(organisation.id):
        row = find(fingerprint)
        row = SealCertificate.objects.select_for_update().get(id=row.id)
        if row.state != SealState.COMPROMISED:
            row.state, row.trusted_size = SealState.COMPROMISED, stamped.size if stamped else 0
            row.save(update_fields=["state", "trusted_size"])
            write_entry(
                "seal_key_compromised",
                actor=actor,
                rows=[row],
                certificate=row.fingerprint,
                trusted_size=row.trusted_size,
            )
    return row


def refused_since(fingerprints: Iterable[str]) -> bool:
    """Whether one of the current organisation's certificates among these has been declared compromised."""
    compromised = SealCertificate.objects.filter(fingerprint__in=set(fingerprints), state=SealState.COMPROMISED)
    return compromised.exists()


def find(fingerprint: str) -> SealCertificate:
    """Return the one certificate of the current organisation whose fingerprint begins so. Raises KeyRefused."""
    found = list(SealCertificate.objects.filter(fingerprint__startswith=fingerprint.lower().replace(":", ""))[:2])
    if len(found) != 1:
        said = "plusieurs certificats commencent" if found else "aucun certificat d’ici ne commence"
        raise KeyRefused(f"« {fingerprint} » : {said} ainsi. « faitfoi seal status » les montre en entier.")
    return found[0]


def known_certificates(organisation_id: UUID) -> list[SealCertificate]:
    """Return every certificate the organisation has sealed with, the first one first."""
    with acting_for(organisation_id):
        return list(SealCertificate.objects.order_by("id"))


def certificates_of(organisation_id: UUID) -> tuple[bytes, ...]:
    """Return them as DER, for whoever verifies seals."""
    return tuple(PEM_cert_to_DER_cert(row.certificate) for row in known_certificates(organisation_id))


def certificate_on(organisation_id: UUID, pdf: bytes) -> str:
    """Return the PEM of the organisation's certificate that a PDF's seal names; empty when it is none of them."""
    named = sealed_by(pdf)
    return next((row.certificate for row in known_certificates(organisation_id) if row.fingerprint == named), "")


def doubtful(organisation_id: UUID, certificate: SealCertificate) -> list[Doubtful]:
    """Return what a compromised certificate sealed after the last checkpoint that was stamped before; in order."""
    if certificate.state != SealState.COMPROMISED:
        return []
    with acting_for(organisation_id):
        entries = JournalEntry.objects.filter(kind__in=RENDERED, body__contains=certificate.fingerprint).order_by("id")
        named = dict(entries.values_list("id", "document_id"))
    indices = dict(JournalLeaf.objects.filter(entry_id__in=named).values_list("entry_id", "index"))
    trusted = certificate.trusted_size or 0
    return [
        Doubtful(document_id=document_id, index=indices.get(entry_id))
        for entry_id, document_id in named.items()
        if document_id is not None and ((index := indices.get(entry_id)) is None or index >= trusted)
    ]


def fingerprint_of(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate's DER, in hex."""
    return hashlib.sha256(certificate).hexdigest()


def _made(organisation: Organisation, *, algorithm: Algorithm, at: datetime | None = None) -> SealCertificate:
    """Make a key in files, under its certificate's fingerprint; the row is not written yet."""
    draft = _folder(organisation.id, f"new-{uuid7()}")
    create_key(
        draft,
        organisation=organisation.name,
        at=at or timezone.now(),
        secret=installation_secret(),
        algorithm=algorithm,
    )
    certificates = x509.load_pem_x509_certificates((draft / "certificate.pem").read_bytes())
    row = _row(organisation, certificates)
    draft.rename(_folder(organisation.id, row.fingerprint))
    return row


def _row(
    organisation: Organisation, certificates: "tuple[x509.Certificate, ...] | list[x509.Certificate]"
) -> SealCertificate:
    first, *above = (each.public_bytes(Encoding.DER) for each in certificates)
    return SealCertificate(
        organisation=organisation,
        fingerprint=fingerprint_of(first),
        certificate=DER_cert_to_PEM_cert(first),
        chain="".join(map(DER_cert_to_PEM_cert, above)),
        driver=SealDriver.LOCAL,
    )


def _replace(
    organisation: Organisation, row: SealCertificate, *, actor: str, only_first: bool = False
) -> SealCertificate:
    """Put a certificate into service in the place of another; with `only_first`, unless somebody was faster."""
    with acting_for(organisation.id):
        before = SealCertificate.objects.select_for_update().filter(state=SealState.ACTIVE).first()
        if before is not None:
            if only_first:
                return before
            before.state = SealState.RETIRED
            before.save(update_fields=["state"])
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if only_first:
                return SealCertificate.objects.get(state=SealState.ACTIVE)
            raise KeyRefused(
                "Une autre clé vient d’être mise en service : regardez « faitfoi seal status », puis recommencez."
            ) from error
        if before is None:
            write_entry("seal_key_created", actor=actor, rows=[row], certificate=row.fingerprint, driver=row.driver)
        else:
            write_entry(
                "seal_key_rotated",
                actor=actor,
                rows=[before, row],
                certificate=row.fingerprint,
                previous=before.fingerprint,
                driver=row.driver,
            )
    return row


def _folder(organisation_id: UUID, name: str) -> Path:
    return Path(settings.FAITFOI_HOME) / "keys" / "seal" / str(organisation_id) / name


@cache
def _opened(organisation_id: UUID, fingerprint: str) -> SealKey:
    return load_key(_folder(organisation_id, fingerprint), secret=installation_secret())

"""Seals with the key that an organisation has in service, as it has chosen, and tells which ones it has had."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from uuid import UUID

from cryptography import x509
from django.conf import settings
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.keys import (
    KeyRefused,
    SealKey,
    SignerRefused,
    SignerSilent,
    load_key,
)
from faitfoi.evidence.seal import seal
from faitfoi.evidence.seal_check import sealed_by
from faitfoi.evidence.seal_stamp import draw_stamp, read_place
from faitfoi.evidence.signers.csc import open_csc
from faitfoi.evidence.signers.pkcs11 import open_pkcs11
from faitfoi.evidence.stamps import AuthoritySilent, StampRefused, ask_stamp
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.stamping import trusted_roots
from faitfoi.records.models import JournalEntry, JournalLeaf, SealCertificate, SealChoices
from faitfoi.records.models_seal import SealDriver, SealLevel, SealState, WithoutStamp
from faitfoi.records.vault import installation_secret, unlock

RENDERED = ("document_sealed", "document_rendered")


class CannotSeal(Exception):
    """Nothing can be sealed for this organisation now; what waits for a seal goes on waiting. A French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A document whose seal proves nothing by itself: its entry came after the last stamped checkpoint before a
    compromise."""

    document_id: UUID
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A sealed PDF, the fingerprint of the certificate, and the level of the seal that was made."""

    pdf: bytes
    certificate: str
    level: SealLevel


class Sealer:
    """Seals an organisation's PDFs; what it has chosen and which key is in service are asked at the first.

    For as long as a chunk of a batch takes: `refused_since` tells afterwards what was sealed by a key that was declared
    compromised meanwhile.
    """

    def __init__(self, organisation_id: UUID) -> None:
        self._organisation_id = organisation_id
        self._chosen: tuple[SealKey, SealChoices, str] | None = None

    def seal(self, pdf: bytes, *, at: datetime) -> Sealed:
        """Seal one PDF, as `seal_for` does."""
        self._chosen = self._chosen or _key_and_choices(self._organisation_id)
        return _sealed(pdf, *self._chosen, at=at)


def seal_for(organisation_id: UUID, pdf: bytes, *, at: datetime) -> Sealed:
    """Seal a PDF with the organisation's key, as it has chosen; the child reads the PDF, the key stays here.

    Raises CannotSeal when there is no key in service, when it cannot be asked, or when the time-stamp that must be in
    the seal cannot be had; Unreadable when this PDF cannot be sealed. Never called inside a transaction.
    """
    return Sealer(organisation_id).seal(pdf, at=at)


def _sealed(pdf: bytes, key: SealKey, choices: SealChoices, name: str, *, at: datetime) -> Sealed:
    stamp = _stamp if choices.level == SealLevel.STAMPED else None
    level = SealLevel(choices.level)
    visible = draw_stamp(name, read_place(choices.place)) if choices.place else None
    placed = partial(sandbox().lay_out, stamp=visible)
    try:
        try:
            sealed = seal(pdf, key, at=at, lay_out=placed, stamp=stamp)
        except (AuthoritySilent, StampRefused):
            if choices.without_stamp == WithoutStamp.WAIT:
                raise
            level = SealLevel.BASIC
            sealed = seal(pdf, key, at=at, lay_out=placed)
    except (KeyRefused, SignerSilent, SignerRefused, AuthoritySilent, StampRefused) as error:
        raise CannotSeal(f"En attente du cachet. {error}") from error
    return Sealed(pdf=sealed, certificate=fingerprint_of(key.certificate), level=level)


def seal_key(organisation_id: UUID) -> SealKey:
    """Return the key in service, opened once per process. Raises CannotSeal."""
    return _key_and_choices(organisation_id)[0]


def _key_and_choices(organisation_id: UUID) -> tuple[SealKey, SealChoices, str]:
    with acting_for(organisation_id):
        name = Organisation.objects.values_list("name", flat=True).get(id=organisation_id)
        row = SealCertificate.objects.filter(state=SealState.ACTIVE).first()
        choices = SealChoices.objects.first() or SealChoices(organisation_id=organisation_id)
    if row is None:
        raise CannotSeal(
            "En attente du cachet. La clé de cachet a été déclarée compromise : elle ne scelle plus rien. "
            "Faites-en une autre (« faitfoi seal rotate ») ; les factures en attente partiront d’elles-mêmes."
        )
    try:
        return _opened(organisation_id, row.fingerprint), choices, name
    except (KeyRefused, SignerSilent, SignerRefused) as error:
        raise CannotSeal(f"En attente du cachet. {error}") from error


def _stamp(signature: bytes) -> bytes:
    """Have one of the installation's authorities stamp a signature's value; the next one when one fails."""
    error: AuthoritySilent | StampRefused = AuthoritySilent(
        "Aucune autorité d’horodatage n’est réglée (FAITFOI_TSA) : le cachet demandé (B-T) en veut une."
    )
    for url in settings.FAITFOI_TSA.split():
        try:
            return ask_stamp(signature, url=url, roots=trusted_roots(), now=timezone.now()).token
        except (AuthoritySilent, StampRefused) as failure:
            error = failure
    raise error


def refused_since(fingerprints: Iterable[str]) -> frozenset[str]:
    """Which of the current organisation's certificates among these have been declared compromised."""
    compromised = SealCertificate.objects.filter(fingerprint__in=set(fingerprints), state=SealState.COMPROMISED)
    return frozenset(compromised.values_list("fingerprint", flat=True))


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


def declared_at(certificate: SealCertificate) -> int | None:
    """Return the index of the entry that declared a certificate compromised; None when it was not, or has no index yet.

    Runs inside `acting_for`.
    """
    told = JournalEntry.objects.filter(kind="seal_key_compromised", body__contains=certificate.fingerprint)
    entries = list(told.values_list("id", flat=True))
    leaves = JournalLeaf.objects.filter(entry_id__in=entries).exclude(index=None).order_by("index")
    return leaves.values_list("index", flat=True).first()


def fingerprint_of(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate's DER, in hex."""
    return hashlib.sha256(certificate).hexdigest()


def key_folder(organisation_id: UUID, name: str) -> Path:
    """Return the folder of one key; its name is the fingerprint of the certificate."""
    return Path(settings.FAITFOI_HOME) / "keys" / "seal" / str(organisation_id) / name


@cache
def _opened(organisation_id: UUID, fingerprint: str) -> SealKey:
    with acting_for(organisation_id):
        row = SealCertificate.objects.get(fingerprint=fingerprint)
    if row.driver == SealDriver.LOCAL:
        return load_key(key_folder(organisation_id, fingerprint), secret=installation_secret())
    values = unlock(bytes(row.sealed_values))
    if row.driver == SealDriver.PKCS11:
        pem = f"{row.certificate}{row.chain}".encode()
        return open_pkcs11(values, x509.load_pem_x509_certificates(pem))
    key = open_csc(values)
    if fingerprint_of(key.certificate) != fingerprint:
        raise SignerRefused(
            "Le service de signature présente un autre certificat que celui qui est en service ici. S’il a été "
            "renouvelé, mettez le nouveau en service : faitfoi seal use csc."
        )
    return key

"""What an organisation can say of its own proof: its legal way, its seal, the witness, the controls."""

from dataclasses import dataclass
from datetime import datetime
from ssl import PEM_cert_to_DER_cert

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.conf import settings

from faitfoi.evidence.dossier import fingerprints
from faitfoi.evidence.seal_way import LegalWay, legal_way
from faitfoi.evidence.stamps import StampRefused
from faitfoi.pipeline.controls import Standing, standings
from faitfoi.pipeline.stamping import trusted_roots
from faitfoi.pipeline.witnesses import has_far_witness, log_signer, panel, protection
from faitfoi.records.models import Checkpoint, CheckpointStamp, SealCertificate, SealChoices, WrittenTrail
from faitfoi.records.models_seal import SealState


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The certificate that the organisation's seals are made with. `fingerprint` is the SHA-256 of its DER."""

    subject: str
    issuer: str
    own: bool
    algorithm: str
    driver: str
    not_before: datetime
    not_after: datetime
    fingerprint: str
    way: LegalWay


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShown:
    """A public key as a setting takes it, and the fingerprint that a dossier's judges and attestations print of it."""

    vkey: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """All of it, as it is now."""

    seal: Seal | None
    seal_place: str
    """Where the seal shows on the page (see `SealChoices`), empty when it does not."""
    protection: str
    far_witness: bool
    log_key: KeyShown
    witness_keys: tuple[KeyShown, ...]
    stamp_roots: tuple[str, ...]
    """SHA-256 of the roots of time-stamps that are trusted here."""
    checkpoint: Checkpoint | None
    stamps: tuple[CheckpointStamp, ...]
    controls: tuple[Standing, ...]
    altered: Standing
    trail: WrittenTrail | None


def proof_of() -> ProofView:
    """Gather what the page « Preuve » shows. Runs inside `acting_for`."""
    checkpoint = Checkpoint.objects.order_by("-size").first()
    told = tuple(standings())
    stamps = CheckpointStamp.objects.select_related("checkpoint").order_by("-at")[:4]
    log_key, *witness_keys = public_keys()
    return ProofView(
        seal=seal_in_service(),
        seal_place=SealChoices.objects.values_list("place", flat=True).first() or "",
        protection=protection(),
        far_witness=has_far_witness(),
        log_key=log_key,
        witness_keys=tuple(witness_keys),
        stamp_roots=_stamp_roots(),
        checkpoint=checkpoint,
        stamps=tuple(stamps),
        controls=told,
        altered=next(each for each in told if each.control.key == "altered"),
        trail=WrittenTrail.objects.order_by("-version").first(),
    )


def public_keys() -> tuple[KeyShown, ...]:
    """The keys in force: the journal's, then each witness's."""
    log, witnesses = log_signer().verifier, [member.verifier for member in panel().members]
    printed = fingerprints(log=log, witnesses=witnesses)
    return tuple(
        KeyShown(vkey=key.vkey, sha256=each.sha256) for key, each in zip((log, *witnesses), printed, strict=True)
    )


def _stamp_roots() -> tuple[str, ...]:
    try:
        roots = trusted_roots() if settings.FAITFOI_TSA_ROOTS else ()
    except StampRefused:
        return ()  # an alarm says so already
    return tuple(root.fingerprint(hashes.SHA256()).hex() for root in roots)


def seal_in_service() -> Seal | None:
    """Read the certificate in service; None before the first document, or when the key is compromised."""
    row = SealCertificate.objects.filter(state=SealState.ACTIVE).first()
    if row is None:
        return None
    certificate = x509.load_der_x509_certificate(PEM_cert_to_DER_cert(row.certificate))
    key = certificate.public_key()
    size = getattr(key, "key_size", 0)
    return Seal(
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        own=certificate.subject == certificate.issuer,
        algorithm=f"ECDSA P-{size}" if hasattr(key, "curve") else f"RSA-{size}",
        driver=row.get_driver_display(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        way=legal_way(PEM_cert_to_DER_cert(row.certificate)),
    )


def _name(name: x509.Name) -> str:
    """Write a name of a certificate as people read it: its common name, then the rest."""
    return ", ".join(str(each.value) for each in reversed(list(name)))

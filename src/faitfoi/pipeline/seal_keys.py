"""What happens to an organisation's seal key: made, brought in, replaced, declared compromised; each act is journalled.

A key's files are written first, its row and its journal entry afterwards in one transaction: a crash in between
leaves a folder that nothing names. What was sealed before stays verified, whatever becomes of the key.
"""

from collections.abc import Sequence
from datetime import datetime
from ssl import DER_cert_to_PEM_cert

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.keys import Algorithm, KeyRefused, create_key, keep_key
from faitfoi.evidence.keys_import import read_pkcs12, refuse_unfit
from faitfoi.evidence.seal_stamp import read_place
from faitfoi.evidence.signers.csc import open_csc
from faitfoi.evidence.signers.pkcs11 import certificate_in_pkcs11, open_pkcs11
from faitfoi.pipeline.sealing import fingerprint_of, key_folder
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Checkpoint, SealCertificate, SealChoices
from faitfoi.records.models_seal import SealDriver, SealLevel, SealState, WithoutStamp
from faitfoi.records.vault import installation_secret, lock

MAKER = "faitfoi"


def ensure_seal_key(organisation: Organisation) -> None:
    """Make the organisation's seal key at first need. One that had any before gets no other without somebody's word."""
    with acting_for(organisation.id):
        if SealCertificate.objects.exists():
            return
    _replace(organisation, _made(organisation, algorithm="P-256"), actor=MAKER, only_first=True)


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
    folder = key_folder(organisation.id, fingerprint)
    keep_key(folder, private_key, certificates, secret=installation_secret())
    return _replace(organisation, _row(organisation, certificates), actor=actor)


def use(
    organisation: Organisation, driver: SealDriver, values: dict[str, str], *, actor: str, pem: bytes = b""
) -> SealCertificate:
    """Put a key kept elsewhere into service, once it has signed something here; its settings are kept encrypted.

    `pem`: the certificate of a PKCS#11 key and those above it, when they are not in the module. Raises KeyRefused,
    SignerSilent or SignerRefused; nothing has changed then.
    """
    certificates = x509.load_pem_x509_certificates(pem) if pem else []
    if driver is SealDriver.PKCS11 and not certificates:
        certificates = [certificate_in_pkcs11(values)]
    key = open_pkcs11(values, certificates) if driver is SealDriver.PKCS11 else open_csc(values)
    chain = [x509.load_der_x509_certificate(each) for each in (key.certificate, *key.chain)]
    refuse_unfit(chain[0], at=timezone.now(), where=str(driver.label))
    key.sign(b"a first signature, of nothing")
    row = _row(organisation, chain)
    row.driver, row.sealed_values = driver, lock(values)
    return _replace(organisation, row, actor=actor)


def choose(
    organisation: Organisation, *, level: SealLevel, without_stamp: WithoutStamp, place: str, actor: str
) -> None:
    """Keep how the organisation wants its seals; `place` is that of a visible one (see `seal_stamp.read_place`).

    Raises KeyRefused when a time-stamp is wanted and nobody gives any, PlaceRefused.
    """
    if place:
        read_place(place)
    if level is SealLevel.STAMPED and not settings.FAITFOI_TSA:
        raise KeyRefused("Un cachet horodaté (B-T) demande une autorité : réglez FAITFOI_TSA et FAITFOI_TSA_ROOTS.")
    with acting_for(organisation.id):
        chosen, _ = SealChoices.objects.update_or_create(
            organisation=organisation, defaults={"level": level, "without_stamp": without_stamp, "place": place}
        )
        write_entry(
            "seal_choices_changed",
            actor=actor,
            rows=[chosen],
            level=chosen.level,
            without_stamp=chosen.without_stamp,
            place=chosen.place,
        )


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


def find(fingerprint: str) -> SealCertificate:
    """Return the one certificate of the current organisation whose fingerprint begins so. Raises KeyRefused."""
    found = list(SealCertificate.objects.filter(fingerprint__startswith=fingerprint.lower().replace(":", ""))[:2])
    if len(found) != 1:
        said = "plusieurs certificats commencent" if found else "aucun certificat d’ici ne commence"
        raise KeyRefused(f"« {fingerprint} » : {said} ainsi. « faitfoi seal status » les montre en entier.")
    return found[0]


def _made(organisation: Organisation, *, algorithm: Algorithm, at: datetime | None = None) -> SealCertificate:
    """Make a key in files, under its certificate's fingerprint; the row is not written yet."""
    draft = key_folder(organisation.id, f"new-{uuid7()}")
    create_key(
        draft,
        organisation=organisation.name,
        at=at or timezone.now(),
        secret=installation_secret(),
        algorithm=algorithm,
    )
    certificates = x509.load_pem_x509_certificates((draft / "certificate.pem").read_bytes())
    row = _row(organisation, certificates)
    draft.rename(key_folder(organisation.id, row.fingerprint))
    return row


def _row(organisation: Organisation, certificates: Sequence[x509.Certificate]) -> SealCertificate:
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

"""Issues attestations: numbered, sealed, kept, journalled pages that anybody can verify without us."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Max
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.notice import render_notice
from faitfoi.evidence.attestation import verify_attestation
from faitfoi.evidence.shelf import NoRoom
from faitfoi.pipeline import archive
from faitfoi.pipeline.attestation_facts import Standing, Statement, standing_of
from faitfoi.pipeline.attestation_page import notice_of
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.renderings import look_of
from faitfoi.pipeline.seal_keys import ensure_seal_key
from faitfoi.pipeline.sealing import seal_for, seal_key
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Attestation
from faitfoi.records.models_archive import reference_of

MOST_ROUNDS = 8


class CannotAttest(Exception):
    """What was to be attested is not so; the message is a French sentence saying what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An attestation that is kept, and its bytes."""

    attestation: Attestation
    pdf: bytes = field(repr=False)


def issue(organisation_id: UUID, state: Callable[[], Statement], *, actor: str) -> Issued:
    """Number, lay out, seal, keep and journal what `state` says; outside any transaction, for the witness is asked.

    `state` runs inside `acting_for`. Two at once never get one number, and a number whose page is not kept is free
    again: there is no gap. Raises CannotAttest, CannotSeal, WitnessSilent, JournalBehind.
    """
    with acting_for(organisation_id):
        organisation = Organisation.objects.get(id=organisation_id)
        statement = state()
    ensure_seal_key(organisation)
    key = seal_key(organisation_id)
    standing = standing_of(organisation_id, statement.entry_ids, certificate=key.certificate)
    for _ in range(MOST_ROUNDS):
        at = timezone.now()
        with acting_for(organisation_id):
            last = Attestation.objects.aggregate(last=Max("number"))["last"] or 0
        pdf = _page(organisation, statement, standing, number=last + 1, at=at)
        pdf = seal_for(organisation_id, pdf, at=at).pdf
        try:
            return _kept(organisation_id, statement, pdf, number=last + 1, actor=actor)
        except IntegrityError:
            continue  # another one took this number meanwhile
    raise CannotAttest("D’autres attestations se font au même moment. Recommencez dans un instant.")


def read_attestation(attestation: Attestation) -> bytes:
    """The very bytes of an attestation, verified. Raises evidence.store.ObjectMissing or ObjectAltered."""
    return archive.fetch(attestation.organisation_id, attestation.sha256)


def _page(organisation: Organisation, statement: Statement, standing: Standing, *, number: int, at: datetime) -> bytes:
    look = look_of(organisation)
    notice = notice_of(organisation, statement, standing, reference=reference_of(number), at=at)
    return render_notice(notice, look=look, created=at)


def _kept(organisation_id: UUID, statement: Statement, pdf: bytes, *, number: int, actor: str) -> Issued:
    verdict = verify_attestation(pdf, sandbox().attached(pdf, "attestation.json"))
    if not verdict.sound:
        said = "; ".join(lie.sentence for lie in verdict.lies)
        raise CannotAttest(f"L’attestation ne se vérifie pas elle-même : {said}. Lancez « faitfoi fsck ».")
    try:
        kept = archive.pack(organisation_id, [pdf], retention=archive.PROOF)
    except NoRoom as error:
        raise CannotAttest(f"{error.strerror} Aucun numéro n’est pris ; recommencez ensuite.") from error
    digest = kept.objects[0].digest
    with acting_for(organisation_id):
        archive.claim(kept, actor=actor)
        attestation = Attestation.objects.create(
            id=uuid7(),
            organisation_id=organisation_id,
            number=number,
            kind=statement.kind,
            document_id=statement.document_id,
            elimination_id=statement.elimination_id,
            sha256=digest.sha256,
            sha512=digest.sha512,
            size=digest.size,
        )
        write_entry(
            "attestation_issued",
            actor=actor,
            document_id=statement.document_id,
            rows=[attestation],
            attestation=str(attestation.id),
            states=statement.kind.value,
            number=number,
            sha256=digest.sha256,
            sha512=digest.sha512,
            size=digest.size,
        )
    return Issued(attestation=attestation, pdf=pdf)

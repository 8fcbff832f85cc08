"""One touch of the wire per attempt: claim committed, effect outside any transaction, result committed (law 4).

A lost answer leads to a question (`pipeline.questions`), never to a blind resend.

Rows are locked in one order, whoever settles: the delivery, then its attempt or act, then the channel's health.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Channel, Grade, NotSent, OutcomeUnknown, Parcel, Receipt, Refused
from faitfoi.pipeline import archive
from faitfoi.pipeline.addresses import refuse_if_known_bad
from faitfoi.pipeline.announcing import announce
from faitfoi.pipeline.company import company_of, fits, shares, waits_for_company, with_company
from faitfoi.pipeline.connections import noted_failure, noted_good
from faitfoi.pipeline.doubting import LEAVING
from faitfoi.pipeline.due import deliver_later
from faitfoi.pipeline.following import catch_up, keep_receipt
from faitfoi.pipeline.kept import refuse_if_kept
from faitfoi.pipeline.notices import notify
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.pacing import held_until, slow_down
from faitfoi.pipeline.parcels import build_parcel
from faitfoi.pipeline.retention import invoice_class
from faitfoi.pipeline.tries import FIRST_WAIT, LEASE_MARGIN, WORKER, after_failure
from faitfoi.records.journal import together
from faitfoi.records.models import Attempt, Delivery, PaceSlot
from faitfoi.records.stages import Stage
from faitfoi.records.transitions import close_attempt, move

log = logging.getLogger(__name__)

FIRST_POLL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that this worker alone may send now: what to send, or why it cannot even be tried.

    The lease covers a sending that begins before `start_by`: a worker that slept longer must not touch the wire.
    `retention` is the class of what is answered; `shares` is whether others may travel with it.
    """

    attempt: Attempt
    delivery_id: UUID
    number: int
    start_by: datetime
    cargo: Parcel | NotSent | Refused
    retention: str
    shares: bool


def deliver(organisation_id: UUID, delivery_ids: Iterable[UUID], *, chunk: Sequence[UUID] = ()) -> None:
    """Send each delivery that is still to be sent, once. Safe to run twice: the claim decides.

    Nothing leaves before its witnesses have seen the journal that covers it, and that it was about to leave: the chunk
    waits, and an alarm says why. `chunk` names them all when `delivery_ids` hands them out one by one.
    """
    if not chunk:
        delivery_ids = chunk = list(delivery_ids)
    with Channels(organisation_id) as channels:
        announced = with_company(organisation_id, chunk, channels)
        if not _announced(organisation_id, announced):
            with acting_for(organisation_id):
                deliver_later(organisation_id, list(delivery_ids), at=timezone.now() + FIRST_WAIT)
            return
        for delivery_id in delivery_ids:
            deliver_one(organisation_id, delivery_id, channels, announced=announced)


def _announced(organisation_id: UUID, chunk: Sequence[UUID]) -> bool:
    """Write in the journal which deliveries are about to leave, and have that witnessed; False when it is not."""

    def name() -> list[str]:
        leaving = Delivery.objects.filter(id__in=chunk, stage=Stage.ROUTED).order_by("id").values_list("id", flat=True)
        return [str(delivery_id) for delivery_id in leaving]

    return announce(organisation_id, LEAVING, "deliveries", name, actor=WORKER)


def deliver_one(
    organisation_id: UUID, delivery_id: UUID, channels: Channels, *, announced: Collection[UUID] = ()
) -> None:
    """Claim, touch the wire once, settle. Only what was `announced` with this one may travel with it."""
    claim = _claim(organisation_id, delivery_id, channels)
    if claim is None:
        return
    company = _claim_company(organisation_id, claim, channels, announced=announced)
    send_claimed(organisation_id, claim, channels, company=company)


def _claim_company(
    organisation_id: UUID, leader: Claim, channels: Channels, *, announced: Collection[UUID]
) -> list[Claim]:
    """Claim what travels in the same message or flow."""
    if not isinstance(leader.cargo, Parcel) or not leader.shares:
        return []
    with acting_for(organisation_id):
        delivery = leader.attempt.delivery
        settings = channels.settings_of(delivery.channel)
        wanted = company_of(delivery, channels.of(delivery.id), settings, among=announced)
    company = []
    for each in wanted:
        if timezone.now() > leader.start_by - LEASE_MARGIN / 2:
            break  # a slow archive: those who are here leave, the others take the next one
        if (claim := _claim(organisation_id, each, channels, leader=leader.cargo)) is not None:
            company.append(claim)
    return company


def send_claimed(organisation_id: UUID, claim: Claim, channels: Channels, *, company: Sequence[Claim] = ()) -> None:
    """Touch the wire once for a claim and those that share its message, and settle each."""
    every = (claim, *company)
    try:
        if isinstance(claim.cargo, NotSent | Refused):
            raise claim.cargo
        if timezone.now() > min(each.start_by for each in every):
            raise NotSent("Le programme a été suspendu juste avant l’envoi : rien n’est parti.")
        channel = channels.of(claim.delivery_id)
        others = tuple(each.cargo for each in company if isinstance(each.cargo, Parcel))
        receipt = channel.send(replace(claim.cargo, others=others))
    except NotSent as error:
        for each in every:
            _settle_not_sent(organisation_id, each, error)
        if error.busy and isinstance(claim.cargo, Parcel):
            slow_down(organisation_id, claim.cargo.address, claim.cargo.settings, now=timezone.now())
    except Refused as error:
        if error.together:
            _settle_refused_together(organisation_id, every, error)
            return
        for each in every:
            _settle(organisation_id, each, Stage.TO_FIX, Attempt.Outcome.REFUSED, detail=error.reason)
    except OutcomeUnknown as error:
        at, unknown = timezone.now() + channel.settles_in, Attempt.Outcome.UNKNOWN
        for each in every:
            _settle(organisation_id, each, Stage.TO_FIND, unknown, detail=error.reason, question=at)
    else:
        for each in every:
            settle_receipt(organisation_id, each, receipt, polls=channel.polls)


def _claim(
    organisation_id: UUID, delivery_id: UUID, channels: Channels, *, leader: Parcel | None = None
) -> Claim | None:
    """Commit the intent before the effect. None when another worker has it or it is not due.

    `leader` is in whose message it travels, if it still may: otherwise it is left for its own turn, unclaimed.
    """
    now = timezone.now()
    with acting_for(organisation_id), together():
        # Locked as it is read: whoever else wants it waits until it is claimed, and finds it gone.
        found = Delivery.objects.select_for_update(of=("self",)).filter(id=delivery_id, stage=Stage.ROUTED)
        delivery = found.select_related("document__customer", "artefact", "organisation").first()
        if delivery is None:
            return None
        if leader is None and (delivery.next_attempt_at or now) > now:
            return None
        cargo: Parcel | NotSent | Refused
        deadline = now
        try:
            channel = channels.open(delivery)
            deadline += channel.deadline
            cargo = build_parcel(delivery, channels.settings_of(delivery.channel), words=channels.words)
            refuse_if_known_bad(delivery)
            refuse_if_kept(delivery)
            shared = shares(delivery, channel)
            if leader is None and (later := _later(delivery, channel, channels.settings_of(delivery.channel), now=now)):
                Delivery.objects.filter(id=delivery.id, stage=Stage.ROUTED).update(next_attempt_at=later)
                return None
            if leader is not None and not fits(channel, leader, cargo):
                return None  # its address or its customer's record has changed meanwhile
        except (NotSent, Refused) as error:
            if leader is not None:
                return None
            cargo, shared = error, False
        number = delivery.attempts_made + 1
        attempt = Attempt(
            organisation_id=organisation_id,
            delivery=delivery,
            number=number,
            worker=WORKER,
            deadline=deadline,
            lease_until=deadline + LEASE_MARGIN,
        )
        move(
            delivery.id,
            source=Stage.ROUTED,
            target=Stage.SENDING,
            actor=WORKER,
            timetable={"attempts_made": number, "next_attempt_at": None},
            references=_carrier(delivery, leader),
            opening=attempt,
            held=delivery,
        )
        return Claim(
            attempt=attempt,
            delivery_id=delivery.id,
            number=number,
            start_by=now + LEASE_MARGIN,
            cargo=cargo,
            retention=invoice_class(delivery.organisation, delivery.document.issue_date),
            shares=shared,
        )


def _later(delivery: Delivery, channel: Channel, settings: dict[str, str], *, now: datetime) -> datetime | None:
    """When a delivery leaves, if not now: its run is still being read, or its turn has not come."""
    return waits_for_company(delivery, channel, now=now) or held_until(delivery, settings, now=now)


def _carrier(delivery: Delivery, leader: Parcel | None) -> dict[str, str]:
    """In whose message it travels this time, where that differs from what was written last."""
    known = delivery.references.get("carrier", delivery.message_ref)
    present = leader.message_ref if leader else delivery.message_ref
    return {} if known == present else {"carrier": present}


def settle_receipt(organisation_id: UUID, claim: Claim, receipt: Receipt, *, polls: bool) -> None:
    """Commit that the other side has it."""
    now = timezone.now()
    target = Stage.ACCEPTED if receipt.grade is Grade.ACCEPTED else Stage.SENT
    kept = archive.pack(organisation_id, [receipt.raw], retention=claim.retention) if receipt.raw else None
    with acting_for(organisation_id), together():
        delivery = Delivery.objects.select_for_update().get(id=claim.delivery_id)
        if not _close_attempt(claim, Attempt.Outcome.RECEIPT, receipt.detail):
            # The lease ran out and the sweeper asked for a search: the receipt settles it.
            log.warning("a receipt came after the lease of delivery %s", claim.delivery_id)
        source = Stage(delivery.stage)
        if source in {Stage.SENDING, Stage.TO_FIND, Stage.UNKNOWN}:
            move(
                claim.delivery_id,
                source=source,
                target=target,
                actor=WORKER,
                reason=receipt.detail,
                references=receipt.references,
                timetable={"next_poll_at": now + FIRST_POLL if polls else None, "next_question_at": None},
                held=delivery,
            )
        # A delivery that news has already carried further keeps its stage, and gains the evidence.
        keep_receipt(delivery, receipt, kept, at=now, held=True)
        catch_up(claim.delivery_id, actor=WORKER, held=delivery)
        if target is Stage.ACCEPTED:
            notify(claim.delivery_id, actor=WORKER, held=delivery)
        noted_good(delivery.channel, at=now)


def _settle_not_sent(organisation_id: UUID, claim: Claim, error: NotSent) -> None:
    """Certainly not sent: put back with a growing wait, and before a person after the last."""
    now = timezone.now()
    with acting_for(organisation_id):
        delivery = Delivery.objects.select_for_update().get(id=claim.delivery_id)
        if _close_attempt(claim, Attempt.Outcome.NOT_SENT, error.reason):
            _put_back(delivery, Stage.SENDING, error, now=now)
        elif delivery.attempts_made == claim.number:
            # The sweeper thought that it might have left; nobody needs to be asked what is certain here.
            _put_back(delivery, Stage.TO_FIND, error, now=now)
        if isinstance(claim.cargo, Parcel):
            noted_failure(delivery.channel, error, at=now)


def _put_back(delivery: Delivery, source: Stage, error: NotSent, *, now: datetime) -> None:
    """Make a delivery due again after a while, or hold it for a person. Its row is locked."""
    back = after_failure(error, made=delivery.attempts_made, source=source, now=now)
    PaceSlot.objects.filter(delivery_id=delivery.id).delete()  # a turn would cut the wait short
    moved = move(
        delivery.id,
        source=source,
        target=back.target,
        actor=WORKER,
        reason=back.reason,
        timetable=back.timetable,
        held=delivery,
    )
    if moved and back.at:
        deliver_later(delivery.organisation_id, [delivery.id], at=back.at)


def _settle_refused_together(organisation_id: UUID, claims: Sequence[Claim], error: Refused) -> None:
    """None of them was taken, and nobody knows because of which: each goes again, alone (`pipeline.company`)."""
    now = timezone.now()
    reason = f"{error.reason} Rien n’est parti : chaque facture repart seule."
    with acting_for(organisation_id):
        back = []
        for claim in sorted(claims, key=lambda each: each.delivery_id):
            delivery = Delivery.objects.select_for_update().get(id=claim.delivery_id)
            if _close_attempt(claim, Attempt.Outcome.REFUSED, error.reason) and move(
                delivery.id,
                source=Stage.SENDING,
                target=Stage.ROUTED,
                actor=WORKER,
                reason=reason,
                timetable={"next_attempt_at": now, "next_question_at": None},
                held=delivery,
            ):
                back.append(delivery.id)
        deliver_later(organisation_id, back)


def _settle(
    organisation_id: UUID,
    claim: Claim,
    target: Stage,
    outcome: Attempt.Outcome,
    *,
    detail: str,
    question: datetime | None = None,
) -> None:
    with acting_for(organisation_id):
        delivery = Delivery.objects.select_for_update().get(id=claim.delivery_id)
        if not _close_attempt(claim, outcome, detail):
            return
        move(
            delivery.id,
            source=Stage.SENDING,
            target=target,
            actor=WORKER,
            reason=detail,
            timetable={"next_question_at": question},
            held=delivery,
        )
        catch_up(delivery.id, actor=WORKER, held=delivery)


def _close_attempt(claim: Claim, outcome: Attempt.Outcome, detail: str) -> bool:
    """Write how the attempt ended; False when the sweeper has already closed it."""
    return close_attempt(claim.attempt, outcome=outcome, detail=detail, actor=WORKER)

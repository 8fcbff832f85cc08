"""All that the page of one document tells, gathered from the records."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from faitfoi.pipeline.tasks import Button
from faitfoi.pipeline.tasks_deliveries import exits_of
from faitfoi.records.models import Artefact, Attempt, Attestation, BatchLine, Delivery, Document, Event
from faitfoi.records.stages import ArtefactRole, Purpose
from faitfoi.web import words
from faitfoi.web.advice import Advice, advise

WEIGHT = {"fatal": 0, "warning": 1, "information": 2}
RECEIPT = "receipt"
"""Our own name for the answer to a sending: no code of theirs, so not shown as one."""
EXPECTING = frozenset({"action_needed", "unknown_code"})
"""Grades of news that a person must read even though the delivery goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the timeline. `ours` tells the axis, `label` what happened in words, `code` is theirs verbatim.

    `at` is shown; `known` orders. What our stage merely repeats of their words is left out of `text`.
    """

    at: datetime
    known: datetime
    ours: bool
    label: str | Promise
    mood: str
    text: str = ""
    code: str = ""
    who: str = ""
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One delivery: what was said of it last, what was tried, and what a person must do."""

    delivery: Delivery
    last: Event | None
    expected: Event | None
    attempts: list[Attempt]
    advice: Advice | None
    exits: tuple[Button, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One document, whole."""

    document: Document
    artefacts: list[Artefact]
    legal: Artefact | None
    sendings: list[Sending]
    timeline: list[Moment]
    findings: list[dict[str, str]]
    lines: list[BatchLine]
    stage: str | None
    attestations: list[Attestation]


def tell(document: Document) -> Story:
    """Gather the story of a document; runs inside the organisation's transaction."""
    artefacts = list(document.artefacts.order_by("id"))
    events = list(document.events.select_related("delivery").order_by("at", "id"))
    lines = list(document.lines.select_related("batch").order_by("id"))
    deliveries = list(document.deliveries.select_related("artefact").prefetch_related("attempts"))
    deliveries.sort(key=lambda d: (d.purpose != Purpose.LEGAL, -d.sequence))
    said = {event.reason for event in events if event.axis == Event.Axis.THEIRS}
    timeline = [*_beginnings(document, lines, deliveries), *(_moment(event, said) for event in events)]
    return Story(
        document=document,
        artefacts=artefacts,
        legal=next((a for a in artefacts if a.role == ArtefactRole.LEGAL), None),
        sendings=[_sending(delivery, document, events) for delivery in deliveries],
        timeline=sorted(timeline, key=lambda moment: moment.known),
        findings=sorted(document.findings, key=lambda finding: WEIGHT.get(finding.get("severity", ""), 0)),
        lines=lines,
        stage=words.KEPT
        if document.kept_because
        else next((d.stage for d in deliveries if d.purpose == Purpose.LEGAL), None),
        attestations=list(document.attestations.order_by("number")),
    )


def _sending(delivery: Delivery, document: Document, events: list[Event]) -> Sending:
    mine = [event for event in events if event.delivery_id == delivery.pk]
    theirs = [event for event in mine if event.axis == Event.Axis.THEIRS]
    return Sending(
        delivery=delivery,
        last=next((event for event in reversed(mine) if event.reason), None),
        expected=theirs[-1] if theirs and theirs[-1].grade in EXPECTING else None,
        attempts=sorted(delivery.attempts.all(), key=lambda attempt: attempt.number),
        advice=None
        if delivery.settled
        else advise(
            delivery, number=document.number, email=document.customer.billing_email if document.customer else ""
        ),
        exits=exits_of(delivery),
    )


def _beginnings(document: Document, lines: list[BatchLine], deliveries: list[Delivery]) -> list[Moment]:
    """Return what came before any event: received, sealed, routed; each is a row of the records."""
    received = [
        Moment(
            at=line.created_at,
            known=line.created_at,
            ours=True,
            label=_("Received again: already done, nothing is sent again") if line.already_done else _("Received"),
            mood="going",
            text=line.filename,
        )
        for line in lines
    ]
    sealed = Moment(
        at=document.created_at, known=document.created_at, ours=True, label=_("Checked, sealed and kept"), mood="done"
    )
    routed = [
        Moment(
            at=delivery.created_at,
            known=delivery.created_at,
            ours=True,
            label=_("Channel chosen"),
            mood="going",
            text=delivery.reason,
            delivery=delivery,
        )
        for delivery in deliveries
    ]
    return [*received, sealed, *routed]


def _moment(event: Event, said: set[str]) -> Moment:
    ours = event.axis == Event.Axis.OURS
    channel = event.delivery.channel if event.delivery else ""
    word = words.STAGES.get(event.code) if ours else words.grade_word(event.grade, channel)
    return Moment(
        at=event.at,
        # Their clock is theirs: what they said cannot have followed our hearing it.
        known=min(event.at, event.created_at),
        ours=ours,
        label=word.label if word else event.code,
        mood=word.mood if word else "going",
        text="" if ours and event.reason in said else event.reason,
        code="" if ours or event.code == RECEIPT else event.code,
        who=event.who,
        delivery=event.delivery,
    )

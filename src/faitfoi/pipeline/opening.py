"""Writes down the artefacts of a document and the deliveries that carry them: the only place where one begins."""

from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db.models import Model
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.pipeline.due import deliver_later
from faitfoi.pipeline.routing import Decision, Leg
from faitfoi.records.journal import Draft, write_entries
from faitfoi.records.models import Artefact, Delivery, Document, ReturnToken
from faitfoi.records.stages import ArtefactRole, Purpose

if TYPE_CHECKING:
    from faitfoi.pipeline.renderings import Rendering  # which leads back to those who open deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A delivery that begins, with its return token and its entry: to be written together."""

    delivery: Delivery
    token: ReturnToken
    entry: Draft


def keep_artefacts(
    document: Document, renderings: "Sequence[Rendering]", *, kind: str, actor: str, rows: Sequence[Model] = ()
) -> dict[str, Artefact]:
    """Write artefacts down, by role, with the journal entry that names their digests. Runs inside `acting_for`.

    `rows` are what the same act wrote before them.
    """
    artefacts = draft_artefacts(document, renderings)
    Artefact.objects.bulk_create(artefacts.values())
    write_entries([entry_of_artefacts(document, artefacts, renderings, kind=kind, rows=rows)], actor=actor)
    return artefacts


def draft_artefacts(document: Document, renderings: "Sequence[Rendering]") -> dict[str, Artefact]:
    """Make the rows of artefacts, by role, unsaved."""
    return {
        rendering.role.value: Artefact(
            organisation_id=document.organisation_id,
            document=document,
            role=rendering.role,
            filename=rendering.filename,
            media_type=rendering.media_type,
            sha256=digest.sha256,
            sha512=digest.sha512,
            size=digest.size,
            sealed=rendering.sealed,
        )
        for rendering, digest in ((each, each.digest) for each in renderings)
    }


def entry_of_artefacts(
    document: Document,
    artefacts: Mapping[str, Artefact],
    renderings: "Sequence[Rendering]",
    *,
    kind: str,
    rows: Sequence[Model] = (),
) -> Draft:
    """The journal entry that names the digests of a document's artefacts, with the rows that its act wrote."""
    facts: dict[str, Any] = {f"sha256_{role}": artefact.sha256 for role, artefact in artefacts.items()}
    facts |= {f"sha512_{role}": artefact.sha512 for role, artefact in artefacts.items()}
    facts |= dict(_xml_of(renderings))
    if sealed_with := sorted({each.certificate for each in renderings if each.sealed}):
        facts["seal_certificates"] = sealed_with
        facts["seal_levels"] = sorted({each.level for each in renderings if each.sealed})
    return Draft(kind=kind, document_id=document.id, rows=[*rows, *artefacts.values()], facts=facts)


def _xml_of(renderings: "Sequence[Rendering]") -> Iterator[tuple[str, str]]:
    for rendering in renderings:
        if rendering.xml_sha256:
            yield "xml_sha256", rendering.xml_sha256


def open_deliveries(
    document: Document, artefacts: Mapping[str, Artefact], way: Decision, *, actor: str
) -> list[Delivery]:
    """Write the legal delivery and the copy, if any. Runs inside `acting_for`.

    The notice comes later, once the legal delivery has been accepted (`pipeline.notices`).
    """
    opened = draft_deliveries(document, artefacts, way)
    write_opened(opened)
    write_entries([each.entry for each in opened], actor=actor)
    return [each.delivery for each in opened]


def open_one(
    document: Document,
    artefacts: Mapping[str, Artefact],
    leg: Leg,
    *,
    purpose: Purpose,
    actor: str,
    sequence: int = 1,
) -> Delivery:
    """Write one delivery with the artefact that its purpose and channel carry. Runs inside `acting_for`."""
    opened = _draft_one(document, artefacts, leg, purpose=purpose, sequence=sequence)
    write_opened([opened])
    write_entries([opened.entry], actor=actor)
    return opened.delivery


def draft_deliveries(
    document: Document, artefacts: Mapping[str, Artefact], way: Decision, *, rows: Sequence[Model] = ()
) -> list[Opened]:
    """Make the legal delivery and the copy, if any, unwritten; `rows` are what the act wrote before."""
    opened = [_draft_one(document, artefacts, way.legal, purpose=Purpose.LEGAL, rows=rows)]
    if way.copy is not None:
        opened.append(_draft_one(document, artefacts, way.copy, purpose=Purpose.COPY))
    return opened


def write_opened(opened: Sequence[Opened]) -> None:
    """Write deliveries and their return tokens; their entries come after. Runs inside `acting_for`."""
    Delivery.objects.bulk_create([each.delivery for each in opened])
    ReturnToken.objects.bulk_create([each.token for each in opened])


def _draft_one(
    document: Document,
    artefacts: Mapping[str, Artefact],
    leg: Leg,
    *,
    purpose: Purpose,
    rows: Sequence[Model] = (),
    sequence: int = 1,
) -> Opened:
    artefact = artefacts[carried(purpose, leg)]
    delivery = Delivery(
        organisation_id=document.organisation_id,
        document=document,
        artefact=artefact,
        purpose=purpose,
        channel=leg.channel,
        sequence=sequence,
        address=leg.address,
        reason=leg.reason,
        key=f"{document.organisation_id}:{document.id}:{purpose}:{leg.channel}:{sequence}",
        message_ref=b32encode(uuid4().bytes).decode().rstrip("=").lower(),
        next_attempt_at=timezone.now(),
    )
    token = ReturnToken(message_ref=delivery.message_ref, organisation_id=document.organisation_id)
    entry = Draft(
        kind="delivery_routed",
        document_id=document.id,
        rows=[*rows, delivery, token],
        facts={
            "delivery": str(delivery.id),
            "purpose": purpose.value,
            "channel": leg.channel.value,
            "sha256": artefact.sha256,
        },
    )
    return Opened(delivery=delivery, token=token, entry=entry)


def carried(purpose: Purpose, leg: Leg) -> ArtefactRole:
    """Which artefact travels: the sealed original, a platform's own version; beside the invoice, a copy without XML.

    A notice carries none: it names the sealed original, which it is about.
    """
    if purpose is Purpose.NOTICE:
        return ArtefactRole.LEGAL
    if purpose is Purpose.COPY:
        return ArtefactRole.COPY
    if leg.flow_syntax:
        return ArtefactRole.FLOW
    return ArtefactRole.CHORUS if leg.channel is ChannelKey.CHORUS_PRO else ArtefactRole.LEGAL


def make_due(organisation_id: UUID, deliveries: Sequence[Delivery]) -> None:
    """Have deliveries sent, in chunks of one channel. Runs inside `acting_for`."""
    by_channel: dict[str, list[UUID]] = {}
    for delivery in deliveries:
        by_channel.setdefault(delivery.channel, []).append(delivery.id)
    for ids in by_channel.values():
        deliver_later(organisation_id, ids)

"""Looks again for a way for a sealed document, after somebody has mended the customer's record or a channel."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.store import Pack
from faitfoi.pipeline import archive
from faitfoi.pipeline.customers import facts_for, match_customer
from faitfoi.pipeline.directory import make_reachable_known
from faitfoi.pipeline.installation import sandbox, today
from faitfoi.pipeline.judging import Refusal, Verdict
from faitfoi.pipeline.kept import why_kept
from faitfoi.pipeline.opening import keep_artefacts, make_due, open_deliveries
from faitfoi.pipeline.renderings import Rendering, open_workshop, render_for_way
from faitfoi.pipeline.retention import invoice_class
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.routing import Decision, Kept, NoRoute, decide
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.pipeline.structures import make_known
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Document
from faitfoi.records.stages import LineOutcome

JUST_NOW = timedelta(seconds=30)
"""All that waits for one customer is put back at one press: Chorus Pro is asked once for all of it."""


def route_again(organisation: Organisation, document_id: UUID, *, actor: str, engagement: str = "") -> str:
    """Route a sealed document that waits for a way; returns what it still waits for, empty when it leaves.

    The document keeps its number, its seal and its bytes; only what the new way needs is rendered beside them.
    `engagement` is the number that a public buyer wants and the invoice lacks: the version for Chorus Pro gets it.
    Call it outside any transaction: Chorus Pro may be asked first.
    """
    if sentence := stopped():
        return sentence
    with acting_for(organisation.id):
        document = Document.objects.select_related("customer").get(id=document_id)
    if not document.waiting_for:
        return ""
    reading = sandbox().read(archive.fetch(organisation.id, document.original_sha256))
    # Somebody has mended something, perhaps at the customer's: what Chorus Pro said before that no longer counts.
    make_known(organisation, [reading.invoice], age=JUST_NOW)
    make_reachable_known(organisation, [reading.invoice], age=JUST_NOW)
    with acting_for(organisation.id):
        customer = document.customer or match_customer(reading.invoice.buyer)
        if customer is None:
            return document.waiting_for
        document.customer = customer
        document.engagement = engagement.strip()[:50] or document.engagement
        unsent = why_kept(reading.invoice, seller_siren=document.seller_siren)
        way = (
            Kept(reason=unsent)
            if unsent
            else decide(
                facts_for(
                    organisation, customer, reading.invoice, day=today(organisation), engagement=document.engagement
                )
            )
        )
    verdict = Verdict(
        reading=reading,
        seller_siren=document.seller_siren,
        customer=customer,
        way=way,
        findings=(),
        engagement=document.engagement,
    )
    reason = ""
    rendered: Sequence[Rendering] = ()
    try:
        rendered = render_for_way(open_workshop(organisation), verdict, at=timezone.now())
    except Refusal as refusal:
        reason = refusal.reason
    except CannotSeal as error:
        reason = str(error)
    kept = _packed(organisation, document, rendered)
    with acting_for(organisation.id):
        # Only now: what is read and drawn above keeps nobody waiting, and a second click finds it already gone.
        if not Document.objects.select_for_update().get(id=document_id).waiting_for:
            return ""
        if reason:
            return _waits(document, reason, actor=actor)
        if isinstance(way, NoRoute):
            return _waits(document, way.reason, actor=actor)
        if isinstance(way, Kept):
            return _keep(document, way.reason, actor=actor)
        if kept is not None:
            archive.claim(kept, actor=actor)
        _leave(document, way, rendered, actor=actor)
    return ""


def _packed(organisation: Organisation, document: Document, rendered: Sequence[Rendering]) -> Pack | None:
    contents = [each.content for each in rendered]
    retention = invoice_class(organisation, document.issue_date)
    return archive.pack(organisation.id, contents, retention=retention) if contents else None


def _leave(document: Document, way: Decision, rendered: Sequence[Rendering], *, actor: str) -> None:
    document.waiting_for = ""
    document.save(update_fields=["customer", "waiting_for", "engagement"])
    document.lines.update(outcome=LineOutcome.READY, reason="")
    rows = [document, *document.lines.all()]
    present = {artefact.role: artefact for artefact in document.artefacts.all()}
    missing = [rendering for rendering in rendered if rendering.role.value not in present]
    if missing:
        present |= keep_artefacts(document, missing, kind="document_rendered", actor=actor)
    write_entry("routed_again", actor=actor, document_id=document.id, rows=rows)
    make_due(document.organisation_id, open_deliveries(document, present, way, actor=actor))


def _keep(document: Document, reason: str, *, actor: str) -> str:
    document.waiting_for, document.kept_because = "", reason
    document.save(update_fields=["customer", "waiting_for", "kept_because", "engagement"])
    document.lines.update(outcome=LineOutcome.READY, reason=reason)
    write_entry("kept_unsent", actor=actor, document_id=document.id, rows=[document, *document.lines.all()])
    return ""


def _waits(document: Document, reason: str, *, actor: str) -> str:
    if document.waiting_for == reason and not _changed(document):
        return reason  # asked each day: said once
    document.waiting_for = reason
    document.save(update_fields=["customer", "waiting_for", "engagement"])
    document.lines.update(reason=reason)
    write_entry("still_no_route", actor=actor, document_id=document.id, rows=[document, *document.lines.all()])
    return reason


def _changed(document: Document) -> bool:
    """Whether a record or an engagement number has come since the document was last written down."""
    kept = Document.objects.values_list("customer_id", "engagement").get(id=document.id)
    return kept != (document.customer_id, document.engagement)

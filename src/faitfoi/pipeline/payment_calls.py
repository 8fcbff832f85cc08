"""Payments that a program tells: recorded by `pipeline.payments`, under the rules of what is recorded by hand, once."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.payment_orders import CallRefused, Order
from faitfoi.pipeline.payments import CannotRecord, Part, draft, paid_so_far, parts_of, record_payment, tell_payment
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.tokens import actor_of
from faitfoi.records.models import Document, Payment, WebhookDoor

MOST_NAMED = 5


def take_order(token: WebhookDoor, order: Order) -> tuple[dict[str, object], bool]:
    """Record a payment for the token's organisation; returns what to answer, and whether it is new. Raises CallRefused.

    Outside any transaction. The same key with the same payment answers what was recorded; with another, it is refused.
    Whoever declares asks for it (`declare` true) or leaves it to the rule: what was asked for and cannot be declared
    records nothing, since nobody reads a preview here.
    """
    if sentence := stopped():
        raise CallRefused(sentence, code="stopped")
    try:
        with acting_for(token.organisation_id):
            return _record(token, order)
    except CannotRecord as error:
        raise CallRefused(str(error), code="cannot_record") from error
    except IntegrityError as error:
        if "payment_recorded_once" not in str(error):
            raise
        raise _key_reused(order) from error


def payments_of(
    token: WebhookDoor, number: str, *, issue_date: date | None = None, document: UUID | None = None
) -> dict[str, object]:
    """Return what is recorded of an invoice, and what is left to be paid. Raises CallRefused."""
    with acting_for(token.organisation_id):
        found = _find(number, issue_date=issue_date, document=document)
        recorded = Payment.objects.filter(document=found).order_by("paid_on", "id")
        left = found.total_with_vat - paid_so_far(found)
        return {
            "invoice": found.number,
            "document": str(found.id),
            "left": f"{left:.2f}",
            "payments": [tell_payment(one) for one in recorded],
        }


def _record(token: WebhookDoor, order: Order) -> tuple[dict[str, object], bool]:
    found = _find(order.invoice, issue_date=order.issue_date, document=order.document)
    # Two calls at once with one key take turns here: the second finds what the first has recorded.
    document = Document.objects.select_for_update(of=("self",)).select_related("customer").get(id=found.id)
    earlier = Payment.objects.filter(idempotency_key=order.key).first()
    if earlier is not None:
        if not _is_same(earlier, document, order):
            raise _key_reused(order)
        return _told(document, earlier, "Ce paiement était déjà enregistré : rien n’a changé."), False
    drafted = draft(
        document,
        paid_on=order.paid_on,
        amount=order.amount,
        today=today(Organisation.objects.get(id=token.organisation_id)),
        parts=order.parts,
        reference=order.reference,
        tell=order.declare,
    )
    if order.declare and not drafted.tells:
        raise CallRefused(
            f"Le paiement de {document.number} n’est pas enregistré, car « declare » vaut true. {drafted.sentence} "
            "Retirez « declare » pour l’enregistrer sans le déclarer.",
            code="cannot_declare",
            field="declare",
        )
    kept = record_payment(document, drafted, actor=actor_of(token), idempotency_key=order.key)
    return _told(document, kept, drafted.sentence), True


def _find(number: str, *, issue_date: date | None, document: UUID | None) -> Document:
    """Return the one document of a number. Raises CallRefused."""
    named = Document.objects.filter(number=number, eliminated_at=None)
    if issue_date is not None:
        named = named.filter(issue_date=issue_date)
    if document is not None:
        named = named.filter(id=document)
    found = list(named.order_by("-issue_date")[:MOST_NAMED])
    if not found:
        raise CallRefused(
            f"Aucune facture « {number} » dans cette organisation. Vérifiez « invoice », et « issue_date » ou "
            "« document » si vous les donnez.",
            code="invoice_unknown",
            field="invoice",
        )
    if len(found) > 1:
        choices = ", ".join(f"{one.id} (émise le {one.issue_date:%d/%m/%Y})" for one in found)
        raise CallRefused(
            f"Plusieurs factures portent le numéro « {number} » : donnez « issue_date », ou « document » parmi "
            f"{choices}.",
            code="invoice_ambiguous",
            field="invoice",
        )
    return found[0]


def _is_same(payment: Payment, document: Document, order: Order) -> bool:
    told = (payment.document_id, payment.paid_on, payment.amount, payment.reference)
    parts_fit = not order.parts or _by_rate(order.parts) == _by_rate(parts_of(payment))
    return (
        told == (document.id, order.paid_on, order.amount, order.reference)
        and parts_fit
        and order.declare in {None, payment.told}
    )


def _by_rate(parts: tuple[Part, ...]) -> dict[Decimal, Decimal]:
    return {one.rate: one.amount for one in parts}


def _key_reused(order: Order) -> CallRefused:
    return CallRefused(
        f"La clé « {order.key} » (Idempotency-Key) a déjà servi pour un autre paiement. Donnez une clé nouvelle à un "
        "paiement nouveau ; pour revoir celui-là, rappelez avec son contenu même.",
        code="idempotency_key_reused",
        field="Idempotency-Key",
    )


def _told(document: Document, payment: Payment, sentence: str) -> dict[str, object]:
    left = document.total_with_vat - paid_so_far(document)
    return {**tell_payment(payment), "left": f"{left:.2f}", "message": sentence}

"""Payments recorded by hand or by a program, and the status 212 that only they may give rise to (complaint B14).

Nothing is declared of a payment that is not recorded; each is previewed, and taken back only by a negative one. Those
of consumers are refused: recording them would fall under the law on till software (CGI art. 286 I-3° bis).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.model import Invoice
from faitfoi.pipeline.acting import CannotAct, ask_act
from faitfoi.pipeline.collecting import told_of
from faitfoi.pipeline.lifecycle import is_refused
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Delivery, Document, Payment
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import Nature, Purpose, Stage

CENT = Decimal("0.01")
MOST_PARTS = 20
THEY_HAVE_IT = (Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED)
DEBIT_CODES = frozenset({"5", "3"})
"""BT-8 by which the seller has chosen to owe the VAT at the invoice's date (option pour les débits)."""

DOWN_PAYMENTS = frozenset({"386", "500"})
"""BT-3 of a down payment (acompte), self-billed or not: its VAT is due when it is received, of goods too."""


class CannotRecord(ValueError):
    """This payment cannot be recorded; the text is a French sentence with the field, the value and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The part of a payment that bears one VAT rate, VAT included."""

    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A payment about to be recorded: what will be kept, and what will be said to whom, if anything."""

    paid_on: date
    amount: Decimal
    currency: str
    parts: tuple[Part, ...]
    reference: str
    tells: bool
    sentence: str
    left: Decimal


def draft(
    document: Document,
    *,
    paid_on: date,
    amount: Decimal,
    today: date,
    parts: Sequence[Part] = (),
    reference: str = "",
    tell: bool | None = None,
) -> Draft:
    """Check a payment and say what recording it would do; nothing is written. Runs inside `acting_for`.

    Without `parts` the amount is shared in proportion to the invoice's VAT rates. `tell` declares it (212) or not; by
    default where the VAT is due on payment. Raises CannotRecord.
    """
    _check(document, paid_on=paid_on, amount=amount, today=today)
    invoice = invoice_of(document)
    shares = tuple(parts) or share_by_rate(invoice, amount)
    _check_parts(invoice, shares, amount)
    left = document.total_with_vat - paid_so_far(document) - amount
    if left < 0:
        raise CannotRecord(
            f"La facture {document.number} serait payée de {_euros(-left)} de trop. Vérifiez le montant, "
            f"{_euros(amount)} ; il restait {_euros(left + amount)}."
        )
    delivery = delivery_to_tell(document)
    wanted = vat_due_on_payment(invoice) if tell is None else tell
    tells = wanted and delivery is not None
    return Draft(
        paid_on=paid_on,
        amount=amount,
        currency=document.currency,
        parts=shares,
        reference=reference.strip()[:140],
        tells=tells,
        sentence=_sentence(document, delivery, shares, wanted=wanted, paid_on=paid_on),
        left=left,
    )


def record_payment(document: Document, drafted: Draft, *, actor: str, idempotency_key: str = "") -> Payment:
    """Write a payment down, and have it declared where its draft says so. Runs inside `acting_for`.

    An `idempotency_key` serves once in an organisation: IntegrityError otherwise.
    """
    Document.objects.select_for_update().get(id=document.id)
    if document.total_with_vat - paid_so_far(document) < drafted.amount:
        raise CannotRecord(f"Un autre paiement de la facture {document.number} vient d’être enregistré. Recommencez.")
    return _write(document, drafted, actor=actor, reverses=None, idempotency_key=idempotency_key)


def reverse_payment(payment_id: UUID, *, today: date, actor: str) -> Payment:
    """Take a payment back by a negative one, declared as it was. Inside `acting_for`. Raises CannotRecord."""
    payment = Payment.objects.select_for_update(of=("self",)).select_related("document").get(id=payment_id)
    if payment.amount < 0 or Payment.objects.filter(reverses=payment).exists():
        raise CannotRecord("Ce paiement est déjà annulé, ou en annule un autre : il n’y a plus rien à reprendre.")
    parts = tuple(Part(rate=one.rate, amount=-one.amount) for one in parts_of(payment))
    drafted = Draft(
        paid_on=today,
        amount=-payment.amount,
        currency=payment.currency,
        parts=parts,
        reference=f"annule le paiement du {payment.paid_on:%d/%m/%Y}",
        tells=payment.told and delivery_to_tell(payment.document) is not None,
        sentence="",
        left=Decimal(0),
    )
    return _write(payment.document, drafted, actor=actor, reverses=payment)


def parts_of(payment: Payment) -> tuple[Part, ...]:
    """Return a payment's parts."""
    return tuple(Part(rate=Decimal(one["rate"]), amount=Decimal(one["amount"])) for one in payment.parts)


def tell_payment(payment: Payment) -> dict[str, object]:
    """Say a payment in the plain JSON that programs get, by command and by HTTP alike."""
    return {
        "payment": str(payment.id),
        "paid_on": payment.paid_on.isoformat(),
        "amount": f"{payment.amount:.2f}",
        "currency": payment.currency,
        "parts": payment.parts,
        "reference": payment.reference,
        "declared": payment.told,
        "reverses": str(payment.reverses_id) if payment.reverses_id else None,
    }


def paid_so_far(document: Document) -> Decimal:
    """Return what has been recorded of an invoice, negative ones taken off. Runs inside `acting_for`."""
    return sum(Payment.objects.filter(document=document).values_list("amount", flat=True), Decimal(0))


def invoice_of(document: Document) -> Invoice:
    """Return the invoice that a sealed document is."""
    return from_json(json.dumps(document.invoice).encode())


def share_by_rate(invoice: Invoice, amount: Decimal) -> tuple[Part, ...]:
    """Share an amount in proportion to what the invoice bears of each VAT rate; the cents add up exactly."""
    totals = {rate: whole for rate, whole in _totals_by_rate(invoice).items() if whole}
    whole = sum(totals.values(), Decimal(0))
    if not whole:
        raise CannotRecord("La facture n’a pas de total par taux de TVA : donnez le montant de chaque taux.")
    rates = sorted(totals)
    shares = {rate: (amount * totals[rate] / whole).quantize(CENT, ROUND_HALF_UP) for rate in rates}
    # What rounding leaves goes to the largest part.
    shares[max(rates, key=lambda rate: abs(totals[rate]))] += amount - sum(shares.values(), Decimal(0))
    return tuple(Part(rate=rate, amount=shares[rate]) for rate in rates if shares[rate])


def vat_due_on_payment(invoice: Invoice) -> bool:
    """Whether the VAT is due when the payment comes: status 212 is then mandatory (contract §3.3).

    Services without the option for debits, and down payments of whatever kind.
    """
    if invoice.type_code in DOWN_PAYMENTS:
        return True
    services = invoice.process.business_process[:1] in {"S", "M"}
    return services and invoice.vat_point_date_code not in DEBIT_CODES


def delivery_to_tell(document: Document) -> Delivery | None:
    """Return the delivery by which the platform has the invoice, unless that was refused. Runs inside `acting_for`."""
    sent = Delivery.objects.filter(
        document=document, purpose=Purpose.LEGAL, channel=ChannelKey.PLATEFORME_AGREEE, stage__in=THEY_HAVE_IT
    )
    delivery = sent.order_by("-sequence").first()
    return None if delivery is None or is_refused(told_of(document.id)) else delivery


def act_values(document: Document, delivery: Delivery) -> dict[str, str]:
    """Return what every status of ours says of an invoice (`channels.afnor_acts`)."""
    invoice = invoice_of(document)
    registered = invoice.buyer.legal_registration
    address = invoice.buyer.electronic_address
    return {
        "type_code": invoice.type_code,
        "seller_siren": document.seller_siren[:9],
        "buyer_siren": registered.value[:9] if registered else delivery.address[:9],
        "buyer_address": delivery.address,
        "buyer_scheme": address.scheme if address and address.value == delivery.address else "0225",
    }


def _write(
    document: Document, drafted: Draft, *, actor: str, reverses: Payment | None, idempotency_key: str = ""
) -> Payment:
    payment = Payment.objects.create(
        organisation_id=require_organisation(),
        document=document,
        paid_on=drafted.paid_on,
        amount=drafted.amount,
        currency=drafted.currency,
        parts=[{"rate": f"{one.rate.normalize():f}", "amount": f"{one.amount:.2f}"} for one in drafted.parts],
        reference=drafted.reference,
        recorded_by=actor[:120],
        reverses=reverses,
        told=drafted.tells,
        idempotency_key=idempotency_key,
    )
    write_entry(
        "payment_recorded",
        actor=actor,
        document_id=document.id,
        rows=[payment],
        payment=str(payment.id),
        reverses=str(reverses.id) if reverses else None,
    )
    delivery = delivery_to_tell(document) if drafted.tells else None
    if delivery is not None:
        try:
            ask_act(
                delivery, kind="212", intent=str(payment.id), values=_values(document, delivery, payment), actor=actor
            )
        except CannotAct as error:
            raise CannotRecord(str(error)) from error
    return payment


def _values(document: Document, delivery: Delivery, payment: Payment) -> dict[str, str]:
    amounts = [[one["amount"], one["rate"]] for one in payment.parts]
    return {
        **act_values(document, delivery),
        "amounts": json.dumps(amounts),
        "currency": payment.currency,
        "paid_on": payment.paid_on.isoformat(),
    }


def _check(document: Document, *, paid_on: date, amount: Decimal, today: date) -> None:
    if document.kind != DocumentKind.INVOICE:
        raise CannotRecord(f"{document.number} est un avoir : un paiement ne s’enregistre que sur une facture.")
    if document.customer is not None and document.customer.nature == Nature.CONSUMER:
        raise CannotRecord(
            f"{document.buyer_name} est un particulier : Faitfoi n’enregistre pas les paiements de particuliers, que "
            "la loi réserve aux logiciels de caisse certifiés. Enregistrez-le dans votre logiciel de caisse."
        )
    if amount <= 0 or amount != amount.quantize(CENT):
        raise CannotRecord(
            f"Le montant « {amount} » doit être positif et en centimes. Pour revenir sur un paiement, annulez-le."
        )
    if paid_on > today:
        raise CannotRecord(f"La date du paiement, le {paid_on:%d/%m/%Y}, est à venir. Donnez le jour où il est arrivé.")


def _check_parts(invoice: Invoice, parts: Sequence[Part], amount: Decimal) -> None:
    known = set(_totals_by_rate(invoice))
    strange = [one.rate for one in parts if one.rate not in known]
    if strange:
        raise CannotRecord(
            f"Le taux de TVA {strange[0]} n’est pas sur la facture. Ses taux sont : "
            f"{', '.join(f'{rate.normalize():f} %' for rate in sorted(known))}."
        )
    if len(parts) > MOST_PARTS or len({one.rate for one in parts}) != len(parts):
        raise CannotRecord("Donnez un seul montant par taux de TVA.")
    told = sum((one.amount for one in parts), Decimal(0))
    if broken := [one for one in parts if one.amount != one.amount.quantize(CENT)]:
        raise CannotRecord(f"Le montant « {broken[0].amount} » d’un taux doit être en centimes. Arrondissez-le.")
    if told != amount or any(one.amount <= 0 for one in parts):
        raise CannotRecord(
            f"Les montants par taux font {_euros(told)}, et le paiement {_euros(amount)} : accordez-les."
        )


def _totals_by_rate(invoice: Invoice) -> Mapping[Decimal, Decimal]:
    totals: dict[Decimal, Decimal] = {}
    for part in invoice.vat_breakdown:
        rate = part.rate if part.rate is not None else Decimal(0)
        whole = (part.taxable_amount or Decimal(0)) + (part.tax_amount or Decimal(0))
        totals[rate] = totals.get(rate, Decimal(0)) + whole
    return totals


def _sentence(
    document: Document, delivery: Delivery | None, parts: Sequence[Part], *, wanted: bool, paid_on: date
) -> str:
    told = ", ".join(f"{_euros(one.amount)} à {one.rate.normalize():f} %".replace(".", ",") for one in parts)
    if delivery is None:
        return "Rien n’est déclaré : cette facture n’est pas chez une plateforme agréée, ou elle y est refusée."
    if not wanted:
        return "Rien n’est déclaré : la TVA de cette facture n’est pas due à l’encaissement."
    return (
        f"La plateforme agréée et {document.buyer_name} apprendront que la facture {document.number} a été encaissée "
        f"le {paid_on:%d/%m/%Y} (statut 212) : {told}, TVA comprise. Seul un encaissement négatif reviendrait dessus."
    )


def _euros(amount: Decimal) -> str:
    return f"{amount:,.2f} €".replace(",", "\u202f").replace(".", ",")

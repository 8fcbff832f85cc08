"""What an invoice says beyond EN 16931, in French words: nothing that the model holds may be missing from the page."""

import dataclasses
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from faitfoi.einvoice import page_words
from faitfoi.einvoice.model import Identifier, Invoice, InvoiceLine, Measure
from faitfoi.einvoice.page_numbers import day, number

PARTIES = {
    "seller_agent": "Agent du vendeur",
    "buyer_agent": "Agent de l’acheteur",
    "invoicer": "Facturant",
    "invoicee": "Destinataire de la facture",
    "payer": "Payeur",
    "buyer_tax_representative": "Représentant fiscal de l’acheteur",
    "product_end_user": "Utilisateur final",
    "ultimate_ship_to": "Destination finale",
    "ship_from": "Expédié de",
}
"""The parties of `InvoiceExtension`, as blocks of the page name them."""

_SUBTYPES = {"GROUP": "Regroupement de lignes", "DETAIL": "Ligne de détail", "INFORMATION": "Pour information"}

_LABELS = {
    "accounting_type": "Type d’imputation",
    "address": "Adresse",
    "allowances_and_charges": "Remises et frais",
    "amount": "Montant",
    "base_amount": "Base",
    "basis_date": "À compter du",
    "batches": "Lot",
    "brand": "Marque",
    "buyer_identifier": "Votre réf.",
    "charge_free_quantity": "Quantité gratuite",
    "code": "Code",
    "contact": "Contact",
    "content_code": "Code du texte",
    "contract": "Contrat",
    "contract_date": "Contrat du",
    "contract_type": "Type de contrat",
    "contracts": "Autre contrat",
    "country": "Pays",
    "currency_exchange": "Change de la TVA",
    "day": "Date",
    "delivery": "Livraison",
    "delivery_note": "Bordereau de livraison",
    "delivery_terms": "Incoterms",
    "despatch_advice": "Avis d’expédition",
    "despatch_advice_date": "Expédition annoncée le",
    "despatch_advices": "Autre avis d’expédition",
    "discount": "Escompte",
    "document_name": "Document",
    "documents": "Document",
    "due_date": "Échéance",
    "exemption_reason": "Motif d’exonération",
    "exemption_reason_code": "Code du motif",
    "included_items": "Comprend",
    "industry_identifier": "Réf. du secteur",
    "issuer_reference": "Référence de l’émetteur",
    "language": "Langue",
    "line": "ligne",
    "model": "Modèle",
    "model_identifier": "Réf. du modèle",
    "more_terms": "Autre condition de paiement",
    "objects": "Autre objet facturé",
    "package_quantity": "Colis",
    "parent_line": "Dépend de la ligne",
    "partial_amount": "Paiement partiel",
    "penalty": "Pénalité",
    "percentage": "Taux",
    "period": "Délai",
    "preceding_invoice": "Facture antérieure",
    "price_discount_base": "Base du rabais",
    "price_discount_percentage": "Taux du rabais",
    "price_discount_reason": "Motif du rabais",
    "price_discount_reason_code": "Code du rabais",
    "purchase_order": "Votre commande",
    "purchase_order_date": "Commande du",
    "quantity": "Quantité",
    "quantity_per_package": "Par colis",
    "quotation": "Devis",
    "rate": "Cours",
    "receiving_advice": "Avis de réception",
    "receiving_advice_date": "Réception annoncée le",
    "receiving_advices": "Autre avis de réception",
    "sales_order": "Notre commande",
    "sales_order_date": "Notre commande du",
    "seller": "Vendeur",
    "seller_identifier": "Réf.",
    "source": "De",
    "status": "Statut",
    "subtype": "Nature de la ligne",
    "target": "Vers",
    "tenders": "Autre marché ou lot",
    "test": "Essai",
    "transport_modes": "Mode de transport",
    "ultimate_customer_orders": "Commande du client final",
    "vat_amount": "TVA de la ligne",
    "vat_in_accounting_currency": "TVA en monnaie de compte",
    "with_vat": "Total TTC de la ligne",
}
"""What a field is called; one that has no name here is understood from what stands around it."""


def extended_facts(invoice: Invoice) -> str:
    """What the header says beyond EN 16931 and the parties that have blocks of their own, in one paragraph."""
    facts = [fact for each in invoice.notes if each.content_code for fact in _facts("content_code", each.content_code)]
    for part in invoice.vat_breakdown:
        if part.lines_amount is not None or part.allowances_and_charges is not None:
            rate = "" if part.rate is None else f" {number(part.rate)} %"
            facts += [f"Base de TVA{rate} : " + _said(_Split(part.lines_amount, part.allowances_and_charges))]
    for each in invoice.preceding_invoices:
        if each.type_code:
            facts.append(f"Facture antérieure {each.number} : type {each.type_code}")
    for value in (*invoice.allowances, *invoice.charges):
        if value.exemption_reason or value.exemption_reason_code:
            said = " ".join(part for part in (value.exemption_reason, value.exemption_reason_code) if part)
            facts.append(f"Sans TVA sur {value.reason or 'un montant du document'} : {said}")
    if invoice.extended is not None:
        facts += _inside(invoice.extended, skipped=frozenset(PARTIES))
    return " · ".join(facts)


def line_facts(line: InvoiceLine) -> Iterator[str]:
    """What a line says beyond EN 16931, paragraph by paragraph."""
    more = line.extended
    if more is not None:
        for note in more.notes:
            subject = page_words.NOTE_SUBJECTS.get(note.subject_code, note.subject_code)
            yield " : ".join(part for part in (subject, note.text, note.content_code) if part)
        if facts := " · ".join(_inside(more, skipped=frozenset({"notes"}))):
            yield facts


@dataclasses.dataclass(frozen=True, slots=True)
class _Split:
    lines: Decimal | None
    allowances_and_charges: Decimal | None


def _inside(group: object, *, skipped: frozenset[str] = frozenset()) -> list[str]:
    """Each field of a group that says something, with its name."""
    found: list[str] = []
    for field in dataclasses.fields(group):  # type: ignore[arg-type]  # always one of the model's groups
        value = getattr(group, field.name)
        if field.name not in skipped and value not in ("", None, (), False):
            found += _facts(field.name, value)
    return found


def _facts(name: str, value: object) -> list[str]:
    label = _LABELS.get(name, "")
    values = value if isinstance(value, tuple) else (value,)
    said = (_SUBTYPES.get(str(each), str(each)) if name == "subtype" else _said(each) for each in values)
    return [f"{label} : {each}" if label else each for each in said if each]


def _said(value: object) -> str:
    if isinstance(value, Decimal):
        return number(value, decimals=2)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Measure):
        quantity = "" if value.value is None else number(value.value, decimals=2)
        return f"{quantity} {page_words.unit(value.unit, value.value)}".strip()
    if isinstance(value, Identifier):
        return f"{page_words.scheme(value.scheme)} {value.value}" if value.scheme else value.value
    if dataclasses.is_dataclass(value):
        return ", ".join(_inside(value))
    return "oui" if value is True else str(value)

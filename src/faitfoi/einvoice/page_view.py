"""The invoice as plain words and figures ready to be laid out: every term that the model holds, nothing else."""

from collections.abc import Iterator
from decimal import Decimal

from faitfoi.einvoice import page_words
from faitfoi.einvoice.model import DocumentAllowanceCharge, Invoice, Note, SupportingDocument, VatBreakdown
from faitfoi.einvoice.page_fit import breadth, fits_in_cell
from faitfoi.einvoice.page_numbers import amount, breakable, day, days, money, percent, symbol
from faitfoi.einvoice.page_view_extended import extended_facts
from faitfoi.einvoice.page_view_lines import PAGE_WIDTH, column_width, line_table, named, share
from faitfoi.einvoice.page_view_parties import buyer_block, other_blocks, seller_block
from faitfoi.einvoice.page_view_payment import payment_view

# The longest words, in characters, that a reference's column and a paragraph can hold.
_FACT = 16
_WORD = 40

_VAT_WIDTH = 88.0  # of the breakdown's table, in millimetres


def page_view(invoice: Invoice) -> dict[str, object]:
    """Everything readable of one invoice, formatted in French, as JSON values for the template."""
    title = page_words.title(invoice.type_code, credit_note=invoice.is_credit_note)
    facts = [{"label": label, "value": breakable(value, _FACT)} for label, value in _facts(invoice) if value]
    return {
        "title": title,
        "issue_date": day(invoice.issue_date),
        "type_note": " · ".join(_type_words(invoice)),
        "currency_symbol": symbol(invoice.currency),
        "facts": facts,
        "facts_per_row": _per_row(len(facts)),
        "preceding": _preceding(invoice),
        "number": breakable(invoice.number, _WORD),
        "title_width": _title_width(title, invoice.number),
        "seller": seller_block(invoice.seller),
        "buyer": buyer_block(invoice.buyer),
        "others": other_blocks(invoice),
        **line_table(invoice),
        "adjustments": [
            *(_adjustment(each, "Remise", sign=-1) for each in invoice.allowances),
            *(_adjustment(each, "Frais", sign=1) for each in invoice.charges),
        ],
        **_vat_table(invoice),
        "vat_notes": "\n".join(dict.fromkeys(note for each in invoice.vat_breakdown for note in _vat_notes(each))),
        "totals": [{"label": label, "value": value, "kind": kind} for label, value, kind in _totals(invoice) if value],
        "payment": payment_view(invoice),
        "notes": [*(_note(each) for each in invoice.notes), *_beyond(invoice)],
        "documents": " ; ".join(_document(each) for each in invoice.supporting_documents),
        "processing": " · ".join(_processing(invoice)),
    }


def _title_width(title: str, number: str) -> float:
    """What the corner with the title and the number takes, in millimetres: it leaves half of the page to the name."""
    widest = max(breadth(title, points=22, semibold=True), breadth(f"N° {number}", points=11.5, semibold=True), 40)
    return round(min(widest, PAGE_WIDTH / 2), 1)


def _type_words(invoice: Invoice) -> Iterator[str]:
    if invoice.type_code in page_words.SELF_BILLED:
        yield "Autofacturation"
    if invoice.type_code in page_words.FACTORED:
        yield "Créance cédée (affacturage)"


def _facts(invoice: Invoice) -> list[tuple[str, str]]:
    delivery, about = invoice.delivery, invoice.invoiced_object
    object_label = page_words.scheme(about.scheme) if about and about.scheme else "Objet facturé"
    return [
        ("Date d’émission", day(invoice.issue_date)),
        ("Échéance", day(invoice.due_date)),
        ("Livraison", day(delivery.actual_date) if delivery else ""),
        ("Période", days(invoice.period.start, invoice.period.end) if invoice.period else ""),
        ("Date d’exigibilité TVA", day(invoice.vat_point_date)),
        ("N° de commande", invoice.purchase_order_reference),
        ("N° de contrat", invoice.contract_reference),
        ("Référence acheteur", invoice.buyer_reference),
        ("Projet", invoice.project_reference),
        ("Notre commande", invoice.sales_order_reference),
        ("Bon de livraison", invoice.despatch_advice_reference),
        ("Avis de réception", invoice.receiving_advice_reference),
        ("Marché ou lot", invoice.tender_or_lot_reference),
        (object_label, about.value if about else ""),
        ("Votre imputation", invoice.buyer_accounting_reference),
    ]


def _per_row(count: int) -> int:
    """Rows of at most six, as even as they can be; at least four columns wide."""
    rows = -(-count // 6) or 1
    return max(4, -(-count // rows))


def _preceding(invoice: Invoice) -> str:
    if not invoice.preceding_invoices:
        return ""
    named = [
        f"n° {each.number}" + (f" du {day(each.issue_date)}" if each.issue_date else "")
        for each in invoice.preceding_invoices
    ]
    which = "à la facture" if len(named) == 1 else "aux factures"
    return f"Se rapporte {which} {', '.join(named)}"


def _adjustment(each: DocumentAllowanceCharge, kind: str, *, sign: int) -> list[str]:
    reason = ", ".join(part for part in (each.reason, f"code {each.reason_code}" if each.reason_code else "") if part)
    return [
        breakable(named(kind, reason), _WORD),
        share(each.percentage, each.base_amount),
        _rate(each.vat_category, each.vat_rate),
        amount(sign * each.amount) if each.amount is not None else "",
    ]


def _vat_table(invoice: Invoice) -> dict[str, object]:
    """Its rows, the widths of its two columns of amounts, and whether each row certainly takes one line."""
    rows = [_vat_row(each) for each in invoice.vat_breakdown]
    widths = [column_width(head, [row[at] for row in rows]) for at, head in ((1, "Base HT"), (2, "Montant TVA"))]
    room = (_VAT_WIDTH - sum(widths), *widths)
    short = all(fits_in_cell(cell, width=width) for row in rows for cell, width in zip(row, room, strict=True))
    return {"vat": rows, "vat_widths": widths, "vat_short": short}


def _vat_row(each: VatBreakdown) -> list[str]:
    words = page_words.vat_category(each.category)
    rate = percent(each.rate) if each.rate or not words else ""
    return [" – ".join(part for part in (words, rate) if part), amount(each.taxable_amount), amount(each.tax_amount)]


def _vat_notes(each: VatBreakdown) -> Iterator[str]:
    """The exemption's reason; « Autoliquidation » is said in full whatever the reason says (242 nonies A, 13°)."""
    reason, code = each.exemption_reason, each.exemption_reason_code
    if not (reason or code):
        return
    words = page_words.vat_category(each.category)
    said = reason or "motif"
    lead = f"{words} : " if words and words.lower() not in said.lower() else ""
    yield breakable(f"{lead}{said}{f' ({code})' if code else ''}", _WORD)


def _rate(category: str, rate: Decimal | None) -> str:
    return page_words.vat_short(category, percent(rate) if rate or category in ("", "S") else "")


def _totals(invoice: Invoice) -> list[tuple[str, str, str]]:
    totals, currency = invoice.totals, invoice.currency
    minus = money(-totals.allowances, currency) if totals.allowances is not None else ""
    paid = money(-totals.paid, currency) if totals.paid is not None else ""
    # Said once when nothing stands between the two.
    lines_label = (
        "" if totals.line_net == totals.without_vat and not minus and not totals.charges else "Total des lignes HT"
    )
    due_label = "Net en votre faveur" if invoice.is_credit_note else "Net à payer"
    return [
        (lines_label, money(totals.line_net, currency) if lines_label else "", ""),
        ("Remises", minus, ""),
        ("Frais", money(totals.charges, currency), ""),
        ("Total HT", money(totals.without_vat, currency), "strong"),
        ("TVA", money(totals.vat, currency), ""),
        (
            f"TVA en {invoice.vat_currency or 'monnaie de compte'}",
            money(totals.vat_in_accounting_currency, invoice.vat_currency),
            "",
        ),
        ("Total TTC", money(totals.with_vat, currency), "strong"),
        ("Déjà payé", paid, ""),
        ("Arrondi", money(totals.rounding, currency), ""),
        (due_label, money(totals.due, currency), "due"),
    ]


def _note(each: Note) -> dict[str, str]:
    """The subject in words, then the text; a text that begins with its subject says it once."""
    label, text = page_words.NOTE_SUBJECTS.get(each.subject_code, each.subject_code), each.text
    if label and text.lower().startswith(label.lower()):
        label, text = text[: len(label)], text[len(label) :].lstrip("\u00a0\u202f :")
    return {"label": label, "text": breakable(text, _WORD)}


def _beyond(invoice: Invoice) -> Iterator[dict[str, str]]:
    if said := extended_facts(invoice):
        yield {"label": "Autres indications", "text": breakable(said, _WORD)}


def _document(each: SupportingDocument) -> str:
    parts = [each.reference, each.description, each.external_location]
    if each.attachment:
        size = max(1, round(len(each.attachment.content) / 1024))
        parts.append(f"{each.attachment.filename} ({each.attachment.media_type}, {size} Ko, joint au fichier)")
    return breakable(" – ".join(part for part in parts if part), _WORD)


def _processing(invoice: Invoice) -> Iterator[str]:
    if invoice.vat_point_date_code:
        yield page_words.VAT_POINT_DATES.get(
            invoice.vat_point_date_code, f"Exigibilité de la TVA : code {invoice.vat_point_date_code}"
        )
    if invoice.process.business_process:
        yield f"Nature de l’opération : {page_words.framework(invoice.process.business_process)}"
    yield f"Type de document : {invoice.type_code}"
    yield f"Monnaie : {invoice.currency}"
    if invoice.vat_currency:
        yield f"Monnaie de la TVA : {invoice.vat_currency}"
    if invoice.process.specification:
        yield f"Norme : {invoice.process.specification}"

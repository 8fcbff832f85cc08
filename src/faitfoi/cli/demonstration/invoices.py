"""The demonstration's invoices: from the tables of `books/*.toml` to EN 16931 models, every total computed."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from faitfoi.cli.demonstration.parties import TREATMENTS, address, buyer_of, nature_of, seller_of
from faitfoi.cli.demonstration.seed import HERE
from faitfoi.einvoice.amounts import complete
from faitfoi.einvoice.model import (
    CREDIT_NOTE_TYPE_CODES,
    Attachment,
    Classification,
    CreditTransfer,
    Delivery,
    DirectDebit,
    DocumentAllowanceCharge,
    Identifier,
    Invoice,
    InvoiceLine,
    Item,
    LineAllowanceCharge,
    LineVat,
    Note,
    PaymentCard,
    PaymentInstructions,
    Period,
    PrecedingInvoice,
    Price,
    ProcessControl,
    SupportingDocument,
    Totals,
    VatBreakdown,
)

Table = Mapping[str, Any]

# BT-24: the core of EN 16931, and the larger Factur-X profile, which holds all of it.
SPECIFICATIONS = {
    "en16931": "urn:cen.eu:en16931:2017",
    "extended": "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended",
}
CREDITOR = "FR00ZZZ000026"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What must become of a file: the batch line's outcome, and the legal delivery's channel and last stage.

    `stage` is empty when nothing leaves; `status` is the other side's last word when it matters (`SUSPENDUE`);
    `copy` the channel of the copy and `copy_stage` its last stage when it is not `delivered`; `found` when its answer
    was lost and the other side, asked, had it; `rule` the official rule that refuses the file. The stage `kept` is that
    of a document that is sealed and sent to nobody.
    """

    outcome: str
    channel: str = ""
    stage: str = ""
    status: str = ""
    copy: str = ""
    copy_stage: str = ""
    found: bool = False
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file to make. `spoilt` names what is deliberately wrong with it.

    `later` when it is handed over once the others have ended. `form` is facturx, cii, ubl, json, or short json
    (without what can be computed).
    """

    file: str
    form: str
    invoice: Invoice
    ends: Ends
    spoilt: str = ""
    later: bool = False


def pieces(slug: str) -> tuple[Piece, ...]:
    """Read one organisation's invoices (`trois-vallees`, `val-clair`), in the order they were issued in."""
    text = HERE.joinpath("books", f"{slug}.toml").read_text(encoding="utf-8")
    book = tomllib.loads(text, parse_float=Decimal)
    return tuple(
        Piece(
            file=table["file"],
            form=table["form"],
            invoice=read_invoice(table, book),
            ends=Ends(**table["ends"], rule=table.get("rule", "")),
            spoilt=table.get("spoilt", ""),
            later=table.get("later", False),
        )
        for table in book["invoices"]
    )


def read_invoice(table: Table, book: Table) -> Invoice:
    """Make the EN 16931 model of one table; `book` holds the seller, the buyers, the notes and the VAT rates."""
    vat = book["vat"]
    lines = tuple(_line(place, row, vat) for place, row in enumerate(table["lines"], start=1))
    allowances = tuple(_adjustment(one, vat) for one in table.get("allowances", ()))
    charges = tuple(_adjustment(one, vat) for one in table.get("charges", ()))
    used = {line.vat for line in lines} | {LineVat(category=one.vat_category, rate=one.vat_rate) for one in charges}
    stated = Invoice(
        number=table["number"],
        issue_date=table["issue_date"],
        type_code=_type_code(table),
        currency="EUR",
        vat_point_date_code=table.get("vat_point", ""),
        due_date=table.get("due_date"),
        buyer_reference=table.get("service", ""),
        contract_reference=table.get("contract", ""),
        purchase_order_reference=table.get("order", ""),
        sales_order_reference=table.get("sales_order", ""),
        despatch_advice_reference=table.get("despatch", ""),
        payment_terms=table.get("terms", "") or _terms(table),
        notes=_notes(table, book),
        process=ProcessControl(
            business_process=table["process"], specification=SPECIFICATIONS[table.get("profile", "en16931")]
        ),
        preceding_invoices=tuple(
            PrecedingInvoice(number=number, issue_date=day) for number, day in table.get("preceding", ())
        ),
        seller=seller_of(book),
        buyer=buyer_of(table["buyer"], book),
        delivery=_delivery(table),
        period=_period(table.get("period")),
        payment=None if _type_code(table) in CREDIT_NOTE_TYPE_CODES else _payment(table, book),
        allowances=allowances,
        charges=charges,
        totals=Totals(paid=table.get("paid")),
        vat_breakdown=tuple(_part(rate) for rate in vat.values() if _vat(rate) in used),
        supporting_documents=_attached(table),
        lines=lines,
    )
    return complete(stated)


def _vat(rate: Table) -> LineVat:
    return LineVat(category=rate["category"], rate=Decimal(rate["rate"]))


def _part(rate: Table) -> VatBreakdown:
    return VatBreakdown(
        taxable_amount=None,
        tax_amount=None,
        category=rate["category"],
        rate=Decimal(rate["rate"]),
        exemption_reason=rate.get("reason", ""),
        exemption_reason_code=rate.get("code", ""),
    )


def _type_code(table: Table) -> str:
    return str(table.get("type", "380"))


def _terms(table: Table) -> str:
    due: date = table["due_date"]
    return f"Paiement par virement au plus tard le {due:%d/%m/%Y}, en rappelant le numéro de la facture."


def _notes(table: Table, book: Table) -> tuple[Note, ...]:
    nature = nature_of(table["buyer"], book)
    texts = {**book["notes"], **book["notes_by_nature"].get(nature, {})}
    if nature in TREATMENTS:
        texts["BAR"] = TREATMENTS[nature]
    said = [Note(text=table["note"], subject_code="AAI")] if "note" in table else []
    return (*said, *(Note(text=text, subject_code=code) for code, text in texts.items()))


def _delivery(table: Table) -> Delivery | None:
    place = table.get("delivery_place")
    if place is None and "delivered" not in table:
        return None
    return Delivery(
        name=place["name"] if place else "",
        actual_date=table.get("delivered"),
        address=address(place) if place else None,
    )


def _period(days: Sequence[date] | None) -> Period | None:
    return Period(start=days[0], end=days[1]) if days else None


def _payment(table: Table, book: Table) -> PaymentInstructions:
    means = table.get("means", "30")
    if means == "59":
        debit = DirectDebit(
            mandate_reference=table["mandate"], creditor_identifier=CREDITOR, debited_account=table["debited_account"]
        )
        return PaymentInstructions(means_code=means, remittance_information=table["number"], direct_debit=debit)
    if means == "48":
        return PaymentInstructions(means_code=means, card=PaymentCard(account_number=table["card"]))
    transfer = CreditTransfer(account=book["seller"]["account"], account_name=seller_of(book).name)
    return PaymentInstructions(means_code=means, remittance_information=table["number"], credit_transfers=(transfer,))


def _attached(table: Table) -> tuple[SupportingDocument, ...]:
    wanted = table.get("attached")
    if not wanted:
        return ()
    head = "jour;parcelle;travail;quantité;unité\r\n"
    rows = (
        f"{options['day']:%d/%m/%Y};{options['description']};{name};{str(quantity).replace('.', ',')};{unit}\r\n"
        for name, quantity, unit, _, _, options in table["lines"]
    )
    content = (head + "".join(rows)).encode("utf-8-sig")
    attachment = Attachment(content=content, media_type="text/csv", filename=wanted["name"])
    return (SupportingDocument(reference=wanted["reference"], description=wanted["title"], attachment=attachment),)


def _adjustment(table: Table, vat: Table) -> DocumentAllowanceCharge:
    rate = vat[table["vat"]]
    return DocumentAllowanceCharge(
        amount=table.get("amount"),
        percentage=_decimal(table.get("percentage")),
        vat_category=rate["category"],
        vat_rate=Decimal(rate["rate"]),
        reason=table["reason"],
        reason_code=table["code"],
    )


def _decimal(number: Decimal | int | None) -> Decimal | None:
    return None if number is None else Decimal(number)


def _line(place: int, row: Sequence[Any], vat: Table) -> InvoiceLine:
    name, quantity, unit, price, rate_key, *more = row
    options: Table = more[0] if more else {}
    rate = vat[rate_key]
    allowance = options.get("allowance")
    allowances = () if allowance is None else (_line_allowance(allowance),)
    gross = options.get("gross")
    return InvoiceLine(
        identifier=str(place),
        quantity=Decimal(quantity),
        unit=unit,
        purchase_order_line_reference=options.get("order_line", ""),
        period=_period([options["day"]] * 2 if "day" in options else options.get("period")),
        allowances=allowances,
        price=Price(net=price, gross=gross, discount=None if gross is None else gross - price),
        vat=_vat(rate),
        item=Item(
            name=name,
            description=options.get("description", ""),
            seller_identifier=options.get("identifier", ""),
            classifications=(Classification(code=options["hs"], scheme="HS"),) if "hs" in options else (),
            origin_country=options.get("origin", ""),
            standard_identifier=Identifier(value=options["gtin"], scheme="0160") if "gtin" in options else None,
        ),
    )


def _line_allowance(table: Table) -> LineAllowanceCharge:
    return LineAllowanceCharge(
        amount=None, percentage=Decimal(table["percentage"]), reason=table["reason"], reason_code=table["code"]
    )

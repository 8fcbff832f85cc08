"""Invoices for the tests of the rules: one that breaks none, one for each VAT category, and how to break each rule."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from faitfoi.einvoice.model import Identifier, Invoice, VatBreakdown
from faitfoi.einvoice.rules import Syntax
from tests.einvoice.material import full_invoice

D = Decimal
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?$")


def changed(value: Any, changes: dict[str, Any]) -> Any:
    """A model with fields replaced, by path: `{"lines[0].price.net": None}`."""
    for path, new in changes.items():
        value = _set(value, path.split("."), new)
    return value


def _set(value: Any, steps: list[str], new: Any) -> Any:
    match = _STEP.match(steps[0])
    assert match is not None, steps
    name, place = match.groups()
    held = getattr(value, name)
    if place is None:
        inner = new if len(steps) == 1 else _set(held, steps[1:], new)
        return replace(value, **{name: inner})
    index = int(place)
    inner = new if len(steps) == 1 else _set(held[index], steps[1:], new)
    return replace(value, **{name: (*held[:index], inner, *held[index + 1 :])})


def sound() -> Invoice:
    """An invoice with every group of EN 16931 that breaks no rule, whatever the syntax."""
    invoice: Invoice = changed(
        full_invoice(),
        {
            "vat_point_date": None,
            "vat_breakdown[0].exemption_reason": "",
            "vat_breakdown[0].exemption_reason_code": "",
            "payment.credit_transfers[1].account": "FR4330006000019876543210185",
            "payment.direct_debit.debited_account": "FR4330006000019876543210185",
            "tax_representative.vat_identifier": "FR90000000026",
        },
    )
    return invoice


def of_category(code: str) -> Invoice:
    """The sound invoice with everything in one VAT category."""
    rated = code in {"S", "L", "M"}
    rate = {"S": D(20), "L": D(7), "M": D(4), "O": None}.get(code, D(0))
    tax = D("100.00") * (rate or 0) / 100
    exempt = not rated and code != "Z"
    part = VatBreakdown(
        taxable_amount=D("100.00"),
        tax_amount=tax.quantize(D("0.01")),
        category=code,
        rate=rate,
        exemption_reason="Motif d’essai" if exempt else "",
    )
    changes: dict[str, Any] = {
        "vat_breakdown": (part,),
        "lines[0].vat.category": code,
        "lines[0].vat.rate": rate,
        "allowances[0].vat_category": code,
        "allowances[0].vat_rate": rate,
        "charges[0].vat_category": code,
        "charges[0].vat_rate": rate,
        "totals.vat": part.tax_amount,
        "totals.with_vat": D("100.00") + tax,
        "totals.paid": None,
        "totals.rounding": None,
        "totals.due": D("100.00") + tax,
    }
    if code == "O":
        changes |= {"seller.vat_identifier": "", "buyer.vat_identifier": "", "tax_representative": None}
    invoice: Invoice = changed(sound(), changes)
    return invoice


UBL, CII = Syntax.UBL_INVOICE, Syntax.CII

# Rule → what breaks it, the other rules that cannot but break with it, and the syntaxes where it can be broken.
Row = tuple[dict[str, Any], set[str], tuple[Syntax, ...]]
BOTH = (UBL, CII)


def _row(changes: dict[str, Any], *others: str, syntaxes: tuple[Syntax, ...] = BOTH) -> Row:
    return changes, set(others), syntaxes


_NO_SCHEME = Identifier(value="X")
_ODD = Identifier(value="X", scheme="XX")

BREAKERS: dict[str, Row] = {
    "BR-01": _row({"process.specification": ""}),
    "BR-02": _row({"number": ""}),
    "BR-03": _row({"issue_date": None}),
    "BR-04": _row({"type_code": ""}),
    "BR-05": _row({"currency": ""}, syntaxes=(CII,)),
    "BR-06": _row({"seller.name": ""}),
    "BR-07": _row({"buyer.name": ""}),
    "BR-08": _row({"seller.address": None}, syntaxes=(UBL,)),
    "BR-09": _row({"seller.address.country": ""}),
    "BR-10": _row({"buyer.address": None}, syntaxes=(UBL,)),
    "BR-11": _row({"buyer.address.country": ""}),
    "BR-12": _row({"totals.line_net": None}, "BR-CO-10", "BR-CO-13"),
    "BR-13": _row({"totals.without_vat": None}, "BR-CO-13", "BR-CO-15"),
    "BR-14": _row({"totals.with_vat": None}, "BR-CO-15", "BR-CO-16"),
    "BR-15": _row({"totals.due": None}, "BR-CO-16"),
    "BR-16": _row({"lines": ()}, "BR-CO-10", "BR-S-08"),
    "BR-17": _row({"payee.name": ""}),
    "BR-18": _row({"tax_representative.name": ""}),
    "BR-19": _row({"tax_representative.address": None}, syntaxes=(UBL,)),
    "BR-20": _row({"tax_representative.address.country": ""}),
    "BR-21": _row({"lines[0].identifier": ""}),
    "BR-22": _row({"lines[0].quantity": None}),
    "BR-23": _row({"lines[0].unit": ""}),
    "BR-24": _row({"lines[0].net_amount": None}, "BR-CO-10", "BR-S-08"),
    "BR-25": _row({"lines[0].item.name": ""}),
    "BR-26": _row({"lines[0].price.net": None}, "BR-27"),
    "BR-27": _row({"lines[0].price.net": D(-1)}),
    "BR-28": _row({"lines[0].price.gross": D(-1)}),
    "BR-29": _row({"period.end": date(2026, 10, 31)}),
    "BR-30": _row({"lines[0].period.end": date(2026, 10, 31)}),
    "BR-31": _row({"allowances[0].amount": None}, "BR-CO-11", "BR-S-08"),
    "BR-32": _row({"allowances[0].vat_category": ""}, "BR-S-08"),
    "BR-33": _row({"allowances[0].reason": "", "allowances[0].reason_code": ""}, "BR-CO-21"),
    "BR-36": _row({"charges[0].amount": None}, "BR-CO-12", "BR-S-08"),
    "BR-37": _row({"charges[0].vat_category": ""}, "BR-S-08"),
    "BR-38": _row({"charges[0].reason": "", "charges[0].reason_code": ""}, "BR-CO-22"),
    "BR-41": _row({"lines[0].allowances[0].amount": None}),
    "BR-42": _row({"lines[0].allowances[0].reason": "", "lines[0].allowances[0].reason_code": ""}, "BR-CO-23"),
    "BR-43": _row({"lines[0].charges[0].amount": None}),
    "BR-44": _row({"lines[0].charges[0].reason": "", "lines[0].charges[0].reason_code": ""}, "BR-CO-24"),
    "BR-45": _row({"vat_breakdown[0].taxable_amount": None}, "BR-S-08", "BR-S-09", "BR-CO-17"),
    "BR-46": _row({"vat_breakdown[0].tax_amount": None}, "BR-CO-14", "BR-S-09", "BR-CO-17"),
    "BR-47": _row({"vat_breakdown[0].category": ""}, "BR-S-01", syntaxes=(UBL,)),
    "BR-48": _row({"vat_breakdown[0].rate": None}, "BR-S-09", "BR-CO-17"),
    "BR-49": _row({"payment.means_code": ""}),
    "BR-50": _row({"payment.credit_transfers[0].account": ""}, "BR-61"),
    "BR-51": _row({"payment.card.account_number": "4970101234567890"}),
    "BR-52": _row({"supporting_documents[0].reference": ""}),
    "BR-53": _row({"totals.vat_in_accounting_currency": None}, syntaxes=(UBL,)),
    "BR-54": _row({"lines[0].item.attributes[0].value": ""}),
    "BR-55": _row({"preceding_invoices[0].number": ""}),
    "BR-56": _row({"tax_representative.vat_identifier": ""}),
    "BR-57": _row({"delivery.address.country": ""}),
    "BR-61": _row({"payment.credit_transfers": ()}, syntaxes=(UBL,)),
    "BR-62": _row({"seller.electronic_address": _NO_SCHEME}),
    "BR-63": _row({"buyer.electronic_address": _NO_SCHEME}),
    "BR-64": _row({"lines[0].item.standard_identifier": _NO_SCHEME}),
    "BR-65": _row({"lines[0].item.classifications[0].scheme": ""}),
    "BR-CO-03": _row({"vat_point_date": date(2026, 11, 18)}),
    "BR-CO-04": _row({"lines[0].vat.category": ""}, "BR-S-08"),
    "BR-CO-09": _row({"seller.vat_identifier": "99000000018"}),
    "BR-CO-10": _row({"totals.line_net": D("106.00"), "totals.without_vat": D("101.00")}, "BR-CO-15"),
    "BR-CO-11": _row({"totals.allowances": D("9.00")}, "BR-CO-13"),
    "BR-CO-12": _row({"totals.charges": D("6.00")}, "BR-CO-13"),
    "BR-CO-13": _row({"totals.without_vat": D("101.00"), "totals.with_vat": D("121.00"), "totals.due": D("100.99")}),
    "BR-CO-14": _row({"totals.vat": D("20.01"), "totals.with_vat": D("120.01"), "totals.due": D("100.00")}),
    "BR-CO-15": _row({"totals.with_vat": D("121.00"), "totals.due": D("100.99")}),
    "BR-CO-16": _row({"totals.due": D("99.98")}),
    "BR-CO-17": _row({"vat_breakdown[0].rate": D(25), "lines[0].vat.rate": D(25)}, "BR-S-08", "BR-S-09"),
    "BR-CO-18": _row({"vat_breakdown": ()}, "BR-S-01", "BR-CO-14", syntaxes=(CII,)),
    "BR-CO-19": _row({"period.start": None, "period.end": None}, syntaxes=(CII,)),
    "BR-CO-20": _row({"lines[0].period.start": None, "lines[0].period.end": None}),
    "BR-CO-26": _row(
        {
            "seller.identifiers": (),
            "seller.legal_registration": None,
            "seller.vat_identifier": "",
        }
    ),
    "BR-DEC-01": _row({"allowances[0].amount": D("10.000")}),
    "BR-DEC-02": _row({"allowances[0].base_amount": D("100.001")}),
    "BR-DEC-05": _row({"charges[0].amount": D("5.000")}),
    "BR-DEC-06": _row({"charges[0].base_amount": D("50.001")}),
    "BR-DEC-09": _row({"totals.line_net": D("105.000")}),
    "BR-DEC-10": _row({"totals.allowances": D("10.000")}),
    "BR-DEC-11": _row({"totals.charges": D("5.000")}),
    "BR-DEC-12": _row({"totals.without_vat": D("100.000")}),
    "BR-DEC-13": _row(
        {"totals.vat": D("20.001"), "totals.vat_in_accounting_currency": None, "vat_currency": ""},
        "BR-CO-14",
        syntaxes=(CII,),
    ),
    "BR-DEC-14": _row({"totals.with_vat": D("120.000")}),
    "BR-DEC-15": _row({"totals.vat_in_accounting_currency": D("19.001")}, syntaxes=(CII,)),
    "BR-DEC-16": _row({"totals.paid": D("20.000")}),
    "BR-DEC-17": _row({"totals.rounding": D("-0.010")}),
    "BR-DEC-18": _row({"totals.due": D("99.990")}),
    "BR-DEC-19": _row({"vat_breakdown[0].taxable_amount": D("100.000")}),
    "BR-DEC-20": _row({"vat_breakdown[0].tax_amount": D("20.000")}),
    "BR-DEC-23": _row({"lines[0].net_amount": D("105.000")}),
    "BR-DEC-24": _row({"lines[0].allowances[0].amount": D("1.000")}),
    "BR-DEC-25": _row({"lines[0].allowances[0].base_amount": D("100.001")}),
    "BR-DEC-27": _row({"lines[0].charges[0].amount": D("6.000")}),
    "BR-DEC-28": _row({"lines[0].charges[0].base_amount": D("100.001")}),
    "BR-CL-01": _row({"type_code": "999"}),
    "BR-CL-03": _row({"currency": "EURO"}, "BR-CL-04", syntaxes=(UBL,)),
    "BR-CL-04": _row({"currency": "EURO"}, syntaxes=(CII,)),
    "BR-CL-05": _row({"vat_currency": "FRANC"}, syntaxes=(CII,)),
    "BR-CL-06": _row({"vat_point_date_code": "99"}),
    "BR-CL-07": _row({"invoiced_object": _ODD}),
    "BR-CL-08": _row({"notes[0].subject_code": "QQQ"}),
    "BR-CL-10": _row({"buyer.identifiers": (_ODD,)}),
    "BR-CL-11": _row({"buyer.legal_registration": _ODD}),
    "BR-CL-13": _row({"lines[0].item.classifications[0].scheme": "QQQ"}),
    "BR-CL-14": _row({"buyer.address.country": "XX"}),
    "BR-CL-15": _row({"lines[0].item.origin_country": "XX"}),
    "BR-CL-16": _row({"payment.means_code": "999"}),
    "BR-CL-17": _row({"vat_breakdown[0].category": "XX"}, "BR-S-01", syntaxes=(UBL,)),
    "BR-CL-18": _row({"lines[0].vat.category": "XX"}, "BR-S-08"),
    "BR-CL-19": _row({"allowances[0].reason_code": "999"}),
    "BR-CL-20": _row({"charges[0].reason_code": "999"}),
    "BR-CL-21": _row({"lines[0].item.standard_identifier": _ODD}),
    "BR-CL-22": _row({"vat_breakdown[0].exemption_reason_code": "VATEX-XX"}, "BR-S-10"),
    "BR-CL-23": _row({"lines[0].unit": "QQQ"}),
    "BR-CL-24": _row({"supporting_documents[0].attachment.media_type": "application/zip"}),
    "BR-CL-25": _row({"buyer.electronic_address": _ODD}),
    "BR-CL-26": _row({"delivery.location": _ODD}),
    "FF-DUE-DATE": _row({"due_date": date(2026, 11, 19)}),
    "FF-SIREN": _row({"seller.legal_registration.value": "000000019"}, "FF-VAT-SIREN"),
    "FF-SIRET": _row({"buyer.identifiers[0].value": "00000003400018"}),
    "FF-VAT": _row({"buyer.vat_identifier": "FR99000000034"}),
    "FF-VAT-SIREN": _row({"buyer.vat_identifier": "FR90000000026"}),
    "FF-IBAN": _row({"payment.credit_transfers[0].account": "FR7630006000011234567890188"}),
    "FF-EMPTY": _row({"lines[0].item.name": "-"}),
}

# Rules that the official sheets never fail: nobody can tell whether a code and a text mean the same, and the last one
# asks of an element what it cannot be.
NEVER_BROKEN = {"BR-CO-05", "BR-CO-06", "BR-CO-07", "BR-CO-08", "BR-EXT-CL-07"}

PREFIXES = {
    "S": "BR-S",
    "Z": "BR-Z",
    "E": "BR-E",
    "AE": "BR-AE",
    "K": "BR-IC",
    "G": "BR-G",
    "O": "BR-O",
    "L": "BR-AF",
    "M": "BR-AG",
}


def family_breakers(code: str) -> dict[str, tuple[dict[str, Any], tuple[Syntax, ...]]]:
    """How to break each of the ten rules of one VAT category, starting from `of_category(code)`."""
    rated, exempt = code in {"S", "L", "M"}, code not in {"S", "L", "M", "Z"}
    unregistered: dict[str, Any] = {
        "seller.vat_identifier": "",
        "seller.tax_registration": "",
        "tax_representative": None,
    }
    identified = {"seller.vat_identifier": "FR66000000018"} if code == "O" else unregistered
    wrong_rate = D(-1) if rated else D(5)
    part = of_category(code).vat_breakdown[0]
    # The CII sheet never judges these, as it looks for the rate where it is not.
    ubl_only = (UBL,) if code in {"L", "M"} else BOTH
    found: dict[str, tuple[dict[str, Any], tuple[Syntax, ...]]] = {
        "01": ({"vat_breakdown": (part, part)} if not rated else {"vat_breakdown": ()}, BOTH),
        "02": (identified, BOTH),
        "03": (identified, BOTH),
        "04": (identified, BOTH),
        "05": ({"lines[0].vat.rate": wrong_rate}, BOTH),
        "06": ({"allowances[0].vat_rate": wrong_rate}, BOTH),
        "07": ({"charges[0].vat_rate": wrong_rate}, BOTH),
        "08": ({"vat_breakdown[0].taxable_amount": D("102.00")}, ubl_only),
        "09": ({"vat_breakdown[0].tax_amount": D("99.00")}, ubl_only),
        "10": ({"vat_breakdown[0].exemption_reason": "" if exempt else "Motif d’essai"}, BOTH),
    }
    return {f"{PREFIXES[code]}-{number}": row for number, row in found.items()}


SPECIAL_BREAKERS: dict[str, tuple[Invoice, dict[str, Any]]] = {
    "BR-IC-11": (of_category("K"), {"delivery.actual_date": None, "period": None, "vat_point_date_code": ""}),
    "BR-IC-12": (of_category("K"), {"delivery.address": None}),
    "BR-O-11": (of_category("O"), {"vat_breakdown": (*of_category("O").vat_breakdown, *sound().vat_breakdown)}),
    "BR-O-12": (of_category("O"), {"lines[0].vat.category": "E"}),
    "BR-O-13": (of_category("O"), {"allowances[0].vat_category": "E"}),
    "BR-O-14": (of_category("O"), {"charges[0].vat_category": "E"}),
    "BR-B-01": (sound(), {"lines[0].vat.category": "B"}),
    "BR-B-02": (sound(), {"lines[0].vat.category": "B"}),
    "FF-CREDIT-NOTE": (sound(), {"type_code": "381", "totals.with_vat": D("-1.00")}),
    "FF-LINE-TWICE": (sound(), {"lines": (*sound().lines, *sound().lines)}),
}

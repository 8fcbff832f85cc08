"""EN 16931: codes come from their lists (BR-CL).

The CII sheets check the same lists under ids of their own (FX-SCH). UBL asks for a code from the list even where the
element is empty, CII only where something is written.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator

from faitfoi.einvoice.model import Address, Identifier, InvoiceLine
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence, rule
from faitfoi.einvoice.rules.marks import NOT_VAT, filled, shown
from faitfoi.einvoice.rules.sheets import Sheet, Syntax

_TAX_POINTS = frozenset({"3", "35", "432"})  # UNTDID 2005, as the model holds BT-8 whatever the syntax
_SEPA = "SEPA"

_Found = tuple[str, str, str]  # term, path, code
_OnLine = Callable[[InvoiceLine], Iterable[str]]
_Codes = Callable[[Case], Iterator[Offence]]


def with_the_document(rule_id: str, check: _Codes) -> _Codes:
    """`check` on the model, and when it finds nothing on the places of the document that the model does not keep."""

    def judge(case: Case) -> Iterator[Offence]:
        found = False
        for offence in check(case):
            found = True
            yield offence
        if not found and rule_id in case.unlisted:
            code, element = case.unlisted[rule_id]
            yield Offence(value=code, at=element)

    return judge


def _anywhere(rule_id: str, *terms: str) -> Callable[[_Codes], _Codes]:
    """Register a rule on a code list that some sheets look for anywhere in a document."""

    def register(check: _Codes) -> _Codes:
        sentence = inspect.cleandoc(check.__doc__ or "")
        rule(rule_id, *terms, sentence=sentence)(with_the_document(rule_id, check))
        return check

    return register


@rule("BR-CL-01", "BT-3")
def type_is_listed(case: Case) -> Iterator[Offence]:
    """The type of document (BT-3) is a code of UNTDID 1001 that an invoice or a credit note may have."""
    names = {Syntax.UBL_INVOICE: "invoice_types", Syntax.UBL_CREDIT_NOTE: "credit_note_types"}
    return _unlisted(case, names.get(case.syntax, "document_types"), [("BT-3", "type_code", case.invoice.type_code)])


@rule("BR-CL-03", "BT-5")
def amounts_are_in_listed_currencies(case: Case) -> bool:
    """The currency written beside an amount is a code of ISO 4217."""
    # In CII only totals of VAT say their currency, and only the French sheet looks at it.
    if not case.strict:
        return True
    return all(currency in case.codes["currencies"] for currency in case.source.currency_ids)


@rule("BR-CL-04", "BT-5")
def currency_is_listed(case: Case) -> Iterator[Offence]:
    """The invoice's currency (BT-5) is a code of ISO 4217."""
    return _unlisted(case, "currencies", [("BT-5", "currency", case.invoice.currency)])


@rule("BR-CL-05", "BT-6")
def accounting_currency_is_listed(case: Case) -> Iterator[Offence]:
    """The currency for VAT accounting (BT-6) is a code of ISO 4217."""
    return _unlisted(case, "currencies", [("BT-6", "vat_currency", case.invoice.vat_currency)])


@rule("BR-CL-06", "BT-8")
def tax_point_is_listed(case: Case) -> bool:
    """The code of the day VAT falls due (BT-8) says issue, delivery or payment (UNTDID 2005: 3, 35, 432)."""
    code = case.invoice.vat_point_date_code
    return not (code if case.strict else filled(code)) or code in _TAX_POINTS


@_anywhere("BR-CL-07", "BT-18")
def object_schemes_are_listed(case: Case) -> Iterator[Offence]:
    """The scheme of an invoiced object (BT-18, BT-128) is a code of UNTDID 1153."""
    yield from _unlisted(case, "object_schemes", _schemes("BT-18", "invoiced_object", [case.invoice.invoiced_object]))
    yield from _on_lines(
        case,
        "object_schemes",
        ("BT-128", "invoiced_object"),
        lambda line: (line.invoiced_object.scheme,) if line.invoiced_object else (),
    )


@rule("BR-CL-08", "BT-21")
def note_subjects_are_listed(case: Case) -> Iterator[Offence]:
    """The subject of a note (BT-21) is a code of UNTDID 4451."""
    subjects = case.codes["note_subjects"]
    for place, note in enumerate(case.invoice.notes):
        code = note.subject_code
        if case.ubl:
            code = _hashed(f"#{code}#{note.text}" if code else note.text)
        # The UBL sheet looks for the three letters anywhere in its list; so do we.
        listed = code in subjects.text if case.ubl else code in subjects
        if filled(code) and not listed:
            yield Offence(path=f"notes[{place}].subject_code", value=code)


@_anywhere("BR-CL-10", "BT-29")
def party_schemes_are_listed(case: Case) -> Iterator[Offence]:
    """The scheme of a party's identifier (BT-29, BT-46, BT-60) is a code of ISO/IEC 6523."""
    invoice = case.invoice
    payee = invoice.payee.identifier if invoice.payee else None
    creditors = [
        found
        for found in (
            *_schemes("BT-29", "seller.identifiers", invoice.seller.identifiers),
            *_schemes("BT-60", "payee.identifier", [payee]),
        )
        if not (case.ubl and found[2] == _SEPA)
    ]
    return _unlisted(
        case, "party_schemes", [*creditors, *_schemes("BT-46", "buyer.identifiers", invoice.buyer.identifiers)]
    )


@_anywhere("BR-CL-11", "BT-30")
def registration_schemes_are_listed(case: Case) -> Iterator[Offence]:
    """The scheme of a legal registration (BT-30, BT-47, BT-61) is a code of ISO/IEC 6523."""
    invoice = case.invoice
    payee = invoice.payee.legal_registration if invoice.payee else None
    return _unlisted(
        case,
        "organisation_schemes",
        [
            *_schemes("BT-30", "seller.legal_registration", [invoice.seller.legal_registration]),
            *_schemes("BT-47", "buyer.legal_registration", [invoice.buyer.legal_registration]),
            *_schemes("BT-61", "payee.legal_registration", [payee]),
        ],
    )


@_anywhere("BR-CL-13", "BT-158")
def item_lists_are_listed(case: Case) -> Iterator[Offence]:
    """The list an item's class comes from (BT-158) is a code of UNTDID 7143."""
    return _on_lines(
        case,
        "item_lists",
        ("BT-158", "item.classifications"),
        lambda line: [found.scheme for found in line.item.classifications],
    )


@_anywhere("BR-CL-14", "BT-40")
def countries_are_listed(case: Case) -> Iterator[Offence]:
    """The country of an address (BT-40, BT-55, BT-69, BT-80) is a code of ISO 3166-1."""
    invoice = case.invoice
    addresses: list[tuple[str, str, Address | None]] = [
        ("BT-40", "seller.address", invoice.seller.address),
        ("BT-55", "buyer.address", invoice.buyer.address),
    ]
    if invoice.tax_representative is not None:
        addresses.append(("BT-69", "tax_representative.address", invoice.tax_representative.address))
    if invoice.delivery is not None:
        addresses.append(("BT-80", "delivery.address", invoice.delivery.address))
    return _unlisted(
        case,
        "countries",
        [(term, f"{path}.country", address.country) for term, path, address in addresses if address is not None],
    )


@_anywhere("BR-CL-15", "BT-159")
def countries_of_origin_are_listed(case: Case) -> Iterator[Offence]:
    """The country an item comes from (BT-159) is a code of ISO 3166-1."""
    return _on_lines(case, "countries", ("BT-159", "item.origin_country"), lambda line: (line.item.origin_country,))


@rule("BR-CL-16", "BT-81")
def payment_means_are_listed(case: Case) -> Iterator[Offence]:
    """The means of payment (BT-81) is a code of UNTDID 4461."""
    return _unlisted(
        case, "payment_means", [("BT-81", "payment.means_code", means.code) for means in case.source.means]
    )


@rule("BR-CL-17", "BT-118")
def tax_categories_are_listed(case: Case) -> Iterator[Offence]:
    """The VAT category of the breakdown, an allowance or a charge (BT-118, BT-95, BT-102) is one of EN 16931."""
    invoice = case.invoice
    return _unlisted(
        case,
        "vat_categories",
        [
            *([] if case.sheet is Sheet.CII_CTC_FR else _categories_of_parts(case)),
            *(
                ("BT-95", f"allowances[{place}].vat_category", value.vat_category.lstrip(NOT_VAT))
                for place, value in enumerate(invoice.allowances)
            ),
            *(
                ("BT-102", f"charges[{place}].vat_category", value.vat_category.lstrip(NOT_VAT))
                for place, value in enumerate(invoice.charges)
            ),
            *(("BT-95", "allowances", code) for code in case.source.loose_codes),
        ],
    )


@rule("BR-CL-18", "BT-151")
def line_tax_categories_are_listed(case: Case) -> Iterator[Offence]:
    """The VAT category of a line (BT-151) is one of EN 16931."""
    codes = case.codes["vat_categories"]
    # A line's category may have a mark in front, and then is in no list: it is looked at again.
    if not {line.vat.category for line in case.invoice.lines} <= codes.all:
        where = ("BT-151", "vat.category")
        yield from _on_lines(
            case, "vat_categories", where, lambda line: (line.vat.category.lstrip(NOT_VAT),), every=True
        )
    yield from _unlisted(case, "vat_categories", [("BT-151", "lines", code) for code in case.source.inner_codes])
    # CII names the tax of a line as that of the breakdown, and the French sheet judges both here.
    if case.sheet is Sheet.CII_CTC_FR:
        yield from _unlisted(case, "vat_categories", _categories_of_parts(case))


@rule("BR-CL-19", "BT-98")
def allowance_reasons_are_listed(case: Case) -> Iterator[Offence]:
    """The code that explains an allowance (BT-98, BT-140) is one of UNTDID 5189."""
    yield from _unlisted(
        case,
        "allowance_reasons",
        [
            ("BT-98", f"allowances[{place}].reason_code", value.reason_code)
            for place, value in enumerate(case.invoice.allowances)
        ],
    )
    yield from _on_lines(
        case,
        "allowance_reasons",
        ("BT-140", "allowances"),
        lambda line: [value.reason_code for value in line.allowances],
    )


@rule("BR-CL-20", "BT-105")
def charge_reasons_are_listed(case: Case) -> Iterator[Offence]:
    """The code that explains a charge (BT-105, BT-145) is one of UNTDID 7161."""
    yield from _unlisted(
        case,
        "charge_reasons",
        [
            ("BT-105", f"charges[{place}].reason_code", value.reason_code)
            for place, value in enumerate(case.invoice.charges)
        ],
    )
    yield from _on_lines(
        case, "charge_reasons", ("BT-145", "charges"), lambda line: [value.reason_code for value in line.charges]
    )


@_anywhere("BR-CL-21", "BT-157")
def item_schemes_are_listed(case: Case) -> Iterator[Offence]:
    """The scheme of an item's standard identifier (BT-157) is a code of ISO/IEC 6523."""
    return _on_lines(
        case,
        "organisation_schemes",
        ("BT-157", "item.standard_identifier"),
        lambda line: (line.item.standard_identifier.scheme,) if line.item.standard_identifier else (),
    )


@rule("BR-CL-22", "BT-121")
def exemption_reasons_are_listed(case: Case) -> Iterator[Offence]:
    """The code that says why there is no VAT (BT-121) is one of the VATEX list."""
    upper: Callable[[str], str] = str.upper if case.strict else str
    return _unlisted(
        case,
        "exemption_reasons",
        [
            ("BT-121", f"vat_breakdown[{place}].exemption_reason_code", upper(part.exemption_reason_code))
            for place, part in enumerate(case.invoice.vat_breakdown)
        ],
    )


@rule("BR-CL-23", "BT-130")
def units_are_listed(case: Case) -> Iterator[Offence]:
    """The unit of a quantity (BT-130, BT-150) is a code of UN/ECE recommendations 20 and 21."""
    units = {line.unit for line in case.invoice.lines}
    if not units <= case.codes["units"].all:
        yield from _on_lines(case, "units", ("BT-130", "unit"), lambda line: (line.unit,), every=True)
    yield from _on_lines(
        case, "units", ("BT-150", "price.base_quantity_unit"), lambda line: (line.price.base_quantity_unit,)
    )
    others = case.source.units - units - {line.price.base_quantity_unit for _, line in case.particular_lines}
    yield from _unlisted(case, "units", [("BT-130", "lines", unit) for unit in sorted(others)])


@rule("BR-CL-24", "BT-125")
def attachments_are_of_listed_types(case: Case) -> Iterator[Offence]:
    """An attached file (BT-125) is of a media type that EN 16931 allows: PDF, PNG, JPEG, CSV or a spreadsheet."""
    return _unlisted(
        case,
        "attachment_types",
        [
            ("BT-125", f"supporting_documents[{place}].attachment", document.attachment.media_type)
            for place, document in enumerate(case.invoice.supporting_documents)
            if document.attachment is not None
        ],
    )


@_anywhere("BR-CL-25", "BT-34")
def electronic_address_schemes_are_listed(case: Case) -> Iterator[Offence]:
    """The scheme of an electronic address (BT-34, BT-49) is a code of the EAS list."""
    invoice = case.invoice
    return _unlisted(
        case,
        "electronic_addresses",
        [
            *_schemes("BT-34", "seller.electronic_address", [invoice.seller.electronic_address]),
            *_schemes("BT-49", "buyer.electronic_address", [invoice.buyer.electronic_address]),
        ],
    )


@_anywhere("BR-CL-26", "BT-71")
def delivery_location_scheme_is_listed(case: Case) -> Iterator[Offence]:
    """The scheme of the place delivered to (BT-71) is a code of ISO/IEC 6523."""
    location = case.invoice.delivery.location if case.invoice.delivery else None
    return _unlisted(case, "organisation_schemes", _schemes("BT-71", "delivery.location", [location]))


def _categories_of_parts(case: Case) -> list[_Found]:
    return [
        ("BT-118", f"vat_breakdown[{place}].category", part.category.lstrip(NOT_VAT))
        for place, part in enumerate(case.invoice.vat_breakdown)
    ]


def _unlisted(case: Case, name: str, found: Iterable[_Found]) -> Iterator[Offence]:
    codes = case.codes[name]
    for term, path, code in found:
        if code and code not in codes and (case.strict or filled(code)):
            yield Offence(term=term, path=path, value=shown(code))


def _on_lines(
    case: Case, name: str, where: tuple[str, str], codes_of: _OnLine, *, every: bool = False
) -> Iterator[Offence]:
    """The codes of lines that are not in their list; `where` is their term and their path inside the line.

    A plain line has none of them, but for those of `every` line.
    """
    codes = case.codes[name]
    for place, line in enumerate(case.invoice.lines) if every else case.particular_lines:
        for code in codes_of(line):
            if code and code not in codes and (case.strict or filled(code)):
                path = f"lines[{place}].{where[1]}"
                yield Offence(term=where[0], path=path, value=shown(code), line=line.identifier)


def _schemes(term: str, path: str, identifiers: Iterable[Identifier | None]) -> list[_Found]:
    return [(term, path, identifier.scheme) for identifier in identifiers if identifier is not None]


def _hashed(text: str) -> str:
    """What stands between the first two `#` of a note in UBL, when it is three characters long."""
    before, _, rest = text.partition("#")
    code, closed, _ = rest.partition("#")
    return code if closed and len(code) == 3 and len(before) < len(text) else ""

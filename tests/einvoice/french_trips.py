"""One change of a valid invoice for each French rule, and the rules it breaks in each syntax: these, and no other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.model import (
    Delivery,
    DocumentAllowanceCharge,
    Identifier,
    Invoice,
    Item,
    ItemAttribute,
    LineAllowanceCharge,
    LineVat,
    Note,
    Payee,
    Period,
    ProcessControl,
    SupportingDocument,
)
from tests.conformance import plain_bases, rare_bases

Change = Callable[[Invoice], Invoice]


@dataclass(frozen=True, slots=True)
class Trip:
    """A change of a valid invoice; `cii` and `ubl` are the ids of the rules that it breaks."""

    change: Change
    cii: frozenset[str]
    ubl: frozenset[str]
    base: Callable[[], Invoice] = plain_bases.plain


TRIPS: dict[str, Trip] = {}


def trips(
    name: str, change: Change, *, cii: str, ubl: str = "", base: Callable[[], Invoice] = plain_bases.plain
) -> None:
    """Add a change; the rules are given as words, those of UBL only when they are other ones, `-` for none."""
    TRIPS[name] = Trip(change, _ids(cii), _ids(ubl or cii), base)


def _ids(words: str) -> frozenset[str]:
    return frozenset(words.split()) - {"-"}


def process(invoice: Invoice, framework: str) -> Invoice:
    """Another cadre de facturation."""
    return replace(invoice, process=ProcessControl(business_process=framework))


def first_line(invoice: Invoice, **changes: object) -> Invoice:
    """Another first line."""
    return replace(invoice, lines=(replace(invoice.lines[0], **changes), *invoice.lines[1:]))  # type: ignore[arg-type]


def price(invoice: Invoice, **changes: object) -> Invoice:
    """Another price of the first line."""
    return first_line(invoice, price=replace(invoice.lines[0].price, **changes))  # type: ignore[arg-type]


def totals(invoice: Invoice, **changes: object) -> Invoice:
    """Other totals."""
    return replace(invoice, totals=replace(invoice.totals, **changes))  # type: ignore[arg-type]


def seller(invoice: Invoice, **changes: object) -> Invoice:
    """Another seller."""
    return replace(invoice, seller=replace(invoice.seller, **changes))  # type: ignore[arg-type]


def buyer(invoice: Invoice, **changes: object) -> Invoice:
    """Another buyer."""
    return replace(invoice, buyer=replace(invoice.buyer, **changes))  # type: ignore[arg-type]


def notes(invoice: Invoice, *, without: str = "", more: tuple[Note, ...] = ()) -> Invoice:
    """Other notes."""
    kept = tuple(note for note in invoice.notes if note.subject_code != without)
    return replace(invoice, notes=(*kept, *more))


def earlier(invoice: Invoice, **changes: object) -> Invoice:
    """Another earlier invoice."""
    changed = replace(invoice.preceding_invoices[0], **changes)  # type: ignore[arg-type]
    return replace(invoice, preceding_invoices=(changed,))


LONG, ODD = "F" * 36, "F 1"
OLD = date(1999, 11, 20)
FINE, EXACT = Decimal("1.001"), Decimal("0.00001")

trips("long number", lambda i: replace(i, number=LONG), cii="BR-FR-01_BT-1", ubl="BR-FR-01_BT-1-1")
trips("odd number", lambda i: replace(i, number=ODD), cii="BR-FR-02_BT-1", ubl="BR-FR-02_BT-1 BR-FR-01_BT-1-2")
_NOTE = plain_bases.credit_note
trips("long BT-25", lambda i: earlier(i, number=LONG), cii="BR-FR-01_BT-25", ubl="BR-FR-01_BT-25-1", base=_NOTE)
trips(
    "odd BT-25",
    lambda i: earlier(i, number=ODD),
    cii="BR-FR-02_BT-25",
    ubl="BR-FR-02_BT-25 BR-FR-01_BT-25-2",
    base=_NOTE,
)
trips("BT-2 of 1999", lambda i: replace(i, issue_date=OLD), cii="BR-FR-03_BT-2")
trips("BT-7 of 1999", lambda i: replace(i, vat_point_date=OLD), cii="BR-FR-03_BT-7")
trips("BT-9 of 2100", lambda i: replace(i, due_date=date(2100, 1, 1)), cii="BR-FR-03_BT-9")
trips("BT-26 of 1999", lambda i: earlier(i, issue_date=OLD), cii="BR-FR-03_BT-26", base=_NOTE)
trips("BT-72 of 1999", lambda i: replace(i, delivery=Delivery(actual_date=OLD)), cii="BR-FR-03_BT-72")
trips("BT-73 of 1999", lambda i: replace(i, period=Period(start=OLD)), cii="BR-FR-03_BT-73")
trips("BT-74 of 1999", lambda i: replace(i, period=Period(end=OLD)), cii="BR-FR-03_BT-74")
trips(
    "BT-134 of 1999",
    lambda i: first_line(i, period=Period(start=OLD)),
    cii="BR-FR-03_EXT-FR-FE-134",
    ubl="BR-FR-03_BT-134",
)
trips(
    "BT-135 of 1999",
    lambda i: first_line(i, period=Period(end=OLD)),
    cii="BR-FR-03_EXT-FR-FE-135",
    ubl="BR-FR-03_BT-135",
)
trips("type 325", lambda i: replace(i, type_code="325"), cii="BR-FR-04_BT-3")
trips("framework A1", lambda i: process(i, "A1"), cii="BR-FR-08_BT-23")
for _position, _subject in enumerate(("PMT", "PMD", "AAB"), start=1):
    trips(
        f"no {_subject}",
        lambda i, subject=_subject: notes(i, without=subject),  # type: ignore[misc]
        cii=f"BR-FR-05_BT-22_{_subject}",
        ubl=f"BR-FR-05_BT-22-{_position}",
    )
for _position, _subject in enumerate(("PMT", "PMD", "AAB", "TXD"), start=1):
    trips(
        f"two {_subject}",
        lambda i, subject=_subject: notes(  # type: ignore[misc]
            i, more=tuple(Note(text="x", subject_code=subject) for _ in range(2 if subject == "TXD" else 1))
        ),
        cii=f"BR-FR-06_BT-21_{_subject}",
        ubl=f"BR-FR-06_BT-21-{_position}",
    )
trips(
    "unknown treatment",
    lambda i: notes(i, without="BAR", more=(Note(text="B2X", subject_code="BAR"),)),
    cii="BR-FR-20_BT-21",
)
trips(
    "two treatments",
    lambda i: notes(i, more=(Note(text="B2C", subject_code="BAR"),)),
    cii="BR-FR-31_BT-21",
    ubl="BR-FR-30_BT-21",
)


def _siret(value: str) -> tuple[Identifier, ...]:
    return (Identifier(value=value, scheme="0009"),)


trips("SIRET of another seller", lambda i: seller(i, identifiers=_siret("00000002600013")), cii="BR-FR-09_BT-29")
trips("SIRET of another buyer", lambda i: buyer(i, identifiers=_siret("00000002600013")), cii="BR-FR-09_BT-46")
trips(
    "SIRET of another payee",
    lambda i: replace(i, payee=Payee(name="P", identifier=_siret("1234")[0])),
    cii="BR-FR-09_BT-60",
)
trips("SIRET of no place", lambda i: replace(i, delivery=Delivery(location=_siret("1234")[0])), cii="BR-FR-09_BT-71")
trips(
    "seller without SIREN",
    lambda i: seller(i, legal_registration=None, identifiers=()),
    cii="BR-FR-10_BT-30",
)
trips("buyer without SIREN", lambda i: buyer(i, legal_registration=None, identifiers=()), cii="BR-FR-11_BT-47")
trips("no BT-49", lambda i: buyer(notes(i, without="BAR"), electronic_address=None), cii="BR-FR-12_BT-49")
trips("no BT-34", lambda i: seller(i, electronic_address=None), cii="BR-FR-13_BT-34")


def address(value: str) -> Identifier:
    return Identifier(value=value, scheme="0225")


trips("address of another buyer", lambda i: buyer(i, electronic_address=address("000000026")), cii="BR-FR-21_BT-49")
trips(
    "address of another self-billed seller",
    lambda i: seller(replace(i, type_code="389"), electronic_address=address("000000026")),
    cii="BR-FR-22_BT-34",
)
trips("odd BT-34", lambda i: seller(i, electronic_address=address("000000018 X")), cii="BR-FR-23_BT-34")
trips("odd BT-49", lambda i: buyer(i, electronic_address=address("000000034/X")), cii="BR-FR-23_BT-49")
trips("long BT-34", lambda i: seller(i, electronic_address=address("0" * 126)), cii="BR-FR-25_BT-34")
trips("long BT-49", lambda i: buyer(i, electronic_address=address("000000034" + "0" * 117)), cii="BR-FR-25_BT-49")


def _routing(value: str) -> tuple[Identifier, ...]:
    return (Identifier(value=value, scheme="0224"),)


trips("odd BT-29", lambda i: seller(i, identifiers=_routing("A B")), cii="BR-FR-24_BT-29")
trips("odd BT-46", lambda i: buyer(i, identifiers=_routing("A B")), cii="BR-FR-24_BT-46")
trips("long BT-29", lambda i: seller(i, identifiers=_routing("0" * 101)), cii="BR-FR-26_BT-29")
trips("long BT-46", lambda i: buyer(i, identifiers=_routing("0" * 101)), cii="BR-FR-26_BT-46")
trips(
    "payee with a SIRET as SIREN",
    lambda i: replace(i, payee=Payee(name="P", legal_registration=Identifier(value="00000002600013", scheme="0002"))),
    cii="BR-FR-32-LEGALID",
)
trips(
    "identifier of scheme 0002",
    lambda i: seller(i, identifiers=(Identifier(value="1", scheme="0002"),)),
    cii="BR-FR-32-GLOBALID",
    ubl="BR-FR-32-ID",
)
_NO_SCHEME = (Identifier(value="X"),)
trips("BT-29 without scheme", lambda i: seller(i, identifiers=_NO_SCHEME), cii="-", ubl="BR-FR-CO-10_BT-29-1")
trips("BT-46 without scheme", lambda i: buyer(i, identifiers=_NO_SCHEME), cii="-", ubl="BR-FR-CO-10_BT-46-1")
trips(
    "BT-60 without scheme",
    lambda i: replace(i, payee=Payee(name="P", identifier=_NO_SCHEME[0])),
    cii="-",
    ubl="BR-FR-CO-10_BT-60-1",
)
trips(
    "BT-71 without scheme",
    lambda i: replace(i, delivery=Delivery(location=_NO_SCHEME[0])),
    cii="-",
    ubl="BR-FR-CO-10_BT-71-1",
)
trips("two BT-29", lambda i: seller(i, identifiers=(*_routing("A"), *_routing("B"))), cii="BR-FR-CO-10_BT-29-2")
trips("two BT-46", lambda i: buyer(i, identifiers=(*_routing("A"), *_routing("B"))), cii="BR-FR-CO-10_BT-46-2")
_MEMBER = rare_bases.single_taxable_person
trips("member without note", lambda i: notes(i, without="TXD"), cii="BR-FR-CO-14_BT-29-1", base=_MEMBER)
trips(
    "member without representative",
    lambda i: replace(i, tax_representative=None),
    cii="BR-FR-CO-15_BT-29-1",
    base=_MEMBER,
)


def _part(category: str = "S", rate: str = "20", amount: str = "1.00", base: str | None = None) -> Change:
    part = DocumentAllowanceCharge(
        amount=Decimal(amount),
        base_amount=None if base is None else Decimal(base),
        vat_category=category,
        vat_rate=Decimal(rate),
    )
    return lambda i: replace(i, allowances=(part,))


def _breakdown(**changes: object) -> Change:
    return lambda i: replace(i, vat_breakdown=(replace(i.vat_breakdown[0], **changes),))  # type: ignore[arg-type]


def _line_part(amount: str, base: str | None = None) -> Change:
    part = LineAllowanceCharge(amount=Decimal(amount), base_amount=None if base is None else Decimal(base))
    return lambda i: first_line(i, charges=(part,))


for _where, _change, _cii, _ubl in (
    ("part", _part("X"), "BR-FR-15_BT-95_BT-102", "BR-FR-15_BT-95_BT-102-1"),
    ("breakdown", _breakdown(category="X"), "BR-FR-15_BT-95_BT-118", "BR-FR-15_BT-118-1"),
    (
        "line",
        lambda i: first_line(i, vat=LineVat(category="X", rate=Decimal(20))),
        "BR-FR-15_BT-95_BT-151",
        "BR-FR-15_BT-151-1",
    ),
):
    trips(f"category X of {_where}", _change, cii=_cii, ubl=_ubl)
for _where, _change, _cii, _ubl in (
    (
        "part",
        _part("L"),
        "BR-FR-15_BT-95_BT-102 BR-FR-15_BT-95_BT-102_LM",
        "BR-FR-15_BT-95_BT-102-1 BR-FR-15_BT-95_BT-102-2",
    ),
    (
        "breakdown",
        _breakdown(category="M"),
        "BR-FR-15_BT-95_BT-118 BR-FR-15_BT-95_BT-118_LM",
        "BR-FR-15_BT-118-1 BR-FR-15_BT-118-2",
    ),
    (
        "line",
        lambda i: first_line(i, vat=LineVat(category="L", rate=Decimal(20))),
        "BR-FR-15_BT-95_BT-151 BR-FR-15_BT-95_BT-151_LM",
        "BR-FR-15_BT-151-1 BR-FR-08_BT-151-2",
    ),
):
    trips(f"island of {_where}", _change, cii=_cii, ubl=_ubl)
trips("rate 21 of part", _part(rate="21"), cii="BR-FR-16_BT-96_BT-103", ubl="BR-FR-16_BT-96")
trips("rate 21 of breakdown", _breakdown(rate=Decimal(21)), cii="BR-FR-16_BT-119")
trips("rate 21 of line", lambda i: first_line(i, vat=LineVat(category="S", rate=Decimal(21))), cii="BR-FR-16_BT-152")
_FINE_RATE = "20.000"
trips(
    "fine rate of part",
    _part(rate=_FINE_RATE),
    cii="BR-FR-16_BT-96_BT-103 BR-FR-DEC-04_BT-96_BT-103",
    ubl="BR-FR-16_BT-96 BR-FR-DEC-04_BT-96_BT-103",
)
trips("fine rate of breakdown", _breakdown(rate=Decimal(_FINE_RATE)), cii="BR-FR-16_BT-119 BR-FR-DEC-04_BT-119")
trips(
    "fine rate of line",
    lambda i: first_line(i, vat=LineVat(category="S", rate=Decimal(_FINE_RATE))),
    cii="BR-FR-16_BT-152 BR-FR-DEC-04_BT-152",
)
trips("fine BT-92", _part(amount="1.001"), cii="BR-FR-DEC-01_BT-92_BT-99")
trips("fine BT-93", _part(base="1.001"), cii="BR-FR-DEC-01_BT-93_BT-100")
for _field, _term in {
    "line_net": "BT-106", "allowances": "BT-107", "charges": "BT-108", "without_vat": "BT-109", "vat": "BT-110",
    "with_vat": "BT-112", "paid": "BT-113", "rounding": "BT-114", "due": "BT-115",
}.items():  # fmt: skip
    trips(f"fine {_term}", lambda i, field=_field: totals(i, **{field: FINE}), cii=f"BR-FR-DEC-01_{_term}")  # type: ignore[misc]
trips("fine BT-116", _breakdown(taxable_amount=FINE), cii="BR-FR-DEC-01_BT-116")
trips("fine BT-117", _breakdown(tax_amount=FINE), cii="BR-FR-DEC-01_BT-117")
trips("long BT-131", lambda i: first_line(i, net_amount=Decimal("9" * 20)), cii="BR-FR-DEC-01_BT-131")
trips("fine BT-141", _line_part("1.001"), cii="BR-FR-DEC-01_BT-136_BT-141")
trips("fine BT-142", _line_part("1.00", "1.001"), cii="BR-FR-DEC-01_BT-137_BT-142")
trips("fine BT-129", lambda i: first_line(i, quantity=EXACT), cii="BR-FR-DEC-02_BT-129")
trips("fine BT-149", lambda i: price(i, base_quantity=EXACT), cii="BR-FR-DEC-02_BT-149")
trips("negative BT-146", lambda i: price(i, net=Decimal("-1")), cii="BR-FR-DEC-03_BT-146")
trips("fine BT-147", lambda i: price(i, gross=Decimal(2), discount=Decimal("1.0000001")), cii="BR-FR-DEC-03_BT-147")
trips("negative BT-148", lambda i: price(i, gross=Decimal(-2), discount=Decimal(0)), cii="BR-FR-DEC-03_BT-148")
_PAID = plain_bases.paid
trips("paid in part", lambda i: totals(i, paid=Decimal("1.00")), cii="BR-FR-CO-09_BT-23-1", base=_PAID)
trips("paid and due", lambda i: totals(i, due=Decimal("1.00")), cii="BR-FR-CO-09_BT-23-2", base=_PAID)
trips("paid some day", lambda i: replace(i, due_date=None), cii="BR-FR-CO-09_BT-23-3", base=_PAID)
trips("dollars alone", lambda i: replace(i, currency="USD"), cii="BR-FR-CO-12_BT-5")


def _documents(*descriptions: str) -> Change:
    found = tuple(SupportingDocument(reference="R", description=each) for each in descriptions)
    return lambda i: replace(i, supporting_documents=found)


trips("unknown document", _documents("Facture"), cii="BR-FR-17_BT-123")
trips("two readable copies", _documents("LISIBLE", "LISIBLE"), cii="BR-FR-18_BT-123")


def _attribute(name: str, value: str) -> Change:
    item = Item(name="Article", attributes=(ItemAttribute(name=name, value=value),))
    return lambda i: first_line(i, item=item)


trips("attribute without name", _attribute("", "vert"), cii="BR-FR-27_BG-32", ubl="-")
trips("attribute without value", _attribute("Couleur", ""), cii="BR-FR-28-Value")
trips(
    "rebate without contract",
    lambda i: replace(i, contract_reference=""),
    cii="BR-FR-CO-03_BT-3",
    base=plain_bases.global_rebate,
)
trips(
    "correction of nothing",
    lambda i: replace(i, preceding_invoices=()),
    cii="BR-FR-CO-04_BT-4",
    ubl="BR-FR-CO-04_BT-3",
    base=plain_bases.corrective,
)
trips("credit for nothing", lambda i: replace(i, preceding_invoices=()), cii="BR-FR-CO-05_BT-3", base=_NOTE)
trips("due before issue", lambda i: replace(i, due_date=date(2026, 11, 19)), cii="BR-FR-CO-07_BT-9")
trips("prepayment after prepayment", lambda i: process(replace(i, type_code="386"), "S4"), cii="BR-FR-CO-08_BT-23")

"""What the extended profiles add to EN 16931: more parties, references, lines inside lines, conditions of payment.

Terms of Factur-X EXTENDED (`BT-X-…`) and, after a slash, of EXTENDED-CTC-FR (`EXT-FR-FE-…`). An invoice of EN 16931
has none of these: `Invoice.extended` and `InvoiceLine.extended` are then None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.model_parties import Address, Contact, Identifier
from faitfoi.einvoice.model_terms import term

ADDRESS = ("postcode", "line_one", "line_two", "line_three", "city", "country", "subdivision")
"""The fields of an address in the order in which Factur-X EXTENDED numbers their terms."""

_FRENCH = {
    "name": 0,
    "role_code": 1,
    "trading_name": 2,
    "identifiers": 3,
    "legal_registration": 5,
    "vat_identifier": 8,
    "electronic_address": 9,
    "address": 11,
    "address.line_one": 12,
    "address.line_two": 13,
    "address.line_three": 14,
    "address.city": 15,
    "address.postcode": 16,
    "address.subdivision": 17,
    "address.country": 18,
    "contact": 19,
    "contact.point": 20,
    "contact.telephone": 21,
    "contact.email": 22,
}
"""EXTENDED-CTC-FR numbers the fields of each of its five parties in one order, from the number of the name on."""


def _party(
    group: str,
    *,
    own: Mapping[str, int],
    contact: tuple[str, int, int, int, int],
    address: tuple[str, int],
    french: int | None = None,
    postcode_first: bool = False,
) -> Mapping[str, object]:
    """The terms of a party: numbers BT-X of its own fields, of its contact (point, department, telephone, e-mail), and
    the first of seven for its address.
    """
    codes = {name: f"BT-X-{number}" for name, number in own.items()}
    codes["contact"] = contact[0]
    for name, number in zip(("point", "department", "telephone", "email"), contact[1:], strict=True):
        codes[f"contact.{name}"] = f"BT-X-{number}"
    codes["address"] = address[0]
    for step, name in enumerate(ADDRESS):
        codes[f"address.{name}"] = f"BT-X-{address[1] + step}"
    if french is not None:
        numbers = {name: french + step for name, step in _FRENCH.items()}
        if postcode_first:
            city, postcode = numbers["address.city"], numbers["address.postcode"]
            numbers |= {"address.city": postcode, "address.postcode": city}
        codes |= {name: f"{codes[name]}/EXT-FR-FE-{number:02}" for name, number in numbers.items()}
    return term(group, codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeParty:
    """A party that EN 16931 does not know. `role_code` is a code of UNTDID 3035; its terms depend on who it is."""

    name: str = ""
    role_code: str = ""
    trading_name: str = ""
    identifiers: tuple[Identifier, ...] = ()
    legal_registration: Identifier | None = None
    vat_identifier: str = ""
    electronic_address: Identifier | None = None
    address: Address | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReference:
    """Another document: its number, the line of it, the day it was issued, its type (UNTDID 1001)."""

    number: str = ""
    line: str = ""
    issue_date: date | None = None
    type_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A quantity and its unit (UN/ECE recommendations 20 and 21)."""

    value: Decimal | None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTerms:
    """Incoterms: their code, and the place they speak of."""

    code: str
    location: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCondition:
    """A discount for paying early (BG-X-44) or a penalty for paying late (BG-X-43)."""

    basis_date: date | None = None
    period: Measure | None = None
    base_amount: Decimal | None = None
    percentage: Decimal | None = None
    amount: Decimal | None = None


_DISCOUNT = term(
    "BG-X-44",
    {"period.value": "BT-X-283", "period.unit": "BT-X-284"},
    basis_date="BT-X-282",
    base_amount="BT-X-285",
    percentage="BT-X-286",
    amount="BT-X-287",
)
_PENALTY = term(
    "BG-X-43",
    {"period.value": "BT-X-277", "period.unit": "BT-X-278"},
    basis_date="BT-X-276",
    base_amount="BT-X-279",
    percentage="BT-X-280",
    amount="BT-X-281",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """One more group of payment terms: a text (as BT-20), a due date (as BT-9), an instalment, what time changes."""

    description: str = ""
    due_date: date | None = None
    partial_amount: Decimal | None = field(default=None, metadata=term("BT-X-275"))
    discount: PaymentCondition | None = field(default=None, metadata=_DISCOUNT)
    penalty: PaymentCondition | None = field(default=None, metadata=_PENALTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyExchange:
    """BG-X-41: how the VAT was brought to the accounting currency."""

    source: str = field(metadata=term("BT-X-258"))
    target: str = field(metadata=term("BT-X-259"))
    rate: Decimal | None = field(metadata=term("BT-X-260"))
    day: date | None = field(default=None, metadata=term("BT-X-261"))


def _own(*numbers: int) -> Mapping[str, int]:
    names = ("name", "role_code", "trading_name", "identifiers", "legal_registration", "vat_identifier")
    return dict(zip((*names, "electronic_address"), numbers, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceExtension:
    """What an invoice says beyond EN 16931.

    `objects` (BT-18) and `tenders` (BT-17) are those after the first; `despatch_advices`, `receiving_advices` and
    `contracts` those after BT-16, BT-15 and BT-12, which only UBL has room for. `partial_amount`, `discount` and
    `penalty` belong to the payment terms of BT-20; `more_terms` are the groups of payment terms after those.
    """

    test: bool = field(default=False, metadata=term("BT-X-1"))
    document_name: str = field(default="", metadata=term("BT-X-2"))
    language: str = field(default="", metadata=term("BT-X-4"))
    seller_agent: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-49/EXT-FR-FE-BG-03",
            own=_own(335, 545, 336, 338, 339, 340, 341),
            contact=("BG-X-51", 342, 343, 344, 346),
            address=("BG-X-52", 348),
            french=66,
            postcode_first=True,
        ),
    )
    buyer_tax_representative: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-54",
            own=_own(362, 546, 363, 365, 366, 367, 368),
            contact=("BG-X-55", 369, 370, 372, 374),
            address=("BG-X-56", 375),
        ),
    )
    product_end_user: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-18",
            own=_own(128, 548, 130, 127, 129, 144, 143),
            contact=("BG-X-20", 131, 132, 133, 135),
            address=("BG-X-21", 136),
        ),
    )
    delivery_terms: DeliveryTerms | None = field(
        default=None,
        metadata=term("BG-X-22", code="BT-X-145/EXT-FR-FE-185", location="BT-X-564/EXT-FR-FE-186", country="BT-X-563"),
    )
    sales_order_date: date | None = field(default=None, metadata=term("BT-X-146"))
    purchase_order_date: date | None = field(default=None, metadata=term("BT-X-147/EXT-FR-FE-197"))
    quotation: DocumentReference | None = field(
        default=None, metadata=term("BG-X-61", number="BT-X-403", issue_date="BT-X-404")
    )
    contract_date: date | None = field(default=None, metadata=term("BT-X-148/EXT-FR-FE-199"))
    contract_type: str = field(default="", metadata=term("BT-X-405/EXT-FR-FE-01"))
    contracts: tuple[DocumentReference, ...] = ()
    tenders: tuple[str, ...] = ()
    objects: tuple[Identifier, ...] = ()
    buyer_agent: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-62/EXT-FR-FE-BG-01",
            own=_own(406, 549, 407, 409, 410, 411, 412),
            contact=("BG-X-64", 413, 414, 416, 418),
            address=("BG-X-65", 419),
            french=3,
            postcode_first=True,
        ),
    )
    ultimate_customer_orders: tuple[DocumentReference, ...] = field(
        default=(), metadata=term("BG-X-23", number="BT-X-150", issue_date="BT-X-151")
    )
    transport_modes: tuple[str, ...] = field(default=(), metadata=term("BT-X-152"))
    ultimate_ship_to: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-27",
            own=_own(164, 551, 166, 163, 165, 180, 179),
            contact=("BG-X-28", 167, 168, 169, 171),
            address=("BG-X-29", 172),
        ),
    )
    ship_from: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-30",
            own=_own(183, 552, 185, 182, 184, 199, 198),
            contact=("BG-X-31", 186, 187, 188, 190),
            address=("BG-X-32", 191),
        ),
    )
    despatch_advice_date: date | None = field(default=None, metadata=term("BT-X-200/EXT-FR-FE-198"))
    despatch_advices: tuple[DocumentReference, ...] = ()
    receiving_advice_date: date | None = field(default=None, metadata=term("BT-X-201"))
    receiving_advices: tuple[DocumentReference, ...] = ()
    delivery_note: DocumentReference | None = field(
        default=None, metadata=term("", number="BT-X-202", issue_date="BT-X-203")
    )
    issuer_reference: str = field(default="", metadata=term("BT-X-204"))
    invoicer: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-33/EXT-FR-FE-BG-05",
            own=_own(207, 553, 209, 206, 208, 223, 222),
            contact=("BG-X-34", 210, 211, 212, 214),
            address=("BG-X-35", 215),
            french=112,
        ),
    )
    invoicee: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-36/EXT-FR-FE-BG-04",
            own=_own(226, 554, 228, 225, 227, 242, 241),
            contact=("BG-X-37", 229, 230, 231, 233),
            address=("BG-X-38", 234),
            french=89,
        ),
    )
    payer: TradeParty | None = field(
        default=None,
        metadata=_party(
            "BG-X-73/EXT-FR-FE-BG-02",
            own=_own(476, 483, 477, 479, 480, 481, 482),
            contact=("BG-X-74", 484, 485, 487, 489),
            address=("BG-X-75", 490),
            french=43,
        ),
    )
    currency_exchange: CurrencyExchange | None = field(default=None, metadata=term("BG-X-41"))
    partial_amount: Decimal | None = field(default=None, metadata=term("BT-X-275"))
    discount: PaymentCondition | None = field(default=None, metadata=_DISCOUNT)
    penalty: PaymentCondition | None = field(default=None, metadata=_PENALTY)
    more_terms: tuple[PaymentTerms, ...] = ()
    accounting_type: str = field(default="", metadata=term("BT-X-290"))

"""What the extended profiles add to a line and to its item; see `model_extended`."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.model_extended import ADDRESS, DeliveryTerms, DocumentReference, Measure, TradeParty
from faitfoi.einvoice.model_parties import Delivery, Identifier
from faitfoi.einvoice.model_terms import term


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDocument:
    """BG-X-3: a document that a line speaks of. `type_code` is of UNTDID 1001, `reference_type` of UNTDID 1153."""

    reference: str = field(default="", metadata=term("BT-X-27"))
    external_location: str = field(default="", metadata=term("BT-X-28"))
    line: str = field(default="", metadata=term("BT-X-29"))
    type_code: str = field(default="", metadata=term("BT-X-30"))
    description: str = field(default="", metadata=term("BT-X-299"))
    reference_type: str = field(default="", metadata=term("BT-X-32"))
    issue_date: date | None = field(default=None, metadata=term("BT-X-33"))


@dataclass(frozen=True, slots=True, kw_only=True)
class IncludedItem:
    """BG-X-1: one article that the item of a line is made of."""

    identifier: str = field(default="", metadata=term("BT-X-308"))
    standard_identifiers: tuple[Identifier, ...] = field(default=(), metadata=term("BT-X-15"))
    seller_identifier: str = field(default="", metadata=term("BT-X-16"))
    buyer_identifier: str = field(default="", metadata=term("BT-X-17"))
    industry_identifier: str = field(default="", metadata=term("BT-X-309"))
    name: str = field(default="", metadata=term("BT-X-18"))
    description: str = field(default="", metadata=term("BT-X-19"))
    quantity: Measure | None = field(default=None, metadata=term("BT-X-20", unit="BT-X-20-1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemExtension:
    """What is said of the item of a line beyond BG-31."""

    identifier: str = field(default="", metadata=term("BT-X-305"))
    industry_identifier: str = field(default="", metadata=term("BT-X-532"))
    model_identifier: str = field(default="", metadata=term("BT-X-533"))
    batches: tuple[str, ...] = field(default=(), metadata=term("BT-X-534"))
    brand: str = field(default="", metadata=term("BT-X-535"))
    model: str = field(default="", metadata=term("BT-X-536"))
    included_items: tuple[IncludedItem, ...] = field(default=(), metadata=term("BG-X-1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNote:
    """A note on a line that says what it is about (code of UNTDID 4451)."""

    text: str = ""
    subject_code: str = field(default="", metadata=term("BT-X-10/EXT-FR-FE-183"))
    content_code: str = field(default="", metadata=term("BT-X-9"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineExtension:
    """What a line says beyond BG-25.

    `subtype` is DETAIL, GROUP or INFORMATION: only lines without one and DETAIL count in the totals. `parent_line` is
    the identifier (BT-126) of the line it belongs to. `objects` are invoiced objects after the first (BT-128); `notes`
    those with a subject. `vat_amount`, `vat_in_accounting_currency` and `with_vat` are totals of the line.
    """

    parent_line: str = field(default="", metadata=term("BT-X-304/EXT-FR-FE-162"))
    status: str = field(default="", metadata=term("BT-X-7"))
    subtype: str = field(default="", metadata=term("BT-X-8/EXT-FR-FE-163"))
    notes: tuple[LineNote, ...] = ()
    item: ItemExtension | None = None
    delivery_terms: DeliveryTerms | None = field(
        default=None,
        metadata=term("BG-X-87", code="BT-X-562/EXT-FR-FE-193", location="BT-X-566/EXT-FR-FE-194", country="BT-X-565"),
    )
    sales_order: DocumentReference | None = field(
        default=None,
        metadata=term("BG-X-81", number="BT-X-537/EXT-FR-FE-144", line="BT-X-538/EXT-FR-FE-145", issue_date="BT-X-539"),
    )
    purchase_order: str = field(default="", metadata=term("BT-X-21/EXT-FR-FE-135"))
    purchase_order_date: date | None = field(default=None, metadata=term("BT-X-22/EXT-FR-FE-200"))
    quotation: DocumentReference | None = field(
        default=None, metadata=term("BG-X-47", number="BT-X-310", line="BT-X-311", issue_date="BT-X-312")
    )
    contract: DocumentReference | None = field(
        default=None, metadata=term("BG-X-2", number="BT-X-24", line="BT-X-25", issue_date="BT-X-26")
    )
    documents: tuple[LineDocument, ...] = field(default=(), metadata=term("BG-X-3"))
    price_discount_percentage: Decimal | None = field(default=None, metadata=term("BT-X-34"))
    price_discount_base: Decimal | None = field(default=None, metadata=term("BT-X-35"))
    price_discount_reason: str = field(default="", metadata=term("BT-X-36/EXT-FR-FE-195"))
    price_discount_reason_code: str = field(default="", metadata=term("BT-X-313/EXT-FR-FE-196"))
    seller: TradeParty | None = field(
        default=None,
        metadata=term(
            "BG-X-90/EXT-FR-FE-BG-12",
            {
                **{f"address.{name}": f"BT-X-{579 + step}" for step, name in enumerate(ADDRESS)},
                "address.country": "BT-X-584/EXT-FR-FE-177",
                "contact.point": "BT-X-574",
                "contact.department": "BT-X-574-1",
                "contact.telephone": "BT-X-576",
                "contact.email": "BT-X-578",
            },
            name="BT-X-569/EXT-FR-FE-164",
            role_code="BT-X-570",
            trading_name="BT-X-573",
            identifiers="BT-X-568",
            legal_registration="BT-X-572/EXT-FR-FE-167",
            vat_identifier="BT-X-587",
            electronic_address="BT-X-586",
            address="BG-X-92",
            contact="BG-X-91",
        ),
    )
    ultimate_customer_orders: tuple[DocumentReference, ...] = field(
        default=(), metadata=term("BG-X-5", number="BT-X-43", line="BT-X-44", issue_date="BT-X-45")
    )
    charge_free_quantity: Measure | None = field(default=None, metadata=term("BT-X-46", unit="BT-X-46-0"))
    package_quantity: Measure | None = field(default=None, metadata=term("BT-X-47", unit="BT-X-47-0"))
    quantity_per_package: Measure | None = field(default=None, metadata=term("BT-X-561", unit="BT-X-561-0"))
    delivery: Delivery | None = field(
        default=None,
        metadata=term(
            "BG-X-7/EXT-FR-FE-BG-10",
            {
                "address.postcode": "BT-X-58/EXT-FR-FE-155",
                "address.line_one": "BT-X-59/EXT-FR-FE-151",
                "address.line_two": "BT-X-60/EXT-FR-FE-152",
                "address.line_three": "BT-X-61/EXT-FR-FE-153",
                "address.city": "BT-X-62/EXT-FR-FE-154",
                "address.country": "BT-X-63/EXT-FR-FE-157",
                "address.subdivision": "BT-X-64/EXT-FR-FE-156",
                "contact.point": "BT-X-54",
                "contact.department": "BT-X-54-1",
                "contact.telephone": "BT-X-55",
                "contact.email": "BT-X-57",
            },
            name="BT-X-50/EXT-FR-FE-149",
            location="BT-186/EXT-FR-FE-146",
            actual_date="BT-X-85/EXT-FR-FE-158",
            address="BG-X-9/EXT-FR-FE-150",
            contact="BG-X-8",
            electronic_address="BT-X-65",
        ),
    )
    despatch_advice: DocumentReference | None = field(
        default=None,
        metadata=term("BG-X-13", number="BT-X-86/EXT-FR-FE-140", line="BT-X-87/EXT-FR-FE-141", issue_date="BT-X-88"),
    )
    receiving_advice: DocumentReference | None = field(
        default=None,
        metadata=term("BG-X-82", number="BT-X-89/EXT-FR-FE-142", line="BT-X-90/EXT-FR-FE-143", issue_date="BT-X-91"),
    )
    delivery_note: DocumentReference | None = field(
        default=None, metadata=term("BG-X-83", number="BT-X-92", line="BT-X-93", issue_date="BT-X-94")
    )
    exemption_reason: str = field(default="", metadata=term("BT-X-96/EXT-FR-FE-178"))
    exemption_reason_code: str = field(default="", metadata=term("BT-X-97/EXT-FR-FE-179"))
    vat_amount: Decimal | None = field(default=None, metadata=term("BT-X-329/EXT-FR-FE-181"))
    vat_in_accounting_currency: Decimal | None = field(default=None, metadata=term("BT-X-590/EXT-FR-FE-182"))
    with_vat: Decimal | None = field(default=None, metadata=term("BT-X-330/EXT-FR-FE-184"))
    preceding_invoice: DocumentReference | None = field(
        default=None,
        metadata=term(
            "BG-X-48",
            number="BT-X-331/EXT-FR-FE-136",
            line="BT-X-540/EXT-FR-FE-139",
            issue_date="BT-X-333/EXT-FR-FE-138",
            type_code="BT-X-332/EXT-FR-FE-137",
        ),
    )
    objects: tuple[Identifier, ...] = ()
    accounting_type: str = field(default="", metadata=term("BT-X-99"))

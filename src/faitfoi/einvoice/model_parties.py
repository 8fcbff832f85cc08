"""Who: seller, buyer, payee, tax representative, and where goods were delivered (BG-4 to BG-15)."""

from dataclasses import dataclass, field
from datetime import date

from faitfoi.einvoice.model_terms import term


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """An identifier and, when it says so, the scheme it belongs to (ISO/IEC 6523 ICD, EAS… : `0002`, `0225`)."""

    value: str
    scheme: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address; which terms its fields hold depends on whose it is (BG-5, BG-8, BG-12, BG-15)."""

    line_one: str = ""
    line_two: str = ""
    line_three: str = ""
    city: str = ""
    postcode: str = ""
    subdivision: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to call; BG-6 for the seller, BG-9 for the buyer. `department` is given beside a person, and only then."""

    point: str = ""
    department: str = ""
    telephone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """BG-4. `identifiers` may hold the SIRET (scheme 0009); `legal_registration` the SIREN (scheme 0002)."""

    name: str = field(metadata=term("BT-27"))
    trading_name: str = field(default="", metadata=term("BT-28"))
    identifiers: tuple[Identifier, ...] = field(default=(), metadata=term("BT-29"))
    legal_registration: Identifier | None = field(default=None, metadata=term("BT-30"))
    vat_identifier: str = field(default="", metadata=term("BT-31"))
    tax_registration: str = field(default="", metadata=term("BT-32"))
    additional_legal_information: str = field(default="", metadata=term("BT-33"))
    electronic_address: Identifier | None = field(default=None, metadata=term("BT-34"))
    address: Address | None = field(
        default=None,
        metadata=term(
            "BG-5",
            line_one="BT-35",
            line_two="BT-36",
            line_three="BT-162",
            city="BT-37",
            postcode="BT-38",
            subdivision="BT-39",
            country="BT-40",
        ),
    )
    contact: Contact | None = field(
        default=None, metadata=term("BG-6", point="BT-41", department="BT-41-0", telephone="BT-42", email="BT-43")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """BG-7. The French routing code (code service) is an identifier of scheme 0224, the SIRET one of scheme 0009."""

    name: str = field(metadata=term("BT-44"))
    trading_name: str = field(default="", metadata=term("BT-45"))
    identifiers: tuple[Identifier, ...] = field(default=(), metadata=term("BT-46"))
    legal_registration: Identifier | None = field(default=None, metadata=term("BT-47"))
    vat_identifier: str = field(default="", metadata=term("BT-48"))
    electronic_address: Identifier | None = field(default=None, metadata=term("BT-49"))
    address: Address | None = field(
        default=None,
        metadata=term(
            "BG-8",
            line_one="BT-50",
            line_two="BT-51",
            line_three="BT-163",
            city="BT-52",
            postcode="BT-53",
            subdivision="BT-54",
            country="BT-55",
        ),
    )
    contact: Contact | None = field(
        default=None, metadata=term("BG-9", point="BT-56", department="BT-56-0", telephone="BT-57", email="BT-58")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """BG-10: who is paid, when it is not the seller. From `role_code` on, the extended profiles alone know it."""

    name: str = field(metadata=term("BT-59"))
    identifier: Identifier | None = field(default=None, metadata=term("BT-60"))
    legal_registration: Identifier | None = field(default=None, metadata=term("BT-61"))
    role_code: str = field(default="", metadata=term("BT-X-468/EXT-FR-FE-26"))
    trading_name: str = field(default="", metadata=term("BT-X-243"))
    vat_identifier: str = field(default="", metadata=term("BT-X-257/EXT-FR-FE-27"))
    electronic_address: Identifier | None = field(default=None, metadata=term("BT-X-256/EXT-FR-FE-29"))
    address: Address | None = field(
        default=None,
        metadata=term(
            "BG-X-40/EXT-FR-FE-31",
            postcode="BT-X-249/EXT-FR-FE-36",
            line_one="BT-X-250/EXT-FR-FE-32",
            line_two="BT-X-251/EXT-FR-FE-33",
            line_three="BT-X-252/EXT-FR-FE-34",
            city="BT-X-253/EXT-FR-FE-35",
            country="BT-X-254/EXT-FR-FE-38",
            subdivision="BT-X-255/EXT-FR-FE-37",
        ),
    )
    contact: Contact | None = field(
        default=None,
        metadata=term(
            "BG-X-39/EXT-FR-FE-39",
            point="BT-X-244/EXT-FR-FE-40",
            department="BT-X-245",
            telephone="BT-X-246/EXT-FR-FE-41",
            email="BT-X-248/EXT-FR-FE-42",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRepresentative:
    """BG-11: the seller's tax representative."""

    name: str = field(metadata=term("BT-62"))
    vat_identifier: str = field(default="", metadata=term("BT-63"))
    address: Address | None = field(
        default=None,
        metadata=term(
            "BG-12",
            line_one="BT-64",
            line_two="BT-65",
            line_three="BT-164",
            city="BT-66",
            postcode="BT-67",
            subdivision="BT-68",
            country="BT-69",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """BG-13, without the invoicing period (BG-14), which the invoice holds itself.

    Only the extended profiles know its contact and electronic address.
    """

    name: str = field(default="", metadata=term("BT-70"))
    location: Identifier | None = field(default=None, metadata=term("BT-71"))
    actual_date: date | None = field(default=None, metadata=term("BT-72"))
    address: Address | None = field(
        default=None,
        metadata=term(
            "BG-15",
            line_one="BT-75",
            line_two="BT-76",
            line_three="BT-165",
            city="BT-77",
            postcode="BT-78",
            subdivision="BT-79",
            country="BT-80",
        ),
    )
    contact: Contact | None = field(
        default=None,
        metadata=term("BG-X-26", point="BT-X-155", department="BT-X-156", telephone="BT-X-157", email="BT-X-159"),
    )
    electronic_address: Identifier | None = field(default=None, metadata=term("BT-X-160"))

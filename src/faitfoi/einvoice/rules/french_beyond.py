"""What the French rules look at beyond the model: parties and lines of the profile EXTENDED-CTC-FR, and exact texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lxml import etree

from faitfoi.einvoice.model import Invoice

GROUP: Final = "GROUP"
DETAIL: Final = "DETAIL"
INFORMATION: Final = "INFORMATION"

SELF_BILLED: Final = frozenset({"389", "501", "500", "471", "473", "261", "502"})
"""Types of document (BT-3) that the buyer issues in the seller's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a line says of its invoice of origin (BT-128), and whether the reference is of the type 130 it should be."""

    text: str
    is_typed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedLine:
    """What the rules look at in one line. A text that is absent is None where absence counts, else empty.

    `parent` is the identifier of the line it belongs to, `status` its sub-type (EXT-FR-FE-163): a space when it is
    empty, empty when UBL only has the reference to the invoice itself in which it should stand. `seller_…` are those of
    the line's own seller. `origin` is the number of its invoice of origin (BT-128, AFL), `framework` that invoice's
    framework (AVV). `vat` is the line's VAT by currency (EXT-FR-FE-181, 182), `gross` its total with VAT
    (EXT-FR-FE-184). `repeats_a_number` says that its invoice of origin has a number that the sheet sees before,
    `has_…earlier…` whether it names an earlier invoice, gives its date, or both of one.
    """

    identifier: str
    parent: str | None = None
    status: str | None = None
    seller_name: str = ""
    seller_identifier: str = ""
    seller_country: str = ""
    net: Decimal | None = None
    gross: Decimal | None = None
    has_gross: bool = False
    vat: tuple[tuple[str, Decimal | None], ...] = ()
    origin: Origin | None = None
    framework: Origin | None = None
    exemption: str = ""
    repeats_a_number: bool = False
    has_earlier_number: bool = False
    has_earlier_date: bool = False
    has_dated_earlier: bool = False

    @property
    def typed_origin(self) -> str:
        """The number of the invoice of origin, empty when it is absent or of another type."""
        return self.origin.text if self.origin is not None and self.origin.is_typed else ""

    @property
    def heads_a_group(self) -> bool:
        """Whether it is a line of status GROUP that belongs to no other."""
        return self.status == GROUP and self.parent is None

    def vat_in(self, currency: str) -> Decimal | None:
        """The line's VAT in a currency."""
        return next((amount for each, amount in self.vat if each == currency), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """What the rules look at in a grouped invoice; `exempted_vat` are the VAT amounts of the breakdown by reason."""

    lines: tuple[GroupedLine, ...]
    seller: str = ""
    buyer: str = ""
    exempted_vat: tuple[tuple[str, Decimal], ...] = ()


def presumed_groups(invoice: Invoice) -> Grouped:
    """What our own writers would make of `invoice`: lines that know of no groups."""
    lines = []
    for line in invoice.lines:
        origin = line.invoiced_object
        lines.append(
            GroupedLine(
                identifier=line.identifier,
                net=line.net_amount,
                origin=Origin(text=origin.value) if origin is not None and origin.scheme == "AFL" else None,
            )
        )
    return Grouped(lines=tuple(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Which rules were judged on the document, and those that it breaks, each with an offending value and where."""

    judged: frozenset[str]
    broken: Mapping[str, tuple[str, etree._Element]]

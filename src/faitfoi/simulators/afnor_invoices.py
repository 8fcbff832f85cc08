"""What the simulated plateforme agréée reads in an invoice, and the checks it makes at its entrance."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.reading import Format, Unreadable, read

FORMATS = {
    "Factur-X": frozenset({Format.FACTURX}),
    "CII": frozenset({Format.CII}),
    "UBL": frozenset({Format.UBL_INVOICE, Format.UBL_CREDIT_NOTE}),
}
RATES = frozenset(
    Decimal(rate)
    for rate in ["0", "0.9", "1.05", "1.75", "2.1", "5.5", "7", "8.5", "9.2", "9.6", "10", "13", "19.6", "20", "20.6"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the simulator takes from an invoice. `wrong` are breaches of rules, one sentence each."""

    number: str
    type_code: str
    seller: str  # SIREN
    seller_address: str
    buyer: str  # SIREN
    address: str  # BT-49
    issued: date | None
    due: Decimal
    wrong: tuple[str, ...] = ()

    def same_number(self, other: "Bill") -> bool:
        """Whether both bear one number: number, year of issue and seller (French contracts §3.2)."""
        years = [one.issued.year if one.issued else 0 for one in (self, other)]
        return (self.number, self.seller, years[0]) == (other.number, other.seller, years[1])


def read_bill(content: bytes, syntax: str) -> tuple[Bill | None, tuple[str, str]]:
    """Read an invoice; without it, the second value is the reasonCode and message of the acknowledgement."""
    try:
        reading = read(content)
    except Unreadable as error:
        return None, ("InvalidSchema", error.reason)
    if reading.format not in FORMATS.get(syntax, frozenset()):
        return None, ("FlowTypeError", f"The file is not of the syntax {syntax}")
    return _bill(reading.invoice), ("", "")


def _bill(invoice: Invoice) -> Bill:
    seller, buyer = invoice.seller, invoice.buyer
    return Bill(
        number=invoice.number,
        type_code=invoice.type_code,
        seller=seller.legal_registration.value[:9] if seller.legal_registration else "",
        seller_address=seller.electronic_address.value if seller.electronic_address else "",
        buyer=buyer.legal_registration.value[:9] if buyer.legal_registration else "",
        address=buyer.electronic_address.value if buyer.electronic_address else "",
        issued=invoice.issue_date,
        due=invoice.totals.due or Decimal(0),
        wrong=tuple(_breaches(invoice)),
    )


def _breaches(invoice: Invoice) -> list[str]:
    wrong = []
    codes = [note.subject_code for note in invoice.notes]
    wrong += [
        f"BR-FR-05 / BT-22 : la note {code} est obligatoire." for code in ("PMT", "PMD", "AAB") if code not in codes
    ]
    wrong += [
        f"BR-FR-16 / BT-119 : le taux de TVA {part.rate} n’est pas admis."
        for part in invoice.vat_breakdown
        if part.rate is not None and part.rate not in RATES
    ]
    if invoice.buyer.electronic_address is None:
        wrong.append("BR-FR-12 / BT-49 : l’adresse électronique de l’acheteur est obligatoire.")
    return wrong

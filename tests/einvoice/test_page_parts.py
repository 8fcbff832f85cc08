"""The parts of the page: figures, the code to scan, the organisation's look."""

import struct
import zlib
from decimal import Decimal

import pytest

from faitfoi.einvoice.model import CreditTransfer, Invoice, PaymentInstructions, Totals
from faitfoi.einvoice.page import Look, render_page
from faitfoi.einvoice.page_look import colours, draw_logo
from faitfoi.einvoice.page_numbers import breakable, grouped, is_iban, money, number, percent, registration
from faitfoi.einvoice.page_words import country, framework, unit, vat_short
from faitfoi.einvoice.qr import epc_payload, qr_svg
from tests.einvoice.pages import CREATED, IBAN, invoice

NARROW, HARD = "\u202f", "\u00a0"


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        ("0", 0, "0"),
        ("0", 2, "0,00"),
        ("7", 2, "7,00"),
        ("1234.5", 2, f"1{NARROW}234,50"),
        ("1234567.125", 2, f"1{NARROW}234{NARROW}567,125"),
        ("-0.5", 2, "−0,50"),
        ("12.500", 0, "12,5"),
        ("1E+3", 0, f"1{NARROW}000"),
        ("100", 0, "100"),
    ],
)
def test_numbers_are_written_the_french_way_and_lose_no_digit(value: str, decimals: int, expected: str) -> None:
    assert number(Decimal(value), decimals=decimals) == expected


def test_money_and_rates_keep_their_unit_beside_them() -> None:
    assert money(Decimal("1895.57"), "EUR") == f"1{NARROW}895,57{HARD}€"
    assert money(Decimal(5), "CHF") == f"5,00{HARD}CHF"
    assert money(None, "EUR") == ""
    assert percent(Decimal("5.50")) == f"5,5{NARROW}%"


def test_account_and_registration_numbers_are_grouped_for_the_eye() -> None:
    assert grouped(IBAN).replace(HARD, " ") == "FR76 3000 6000 0112 3456 7890 189"
    assert grouped("12345-ABC") == "12345-ABC"
    assert registration("000000018", "0002").replace(HARD, " ") == "000 000 018"
    assert registration("00000001800010", "0009").replace(HARD, " ") == "000 000 018 00010"
    assert registration("BE-1", "0208") == "BE-1"


@pytest.mark.parametrize("wrong", ["FR7630006000011234567890188", "FR76", "", "7630006000011234567890189FR", "FR76é"])
def test_an_iban_with_a_wrong_key_is_not_one(wrong: str) -> None:
    assert is_iban(IBAN)
    assert not is_iban(wrong)


def test_long_words_get_places_to_break_and_short_ones_none() -> None:
    assert breakable("abc defgh", 3) == "abc def\u200bgh"
    assert breakable("abc def", 3) == "abc def"


def test_words_for_codes_and_codes_without_words() -> None:
    assert unit("HUR", Decimal("1.5")) == "heure"
    assert unit("HUR", Decimal(2)) == "heures"
    assert unit("X9Z", Decimal(2)) == "X9Z"
    assert country("BE") == "Belgique"
    assert country("ZZ") == "ZZ"
    assert framework("B2") == "Livraison de biens, facture déjà payée (B2)"
    assert framework("urn:autre") == "urn:autre"
    assert vat_short("S", "20 %") == "20 %"
    assert vat_short("AE", "") == "Autoliq."
    assert vat_short("L", "7 %") == "IGIC 7 %"


def paid_by(means: str = "30", account: str = IBAN, reference: str = "", bic: str = "", **changes: object) -> Invoice:
    payment = PaymentInstructions(
        means_code=means,
        remittance_information=reference,
        credit_transfers=(
            CreditTransfer(account=account, service_provider=bic, account_name="CUMA des Trois Vallées"),
        ),
    )
    return invoice(1, **({"payment": payment, "totals": Totals(due=Decimal("1895.5"))} | changes))


def test_the_code_to_scan_follows_epc069() -> None:
    assert epc_payload(paid_by(account="FR76 3000 6000 0112 3456 7890 189", bic="agrifrpp")) == (
        f"BCD\n002\n1\nSCT\nAGRIFRPP\nCUMA des Trois Vallées\n{IBAN}\nEUR1895.50\n\n\nF-2026-117"
    )


def test_a_creditor_reference_goes_to_its_own_field() -> None:
    payload = epc_payload(paid_by(reference="RF18 5390 0754 7034"))
    assert payload is not None
    assert payload.splitlines()[7:] == ["EUR1895.50", "", "RF18539007547034"]
    wrong_key = epc_payload(paid_by(reference="RF19539007547034"))
    assert wrong_key is not None
    assert wrong_key.splitlines()[8:] == ["", "", "RF19539007547034"]


@pytest.mark.parametrize(
    "document",
    [
        paid_by("59"),
        paid_by(account="FR7630006000011234567890188"),
        paid_by(type_code="381"),
        paid_by(currency="CHF"),
        paid_by(totals=Totals(due=Decimal(0))),
        paid_by(totals=Totals(due=Decimal("-5"))),
        paid_by(totals=Totals()),
        paid_by(totals=Totals(due=Decimal(10) ** 9)),
        paid_by(reference="中" * 140),
        invoice(1, payment=None),
    ],
)
def test_no_code_to_scan_where_no_transfer_in_euros_is_due(document: Invoice) -> None:
    assert epc_payload(document) is None


def test_line_breaks_in_names_cannot_add_fields_to_the_code() -> None:
    payload = epc_payload(paid_by(reference="F-1\nEUR9999"))
    assert payload is not None
    assert payload.splitlines()[10:] == ["F-1 EUR9999"]


def test_the_drawn_code_has_its_quiet_zone_and_finders() -> None:
    svg = qr_svg("BCD\n002\n1\nSCT")
    assert 'viewBox="0 0 29 29"' in svg  # version 1: 21 modules and 4 on each side
    assert svg.count("M4 4h7v1h-7z") == 1
    assert svg.count("M18 4h7v1h-7z") == 1
    assert svg.count("M4 24h7v1h-7z") == 1


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    rows = (b"\x00" + b"\x10\x80\x40\x80" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50"><rect width="100" height="50" fill="#246"/></svg>'


@pytest.mark.parametrize(("logo", "width", "height"), [(png(60, 30), 40, 20), (png(400, 20), 78, 3.9), (SVG, 40, 20)])
def test_a_logo_is_drawn_as_large_as_its_place_allows(logo: bytes, width: float, height: float) -> None:
    drawing = draw_logo(logo)
    assert (drawing.width, drawing.height) == (width, height)
    with_logo = render_page(invoice(1), look=Look(logo=logo), created=CREATED, xml=None)
    assert with_logo != render_page(invoice(1), look=Look(), created=CREATED, xml=None)


@pytest.mark.parametrize(
    "logo",
    [
        b"GIF89a",
        b"<html/>",
        SVG.replace(b"<rect", b'<image href="file:///etc/hostname"/><rect'),
        SVG.replace(b"<rect", b'<image xmlns:x="http://www.w3.org/1999/xlink" x:href="other.png"/><rect'),
        SVG.replace(b"<rect", b"<style>@import 'x.css';</style><rect"),
        SVG.replace(b'fill="#246"', b'style="fill:url(other.svg#a)"'),
        b"<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>" + SVG,
        SVG.replace(b"100 50", b"0 50"),
        SVG + b" " * 1024 * 1024,
    ],
)
def test_a_logo_that_is_no_picture_or_reaches_outside_is_refused(logo: bytes) -> None:
    with pytest.raises(ValueError, match="logo"):
        draw_logo(logo)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("accent", ["#1f4e79", "#f2b705", "#ffffff", "#000000", "#7f7f7f", "#ff0000", "#00ff00"])
def test_text_is_readable_whatever_the_colour_chosen(accent: str) -> None:
    derived = colours(accent)
    assert contrast(derived.ink, "#ffffff") >= 4.5
    assert contrast(derived.ink, derived.tint) >= 4.5
    assert contrast(derived.on_accent, accent) >= 4.5


@pytest.mark.parametrize("wrong", ["red", "#fff", "#12345g", "", "#1234567"])
def test_a_colour_is_six_hexadecimal_digits(wrong: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        colours(wrong)

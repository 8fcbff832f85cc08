"""Legacy Chorus Pro gets the identifiers it wants; nothing else of the invoice moves."""

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from faitfoi.einvoice.chorus import for_chorus
from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import Attachment, Identifier, Invoice, Price, Seller, SupportingDocument
from faitfoi.einvoice.rules import DEFAULT_FAMILIES, RULES, Family, check_rules
from faitfoi.einvoice.rules.chorus_pack import check_chorus, pack_on, packs
from faitfoi.einvoice.xml import parse_xml
from tests.einvoice.material import credit_note, full_invoice

SELLER, BUYER = "00000001800010", "00000003400017"


def prepared(invoice: Invoice, **more: str) -> Invoice:
    return for_chorus(invoice, seller_siret=SELLER, buyer_siret=BUYER, **more)


def test_both_sirets_become_legal_identifiers_under_0002() -> None:
    done = prepared(full_invoice())
    assert done.seller.legal_registration == Identifier(value=SELLER, scheme="0002")
    assert done.buyer.legal_registration == Identifier(value=BUYER, scheme="0002")
    assert done.seller.identifiers == (Identifier(value="V-1"),)
    assert done.buyer.identifiers == ()
    assert b'<ram:ID schemeID="0002">00000003400017</ram:ID>' in write_cii(done)


def test_service_and_engagement_go_where_chorus_looks_for_them() -> None:
    done = prepared(full_invoice(), service_code="SRV-1", engagement="EJ-9")
    assert (done.buyer_reference, done.purchase_order_reference) == ("SRV-1", "EJ-9")
    kept = prepared(full_invoice())
    assert (kept.buyer_reference, kept.purchase_order_reference) == ("SERVICE-ACHATS", "BC-4711")


def test_the_routing_code_of_the_reform_serves_as_service_code() -> None:
    buyer = dataclasses.replace(
        full_invoice().buyer,
        identifiers=(Identifier(value=BUYER, scheme="0009"), Identifier(value="SRV-2", scheme="0224")),
    )
    done = prepared(dataclasses.replace(full_invoice(), buyer=buyer))
    assert done.buyer_reference == "SRV-2"
    assert done.buyer.identifiers == ()


def test_amounts_lines_and_number_do_not_move() -> None:
    before, after = full_invoice(), prepared(full_invoice())
    moved = {
        field.name for field in dataclasses.fields(before) if getattr(before, field.name) != getattr(after, field.name)
    }
    assert moved == {"seller", "buyer"}
    assert parse_xml(write_cii(after)) is not None


def test_a_credit_note_carries_no_payment_means() -> None:
    assert prepared(credit_note()).payment is None
    assert prepared(full_invoice()).payment == full_invoice().payment


@pytest.mark.parametrize("wrong", ["", "000000018", "0000000180001X", " 0000000180001"])
def test_a_siret_has_fourteen_digits(wrong: str) -> None:
    with pytest.raises(ValueError, match="14 chiffres"):
        for_chorus(full_invoice(), seller_siret=wrong, buyer_siret=BUYER)
    with pytest.raises(ValueError, match="14 chiffres"):
        for_chorus(full_invoice(), seller_siret=SELLER, buyer_siret=wrong)


def refused(invoice: Invoice) -> tuple[Finding, ...]:
    return check_rules(invoice, families=(Family.CHORUS,))


def test_a_sound_invoice_has_nothing_to_be_told() -> None:
    assert refused(prepared(full_invoice())) == ()
    assert refused(prepared(credit_note())) == ()


def test_what_chorus_wants_is_never_asked_of_others() -> None:
    assert Family.CHORUS not in DEFAULT_FAMILIES
    assert not [each for each in check_rules(full_invoice()) if each.rule.startswith("FF-CHORUS")]


def _payment(**changes: object) -> dict[str, object]:
    payment = full_invoice().payment
    assert payment is not None
    return {"payment": dataclasses.replace(payment, **changes)}  # type: ignore[arg-type]


def _file(name: str, *, size: int = 1) -> dict[str, object]:
    file = Attachment(content=b"x" * size, media_type="application/pdf", filename=name)
    return {"supporting_documents": (SupportingDocument(reference="1", attachment=file),)}


def _party(**changes: object) -> Seller:
    return dataclasses.replace(prepared(full_invoice()).seller, **changes)  # type: ignore[arg-type]


def _price(*, gross: str, net: str, discount: str = "") -> dict[str, object]:
    price = Price(net=Decimal(net), gross=Decimal(gross), discount=Decimal(discount) if discount else None)
    return {"lines": (dataclasses.replace(full_invoice().lines[0], price=price),)}


CASES: list[tuple[str, dict[str, object], str]] = [
    ("FF-CHORUS-NUMBER", {"number": "F" * 21}, "number"),
    ("FF-CHORUS-SELLER", {"seller": _party(legal_registration=None)}, "seller.legal_registration"),
    (
        "FF-CHORUS-BUYER",
        {
            "buyer": dataclasses.replace(
                full_invoice().buyer, legal_registration=Identifier(value="000000034", scheme="0002")
            )
        },
        "buyer.legal_registration",
    ),
    ("FF-CHORUS-REFERENCE", {"purchase_order_reference": "E" * 51}, "purchase_order_reference"),
    ("FF-CHORUS-REFERENCE", {"contract_reference": "M" * 51}, "contract_reference"),
    ("FF-CHORUS-SERVICE", {"buyer_reference": "factures_publiques"}, "buyer_reference"),
    ("FF-CHORUS-PAYMENT", {"payment": None}, "payment.means_code"),
    ("FF-CHORUS-IBAN", _payment(credit_transfers=()), "payment.means_code"),
    ("FF-CHORUS-ATTACHMENT", _file("a.exe"), "supporting_documents[0].attachment"),
    ("FF-CHORUS-ATTACHMENT", _file("a" * 47 + ".pdf"), "supporting_documents[0].attachment"),
    ("FF-CHORUS-SIZE", _file("a.pdf", size=10_000_001), "supporting_documents[0].attachment"),
    ("FF-CHORUS-GROSS-PRICE", _price(gross="11", net="12"), "lines[0].price.gross"),
    ("FF-CHORUS-CREDIT-NOTE", {"type_code": "381"}, "payment.means_code"),
]


@pytest.mark.parametrize(("rule", "changes", "field"), CASES, ids=[rule for rule, _, _ in CASES])
def test_what_chorus_refuses_is_said_before_sending(rule: str, changes: dict[str, object], field: str) -> None:
    """Complaint A3."""
    (finding,) = refused(dataclasses.replace(prepared(full_invoice()), **changes))  # type: ignore[arg-type]

    assert (finding.rule, finding.field) == (rule, field)
    assert "Chorus Pro" in finding.message_fr
    assert finding.remedy_fr.endswith(".")


def test_every_rule_of_chorus_is_tried() -> None:
    assert {rule.id for rule in RULES.values() if rule.family is Family.CHORUS} == {rule for rule, _, _ in CASES}


@pytest.mark.parametrize(
    ("gross", "net", "discount", "then"),
    [
        ("12", "10", "", ("12", "2")),  # OCA-FR#504: refused without its discount
        ("10", "10", "", (None, None)),  # it says no more than the net price
        ("12", "10", "2", ("12", "2")),
    ],
)
def test_a_gross_price_goes_with_its_discount_or_not_at_all(
    gross: str, net: str, discount: str, then: tuple[str | None, str | None]
) -> None:
    """Complaint A4."""
    before = dataclasses.replace(full_invoice(), **_price(gross=gross, net=net, discount=discount))  # type: ignore[arg-type]
    after = prepared(before)
    price = after.lines[0].price
    assert price is not None
    assert (price.gross, price.discount) == tuple(None if each is None else Decimal(each) for each in then)
    assert price.net == Decimal(net)
    assert refused(after) == ()
    xml = write_cii(after)
    assert (b"GrossPriceProductTradePrice" in xml) == (b"AppliedTradeAllowanceCharge" in xml) == (then[0] is not None)


def test_a_finding_names_the_version_of_the_pack_and_its_source() -> None:
    wrong = dataclasses.replace(prepared(full_invoice()), number="F" * 21)
    (finding,) = check_chorus(wrong, day=date(2026, 11, 21))
    assert finding.rule == "FF-CHORUS-NUMBER"
    assert finding.source == "Chorus Pro, règles du 21/11/2026 : contrats français §1.4, longueurs admises."
    assert check_chorus(prepared(full_invoice()), day=date(2026, 11, 21)) == ()


def test_the_newest_pack_holds_every_rule_of_chorus_and_no_pack_a_rule_that_is_none() -> None:
    known = {rule.id for rule in RULES.values() if rule.family is Family.CHORUS}
    assert set(packs()[-1].sources) == known
    for pack in packs():
        assert set(pack.sources) <= known
        assert pack.since <= pack.version
        assert all(pack.sources.values())


def test_a_day_is_judged_by_the_pack_in_force_then() -> None:
    for earlier, later in pairwise(packs()):
        assert pack_on(later.since - timedelta(days=1)) is earlier
        assert pack_on(later.since) is later
    assert pack_on(date(2000, 1, 1)) is packs()[0]
    assert pack_on(date(2100, 1, 1)) is packs()[-1]

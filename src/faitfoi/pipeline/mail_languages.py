"""In which language a customer is written to, and the organisation's own words in it."""

from faitfoi.channels.texts.catalogue import FALLBACK
from faitfoi.records.models import Customer, MailText

FRENCH_SPEAKING = frozenset(
    {"FR", "BE", "LU", "CH", "MC", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "NC", "PF", "WF"}
)


def language_of(customer: Customer | None) -> str:
    """Return the language to write to a customer in: the record's own, else what is spoken in its country."""
    if customer is None:
        return FALLBACK
    if customer.language:
        return customer.language
    return "fr" if customer.country.upper() in FRENCH_SPEAKING else "en"


def texts_of(language: str) -> dict[str, tuple[str, str]]:
    """Return the organisation's own (object, text) by kind in one language. Runs inside `acting_for`."""
    rows = MailText.objects.filter(language=language)
    return {kind: (subject, body) for kind, subject, body in rows.values_list("kind", "subject", "body")}

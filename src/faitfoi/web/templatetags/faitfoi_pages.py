"""Filters and small tags of the pages."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django import template
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from faitfoi.pipeline.counts import Counts
from faitfoi.pipeline.tasks import Button
from faitfoi.records.models import Delivery
from faitfoi.web import words

register = template.Library()
NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
BEFORE = re.compile(r" (?=[:;!?»%€])")
AFTER = re.compile(r"(?<=«) ")


@register.simple_tag
def page_of(button: Button, slug: str) -> str:
    """Return the address that a task's button leads to."""
    return reverse(button.page, kwargs={"slug": slug, **button.about})


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Write an amount as the language does: « 1 234,50 € »; other currencies keep their ISO code."""
    text = formats.number_format(amount, decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"{text}{NO_BREAK_SPACE}{'€' if currency == 'EUR' else currency}"


@register.filter
def typeset(text: str | Promise) -> str:
    """Keep a French sentence's double punctuation from starting a line: its spaces no longer break."""
    return AFTER.sub("\u00a0", BEFORE.sub("\u00a0", str(text)))


@register.filter
def moment(instant: datetime) -> str:
    """Write an instant in the organisation's time, to the minute: « 21 nov. 2026 à 14:05 »."""
    local = timezone.localtime(instant)
    return _("%(day)s at %(time)s") % {"day": formats.date_format(local, "j N Y"), "time": local.strftime("%H:%M")}


@register.filter
def in_full(day: date) -> str:
    """Write a day as people say it: « 21 novembre 2026 », and « 1er » for the first in French."""
    text = formats.date_format(day, "j F Y")
    return f"1er{text[1:]}" if day.day == 1 and _in_french() else text


@register.filter
def size(octets: int) -> str:
    """Write a size: « 84 ko »."""
    if octets < 1024:
        return f"{octets}{NO_BREAK_SPACE}{pgettext('unit', 'bytes')}"
    if octets < 1024**2:
        return f"{round(octets / 1024)}{NO_BREAK_SPACE}{pgettext('unit', 'kB')}"
    number = formats.number_format(Decimal(octets) / 1024**2, decimal_pos=1, use_l10n=True)
    return f"{number}{NO_BREAK_SPACE}{pgettext('unit', 'MB')}"


@register.filter
def stage(code: str | None) -> words.Word:
    """Return the word of a delivery's stage."""
    return words.stage_word(code)


@register.filter
def outcome(code: str) -> words.Word:
    """Return the word of what became of a file."""
    return words.OUTCOMES.get(code, words.WITHOUT_DELIVERY)


@register.filter
def severity(code: str) -> words.Word:
    """Return the word of a finding's weight; anything unheard of weighs as an error."""
    return words.SEVERITIES.get(code, words.SEVERITIES["fatal"])


@register.filter
def sentence(finding: Mapping[str, str]) -> str:
    """Return what a finding says in the page's language, else in the one it was written in."""
    return (_in_french() and finding.get("message_fr")) or finding.get("message", "")


@register.filter
def remedy(finding: Mapping[str, str]) -> str:
    """Return what to do about a finding in the page's language, empty when nobody has written it."""
    return finding.get("remedy_fr" if _in_french() else "remedy", "")


@register.filter
def language_of(finding: Mapping[str, str]) -> str:
    """Return the language of a finding's sentence: what readers say (FF-…) is in French, rules speak both."""
    if finding.get("message_fr"):
        return "fr" if _in_french() else "en"
    return "fr" if finding.get("rule", "").startswith("FF-") else "en"


def _in_french() -> bool:
    return (get_language() or "").startswith("fr")


@register.filter
def attempt(code: str) -> words.Word:
    """Return the word of an attempt's outcome."""
    return words.ATTEMPTS[code]


@register.filter
def calm(counts: Counts) -> bool:
    """True when nothing of a batch asks for a look: all read, gone, and nothing came back or was lost."""
    waits = (counts.waiting, counts.needs_someone, counts.refused, counts.held, counts.failed)
    return not any((*waits, counts.returned, counts.rejected, counts.unknown))


@register.filter
def channel(key: str) -> str | Promise:
    """Return the name of a channel."""
    return words.CHANNELS.get(key, key)


@register.filter
def meaning(delivery: Delivery) -> str | Promise:
    """Say what a delivery's stage proves and what it does not."""
    return words.meaning(delivery.stage, delivery.channel)


@register.filter
def purpose(key: str) -> str | Promise:
    """Return what a delivery is for."""
    return words.PURPOSES.get(key, key)


@register.filter
def artefact(key: str) -> str | Promise:
    """Return the name of a rendering."""
    return words.ARTEFACTS.get(key, key)


@register.filter
def attestation_kind(key: str) -> str | Promise:
    """Return what an attestation states."""
    return words.ATTESTATIONS.get(key, key)


@register.filter
def kind(key: str) -> str | Promise:
    """Return what a document is."""
    return words.KINDS.get(key, key)


@register.filter
def nature(key: str) -> str | Promise:
    """Return what a customer is before the law."""
    return words.NATURES.get(key, key)


@register.filter
def origin(key: str) -> str | Promise:
    """Return where a batch came from."""
    return words.ORIGINS.get(key, key)


@register.filter
def role(key: str) -> str | Promise:
    """Return what a member may do."""
    return words.ROLES.get(key, key)


@register.filter
def media(media_type: str) -> str:
    """Name a media type as people do: « PDF »."""
    return {"application/pdf": "PDF", "application/xml": "XML", "application/json": "JSON"}.get(media_type, media_type)


@register.filter
def format_name(code: str) -> str:
    """Name the format a document came in."""
    return words.FORMATS.get(code, code)


@register.filter
def reference(name: str) -> str | Promise:
    """Name an identifier that the other side gave."""
    return words.REFERENCES.get(name, name)


@register.filter
def siren(number: str) -> str:
    """Group the digits of a SIREN or SIRET for reading: « 000 123 459 00017 »."""
    if not number.isdigit() or len(number) not in {9, 14}:
        return number
    groups = [number[0:3], number[3:6], number[6:9], number[9:]]
    return NARROW_SPACE.join(group for group in groups if group)

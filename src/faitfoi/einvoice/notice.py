"""A page of statements (an attestation, a written description), with its data attached for programs.

Tagged PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1), laid out as the readable copies are.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from faitfoi.einvoice.page_look import Look, colours
from faitfoi.einvoice.page_typst import compile_pdf, template

__all__ = ["Attached", "Notice", "Section", "render_notice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Paragraphs, then facts by their label; a fact whose label is in `codes` is a fingerprint, set small."""

    title: str = ""
    paragraphs: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A value that JSON can hold, attached to the page as a file in ASCII."""

    name: str
    value: Mapping[str, object]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a page of statements says; `author` is who states it."""

    title: str
    subtitle: str
    author: str
    footer: str
    sections: Sequence[Section]
    attached: Sequence[Attached] = ()


def render_notice(notice: Notice, *, look: Look, created: datetime) -> bytes:
    """A PDF/A-3a of the notice; the same arguments give the same bytes. Raises ValueError for a naive `created`."""
    if created.tzinfo is None:
        raise ValueError("The time of creation needs its time zone.")
    palette = colours(look.accent)
    view = {
        "title": notice.title,
        "subtitle": notice.subtitle,
        "author": notice.author,
        "footer": notice.footer,
        "sections": [_section(each) for each in notice.sections],
        "attached": [_attached(each) for each in notice.attached],
    }
    shown = {"name": look.name or notice.author, "accent": palette.accent, "ink": palette.ink}
    return compile_pdf(template("notice.typ"), {"view": view, "look": shown}, created=created)


def _section(section: Section) -> dict[str, object]:
    facts = [{"label": label, "value": value, "code": label in section.codes} for label, value in section.facts]
    return {"title": section.title, "paragraphs": list(section.paragraphs), "facts": facts}


def _attached(file: Attached) -> dict[str, str]:
    # In ASCII: the layout would spell out what no font draws, and data must come out as they went in.
    return {
        "name": file.name,
        "text": json.dumps(file.value, indent=1, sort_keys=True),
        "media_type": "application/json",
        "description": file.description,
    }

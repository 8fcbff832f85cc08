"""Whether the seal shows on the first page, and where: the places offered, and a page of one's own with the stamp."""

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

import pikepdf

from faitfoi.accounts.models import Organisation
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.page import render_page
from faitfoi.einvoice.reading import Unreadable
from faitfoi.evidence.seal_stamp import draw_stamp, read_place
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.pipeline import artefacts
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.renderings import look_of
from faitfoi.pipeline.seal_keys import choose
from faitfoi.records.models import Document, SealChoices
from faitfoi.records.models_seal import SealLevel, WithoutStamp
from faitfoi.records.stages import ArtefactRole

# In the margins of an A4 page, where our own layout draws nothing at the top; points from the bottom left.
PLACES = {
    "top-right": "378 805 165 30",
    "top-left": "52 805 165 30",
    "bottom-right": "378 60 165 30",
    "bottom-left": "52 60 165 30",
}
A4 = (595, 842)


def chosen_place() -> str:
    """Return where the current organisation shows its seal, empty when it does not. Runs inside `acting_for`."""
    return _choices().place


def place_seal(organisation: Organisation, place: str, *, actor: str) -> None:
    """Show the seal there on what is sealed from now on, or nowhere (empty); the other choices stay.

    Runs inside `acting_for`. Raises PlaceRefused, and KeyRefused when the other choices cannot stand any more.
    """
    now = _choices()
    choose(
        organisation,
        level=SealLevel(now.level),
        without_stamp=WithoutStamp(now.without_stamp),
        place=place,
        actor=actor,
    )


def preview(organisation: Organisation, place: str, *, at: datetime, width: int) -> bytes:
    """Draw the first page of the last document with the stamp at a place, as PNG; a blank page before the first one.

    Nothing is sealed nor kept. Runs inside `acting_for`. Raises PlaceRefused.
    """
    stamp = draw_stamp(organisation.name, read_place(place)) if place else None
    for pdf in _pages(organisation, at=at):
        try:
            before, after = sandbox().lay_out(pdf, 1, at, stamp)
            return sandbox().picture(before + b"<00>" + after, page=1, width=width)[0]
        except Unreadable:  # somebody else's signature, or pages that cannot be sealed: the next one will do
            continue
    raise AssertionError("a blank page can always be drawn")


def _pages(organisation: Organisation, *, at: datetime) -> Iterator[bytes]:
    document = Document.objects.filter(eliminated_at=None).order_by("-id").first()
    # What cannot be read back is said by the pages of the archive; here any page will do.
    with suppress(ObjectAltered, ObjectMissing, Unreadable):
        if document is not None:
            yield _unsealed(organisation, document, at=at)
    blank, target = pikepdf.new(), io.BytesIO()
    blank.add_blank_page(page_size=A4)
    blank.save(target)
    yield target.getvalue()


def _unsealed(organisation: Organisation, document: Document, *, at: datetime) -> bytes:
    original = document.artefacts.filter(role=ArtefactRole.ORIGINAL, media_type="application/pdf").first()
    if original is not None:
        return artefacts.read(original)
    invoice = from_json(json.dumps(document.invoice).encode())
    return render_page(invoice, look=look_of(organisation), created=at, xml=None)


def _choices() -> SealChoices:
    return SealChoices.objects.first() or SealChoices()

"""Reads artefacts back, and draws their pages for the screen."""

from faitfoi.einvoice.reading import Unreadable
from faitfoi.pipeline.archive import fetch
from faitfoi.pipeline.installation import sandbox
from faitfoi.records.models import Artefact

MAX_WIDTH = 1600


class NoPicture(Exception):
    """This page cannot be shown; the reason is a French sentence."""


def read(artefact: Artefact) -> bytes:
    """Return the artefact's very bytes, verified. Raises evidence.shelf.ObjectMissing or ObjectAltered."""
    return fetch(artefact.organisation_id, artefact.sha256)


def picture(artefact: Artefact, page: int, width: int) -> bytes:
    """Return one page (from 1) of a PDF artefact as PNG. Raises NoPicture."""
    return picture_and_pages(artefact, page, width)[0]


def picture_and_pages(artefact: Artefact, page: int, width: int) -> tuple[bytes, int]:
    """Return one page as PNG and how many pages the artefact has. Raises NoPicture."""
    if artefact.media_type != "application/pdf":
        raise NoPicture("Ce fichier n’est pas un PDF : il n’a pas de page à montrer.")
    try:
        return sandbox().picture(read(artefact), page=page, width=min(width, MAX_WIDTH))
    except Unreadable as error:
        raise NoPicture(error.reason) from error

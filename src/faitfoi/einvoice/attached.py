"""Reads back what `einvoice.notice` has attached to a page; apart, so that reading loads no layout."""

from faitfoi.einvoice.facturx_embedded import embedded_files
from faitfoi.einvoice.facturx_safety import BROKEN_PDF, open_pdf, read_stream
from faitfoi.einvoice.xml import Unreadable

MOST_BYTES = 16 * 1024 * 1024


def attached(pdf: bytes, name: str) -> bytes:
    """The file of that name inside a PDF, byte for byte. Raises Unreadable when there is none, or no PDF."""
    with open_pdf(pdf) as opened:
        try:
            found = next((each for each in embedded_files(opened) if each.is_called(name)), None)
            if found is None or found.stream is None:
                raise Unreadable(f"Ce PDF ne contient pas « {name} » : ce n’est pas une attestation de Faitfoi.")
            return read_stream(found.stream, max_bytes=MOST_BYTES)
        except BROKEN_PDF as error:
            raise Unreadable(f"Le fichier « {name} » joint à ce PDF est endommagé.") from error

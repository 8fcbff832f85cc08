"""The readable copy of an invoice: a page for people, with its data attached for programs.

Tagged PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1), Factur-X 1.0 when the XML is given.
"""

import dataclasses
from datetime import datetime

from faitfoi.einvoice import official
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.page_estimate import seems_one_page
from faitfoi.einvoice.page_look import Look, colours, draw_logo
from faitfoi.einvoice.page_pdf import page_count, with_facturx
from faitfoi.einvoice.page_typst import compile_pdf, template
from faitfoi.einvoice.page_view import page_view
from faitfoi.einvoice.profiles import conformance_level
from faitfoi.einvoice.xml import parse_xml

__all__ = ["Look", "render_page"]

# Factur-X 1.0, 6.2.2: those two hold too little to be an invoice of their own.
_DATA_ONLY = frozenset({"MINIMUM", "BASIC WL"})


def render_page(invoice: Invoice, *, look: Look, created: datetime, xml: bytes | None, mark: str = "") -> bytes:
    """A PDF/A-3a of the invoice in French, with `xml` attached unchanged as `factur-x.xml`; the same bytes every time.

    `created` (aware) is the only date written by the layout. `xml` is a CII document; None attaches nothing and
    declares no Factur-X. `mark` ("COPIE") is shown on every page, and only without `xml`: a copy never carries the
    data of the invoice. Raises ValueError for a mark together with an XML, an XML that is not CII, a naive `created`,
    or a look that cannot be drawn.
    """
    if mark and xml is not None:
        raise ValueError("A marked copy carries no XML.")
    if created.tzinfo is None:
        raise ValueError("The time of creation needs its time zone.")
    level = facturx_level(xml) if xml is not None else ""
    view = page_view(invoice)
    # Carried totals and page counts make Typst lay everything out several times: only for several pages.
    for paged in (False, True) if seems_one_page(view) else (True,):
        shown = {**_look(look, invoice, mark, level), "paged": paged}
        pdf = compile_pdf(template("invoice.typ"), {"view": view, "look": shown}, created=created)
        if page_count(pdf) == 1:
            break
    return pdf if xml is None else with_facturx(pdf, xml, level=level)


def facturx_level(xml: bytes) -> str:
    """The Factur-X conformance level of a CII document, as the XMP declares it. Raises ValueError for other XML."""
    root = parse_xml(xml)
    if root.tag != official.CII_ROOT:
        raise ValueError("Only CII is attached to a page: convert the invoice first.")
    return conformance_level(official.guideline(root))


def _look(look: Look, invoice: Invoice, mark: str, level: str) -> dict[str, object]:
    palette = colours(look.accent)
    relationship = "data" if level in _DATA_ONLY else "alternative"
    return {
        "name": look.name or invoice.seller.trading_name or invoice.seller.name,
        "logo": dataclasses.asdict(draw_logo(look.logo)) if look.logo else None,
        "footer": look.footer,
        "accent": palette.accent,
        "ink": palette.ink,
        "on_accent": palette.on_accent,
        "tint": palette.tint,
        "mark": mark,
        "attach": relationship if level else "",
    }

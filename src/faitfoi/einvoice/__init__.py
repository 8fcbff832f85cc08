"""Know it: the EN 16931 invoice, its syntaxes, rules and readable copy. Pure: values in, values out.

The names that most programs need are here, and are loaded when they are first used:

    from faitfoi.einvoice import check, complete, read, write_cii, write_ubl
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faitfoi.einvoice.amounts import complete as complete
    from faitfoi.einvoice.checking import Checked as Checked
    from faitfoi.einvoice.checking import check as check
    from faitfoi.einvoice.cii import write_cii as write_cii
    from faitfoi.einvoice.conversion import Target as Target
    from faitfoi.einvoice.conversion import convert as convert
    from faitfoi.einvoice.facturx import attach as attach
    from faitfoi.einvoice.facturx import extract as extract
    from faitfoi.einvoice.findings import Finding as Finding
    from faitfoi.einvoice.findings import Severity as Severity
    from faitfoi.einvoice.jsonform import from_json as from_json
    from faitfoi.einvoice.jsonform import to_json as to_json
    from faitfoi.einvoice.model import Invoice as Invoice
    from faitfoi.einvoice.model import term_paths as term_paths
    from faitfoi.einvoice.page import Look as Look
    from faitfoi.einvoice.page import render_page as render_page
    from faitfoi.einvoice.pdfa import look_into as look_into
    from faitfoi.einvoice.pdfa_wrap import wrap as wrap
    from faitfoi.einvoice.places import place_of as place_of
    from faitfoi.einvoice.places import term_name as term_name
    from faitfoi.einvoice.profiles import Profile as Profile
    from faitfoi.einvoice.reading import Format as Format
    from faitfoi.einvoice.reading import Reading as Reading
    from faitfoi.einvoice.reading import read as read
    from faitfoi.einvoice.rules.engine import Family as Family
    from faitfoi.einvoice.ubl import write_ubl as write_ubl
    from faitfoi.einvoice.xml import Unreadable as Unreadable

# Loading lxml, pikepdf and the rules takes a third of a second, which importing this package alone must not cost.
_HOMES = {
    "Checked": "checking",
    "Family": "rules",
    "Finding": "findings",
    "Format": "reading",
    "Invoice": "model",
    "Look": "page",
    "Profile": "profiles",
    "Reading": "reading",
    "Severity": "findings",
    "Target": "conversion",
    "Unreadable": "xml",
    "attach": "facturx",
    "check": "checking",
    "complete": "amounts",
    "convert": "conversion",
    "extract": "facturx",
    "from_json": "jsonform",
    "look_into": "pdfa",
    "place_of": "places",
    "read": "reading",
    "render_page": "page",
    "term_name": "places",
    "term_paths": "model",
    "to_json": "jsonform",
    "wrap": "pdfa_wrap",
    "write_cii": "cii",
    "write_ubl": "ubl",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *_HOMES})

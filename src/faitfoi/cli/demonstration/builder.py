"""Writes the demonstration's files: the same bytes at every run, so that a second demonstration finds them done."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

from faitfoi.cli.demonstration.invoices import Piece, pieces
from faitfoi.cli.demonstration.seed import HERE, logo, organisation, seed
from faitfoi.cli.demonstration.spoiling import spoil
from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.page import Look, render_page
from faitfoi.einvoice.page_typst import compile_pdf
from faitfoi.einvoice.ubl import write_ubl

# Where the public Factur-X and ZUGFeRD PDFs lie in the shared corpora.
REAL_PDFS = ("zugferd-pdf", "horstoeko")


def build(folder: Path) -> dict[str, list[Path]]:
    """Write every organisation's files under `folder/<slug>/`; returns their paths by slug, in order of issue."""
    return {table["slug"]: _write_all(folder / table["slug"], table["slug"]) for table in seed()["organisations"]}


def file_of(slug: str, piece: Piece) -> bytes:
    """The bytes of one file, spoilt when it has to be."""
    return spoil(piece.spoilt, _FORMS[piece.form](slug, piece.invoice))


def terms_of_sale(slug: str) -> bytes:
    """An organisation's terms of sale (CGV), a PDF; `terms_of_sale` in `seed.toml` says whether it uses some."""
    record = organisation(slug)
    inputs = {"record": {name: record[name] for name in ("name", "accent", "footer")}}
    return compile_pdf(HERE.joinpath("terms.typ").read_bytes(), inputs, created=seed_day())


def seed_day() -> datetime:
    """Midnight UTC of the demonstration's day."""
    return datetime.combine(seed()["demonstration_day"], time(), tzinfo=UTC)


def corpora_files(shared: Path) -> list[Path]:
    """The real Factur-X and ZUGFeRD PDFs under `shared` (the folder that holds `corpora`), in a fixed order."""
    found = (path for name in REAL_PDFS for path in (shared / "corpora" / name).rglob("*"))
    return sorted(path for path in found if path.suffix.lower() == ".pdf")


def _write_all(folder: Path, slug: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for piece in pieces(slug):
        path = folder / piece.file
        path.write_bytes(file_of(slug, piece))
        written.append(path)
    return written


def _facturx(slug: str, invoice: Invoice) -> bytes:
    record = organisation(slug)
    look = Look(name=record["name"], logo=logo(slug), accent=record["accent"], footer=record["footer"])
    day = invoice.issue_date
    assert day is not None  # noqa: S101  # every invoice of ours has one
    created = datetime.combine(day, time(8), tzinfo=UTC)
    return render_page(invoice, look=look, created=created, xml=write_cii(invoice))


def _cii(_slug: str, invoice: Invoice) -> bytes:
    return write_cii(invoice)


def _ubl(_slug: str, invoice: Invoice) -> bytes:
    return write_ubl(invoice)


def _json(_slug: str, invoice: Invoice) -> bytes:
    return _indented(to_json(invoice))


def _short_json(_slug: str, invoice: Invoice) -> bytes:
    """What a person would write: no line amount, no VAT breakdown, no total."""
    lines = tuple(replace(line, net_amount=None) for line in invoice.lines)
    document = to_json(replace(invoice, lines=lines, vat_breakdown=()))
    del document["totals"]
    return _indented(document)


def _indented(document: dict[str, object]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


_FORMS: dict[str, Callable[[str, Invoice], bytes]] = {
    "facturx": _facturx,
    "cii": _cii,
    "ubl": _ubl,
    "json": _json,
    "short json": _short_json,
}

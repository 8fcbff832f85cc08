"""The files that are spoilt: one of each kind of our own, and a few real ones of each where the corpora are."""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.conformance.bases import documents  # noqa: E402  (the root must be importable first)
from tests.einvoice.material import full_invoice  # noqa: E402
from tests.einvoice.plain_pdfs import AT, by_typst, changed, layered, noted, pictured, scripted, with_file  # noqa: E402

from faitfoi.einvoice.cii import write_cii  # noqa: E402
from faitfoi.einvoice.facturx import attach  # noqa: E402
from faitfoi.einvoice.jsonform import to_json  # noqa: E402
from faitfoi.einvoice.profiles import EN16931  # noqa: E402
from faitfoi.einvoice.ubl import write_ubl  # noqa: E402

_SHARED = Path(os.environ.get("FAITFOI_SHARED", ROOT.parent / "shared"))
_MOST_BYTES = 300_000
_MOST_OF_A_KIND = 60


def seeds() -> dict[str, list[bytes]]:
    """Files by kind: `xml`, `json`, `pdf`; always the same, in the same order."""
    invoice = full_invoice()
    cii = write_cii(invoice)
    facturx = attach(by_typst("a-3b"), cii, at=AT, specification=EN16931)
    found = {
        "xml": [cii, write_ubl(invoice), *(xml for _, xml in documents())],
        "json": [json.dumps(to_json(invoice)).encode()],
        "pdf": [
            facturx,
            by_typst("a-2u"),
            by_typst(glass=True),
            *(changed(facturx, change) for change in (scripted, noted, layered, pictured)),
            changed(by_typst(), with_file("ZUGFeRD-invoice.xml", cii)),
        ],
    }
    for kind in ("xml", "pdf"):
        real = sorted(path for path in _SHARED.glob(f"corpora/**/*.{kind}") if path.stat().st_size <= _MOST_BYTES)
        step = max(1, len(real) // _MOST_OF_A_KIND)
        found[kind] += [path.read_bytes() for path in real[::step]]
    return found

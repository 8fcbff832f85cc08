"""Which exchange a document is for the law, in a plateforme agréée's words (`processingRule`). Pure but for the row.

French contracts §2.1 and §3.2: the document says it itself by its note BAR, else its customer's nature tells it.
"""

from collections.abc import Mapping

from faitfoi.records.models import Document
from faitfoi.records.stages import Nature

BAR = "BAR"
ARCHIVE_ONLY = "ARCHIVEONLY"
OF_ITSELF: Mapping[str, str] = {
    "B2B": "B2B",
    "B2BINT": "B2BInt",
    "B2C": "B2C",
    "B2CINT": "B2C",  # the interface has one word for both
    "OUTOFSCOPE": "OutOfScope",
    ARCHIVE_ONLY: "ArchiveOnly",
}
OF_A_PUBLIC_BUYER: Mapping[str, str] = {"OUTOFSCOPE": "B2GOutOfScope", ARCHIVE_ONLY: "ArchiveOnly"}
"""The note BAR has no word for public buyers: whatever else it says is B2G."""
OF_NATURE: Mapping[str, str] = {
    Nature.TAXABLE: "B2B",
    Nature.PUBLIC: "B2G",
    Nature.FOREIGN: "B2BInt",
    Nature.CONSUMER: "B2C",
    Nature.NOT_TAXABLE: "B2C",  # who does not declare VAT is a consumer to e-reporting (contract §2.2)
}


def processing_rule(document: Document) -> str:
    """Return the rule of a document; empty when nobody can tell: then the platform works it out."""
    nature = document.customer.nature if document.customer is not None else ""
    told = bar_of(document.invoice)
    if nature == Nature.PUBLIC:
        return OF_A_PUBLIC_BUYER.get(told, "B2G")
    return OF_ITSELF.get(told) or OF_NATURE.get(nature, "")


def bar_of(invoice: Mapping[str, object]) -> str:
    """Return what an invoice (our JSON) says of its treatment in its note BAR (BT-21, BT-22), if it does."""
    notes = invoice.get("notes")
    found = [
        str(note.get("text", "")).strip().upper()
        for note in (notes if isinstance(notes, list) else [])
        if isinstance(note, dict) and note.get("subject_code") == BAR
    ]
    return found[0] if found else ""

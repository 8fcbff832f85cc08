"""Every business table. Rows belong to one organisation and never point into another (forced by PostgreSQL).

The three tables at the end are the installation's own: they hold hashes, sizes and opaque tokens only.
"""

from faitfoi.records.models_delivery import Attempt, Delivery, Event, ReturnToken
from faitfoi.records.models_document import Artefact, Batch, BatchLine, BurntNumber, Document
from faitfoi.records.models_journal import JournalEntry, JournalHead, JournalLeaf
from faitfoi.records.models_party import ChannelSettings, Customer

__all__ = [
    "Artefact",
    "Attempt",
    "Batch",
    "BatchLine",
    "BurntNumber",
    "ChannelSettings",
    "Customer",
    "Delivery",
    "Document",
    "Event",
    "JournalEntry",
    "JournalHead",
    "JournalLeaf",
    "ReturnToken",
]

"""Every business table. Rows belong to one organisation and never point into another (forced by PostgreSQL).

The journal's leaves, nodes, heads and checkpoints, and the return tokens, are the installation's own: they hold
hashes, sizes and opaque tokens only.
"""

from faitfoi.records.models_act import Act, ActAttempt, ActFile
from faitfoi.records.models_archive import Attestation, Elimination, EliminationItem, Hold, RetentionRule
from faitfoi.records.models_audit import AuditSettings, ControlRun, WrittenTrail
from faitfoi.records.models_delivery import Attempt, Delivery, Event, ReturnToken
from faitfoi.records.models_directory import DirectoryAnswer
from faitfoi.records.models_document import Artefact, Batch, BatchLine, BurntNumber, Document
from faitfoi.records.models_feed import DeadLetter, Feed
from faitfoi.records.models_journal import (
    Alarm,
    Checkpoint,
    CheckpointStamp,
    JournalDetails,
    JournalEntry,
    JournalHead,
    JournalLeaf,
    JournalNode,
    MirroredSegment,
    StampRenewal,
)
from faitfoi.records.models_mail import MailboxPlace, MailFile, MailStanding, MailText, ReturnCheck, WebhookDoor
from faitfoi.records.models_pace import MailPace, PaceSlot
from faitfoi.records.models_party import ChannelSettings, Customer
from faitfoi.records.models_payment import Payment
from faitfoi.records.models_seal import SealCertificate, SealChoices
from faitfoi.records.models_series import Series
from faitfoi.records.models_storage import StoredObject
from faitfoi.records.models_structure import ChannelHealth, Structure

__all__ = [
    "Act",
    "ActAttempt",
    "ActFile",
    "Alarm",
    "Artefact",
    "Attempt",
    "Attestation",
    "AuditSettings",
    "Batch",
    "BatchLine",
    "BurntNumber",
    "ChannelHealth",
    "ChannelSettings",
    "Checkpoint",
    "CheckpointStamp",
    "ControlRun",
    "Customer",
    "DeadLetter",
    "Delivery",
    "DirectoryAnswer",
    "Document",
    "Elimination",
    "EliminationItem",
    "Event",
    "Feed",
    "Hold",
    "JournalDetails",
    "JournalEntry",
    "JournalHead",
    "JournalLeaf",
    "JournalNode",
    "MailFile",
    "MailPace",
    "MailStanding",
    "MailText",
    "MailboxPlace",
    "MirroredSegment",
    "PaceSlot",
    "Payment",
    "RetentionRule",
    "ReturnCheck",
    "ReturnToken",
    "SealCertificate",
    "SealChoices",
    "Series",
    "StampRenewal",
    "StoredObject",
    "Structure",
    "WebhookDoor",
    "WrittenTrail",
]

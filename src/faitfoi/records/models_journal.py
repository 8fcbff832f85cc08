"""The journal's tables: entries of each organisation, and the installation's leaves and head."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.models import Organisation
from faitfoi.records.tenant import TenantModel

FREQUENT = (
    "attempt_closed",
    "delivery_routed",
    "document_sealed",
    "objects_kept",
    "remote_event",
    "stage_moved",
)
"""Kinds of entries that every document writes. Nobody looks for all of them at once, so no index holds them by kind."""


class JournalEntry(TenantModel):
    """A canonical entry (ids and hashes only), written in the transaction of the act. Append-only.

    `body` is the very text that is hashed: SHA-256(0x00 ‖ body) is the leaf (RFC 6962 §2.1).
    """

    not_projected: ClassVar[str] = "the journal itself"

    # The policy of the table sees that the organisation exists, once a statement; a foreign key would look it up for
    # each entry, two fifths of the time of a batch. `records_journalentry_own` is its index.
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=40)
    document_id = models.UUIDField(null=True)
    body = models.TextField()

    class Meta(TenantModel.Meta):
        verbose_name_plural = "journal entries"
        indexes: ClassVar[list[models.Index]] = [
            # A dossier, a page and an elimination ask for one document's entries, whatever the journal's size.
            models.Index(
                fields=["document_id", "id"], name="journal_of_a_document", condition=Q(document_id__isnull=False)
            ),
            models.Index(fields=["kind", "organisation", "id"], name="journal_seldom", condition=~Q(kind__in=FREQUENT)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class JournalDetails(models.Model):
    """What an entry names by its SHA-256: the images of the rows that the act wrote (`records.images`).

    Apart from the entry, which is for ever: the details of an archive that is eliminated are erased, nothing else.
    """

    not_projected: ClassVar[str] = "the journal itself"

    entry_id = models.UUIDField(primary_key=True)
    organisation_id = models.UUIDField()
    body = models.TextField()

    class Meta:
        verbose_name_plural = "journal details"

    def __str__(self) -> str:
        return f"{self.entry_id}"


class JournalLeaf(models.Model):
    """The leaf of one entry and the dense index the sequencer gave it after commit: hashes and ids only, of everybody.

    The table's column `arrival`, which PostgreSQL fills, says in which order leaves came.
    """

    not_projected: ClassVar[str] = "the journal itself"

    entry_id = models.UUIDField(primary_key=True, default=uuid7)
    organisation_id = models.UUIDField()
    leaf = models.BinaryField(max_length=32)
    index = models.PositiveBigIntegerField(null=True, unique=True)

    def __str__(self) -> str:
        return f"{self.index}"


class JournalHead(models.Model):
    """Size and root after each run of the sequencer; the last row is the present head."""

    not_projected: ClassVar[str] = "computed from the leaves"

    size = models.PositiveBigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    frontier = models.BinaryField()
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.size}"


class JournalNode(models.Model):
    """The root of 256 nodes of the level below (256 leaves at level 1): the tree by tiles, above its leaves."""

    not_projected: ClassVar[str] = "computed from the leaves"

    level = models.PositiveSmallIntegerField()
    position = models.PositiveBigIntegerField()
    node = models.BinaryField(max_length=32)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["level", "position"], name="one_node_at_each_place"),)

    def __str__(self) -> str:
        return f"{self.level}/{self.position}"


class MirroredSegment(models.Model):
    """A segment of the mirror that is on every shelf: indices of its entries, both included, and its SHA-256."""

    not_projected: ClassVar[str] = "where the mirror stands"

    first = models.PositiveBigIntegerField(primary_key=True)
    last = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


class Checkpoint(models.Model):
    """A size of the journal that the log has signed and a witness cosigned: the note itself (C2SP tlog-checkpoint).

    `marks` is where the text lies that the note's last line commits to (`pipeline.marking`), which this table, of
    everybody, does not hold; empty before there were any.
    """

    not_projected: ClassVar[str] = "what witnesses have signed of the journal"

    size = models.PositiveBigIntegerField(primary_key=True)
    note = models.TextField()
    marks = models.CharField(max_length=120, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.size}"


class CheckpointStamp(models.Model):
    """What a time-stamp authority says of a checkpoint: its RFC 3161 token on the note, verified when it came."""

    not_projected: ClassVar[str] = "what authorities have signed of checkpoints"

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="stamps")
    authority = models.CharField(max_length=255)
    token = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["checkpoint", "authority"], name="one_stamp_of_each_authority"),)

    def __str__(self) -> str:
        return f"{self.checkpoint_id} {self.authority}"


class StampRenewal(models.Model):
    """One token over a hash tree of older tokens, asked for before their certificates expired (RFC 4998 §5.2).

    `leaves` are, in the tree's order, the stamp that each is of and its digests: {"stamp": id, "leaf": [hex, …]}.
    """

    not_projected: ClassVar[str] = "what authorities have signed of their older stamps"

    algorithm = models.CharField(max_length=10)
    token = models.BinaryField()
    at = models.DateTimeField()
    leaves = models.JSONField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} ({len(self.leaves)})"


class Alarm(models.Model):
    """What everybody of the installation should know until it is over: one sentence for each cause."""

    not_projected: ClassVar[str] = "the present moment only"

    cause = models.CharField(max_length=40, primary_key=True)
    sentence = models.TextField()
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.cause

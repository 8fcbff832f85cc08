"""Batches, documents, their renderings, and the numbers that are used up."""

from typing import ClassVar

from django.db import models

from faitfoi.records.models_party import Customer
from faitfoi.records.stages import ArtefactRole, LineOutcome
from faitfoi.records.tenant import TenantModel


class Batch(TenantModel):
    """A set of files handed over together. The same files again are the same batch (`fingerprint`)."""

    class Origin(models.TextChoices):
        COMMAND = "command", "commande"
        UPLOAD = "upload", "page d’envoi"
        FOLDER = "folder", "dossier surveillé"

    name = models.CharField(max_length=200)
    origin = models.CharField(max_length=20, choices=Origin.choices)
    fingerprint = models.CharField(max_length=64)
    created_by = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "batches"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "fingerprint"], name="batch_once")
        ]

    def __str__(self) -> str:
        return self.name


class DocumentKind(models.TextChoices):
    """What a document is."""

    INVOICE = "invoice", "facture"
    CREDIT_NOTE = "credit_note", "avoir"


class Document(TenantModel):
    """An invoice or credit note that has been checked and sealed. Its state is derived from its deliveries.

    `invoice` is the EN 16931 model as our JSON; `findings` the verdict it was sealed with. `engagement` is the number
    a person gave afterwards for an invoice that came without: only the version for Chorus Pro carries it.
    `kept_because` says why one is kept and never sent: a credit note for a refused invoice. One that has been
    eliminated keeps its number, its day and its fingerprints, and nothing else.
    """

    kind = models.CharField(max_length=20, choices=DocumentKind.choices)
    number = models.CharField(max_length=60)
    seller_siren = models.CharField(max_length=60)
    seller_name = models.CharField(max_length=200)
    issue_date = models.DateField()
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="documents")
    buyer_name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    total_with_vat = models.DecimalField(max_digits=19, decimal_places=2)
    due = models.DecimalField(max_digits=19, decimal_places=2)
    due_date = models.DateField(null=True)
    format = models.CharField(max_length=20)
    profile = models.CharField(max_length=120, blank=True)
    original_sha256 = models.CharField(max_length=64)
    invoice = models.JSONField()
    findings = models.JSONField(default=list)
    waiting_for = models.TextField(blank=True)
    engagement = models.CharField(max_length=50, blank=True)
    eliminated_at = models.DateTimeField(null=True)
    kept_because = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organisation", "number"])]

    def __str__(self) -> str:
        return self.number


class BurntNumber(TenantModel):
    """A number used for ever: organisation + seller SIREN + year + number. Never updated, never deleted."""

    seller_siren = models.CharField(max_length=60)
    year = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=60)
    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="burnt_number")
    original_sha256 = models.CharField(max_length=64)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "seller_siren", "year", "number"], name="number_burnt_once")
        ]

    def __str__(self) -> str:
        return f"{self.seller_siren}/{self.year}/{self.number}"


class BatchLine(TenantModel):
    """One file of a batch and what became of it. `already_done` = the same bytes were sent before this batch."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    filename = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    outcome = models.CharField(max_length=20, choices=LineOutcome.choices, default=LineOutcome.WAITING)
    already_done = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    findings = models.JSONField(default=list)
    document = models.ForeignKey(Document, null=True, on_delete=models.PROTECT, related_name="lines")

    class Meta(TenantModel.Meta):
        ordering: ClassVar[list[str]] = ["batch", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["batch", "position"], name="line_position_once")
        ]

    def __str__(self) -> str:
        return self.filename


class Artefact(TenantModel):
    """One immutable rendering of a document, found in the store by its SHA-256."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="artefacts")
    role = models.CharField(max_length=20, choices=ArtefactRole.choices)
    filename = models.CharField(max_length=120)
    media_type = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64)
    sha512 = models.CharField(max_length=128)
    size = models.PositiveBigIntegerField()
    sealed = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["document", "role"], name="artefact_role_once")
        ]

    def __str__(self) -> str:
        return self.filename

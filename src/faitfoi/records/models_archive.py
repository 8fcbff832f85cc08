"""What the life of an archive leaves behind: attestations, retention, holds, eliminations."""

from typing import ClassVar

from django.db import models

from faitfoi.records.models_document import Document
from faitfoi.records.models_party import Customer
from faitfoi.records.tenant import TenantModel


class AttestationKind(models.TextChoices):
    """What an attestation states."""

    DEPOSIT = "deposit", "dépôt"
    INTEGRITY = "integrity", "intégrité"
    COMMUNICATION = "communication", "communication"
    RESTITUTION = "restitution", "restitution"
    ELIMINATION = "elimination", "élimination"


class Attestation(TenantModel):
    """A sealed page that states something of the archive. Numbered without gaps, for ever; never changed.

    The PDF is in the store under its SHA-256. `document` is None when it is about several.
    """

    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=AttestationKind.choices)
    document = models.ForeignKey(Document, null=True, on_delete=models.PROTECT, related_name="attestations")
    elimination = models.ForeignKey("Elimination", null=True, on_delete=models.PROTECT, related_name="attestations")
    sha256 = models.CharField(max_length=64)
    sha512 = models.CharField(max_length=128)
    size = models.PositiveBigIntegerField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "number"], name="attestation_number_once")
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """How it is called on paper."""
        return reference_of(self.number)

    @property
    def filename(self) -> str:
        """The name of its file."""
        return f"attestation-{self.number:06d}.pdf"


def reference_of(number: int) -> str:
    """How an attestation of that number is called on paper."""
    return f"ATT-{number:06d}"


class RetentionRule(TenantModel):
    """How many years one category is kept, from the end of the financial year; absent, what the law asks."""

    category = models.CharField(max_length=20)
    years = models.PositiveSmallIntegerField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "category"], name="one_retention_of_each_category")
        ]

    def __str__(self) -> str:
        return f"{self.category}: {self.years}"


class Hold(TenantModel):
    """A legal hold (gel): what it covers is not eliminated, whatever its age, until another person lifts it.

    It covers one document, the documents of one customer, those issued in a period, or all of the organisation's, those
    to come included.
    """

    class Scope(models.TextChoices):
        DOCUMENT = "document", "un document"
        CUSTOMER = "customer", "un client"
        PERIOD = "period", "une période"
        ORGANISATION = "organisation", "toute l’organisation"

    scope = models.CharField(max_length=20, choices=Scope.choices)
    document = models.ForeignKey(Document, null=True, on_delete=models.PROTECT, related_name="holds")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="holds")
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    reason = models.TextField()
    placed_by = models.CharField(max_length=120)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=120, blank=True)
    lift_reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.scope} {self.id}"


class Elimination(TenantModel):
    """A request to eliminate documents whose time has come, what the second person said, and how far it went.

    `packs` are the names of the packs that must go from the shelves: written when it is approved, so that it can be
    taken up again after any stop.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "demandée"
        REFUSED = "refused", "refusée"
        APPROVED = "approved", "approuvée"
        DONE = "done", "faite"

    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    reason = models.TextField()
    requested_by = models.CharField(max_length=120)
    decided_by = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True)
    packs = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.state} {self.id}"


class EliminationItem(TenantModel):
    """One document of a request, and the fingerprints of its objects (SHA-256, SHA-512), kept for ever."""

    elimination = models.ForeignKey(Elimination, on_delete=models.PROTECT, related_name="items")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="eliminations")
    objects_gone = models.JSONField(default=list)
    done = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["elimination", "document"], name="document_once_in_an_elimination")
        ]

    def __str__(self) -> str:
        return f"{self.elimination_id} {self.document_id}"

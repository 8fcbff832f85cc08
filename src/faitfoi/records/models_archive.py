"""What the life of an archive leaves behind: attestations, retention, holds, eliminations."""

from typing import ClassVar

from django.db import models

from faitfoi.records.models_document import Document
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

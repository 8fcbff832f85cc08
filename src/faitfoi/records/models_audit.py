"""What the audit trail keeps: each run of a control, what the organisation says of itself, each written version."""

from typing import ClassVar

from django.db import models

from faitfoi.records.tenant import TenantModel


class ControlRun(TenantModel):
    """One run of one control and what it found. Append-only.

    `findings` holds the first of them: `sentence` in French, `number`, `document` (its id, or empty) and `day` (the
    issue date that says which financial year it is of). `untold` counts what the control could not tell.
    """

    control = models.SlugField(max_length=30)
    checked = models.PositiveIntegerField()
    found = models.PositiveIntegerField()
    untold = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list)

    class Meta(TenantModel.Meta):
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organisation", "control", "created_at"])]

    def __str__(self) -> str:
        return f"{self.control} {self.created_at:%Y-%m-%d %H:%M}"


def default_unique() -> list[str]:
    """A delivery note is invoiced once."""
    return ["BT-16"]


class AuditSettings(TenantModel):
    """What the organisation says of its own audit trail: what Faitfoi cannot know.

    `required` are the references (BT-13, BT-16…) that each invoice must carry, `unique` those that two invoices may not
    share. The texts go into the written audit trail as they are.
    """

    responsible = models.CharField(max_length=120, blank=True)
    required = models.JSONField(default=list)
    unique = models.JSONField(default=default_unique)
    before_invoicing = models.TextField(blank=True)
    after_sending = models.TextField(blank=True)
    storage_place = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation"], name="audit_settings_once")
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id}"


class WrittenTrail(TenantModel):
    """One version of the written audit trail (piste d’audit fiable): a sealed PDF in the archive. Append-only.

    `statement` is what it states, `changed` what has changed since the version before, in French.
    """

    version = models.PositiveIntegerField()
    statement = models.JSONField()
    changed = models.JSONField(default=list)
    sha256 = models.CharField(max_length=64)
    sha512 = models.CharField(max_length=128)
    size = models.PositiveBigIntegerField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "version"], name="written_trail_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id} v{self.version}"

"""What the directory of electronic addresses has said, with its hour and its very answer."""

from typing import ClassVar

from django.db import models

from faitfoi.records.tenant import TenantModel


class DirectoryAnswer(TenantModel):
    """The last answer about one address: `reach` is yes, no or undetermined; `lines` those of its SIREN.

    `listed` tells whether the SIREN is in the directory at all, None when that is unknown. `raw_sha256` names the
    answer kept in the archive. A failed look-up changes `failed_at` and `failure` only.
    """

    passing_fields: ClassVar[frozenset[str]] = frozenset({"told_at", "failed_at", "failure"})

    address = models.CharField(max_length=125)
    reach = models.CharField(max_length=12, blank=True)
    listed = models.BooleanField(null=True)
    lines = models.JSONField(default=list)
    raw_sha256 = models.CharField(max_length=64, blank=True)
    told_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "address"], name="directory_answer_once")
        ]

    def __str__(self) -> str:
        return self.address

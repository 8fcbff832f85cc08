"""Where each stored object lies."""

from typing import ClassVar

from django.db import models

from faitfoi.records.tenant import TenantModel


class StoredObject(TenantModel):
    """One object in one pack: its fingerprints, and its place. The same bytes may lie in several packs.

    `pack` is the pack's SHA-256; with the organisation and the retention class it gives its name on a shelf.
    """

    sha256 = models.CharField(max_length=64)
    sha512 = models.CharField(max_length=128)
    size = models.PositiveBigIntegerField()
    pack = models.CharField(max_length=64)
    offset = models.PositiveBigIntegerField()
    retention = models.CharField(max_length=20)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "pack", "retention", "sha256"], name="object_once_in_a_pack"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "sha256"], name="stored_object_by_digest")
        ]

    def __str__(self) -> str:
        return self.sha256

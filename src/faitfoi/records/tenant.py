"""What every tenant's table has in common."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.models import Organisation


class TenantModel(models.Model):
    """A row of one organisation, with a UUIDv7 key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["id"]

"""What the directories of the channels have said of public structures, and how each channel answers."""

from typing import ClassVar

from django.db import models

from faitfoi.accounts.models import ChannelKey, channel_choices
from faitfoi.records.tenant import TenantModel


class Structure(TenantModel):
    """A public structure as a channel described it last: what it asks of an invoice, and its services.

    `known` is None until the channel has answered once, then whether it has this SIRET. `services` are objects with
    `id`, `code`, `name`, `active` and `engagement` (None: nobody has asked about that service yet). `raw_sha256` names
    the answer kept in the archive, `told_at` is when it came. A failed look-up changes `failed_at` and `failure` only.
    """

    passing_fields: ClassVar[frozenset[str]] = frozenset({"told_at", "failed_at", "failure", "next_look_at"})

    channel = models.CharField(max_length=20, choices=channel_choices, default=ChannelKey.CHORUS_PRO)
    siret = models.CharField(max_length=14)
    known = models.BooleanField(null=True)
    name = models.CharField(max_length=200, blank=True)
    active = models.BooleanField(default=True)
    code_service = models.BooleanField(default=False)
    engagement = models.BooleanField(default=False)
    code_service_or_engagement = models.BooleanField(default=False)
    works_only = models.BooleanField(default=False)
    payment_not_reported = models.BooleanField(default=False)
    services = models.JSONField(default=list)
    raw_sha256 = models.CharField(max_length=64, blank=True)
    told_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure = models.TextField(blank=True)
    next_look_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "channel", "siret"], name="structure_once")
        ]

    def __str__(self) -> str:
        return self.siret


class ChannelHealth(TenantModel):
    """How one channel answers an organisation: its last good call, its last failure, what expires when.

    `expires_on` is the last day of the technical account's password, where the other side tells it.
    """

    not_projected: ClassVar[str] = "how a channel answers at present; its next call tells it again"

    channel = models.CharField(max_length=20, choices=channel_choices)
    good_at = models.DateTimeField(null=True)
    bad_at = models.DateTimeField(null=True)
    bad_reason = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    expires_on = models.DateField(null=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "channel health"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "channel"], name="channel_health_once")
        ]

    def __str__(self) -> str:
        return self.channel

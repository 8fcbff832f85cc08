"""How far each channel's feed of news has been read, and the news that could not be attached to a delivery."""

from typing import ClassVar

from django.db import models

from faitfoi.accounts.models import channel_choices
from faitfoi.records.models_delivery import Delivery
from faitfoi.records.tenant import TenantModel


class Feed(TenantModel):
    """Where the reading of one channel's news stands: `cursor` moves with what it has brought, never before."""

    passing_fields: ClassVar[frozenset[str]] = frozenset({"cursor", "looked_at", "failed_at", "failure"})

    channel = models.CharField(max_length=20, choices=channel_choices)
    cursor = models.TextField(blank=True)
    looked_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "channel"], name="feed_once")
        ]

    def __str__(self) -> str:
        return self.channel


class DeadLetter(TenantModel):
    """One piece of news that no delivery of ours fits, or that nobody could read: kept until a person has settled it.

    `about` holds the other side's identifiers and the invoice's own; `delivery` the one it was attached to since.
    """

    channel = models.CharField(max_length=20, choices=channel_choices)
    identity = models.CharField(max_length=200)
    about = models.JSONField(default=dict)
    code = models.CharField(max_length=80)
    grade = models.CharField(max_length=20)
    at = models.DateTimeField()
    reason = models.TextField(blank=True)
    who = models.CharField(max_length=120, blank=True)
    raw_sha256 = models.CharField(max_length=64, blank=True)
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.PROTECT, related_name="late_news")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=120, blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "channel", "identity"], name="dead_letter_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organisation", "settled_at"])]

    def __str__(self) -> str:
        return self.identity

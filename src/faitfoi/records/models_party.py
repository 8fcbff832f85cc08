"""Customers, and the settings of each channel."""

from typing import ClassVar

from django.db import models

from faitfoi.accounts.models import ChannelKey, channel_choices
from faitfoi.records.stages import GroupingWish, Nature, NoticeWish
from faitfoi.records.tenant import TenantModel


class Customer(TenantModel):
    """A buyer as the organisation knows it; its own choices override the organisation's.

    `language` is that of the messages sent to it (`fr`, `en`); empty, the country decides. `notice` and `grouping` are
    its own wishes about mail, empty: as the organisation's.
    `code_service` and `engagement_required` are what Chorus Pro asks for this structure; `chorus_deposit` is how its
    invoices are deposited there (`channels.chorus_pro`), empty: as the organisation's are.
    `search_key` is the name without accents or case, since the embedded PostgreSQL has no unaccent.
    """

    reference = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    search_key = models.CharField(max_length=200)
    nature = models.CharField(max_length=20, choices=Nature.choices)
    siren = models.CharField(max_length=9, blank=True)
    siret = models.CharField(max_length=14, blank=True)
    vat_number = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, default="FR")
    billing_email = models.EmailField(blank=True)
    electronic_address = models.CharField(max_length=125, blank=True)
    channel = models.CharField(max_length=20, choices=channel_choices, default=ChannelKey.NONE, blank=True)
    copy_channel = models.CharField(max_length=20, choices=channel_choices, default=ChannelKey.NONE, blank=True)
    code_service = models.CharField(max_length=100, blank=True)
    code_service_required = models.BooleanField(default=False)
    engagement_required = models.BooleanField(default=False)
    language = models.CharField(max_length=2, blank=True)
    chorus_deposit = models.CharField(max_length=20, blank=True)
    notice = models.CharField(max_length=10, choices=NoticeWish.choices, default=NoticeWish.USUAL, blank=True)
    grouping = models.CharField(max_length=10, choices=GroupingWish.choices, default=GroupingWish.USUAL, blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "reference"], name="customer_reference_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "siren"]),
            models.Index(fields=["organisation", "search_key"]),
        ]

    def __str__(self) -> str:
        return self.name


class ChannelSettings(TenantModel):
    """How one organisation reaches one channel. `sealed_values` is JSON encrypted with the installation's key."""

    channel = models.CharField(max_length=20, choices=channel_choices)
    sealed_values = models.BinaryField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "channel"], name="channel_settings_once")
        ]

    def __str__(self) -> str:
        return self.channel

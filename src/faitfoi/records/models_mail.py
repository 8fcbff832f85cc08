"""E-mail: addresses that return it, its words, files that go along, and how its return path is watched."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.records.models_document import Batch
from faitfoi.records.models_party import Customer
from faitfoi.records.tenant import TenantModel


class MailStanding(TenantModel):
    """What returned messages have taught about one address (lower case) of one organisation.

    `full_at` holds the instants (ISO 8601) at which messages came back because the mailbox was full; from `since` on
    nothing is sent to an address that is `hard`, but what a person has asked for afterwards.
    """

    class State(models.TextChoices):
        GOOD = "good", "reçoit"
        FULL = "full", "pleine"
        HARD = "hard", "ne reçoit pas"

    address = models.CharField(max_length=254)
    state = models.CharField(max_length=10, choices=State.choices, default=State.GOOD)
    full_at = models.JSONField(default=list)
    since = models.DateTimeField()
    code = models.CharField(max_length=80, blank=True)
    sentence = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "address"], name="mail_standing_once")
        ]

    def __str__(self) -> str:
        return self.address


class MailText(TenantModel):
    """The organisation's own words for one kind of message in one language; without them, ours (`channels.texts`)."""

    language = models.CharField(max_length=2)
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=200)
    body = models.TextField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "language", "kind"], name="mail_text_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.language})"


class MailFile(TenantModel):
    """A file that goes along with e-mailed invoices: of one customer, or of one batch; `sha256` names its bytes."""

    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="mail_files")
    batch = models.ForeignKey(Batch, null=True, on_delete=models.PROTECT, related_name="mail_files")
    filename = models.CharField(max_length=120)
    media_type = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "customer", "batch", "filename"], nulls_distinct=False, name="mail_file_once"
            ),
            models.CheckConstraint(
                condition=models.Q(customer=None) ^ models.Q(batch=None), name="mail_file_of_one_customer_or_batch"
            ),
        ]

    def __str__(self) -> str:
        return self.filename


class MailboxPlace(TenantModel):
    """How far a mailbox has been read by IMAP: nothing up to `uid` of this `validity` is read again."""

    not_projected: ClassVar[str] = "where a reading stands; news that is read twice is one piece of news"

    mailbox = models.CharField(max_length=300)
    validity = models.BigIntegerField()
    uid = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "mailbox"], name="mailbox_place_once")
        ]

    def __str__(self) -> str:
        return self.mailbox


class ReturnCheck(TenantModel):
    """A message sent to ourselves, to a return address: it must come back by the way that bounces take."""

    not_projected: ClassVar[str] = "a rehearsal about no document"

    token = models.CharField(max_length=26, unique=True)
    sent_at = models.DateTimeField()
    back_at = models.DateTimeField(null=True)
    trouble = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organisation", "sent_at"])]

    def __str__(self) -> str:
        return self.token


class WebhookDoor(models.Model):
    """Which organisation a call concerns, by the hash of its secret: in the address that a mail provider calls, or the
    token of a program that uses the API (`provider` is then "program", and `name` says which).

    One that was revoked, or whose `expires_at` has passed, stays and opens nothing. `called_at` and `call_said` are of
    the last call, `foreign_news` counts what was told of mail that is not ours.
    """

    passing_fields: ClassVar[frozenset[str]] = frozenset({"called_at", "call_said", "foreign_news"})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    organisation_id = models.UUIDField()
    provider = models.CharField(max_length=20)
    name = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    called_at = models.DateTimeField(null=True)
    call_said = models.CharField(max_length=20, blank=True)
    foreign_news = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation_id", "name"],
                condition=models.Q(revoked_at=None) & ~models.Q(name=""),
                name="token_name_once",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.provider

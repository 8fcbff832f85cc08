"""Deliveries, each touch of the wire, and everything that was said about them."""

from typing import ClassVar

from django.db import models

from faitfoi.accounts.models import channel_choices
from faitfoi.records.models_document import Artefact, Document
from faitfoi.records.stages import Purpose, Stage
from faitfoi.records.tenant import TenantModel


class Delivery(TenantModel):
    """One artefact on its way to one address by one channel, and the written reason why.

    `key` is `organisation:document:purpose:channel:sequence`; attempts reuse it, only a resend by a person raises it.
    `message_ref` is the token that travels (Message-ID, VERP). Only `transitions.move` writes `stage`. `settled` is the
    sentence by which a person, or a later sending, ended what could not end by itself: nobody is asked any more.
    """

    passing_fields: ClassVar[frozenset[str]] = frozenset(
        {"next_attempt_at", "next_question_at", "questions_asked", "next_poll_at", "polls_made"}
    )

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="deliveries")
    artefact = models.ForeignKey(Artefact, on_delete=models.PROTECT, related_name="deliveries")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    channel = models.CharField(max_length=20, choices=channel_choices)
    sequence = models.PositiveSmallIntegerField(default=1)
    address = models.CharField(max_length=254)
    reason = models.TextField()
    key = models.CharField(max_length=160, unique=True)
    message_ref = models.CharField(max_length=26, unique=True)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.ROUTED)
    attempts_made = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    next_question_at = models.DateTimeField(null=True)
    questions_asked = models.PositiveSmallIntegerField(default=0)
    next_poll_at = models.DateTimeField(null=True)
    polls_made = models.PositiveSmallIntegerField(default=0)
    references = models.JSONField(default=dict)
    settled = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "deliveries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["document", "purpose", "channel", "sequence"], name="delivery_once"),
            models.UniqueConstraint(
                fields=["document", "sequence"], condition=models.Q(purpose="legal"), name="one_legal_delivery"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "stage", "next_attempt_at"]),
            models.Index(fields=["organisation", "next_poll_at"]),
        ]

    def __str__(self) -> str:
        return self.key

    def earlier(self) -> "models.QuerySet[Delivery]":
        """Return the former sendings of the same document for the same purpose, whatever their channel."""
        return Delivery.objects.filter(document_id=self.document_id, purpose=self.purpose, sequence__lt=self.sequence)

    def later(self) -> "models.QuerySet[Delivery]":
        """Return the sendings by which a person replaced this one."""
        return Delivery.objects.filter(document_id=self.document_id, purpose=self.purpose, sequence__gt=self.sequence)


class Attempt(TenantModel):
    """One touch of the wire, claimed before it and settled after it."""

    class Outcome(models.TextChoices):
        CLAIMED = "claimed", "en cours"
        RECEIPT = "receipt", "reçu obtenu"
        NOT_SENT = "not_sent", "non parti"
        REFUSED = "refused", "refusé"
        UNKNOWN = "unknown", "réponse perdue"

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    deadline = models.DateTimeField()
    lease_until = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.CLAIMED)
    finished_at = models.DateTimeField(null=True)
    detail = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_once"),
            models.UniqueConstraint(
                fields=["delivery"], condition=models.Q(outcome="claimed"), name="one_open_attempt_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}#{self.number}"


class Event(TenantModel):
    """Something that happened to a document or delivery. Append-only.

    `axis` tells ours (a stage was reached) from theirs (`code` verbatim, graded). `identity` makes repeats harmless.
    `raw_sha256` names the answer kept in the store.
    """

    class Axis(models.TextChoices):
        OURS = "ours", "Faitfoi"
        THEIRS = "theirs", "extérieur"

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="events")
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.PROTECT, related_name="events")
    axis = models.CharField(max_length=10, choices=Axis.choices)
    code = models.CharField(max_length=80)
    grade = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()
    reason = models.TextField(blank=True)
    who = models.CharField(max_length=120, blank=True)
    identity = models.CharField(max_length=200)
    raw_sha256 = models.CharField(max_length=64, blank=True)

    class Meta(TenantModel.Meta):
        ordering: ClassVar[list[str]] = ["at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["document", "delivery", "identity"], nulls_distinct=False, name="event_said_once"
            )
        ]

    def __str__(self) -> str:
        return self.code


class ReturnToken(models.Model):
    """Which organisation a returning message concerns: opaque tokens only, so that a bounce finds its tenant."""

    message_ref = models.CharField(max_length=26, primary_key=True)
    organisation_id = models.UUIDField()

    def __str__(self) -> str:
        return self.message_ref

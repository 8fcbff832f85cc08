"""What we tell the other side about a document that it already has, and each touch of the wire that it takes."""

from typing import ClassVar

from django.db import models

from faitfoi.records.models_delivery import Attempt, Delivery
from faitfoi.records.stages import Stage
from faitfoi.records.tenant import TenantModel


class Act(TenantModel):
    """One thing to tell about a delivery (`recycler`, `completer`, `212`…), once, with the values and files it takes.

    `kind` is the other side's own word. `intent` names what it is about where there may be several (a payment), so that
    asking twice is asking once. `key` is `delivery's key:kind:intent:sequence`; attempts reuse it, only a person's
    deliberate repeat raises the sequence. Only `transitions_act` writes `stage`; SENT is where an act ends well.
    `settled` is the sentence by which a person ended what could not end by itself.
    """

    passing_fields: ClassVar[frozenset[str]] = frozenset({"next_attempt_at", "next_question_at", "questions_asked"})

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="acts")
    kind = models.CharField(max_length=40)
    intent = models.CharField(max_length=80, blank=True)
    sequence = models.PositiveSmallIntegerField(default=1)
    key = models.CharField(max_length=300, unique=True)
    values = models.JSONField(default=dict)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.ROUTED)
    reason = models.TextField(blank=True)
    settled = models.TextField(blank=True)
    attempts_made = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    next_question_at = models.DateTimeField(null=True)
    questions_asked = models.PositiveSmallIntegerField(default=0)
    references = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["delivery", "kind", "intent", "sequence"], name="act_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organisation", "stage", "next_attempt_at"])]

    def __str__(self) -> str:
        return self.key


class ActFile(TenantModel):
    """One file that goes with an act: a stored object, under the name that the other side sees."""

    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="files")
    position = models.PositiveSmallIntegerField()
    filename = models.CharField(max_length=150)
    media_type = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["act", "position"], name="act_file_once")
        ]

    def __str__(self) -> str:
        return self.filename


class ActAttempt(TenantModel):
    """One touch of the wire for an act, claimed before it and settled after it."""

    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    deadline = models.DateTimeField()
    lease_until = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Attempt.Outcome.choices, default=Attempt.Outcome.CLAIMED)
    finished_at = models.DateTimeField(null=True)
    detail = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["act", "number"], name="act_attempt_number_once"),
            models.UniqueConstraint(
                fields=["act"], condition=models.Q(outcome="claimed"), name="one_open_attempt_of_each_act"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.act_id}#{self.number}"

"""How fast mail may leave: shared by all workers, whatever machine they are on."""

from typing import ClassVar

from django.db import models

from faitfoi.records.tenant import TenantModel


class MailPace(TenantModel):
    """When the next message may leave from one sender (`scope` sender) or to one domain (`scope` domain).

    `slowed` counts how often, since it went well, the domain's server has asked for patience; `slowed_at` is the last
    time.
    """

    not_projected: ClassVar[str] = "the present moment only"

    scope = models.CharField(max_length=10)
    name = models.CharField(max_length=254)
    free_at = models.DateTimeField()
    slowed = models.PositiveSmallIntegerField(default=0)
    slowed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "scope", "name"], name="mail_pace_once")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.name}"


class PaceSlot(TenantModel):
    """The instant given to one delivery that waits for its turn; taken away when it leaves."""

    not_projected: ClassVar[str] = "the present moment only"

    delivery_id = models.UUIDField(unique=True)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organisation", "at"])]

    def __str__(self) -> str:
        return str(self.delivery_id)

"""Payments that customers other than consumers have made, so that « encaissée » (212) is never said of nothing."""

from typing import ClassVar

from django.db import models

from faitfoi.records.models_document import Document
from faitfoi.records.tenant import TenantModel


class Payment(TenantModel):
    """Money received for one invoice, VAT included, told by VAT rate. Never changed: a negative one takes it back.

    `parts` is a list of {"rate", "amount"} as texts, which add up to `amount`. `reverses` is the payment that a
    negative one takes back; `told` whether the platform is to be told (status 212). `idempotency_key` is what a program
    calls it, so that it is recorded once however often the call is repeated.
    """

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="payments")
    paid_on = models.DateField()
    amount = models.DecimalField(max_digits=19, decimal_places=2)
    currency = models.CharField(max_length=3)
    parts = models.JSONField()
    reference = models.CharField(max_length=140, blank=True)
    recorded_by = models.CharField(max_length=120)
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")
    told = models.BooleanField(default=False)
    idempotency_key = models.CharField(max_length=100, blank=True)

    class Meta(TenantModel.Meta):
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organisation", "document"])]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="payment_recorded_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.document_id} {self.paid_on} {self.amount}"

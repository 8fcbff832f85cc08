"""Series of numbers that an organisation has us give: without a gap, each in the transaction that issues."""

from typing import ClassVar

from django.db import models

from faitfoi.records.tenant import TenantModel


class Series(TenantModel):
    """One series in one year: the last number given, 0 before the first. The earliest row of a series is its lock."""

    name = models.SlugField(max_length=20)
    seller_siren = models.CharField(max_length=60)
    pattern = models.CharField(max_length=60)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "series"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "seller_siren", "name", "year"], name="series_year_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.year}: {self.last}"

"""The certificates an organisation has sealed with, past and present, and how it wants its seals."""

from typing import ClassVar

from django.db import models

from faitfoi.records.tenant import TenantModel


class SealState(models.TextChoices):
    """What a certificate is for us now."""

    ACTIVE = "active", "en service"
    RETIRED = "retired", "remplacé"
    COMPROMISED = "compromised", "compromis"


class SealDriver(models.TextChoices):
    """Where the key is."""

    LOCAL = "local", "fichier chiffré de cette installation"
    PKCS11 = "pkcs11", "module matériel (PKCS#11)"
    CSC = "csc", "service de signature à distance (CSC)"


class SealCertificate(TenantModel):
    """One certificate that seals or has sealed. Kept for ever: its seals must be verified as long as they are kept.

    `fingerprint` is the SHA-256 (hex) of `certificate`, PEM as `chain`, the certificates above it. `sealed_values` is
    how a key that is elsewhere is reached, encrypted with the installation's key. `trusted_size` says of a compromised
    one which seals still hold: those whose entry stands under the first so many of the journal, the size of the last
    checkpoint that was time-stamped when the compromise was declared.
    """

    fingerprint = models.CharField(max_length=64)
    certificate = models.TextField()
    chain = models.TextField(blank=True)
    driver = models.CharField(max_length=10, choices=SealDriver.choices, default=SealDriver.LOCAL)
    sealed_values = models.BinaryField(default=b"")
    state = models.CharField(max_length=12, choices=SealState.choices, default=SealState.ACTIVE)
    trusted_size = models.PositiveBigIntegerField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "fingerprint"], name="seal_certificate_once"),
            models.UniqueConstraint(
                fields=["organisation"], condition=models.Q(state="active"), name="one_active_seal_each"
            ),
        ]

    def __str__(self) -> str:
        return self.fingerprint[:16]


class SealLevel(models.TextChoices):
    """What a seal carries (ETSI EN 319 142-1): the seal alone, or with a time-stamp of its own."""

    BASIC = "B-B", "le cachet seul"
    STAMPED = "B-T", "le cachet et son horodatage"


class WithoutStamp(models.TextChoices):
    """What to do when a seal should be stamped and no authority answers."""

    WAIT = "wait", "attendre l’horodatage"
    CHECKPOINT = "checkpoint", "sceller quand même : le point de contrôle du journal sera horodaté"


class SealChoices(TenantModel):
    """How one organisation wants its seals; without a row, all is as the defaults say.

    `place` of a visible seal is « x y largeur hauteur » on the first page, in points from the bottom left; empty when
    invisible.
    """

    level = models.CharField(max_length=4, choices=SealLevel.choices, default=SealLevel.BASIC)
    without_stamp = models.CharField(max_length=12, choices=WithoutStamp.choices, default=WithoutStamp.WAIT)
    place = models.CharField(max_length=60, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "seal choices"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation"], name="seal_choices_once")
        ]

    def __str__(self) -> str:
        return self.level

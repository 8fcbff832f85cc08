"""Who signs in, and the organisations they work for."""

from datetime import date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from faitfoi.accounts.financial_years import DECEMBER, FinancialYear, financial_year
from faitfoi.accounts.identifiers import uuid7


class UserManager(BaseUserManager["User"]):
    """Makes users known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, *, name: str = "") -> "User":
        """Create a user; the address is kept in lower case."""
        user = self.model(email=email.strip().lower(), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by address, whatever its case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who signs in. Rights come from memberships, never from the person alone."""

    secret_fields: ClassVar[frozenset[str]] = frozenset({"password", "last_login"})
    """What the journal never holds, not even beside its entries (`records.images`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email


class ChannelKey(models.TextChoices):
    """Ways of sending an organisation may choose; the keys of `channels.registry`, for ever."""

    NONE = "", "aucun"
    EMAIL = "email", "e-mail"
    CHORUS_PRO = "chorus_pro", "Chorus Pro"
    PLATEFORME_AGREEE = "plateforme_agreee", "plateforme agréée"
    POST = "post", "courrier postal"
    PORTAL = "portal", "portail"


def channel_choices() -> list[tuple[str, str]]:
    """Return what a channel's column may hold: asked for, so that a new key needs no migration."""
    return [(key.value, str(key.label)) for key in ChannelKey]


class SizeClass(models.TextChoices):
    """What a seller is before the law's calendar (décret 2008-1354): it decides from when it must issue how."""

    LARGE = "large", "grande entreprise"
    INTERMEDIATE = "intermediate", "entreprise de taille intermédiaire"
    SMALL = "small", "petite ou moyenne entreprise"
    MICRO = "micro", "microentreprise"


class Organisation(models.Model):
    """A tenant: a company, a cooperative, or the federation above it.

    `sends_for_others` is the billing mandate: only then may it send invoices whose seller has another SIREN.
    `issues_electronically_from` is the day from which the seller says that it issues through a plateforme agréée; the
    law's own day, by `size`, comes first when it is earlier. `notice_channel` tells customers that an invoice is there.
    `financial_year_ends_in` is the month (1 to 12) at whose end the books are closed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    siren = models.CharField(max_length=9)
    siret = models.CharField(max_length=14, blank=True)
    zone = models.CharField(max_length=60, default="Europe/Paris")
    sends_for_others = models.BooleanField(default=False)
    registers_customers = models.BooleanField(default=False)
    issues_electronically_from = models.DateField(default=date(2027, 9, 1))
    size = models.CharField(max_length=20, choices=SizeClass.choices, default=SizeClass.SMALL)
    financial_year_ends_in = models.PositiveSmallIntegerField(default=DECEMBER)
    default_channel = models.CharField(max_length=20, choices=channel_choices, default=ChannelKey.EMAIL)
    copy_channel = models.CharField(max_length=20, choices=channel_choices, default=ChannelKey.NONE, blank=True)
    notice_channel = models.CharField(max_length=20, choices=channel_choices, default=ChannelKey.NONE, blank=True)
    accent = models.CharField(max_length=7, default="#1f4e5f")
    footer = models.CharField(max_length=300, blank=True)
    logo_sha256 = models.CharField(max_length=64, blank=True)
    terms_sha256 = models.CharField(max_length=64, blank=True)
    demonstration = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

    def legal_day(self, instant: datetime) -> date:
        """Return the calendar day of `instant` where the organisation lives."""
        return instant.astimezone(ZoneInfo(self.zone)).date()

    def financial_year(self, day: date) -> FinancialYear:
        """Return the financial year that `day` falls in."""
        return financial_year(day, ends_in=self.financial_year_ends_in)


class Role(models.TextChoices):
    """What a member may do."""

    CLERK = "clerk", "secrétaire"
    MANAGER = "manager", "responsable"
    AUDITOR = "auditor", "auditeur"


class Membership(models.Model):
    """A user's place in one organisation."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.CLERK)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "user"], name="one_membership_each")
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.organisation}"


class Mandate(models.Model):
    """What an auditor may read of one organisation, from the first day to the last one, unless revoked before.

    `years` names financial years by the calendar year that they end in. An auditor without a mandate in force reads
    nothing. Mandates are kept: they say who could read what, and when.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="mandates")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="mandates")
    years = models.JSONField()
    first_day = models.DateField()
    last_day = models.DateField()
    given_by = models.CharField(max_length=60)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]

    def __str__(self) -> str:
        return f"{self.user_id} · {self.organisation_id} · {self.first_day} – {self.last_day}"

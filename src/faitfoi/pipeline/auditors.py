"""Auditors' access: given to a person for some financial years and some days, taken back; readings are journalled."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from faitfoi.accounts.financial_years import multirange
from faitfoi.accounts.models import Mandate, Membership, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for, only_days, signed_in
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.setting_up import account_of
from faitfoi.records.journal import write_entry

LONGEST = timedelta(days=366)
"""An access is for one examination: it can be given again."""
OLDEST = 12
"""How many financial years back an access may reach: those that the law keeps, and a margin."""


class CannotInvite(ValueError):
    """What was asked for cannot be given; the text is a French sentence that says what to change."""


class NoAccess(PermissionError):
    """This auditor may not read now; the text is a French sentence for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An access that was given; `password` of an account made for it, None when the person had one."""

    mandate: Mandate
    password: str | None


def invite(
    organisation: Organisation,
    email: str,
    *,
    name: str,
    years: Iterable[int],
    first_day: date,
    last_day: date,
    actor: str,
) -> Invited:
    """Let a person read the documents of some financial years between two days; an access given before is replaced.

    Raises CannotInvite.
    """
    chosen = sorted(set(years))
    address = email.strip().lower()
    _check(organisation, address, chosen, first_day=first_day, last_day=last_day)
    with acting_for(organisation.id):
        user, password = account_of(address, name=name)
        held = Membership.objects.filter(organisation=organisation, user=user).first()
        if held is not None and held.role != Role.AUDITOR:
            raise CannotInvite(
                f"{address} est déjà « {Role(held.role).label} » de {organisation.name} : qui tient les factures "
                "ne les contrôle pas. Invitez une autre personne."
            )
        if held is None:
            held = Membership.objects.create(organisation=organisation, user=user, role=Role.AUDITOR)
        for before in _not_revoked(organisation).filter(user=user):
            _revoke(before, actor=actor)
        mandate = Mandate.objects.create(
            organisation=organisation, user=user, years=chosen, first_day=first_day, last_day=last_day, given_by=actor
        )
        write_entry(
            "auditor_invited",
            actor=actor,
            rows=[user, held, mandate],
            user=str(user.id),
            mandate=str(mandate.id),
            years=[str(year) for year in chosen],
            first_day=first_day.isoformat(),
            last_day=last_day.isoformat(),
        )
    return Invited(mandate=mandate, password=password)


def revoke(organisation: Organisation, email: str, *, actor: str) -> int:
    """Take an auditor's access back; returns how many were in force or to come (0: there was none)."""
    with acting_for(organisation.id):
        held = list(_not_revoked(organisation).filter(user__email=email.strip().lower()))
        for mandate in held:
            _revoke(mandate, actor=actor)
    return len(held)


def mandates(organisation: Organisation) -> list[Mandate]:
    """Every access given, the newest first. Runs inside `acting_for`."""
    return list(Mandate.objects.filter(organisation=organisation).select_related("user").order_by("-id"))


def mandate_in_force(organisation: Organisation, user: User) -> Mandate:
    """Return what this auditor may read today. Raises NoAccess with a sentence for them."""
    with signed_in(user.pk):
        mandate = Mandate.objects.filter(organisation=organisation, user=user).order_by("-id").first()
    day = today(organisation)
    whom = f"Pour la suite, adressez-vous à un responsable de {organisation.name}."
    if mandate is None:
        raise NoAccess(f"Aucun accès ne vous a été ouvert aux documents de {organisation.name}. {whom}")
    if mandate.revoked_at is not None:
        raise NoAccess(
            f"Votre accès vous a été retiré le {organisation.legal_day(mandate.revoked_at):%d/%m/%Y}. {whom}"
        )
    if day > mandate.last_day:
        raise NoAccess(f"Votre accès d’auditeur a pris fin le {mandate.last_day:%d/%m/%Y}. {whom}")
    if day < mandate.first_day:
        raise NoAccess(f"Votre accès d’auditeur s’ouvre le {mandate.first_day:%d/%m/%Y} : revenez ce jour-là.")
    return mandate


@contextmanager
def held_to(organisation: Organisation, mandate: Mandate) -> Iterator[None]:
    """Hold the running transaction to the years of a mandate: the database shows no row of another one."""
    with only_days(multirange(mandate.years, ends_in=organisation.financial_year_ends_in)):
        yield


def journal_reading(
    *, actor: str, mandate: Mandate, page: str, document_id: UUID | None = None, what: str = ""
) -> None:
    """Journal one reading, in the transaction of the reading: the page, the document, the file or object read."""
    facts = {"mandate": str(mandate.id), "page": page} | ({"what": what} if what else {})
    write_entry("read_by_auditor", actor=actor, document_id=document_id, rows=(), gone=(), entry_id=None, **facts)


def _check(organisation: Organisation, address: str, years: list[int], *, first_day: date, last_day: date) -> None:
    this_year = organisation.financial_year(today(organisation)).year
    if address.count("@") != 1 or address.startswith("@") or address.endswith("@"):
        raise CannotInvite(f"« {address} » n’est pas une adresse e-mail : donnez-en une de la forme nom@domaine.")
    if not years:
        raise CannotInvite("Choisissez au moins un exercice.")
    wrong = [str(year) for year in years if not this_year - OLDEST <= year <= this_year]
    if wrong:
        raise CannotInvite(
            f"Exercice(s) {', '.join(wrong)} : choisissez entre {this_year - OLDEST} et {this_year}, par l’année où "
            "l’exercice se termine."
        )
    if last_day < first_day:
        raise CannotInvite("Le dernier jour vient avant le premier : corrigez l’un des deux.")
    if last_day < today(organisation):
        raise CannotInvite("Le dernier jour est passé : choisissez-en un à venir.")
    if last_day - first_day > LONGEST:
        raise CannotInvite(
            "Un accès dure un an au plus : choisissez un dernier jour plus proche. Il pourra être redonné."
        )


def _not_revoked(organisation: Organisation) -> QuerySet[Mandate]:
    return Mandate.objects.filter(organisation=organisation, revoked_at=None).order_by("id")


def _revoke(mandate: Mandate, *, actor: str) -> None:
    mandate.revoked_at = timezone.now()
    mandate.save(update_fields=["revoked_at"])
    write_entry("auditor_revoked", actor=actor, rows=[mandate], user=str(mandate.user_id), mandate=str(mandate.id))

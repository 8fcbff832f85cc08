"""How each channel answers: its last good call, its last failure in words, its environment, what expires when.

The environment is told from the addresses and credentials themselves, never from a switch (complaint B25); what
somebody has changed is beside what fails (complaint A6).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for, require_organisation
from faitfoi.channels.contract import Answer, CannotTell, Channel, Checking, Found, NotFound, NotSent
from faitfoi.channels.http_wire import LOOPBACK_HOSTS
from faitfoi.channels.registry import CHANNELS, open_channel
from faitfoi.pipeline.actors import names_of, read_facts
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.setting_up import CannotSetUp
from faitfoi.records.models import ChannelHealth, ChannelSettings, JournalEntry
from faitfoi.records.vault import VaultClosed, unlock

QUIET = timedelta(minutes=1)
"""A good call is written down at most this often: ten thousand deliveries are one piece of news here."""
REST = timedelta(minutes=1)
"""How long a channel that did not answer is spared the questions that no invoice must wait for."""
SILENCES = 2
"""So many silences one after the other end a round of questions: the others would wait for the same."""
WARNED = 21
"""Days before it expires from which a technical password is spoken of on every page."""
CHANGES_SHOWN = 5
PRODUCTION = "production"
TESTS = {"simulator": "simulateur", "qualification": "qualification"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Somebody changed a channel's settings."""

    who: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One channel of the organisation as the page shows it. `works` is None before any call."""

    key: ChannelKey
    configured: bool
    environment: str
    health: ChannelHealth | None
    days_left: int | None
    changes: list[Change]
    problem: str = ""

    @property
    def works(self) -> bool | None:
        """Whether the last call was a good one."""
        health = self.health
        if self.problem:
            return False
        if health is None or (health.good_at is None and health.bad_at is None):
            return None
        return health.bad_at is None or (health.good_at is not None and health.good_at > health.bad_at)

    @property
    def test(self) -> bool:
        """Whether it reaches no real recipient."""
        return self.environment in TESTS.values()


def connections(organisation: Organisation) -> list[Connection]:
    """Tell how every channel stands. Runs inside `acting_for`."""
    settings = {row.channel: row for row in ChannelSettings.objects.all()}
    health = {row.channel: row for row in ChannelHealth.objects.all()}
    day = today(organisation)
    return [_connection(ChannelKey(key), settings.get(key), health.get(key), day=day) for key in CHANNELS]


def _connection(key: ChannelKey, row: ChannelSettings | None, health: ChannelHealth | None, *, day: date) -> Connection:
    environment, problem = _environment(key, bytes(row.sealed_values)) if row else ("", "")
    ends = health.expires_on if health else None
    return Connection(
        key=key,
        configured=row is not None,
        environment=environment,
        health=health,
        days_left=(ends - day).days if ends else None,
        changes=_changes(key),
        problem=problem,
    )


def notices(organisation: Organisation) -> tuple[list[str], list[str]]:
    """What every page must say of the channels: those that reach nobody real, and warnings. Inside `acting_for`."""
    rows = ChannelSettings.objects.order_by("channel")
    tests = [
        f"{row.get_channel_display()} ({environment})"
        for row in rows
        if (environment := _environment(row.channel, bytes(row.sealed_values))[0]) in TESTS.values()
    ]
    day = today(organisation)
    expiring = ChannelHealth.objects.filter(expires_on__lte=day + timedelta(days=WARNED)).order_by("channel")
    return tests, [_expiry(row, day) for row in expiring if row.expires_on]


def _expiry(row: ChannelHealth, day: date) -> str:
    assert row.expires_on is not None  # noqa: S101  # asked for by whoever calls
    left = (row.expires_on - day).days
    ended = f"a expiré le {row.expires_on:%d/%m/%Y}"
    when = f"expire le {row.expires_on:%d/%m/%Y} (dans {left} jours)" if left >= 0 else ended
    return (
        f"Le mot de passe du compte technique de {row.get_channel_display()} {when} : changez-le sur le portail, puis "
        "dans les connexions, ou plus aucune facture ne partira."
    )


@lru_cache(maxsize=512)
def _environment(key: str, sealed: bytes) -> tuple[str, str]:
    """The environment that settings lead to, in French, and what is wrong with them; told once for each of them."""
    try:
        values = unlock(sealed)
        channel = open_channel(key, values)
    except (ValueError, VaultClosed) as error:
        return "", str(error)
    channel.close()
    return _told_environment(channel, values), ""


def _told_environment(channel: Channel, values: Mapping[str, str]) -> str:
    """Tell in French where an opened channel leads."""
    told = str(getattr(channel, "environment", ""))
    if not told and values.get("host", "") in LOOPBACK_HOSTS:
        told = "simulator"
    return TESTS.get(told, PRODUCTION)


def _changes(key: ChannelKey) -> list[Change]:
    entries = JournalEntry.objects.filter(kind="channel_settings_changed", body__contains=f'"channel":"{key.value}"')
    found = [
        (entry.created_at, str(read_facts(entry.body).get("actor", "")))
        for entry in entries.order_by("-id")[:CHANGES_SHOWN]
    ]
    names = names_of(actor for _, actor in found)
    return [Change(who=names[actor], at=at) for at, actor in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What trying a connection told: what is wrong in a French sentence, else nothing; what expires; where it leads.

    `told` is what else there is to say, in French.
    """

    problem: str = ""
    told: str = ""
    expires: date | None = None
    environment: str = ""


def check(organisation: Organisation, key: str) -> str:
    """Try one channel's connection now, without sending anything; empty when it works, else the sentence that says why.

    Call it outside any transaction.
    """
    try:
        with Channels(organisation.id) as channels:
            with acting_for(organisation.id):
                channel = channels.open_key(key)
            if not isinstance(channel, Checking):
                return "Ce canal ne s’essaie pas sans envoyer : son prochain envoi dira s’il fonctionne."
            trial = Trial(expires=channel.check(organisation.siret))
    except NotSent as error:
        trial = Trial(problem=error.reason)
    note_trial(organisation, key, trial)
    return trial.problem


def try_settings(organisation: Organisation, key: str, values: dict[str, str]) -> Trial:
    """Try settings that nobody has kept yet, without sending or writing anything. Raises CannotSetUp.

    Call it outside any transaction.
    """
    try:
        channel = open_channel(key, values)
    except ValueError as error:
        raise CannotSetUp(str(error)) from error
    environment = _told_environment(channel, values)
    try:
        expires = channel.check(organisation.siret) if isinstance(channel, Checking) else None
    except NotSent as error:
        return Trial(problem=error.reason, environment=environment)
    finally:
        channel.close()
    return Trial(expires=expires, environment=environment)


def note_trial(organisation: Organisation, key: str, trial: Trial) -> None:
    """Write down what trying the kept settings told."""
    now = timezone.now()
    with acting_for(organisation.id):
        if trial.problem:
            noted_bad(key, trial.problem, at=now)
            return
        ChannelHealth.objects.update_or_create(
            organisation_id=organisation.id,
            channel=key,
            defaults={"good_at": now, "checked_at": now, "expires_on": trial.expires},
        )


def check_all(organisation_id: UUID) -> None:
    """Try what an organisation has that can be tried: the timetable does, each morning."""
    with acting_for(organisation_id):
        organisation = Organisation.objects.get(id=organisation_id)
        wanted = list(ChannelSettings.objects.filter(channel__in=CHANNELS).values_list("channel", flat=True))
    for key in sorted(wanted):
        check(organisation, key)


def noted_good(channel: str, *, at: datetime) -> None:
    """Note that the channel has just answered as it should; at once when it had failed. Runs inside `acting_for`."""
    organisation_id = require_organisation()
    stale = Q(good_at=None) | Q(good_at__lt=at - QUIET) | Q(bad_at__gte=F("good_at"))
    mine = ChannelHealth.objects.filter(channel=channel)
    # Looked at before it is written: a row that every worker updated would make them wait for each other.
    if mine.filter(~stale).exists():
        return
    ChannelHealth.objects.update_or_create(organisation_id=organisation_id, channel=channel, defaults={"good_at": at})


def rests(channel: str, *, at: datetime) -> bool:
    """Whether the channel has failed a moment ago and not answered since: questions that can wait then do.

    Runs inside `acting_for`.
    """
    silent = Q(good_at=None) | Q(bad_at__gte=F("good_at"))
    return ChannelHealth.objects.filter(silent, channel=channel, bad_at__gt=at - REST).exists()


def noted_answer(channel: str, answer: Answer, *, at: datetime) -> None:
    """Note what a question tells of the channel: "no" is a good call too, and silence a bad one. Inside `acting_for`.

    Where nobody can be asked, nothing is told of the channel either.
    """
    match answer:
        case Found() | NotFound():
            noted_good(channel, at=at)
        case CannotTell(ask_again=True, detail=detail):
            noted_bad(channel, detail, at=at)


def noted_failure(channel: str, error: NotSent, *, at: datetime) -> None:
    """Note what a call that brought nothing tells of the channel: good when it was answered. Inside `acting_for`."""
    if error.answered:
        noted_good(channel, at=at)
    else:
        noted_bad(channel, error.reason, at=at)


def noted_bad(channel: str, reason: str, *, at: datetime) -> None:
    """Note why the channel could not be used: a failure of the connection, not of a document. Inside `acting_for`."""
    ChannelHealth.objects.update_or_create(
        organisation_id=require_organisation(), channel=channel, defaults={"bad_at": at, "bad_reason": reason}
    )

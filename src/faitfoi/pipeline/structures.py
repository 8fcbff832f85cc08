"""Public structures as the directories describe them: looked up before a batch is prepared, kept, refreshed each day.

Chorus Pro describes them, and the directory of a plateforme agréée that carries invoices to public customers. The wire
is touched outside any transaction. A directory that does not answer never holds a batch up: what it said last is used,
with its age, and without any answer the invoice is prepared unverified and says so (`obligations`).
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import NotSent
from faitfoi.channels.structures import Describing, ServiceTold, StructureTold
from faitfoi.einvoice.model import Invoice
from faitfoi.evidence.store import digest_of
from faitfoi.pipeline import archive
from faitfoi.pipeline.connections import SILENCES, noted_failure, noted_good, rests
from faitfoi.pipeline.customers import configured_channels, match_customers, public_by_platform, service_code
from faitfoi.pipeline.obligations import SAID_BY
from faitfoi.pipeline.open_channels import Channels
from faitfoi.records.journal import write_entry
from faitfoi.records.models import ChannelSettings, Customer, Structure
from faitfoi.records.stages import Nature

log = logging.getLogger(__name__)

FRESH = timedelta(days=1)
"""How long an answer is taken without asking again."""
PAUSE = timedelta(minutes=5)
"""How long a directory that did not answer is left alone: a batch of a thousand lines must not wait for it."""
Question = tuple[str, ChannelKey]
"""A SIRET, and the channel whose directory is asked about it."""


class NotTold(Exception):
    """The directory could not be asked; the message is a French sentence saying why.

    `answered` when it has answered, but not described this one structure.
    """

    def __init__(self, reason: str, *, answered: bool = False) -> None:
        super().__init__(reason)
        self.answered = answered


def make_known(organisation: Organisation, invoices: Sequence[Invoice], *, age: timedelta = FRESH) -> None:
    """Have what the recipients want known before the invoices are judged, of those that go by these channels.

    An answer of less than `age` serves again. That a directory does not answer is kept, never raised, and waited for
    twice at most, however many the customers.
    """
    codes: dict[Question, set[str]] = {}
    now = timezone.now()
    with acting_for(organisation.id):
        customers = match_customers([invoice.buyer for invoice in invoices])
        pairs = [
            (customer, invoice)
            for customer, invoice in zip(customers, invoices, strict=True)
            if customer is not None and customer.nature == Nature.PUBLIC and len(customer.siret) == 14
        ]
        if not pairs:
            return
        configured = configured_channels()
        by_platform = public_by_platform(configured)
        for customer, invoice in pairs:
            for channel in _channels_to(customer, organisation, configured, by_platform=by_platform):
                codes.setdefault((customer.siret, channel), set()).add(service_code(customer, invoice))
        if age >= FRESH:  # nobody waits at this very moment: who presses a button asks all the same
            codes = {asked: wanted for asked, wanted in codes.items() if not rests(asked[1], at=now)}
        found = Structure.objects.filter(siret__in={siret for siret, _ in codes})
        rows = {(row.siret, ChannelKey(row.channel)): row for row in found}
    due = {
        asked: sorted(wanted - {""})
        for asked, wanted in codes.items()
        if asked not in rows or any(_is_due(rows[asked], code, now=now, age=age) for code in wanted)
    }
    if due:
        _ask_all(organisation.id, due)


def _channels_to(
    customer: Customer, organisation: Organisation, configured: frozenset[str], *, by_platform: bool
) -> list[ChannelKey]:
    """The channels whose directory is asked about a public customer: those by which its invoices may go."""
    chosen = (customer.channel or organisation.default_channel) == ChannelKey.PLATEFORME_AGREEE
    by = [ChannelKey.PLATEFORME_AGREEE] if by_platform and chosen else []
    return [*by, *([ChannelKey.CHORUS_PRO] if ChannelKey.CHORUS_PRO in configured else [])]


def _ask_all(organisation_id: UUID, due: Mapping[Question, Sequence[str]]) -> None:
    """Ask about structures and services of theirs, each directory until it is silent twice in a row."""
    silences: dict[ChannelKey, int] = {}
    with Channels(organisation_id) as channels:
        for (siret, channel), services in due.items():
            if silences.get(channel, 0) >= SILENCES:
                continue
            try:
                _look_up(channels, organisation_id, siret, services=services, channel=channel, actor=channel.value)
            except NotTold as error:
                log.warning("structure %s was not looked up: %s", siret, error)
                silences[channel] = 0 if error.answered else silences.get(channel, 0) + 1
            else:
                silences[channel] = 0


def _is_due(row: Structure, code: str, *, now: datetime, age: timedelta) -> bool:
    if row.failed_at is not None and now - row.failed_at < PAUSE:
        return False
    if row.told_at is None or now - row.told_at > age:
        return True
    asked = {each["code"] for each in row.services if each["engagement"] is not None}
    listed = row.channel == ChannelKey.CHORUS_PRO  # it lists them all: one that is not there need not be asked about
    return bool(code) and code not in asked and (not listed or any(each["code"] == code for each in row.services))


def look_up(
    organisation_id: UUID,
    siret: str,
    *,
    services: Iterable[str] = (),
    channel: ChannelKey = ChannelKey.CHORUS_PRO,
    actor: str,
) -> Structure:
    """Ask a channel's directory about one structure now, and keep what it says with its digest and its hour.

    `services` are asked for their own rules, besides those asked before. Raises NotTold when it cannot be asked, after
    having kept why; call it outside any transaction.
    """
    with Channels(organisation_id) as channels:
        return _look_up(channels, organisation_id, siret, services=services, channel=channel, actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a customer's page says of the structure: `shown` when there is one to ask about, `said` what is known."""

    shown: bool
    said: tuple[str, ...] = ()


def structure_of(customer: Customer) -> Shown:
    """Tell what is known of a customer's structure, if it has one on Chorus Pro. Runs inside `acting_for`."""
    if not may_be_asked(customer):
        return Shown(shown=False)
    row = structure_told(customer.siret)
    if row is None:
        return Shown(shown=True)
    said = describe(row)
    if row.known and row.code_service and not customer.code_service:
        said.append("Sa fiche n’a pas de code service : mettez-l’y, sinon chaque facture doit le porter.")
    return Shown(shown=True, said=tuple(said))


def structure_told(siret: str, channel: ChannelKey = ChannelKey.CHORUS_PRO) -> Structure | None:
    """Return what a channel has said of a structure; None before it was asked. Runs inside `acting_for`."""
    return Structure.objects.filter(siret=siret, channel=channel).first()


def may_be_asked(customer: Customer) -> bool:
    """Whether Chorus Pro can be asked about a customer: a public one with its SIRET, and the channel set up."""
    if customer.nature != Nature.PUBLIC or len(customer.siret) != 14:
        return False
    return ChannelSettings.objects.filter(channel=ChannelKey.CHORUS_PRO).exists()


def describe(row: Structure) -> list[str]:
    """Say in French what is known of a structure, and since when nothing new could be learnt, one sentence each."""
    said = _describe(row)
    if row.told_at is not None and row.failed_at is not None and row.failed_at > row.told_at:
        said.append(f"Le {_moment(row.failed_at)}, {_by(row)} n’a pas répondu : {row.failure}")
    return said


def _by(row: Structure) -> str:
    return SAID_BY[ChannelKey(row.channel)][0]


def _moment(at: datetime) -> str:
    return f"{timezone.localtime(at):%d/%m/%Y à %H:%M}"


def _describe(row: Structure) -> list[str]:
    if row.told_at is None:
        return [f"{_capital(_by(row))} n’a encore rien dit du SIRET {row.siret}. {row.failure}"]
    told = f"(réponse du {_moment(row.told_at)})"
    if not row.known:
        return [f"{_capital(_by(row))} ne connaît pas le SIRET {row.siret} {told}."]
    wants = "un code service ou un numéro d’engagement" if row.code_service_or_engagement else ""
    if not wants:
        asked = (("un code service", row.code_service), ("un numéro d’engagement", row.engagement))
        wants = " et ".join(name for name, wanted in asked if wanted)
    said = [
        f"{row.name} — SIRET {row.siret} {told}.",
        f"Chaque facture porte {wants}." if wants else "Ni code service ni numéro d’engagement n’est exigé de tous.",
    ]
    if not row.active:
        said.append("Cette structure n’est plus active : elle ne reçoit plus de factures.")
    if row.works_only:
        said.append("Elle ne reçoit que des factures de travaux.")
    if row.payment_not_reported:
        said.append("Elle n’annonce pas la mise en paiement : le dernier état connu sera « mandatée ».")
    for each in row.services:
        if not each.get("known", True):
            said.append(f"Pas de service {each['code']}.")
            continue
        closed = "" if each["active"] else " — fermé"
        more = " — demande un numéro d’engagement" if each["engagement"] else ""
        said.append(f"Service {each['code']} : {each['name']}{closed}{more}")
    return said


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def refresh(organisation_id: UUID, *, actor: str) -> int:
    """Ask again about every structure whose answer is not of today; returns how many answered."""
    with acting_for(organisation_id):
        stale = Structure.objects.exclude(told_at__gt=timezone.now() - FRESH)
        due = list(stale.order_by("told_at", "id").values_list("siret", "channel"))
    answered = 0
    silent: set[str] = set()
    with Channels(organisation_id) as channels:
        for siret, channel in due:
            if channel in silent:
                continue
            try:
                _look_up(channels, organisation_id, siret, services=(), channel=ChannelKey(channel), actor=actor)
            except NotTold as error:
                log.warning("structure %s is not refreshed: %s", siret, error)
                if not error.answered:
                    silent.add(channel)  # the others would wait for the same silence
            else:
                answered += 1
    return answered


def _look_up(
    channels: Channels,
    organisation_id: UUID,
    siret: str,
    *,
    services: Iterable[str],
    channel: ChannelKey,
    actor: str,
) -> Structure:
    with acting_for(organisation_id):
        row = structure_told(siret, channel)
        before = row.services if row else []
    wanted = {*services, *(each["code"] for each in before if each["engagement"] is not None)}
    try:
        with acting_for(organisation_id):
            opened = channels.open_key(channel)
        if not isinstance(opened, Describing):
            raise NotSent("Ce canal ne décrit pas les structures publiques.", precondition=True)
        told = opened.structure(siret, services=sorted(wanted))
    except NotSent as error:
        with acting_for(organisation_id):
            noted_failure(channel, error, at=timezone.now())
            _keep_failure(organisation_id, siret, channel, error.reason, actor=actor)
        raise NotTold(error.reason, answered=error.answered) from error
    return _keep(organisation_id, siret, channel, told, actor=actor)


def _keep(
    organisation_id: UUID, siret: str, channel: ChannelKey, told: StructureTold | None, *, actor: str
) -> Structure:
    now = timezone.now()
    values: dict[str, object] = {"known": False, "raw_sha256": ""}
    if told is not None:
        values = {
            "known": True,
            "name": told.name[:200],
            "active": told.active,
            "code_service": told.code_service,
            "engagement": told.engagement,
            "code_service_or_engagement": told.code_service_or_engagement,
            "works_only": told.works_only,
            "payment_not_reported": told.payment_not_reported,
            "services": [_plain(each) for each in told.services],
            "raw_sha256": digest_of(told.raw).sha256,
        }
    with acting_for(organisation_id):
        row = structure_told(siret, channel)
        same = row is not None and all(getattr(row, name) == value for name, value in values.items())
    kept = None
    if told is not None and not same:
        kept = archive.pack(organisation_id, [told.raw], retention=archive.RECEIVED)
    with acting_for(organisation_id):
        noted_good(channel, at=now)
        if kept is not None:
            archive.claim(kept, actor=actor)
        passing = {"told_at": now, "failed_at": None, "failure": ""}
        row, _ = Structure.objects.update_or_create(
            organisation_id=organisation_id, siret=siret, channel=channel, defaults={**values, **passing}
        )
        if not same:
            write_entry("structure_told", actor=actor, rows=[row], sha256=row.raw_sha256 or None)
    return row


def _keep_failure(organisation_id: UUID, siret: str, channel: ChannelKey, reason: str, *, actor: str) -> None:
    failed = {"failed_at": timezone.now(), "failure": reason}
    row, made = Structure.objects.update_or_create(
        organisation_id=organisation_id, siret=siret, channel=channel, defaults=failed
    )
    if made:
        write_entry("structure_not_told", actor=actor, rows=[row])


def _plain(service: ServiceTold) -> dict[str, object]:
    days = {"begins_on": service.begins_on, "ends_on": service.ends_on}
    return {**asdict(service), **{name: day.isoformat() if day else None for name, day in days.items()}}

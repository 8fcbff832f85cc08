"""Electronic addresses looked up in the directory before an invoice is prepared: kept raw, with their hour, for a day.

The wire is touched outside any transaction. A directory that does not answer never holds an invoice up: its address is
then undetermined, and the page says so (complaint B19).
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.afnor_directory import Reach, Told
from faitfoi.channels.afnor_pa import PlateformeAgreee
from faitfoi.channels.contract import NotSent
from faitfoi.einvoice.model import Invoice
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.store import digest_of
from faitfoi.pipeline import archive
from faitfoi.pipeline.connections import SILENCES, noted_failure, noted_good, rests
from faitfoi.pipeline.customers import configured_channels, directory_address, match_customers, public_by_platform
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.structures import describe as describe_structure
from faitfoi.pipeline.structures import structure_told
from faitfoi.records.journal import write_entry
from faitfoi.records.models import ChannelSettings, Customer, Delivery, DirectoryAnswer
from faitfoi.records.stages import Nature, Purpose

log = logging.getLogger(__name__)

FRESH = timedelta(hours=24)
"""How long an answer serves again: French contracts §2.2."""
PAUSE = timedelta(minutes=5)
"""How long a directory that did not answer is left alone."""
ACTOR = "plateforme_agreee"
MOST_LOOKED_AT, MOST_SHOWN = 200, 5
MOST_RAW = 20_000
CHANNEL = ChannelKey.PLATEFORME_AGREEE
SAID = {
    Reach.YES: "oui, cette adresse reçoit des factures",
    Reach.NO: "non, cette adresse ne reçoit pas de factures",
    Reach.UNDETERMINED: "indéterminé : la réponse de l’annuaire ne permet ni oui ni non",
}
STATUS = {"Enabled": "active", "Disabled": "inactive", "Upcoming": "à venir"}


def make_reachable_known(organisation: Organisation, invoices: Sequence[Invoice], *, age: timedelta = FRESH) -> None:
    """Have the directory asked about the very addresses that invoices bear, if they go by a plateforme agréée.

    An answer of less than `age` serves again. That the directory does not answer is kept, never raised, and waited for
    twice at most, however many the addresses.
    """
    with acting_for(organisation.id):
        if not ChannelSettings.objects.filter(channel=CHANNEL).exists():
            return
        customers = match_customers([invoice.buyer for invoice in invoices])
        pairs = [pair for pair in zip(customers, invoices, strict=True) if pair[0] is not None]
        usual = organisation.default_channel if public_by_platform(frozenset({CHANNEL})) else None
        borne = [directory_address(found, each) for found, each in pairs if found and _is_reached(found, usual)]
        if age >= FRESH and rests(CHANNEL, at=timezone.now()):
            return  # nobody waits at this very moment: who presses a button asks all the same
        rows = {row.address: row for row in DirectoryAnswer.objects.filter(address__in=borne)}
    now, silences = timezone.now(), 0
    wanted = dict.fromkeys(filter(None, borne))
    with Channels(organisation.id) as channels:
        for address in wanted:
            if address in rows and not _is_due(rows[address], now=now, age=age):
                continue
            try:
                _look_up(channels, organisation.id, address, actor=ACTOR)
                silences = 0
            except NotSent as error:
                log.warning("the address %s was not looked up: %s", address, error.reason)
                silences += 1
            if silences == SILENCES:
                return


def _is_reached(customer: Customer, usual: str | None) -> bool:
    """Whether a customer may be invoiced by the plateforme agréée; a public one only where that is chosen.

    `usual` is the organisation's usual channel; None when the platform carries nothing to public customers.
    """
    if customer.nature == Nature.PUBLIC:
        return usual is not None and (customer.channel or usual) == CHANNEL
    return customer.nature == Nature.TAXABLE


def _is_due(row: DirectoryAnswer, *, now: datetime, age: timedelta) -> bool:
    if row.failed_at is not None and now - row.failed_at < PAUSE:
        return False
    return row.told_at is None or now - row.told_at >= age


def look_up(organisation_id: UUID, address: str, *, actor: str) -> DirectoryAnswer:
    """Ask the directory about one address now, and keep what it says. Raises NotSent, after having kept why.

    Call it outside any transaction.
    """
    with Channels(organisation_id) as channels:
        return _look_up(channels, organisation_id, address, actor=actor)


def _look_up(channels: Channels, organisation_id: UUID, address: str, *, actor: str) -> DirectoryAnswer:
    try:
        with acting_for(organisation_id):
            channel = channels.open_key(CHANNEL)
        assert isinstance(channel, PlateformeAgreee)  # noqa: S101  # the registry's
        told = channel.look_up(address)
    except NotSent as error:
        with acting_for(organisation_id):
            noted_failure(CHANNEL, error, at=timezone.now())
            row, is_new = DirectoryAnswer.objects.get_or_create(organisation_id=organisation_id, address=address)
            row.failed_at, row.failure = timezone.now(), error.reason
            row.save(update_fields=["failed_at", "failure"])
            if is_new:
                write_entry("directory_asked", actor=actor, rows=[row], reach=None)
        raise
    return _keep(organisation_id, told, actor=actor)


def ask_now(organisation_id: UUID, address: str, *, actor: str) -> DirectoryAnswer | str:
    """Ask about one address for a person; a French sentence when the directory cannot be asked."""
    try:
        return look_up(organisation_id, address, actor=actor)
    except NotSent as error:
        return error.reason


def _keep(organisation_id: UUID, told: Told, *, actor: str) -> DirectoryAnswer:
    pack = archive.pack(organisation_id, [told.raw], retention="received") if told.raw else None
    with acting_for(organisation_id):
        if pack is not None:
            archive.claim(pack, actor=actor)
        noted_good(CHANNEL, at=timezone.now())
        raw = digest_of(told.raw).sha256 if told.raw else ""
        row, _ = DirectoryAnswer.objects.update_or_create(
            organisation_id=organisation_id,
            address=told.address,
            defaults={
                "reach": told.reach.value,
                "listed": told.listed,
                "lines": [asdict(line) for line in told.lines],
                "raw_sha256": raw,
                "told_at": timezone.now(),
                "failed_at": None,
                "failure": "",
            },
        )
        write_entry("directory_asked", actor=actor, rows=[row], reach=told.reach.value, sha256=raw or None)
    return row


def describe(row: DirectoryAnswer) -> list[str]:
    """Say in French what the directory said, when, and what we deduce."""
    if row.told_at is None:
        return [f"L’annuaire n’a encore rien dit de {row.address}. {row.failure}".strip()]
    said = [
        f"{row.address} : {SAID[Reach(row.reach)]} (réponse du {timezone.localtime(row.told_at):%d/%m/%Y à %H:%M})."
    ]
    others = [f"{line['address']} ({STATUS.get(line['status'], line['status'])})" for line in row.lines]
    if row.reach != Reach.YES and others:
        said.append(f"Adresses de ce SIREN dans l’annuaire : {', '.join(others)}.")
    if row.listed is False:
        said.append(
            "Ce SIREN n’est pas dans l’annuaire : ce client n’est peut-être pas assujetti. Si c’est le cas, changez sa "
            "nature sur sa fiche ; la facture part alors par un autre canal."
        )
    if row.failed_at is not None:
        said.append(f"L’annuaire n’a pas répondu depuis : {row.failure}")
    return said


def told_of_address(address: str) -> list[str]:
    """Say in French what is known of an address; nothing when it was never asked about. Runs inside `acting_for`."""
    row = DirectoryAnswer.objects.filter(address=address).first() if address else None
    return describe(row) if row is not None else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An address of a customer, and what the directory has said of it: French sentences, and the very answer."""

    address: str
    sentences: tuple[str, ...] = ()
    raw: str = ""


def asked_of(customer: Customer) -> list[Asked]:
    """Return what is known of the addresses of a customer: the record's, then those that invoices bore (BT-49).

    Runs inside `acting_for`. Nothing for a customer whom no plateforme agréée may reach.
    """
    rows = {row.address: row for row in DirectoryAnswer.objects.filter(address__in=addresses_of(customer))}
    found = [_asked(address, rows.get(address)) for address in addresses_of(customer)]
    wants = structure_told(customer.siret, CHANNEL) if found and customer.nature == Nature.PUBLIC else None
    if wants is not None:  # of the establishment, whatever its addresses: told once
        found[0] = replace(found[0], sentences=(*found[0].sentences, *describe_structure(wants)))
    return found


def addresses_of(customer: Customer) -> list[str]:
    """Return the electronic addresses at which a customer is invoiced, that of the record first."""
    sent = Delivery.objects.filter(document__customer=customer, channel=CHANNEL, purpose=Purpose.LEGAL)
    borne = sent.order_by("-id").values_list("address", flat=True)[:MOST_LOOKED_AT]
    usual = customer.organisation.default_channel if public_by_platform(configured_channels()) else None
    own = [customer.electronic_address] if _is_reached(customer, usual) else []
    return list(dict.fromkeys(filter(None, [*own, *borne])))[:MOST_SHOWN]


def _asked(address: str, row: DirectoryAnswer | None) -> Asked:
    if row is None:
        return Asked(address=address)
    try:
        raw = raw_answer(row)
    except (ObjectMissing, ObjectAltered):
        raw = "L’archive ne rend plus cette réponse : lancez « faitfoi fsck »."
    return Asked(address=address, sentences=tuple(describe(row)), raw=_laid_out(raw))


def _laid_out(raw: str) -> str:
    """Write an answer that is JSON line by line; any other as it is."""
    try:
        told = json.loads(raw)
    except ValueError:
        return raw[:MOST_RAW]
    return json.dumps(told, ensure_ascii=False, indent=1)[:MOST_RAW]


def raw_answer(row: DirectoryAnswer) -> str:
    """Return the very answer, as text. Raises evidence.shelf.ObjectMissing or ObjectAltered."""
    if not row.raw_sha256:
        return ""
    return archive.fetch(row.organisation_id, row.raw_sha256).decode("utf-8", errors="replace")

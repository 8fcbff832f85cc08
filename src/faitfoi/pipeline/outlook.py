"""How a customer's invoices leave today, before there is any: what the law and the settings give, what is missing."""

from dataclasses import dataclass, replace
from datetime import date

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.pipeline.customers import standing_facts
from faitfoi.pipeline.routing import PLATFORMS, Decision, Facts, Leg, decide
from faitfoi.records.models import Customer
from faitfoi.records.stages import Nature

ON_THE_INVOICE = "sur la facture"
"""Stands for what each invoice brings along, so that its absence here is not told as missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The way of a customer's next invoice; `missing` (empty: nothing) and `notes` are French sentences.

    `record_lacks` tells whether the record can mend what is missing, rather than the organisation's settings.
    """

    channel: ChannelKey
    why: str
    address: str = ""
    missing: str = ""
    record_lacks: bool = False
    copy: Leg | None = None
    notice: Leg | None = None
    notes: tuple[str, ...] = ()


def look_ahead(organisation: Organisation, customer: Customer, *, day: date, configured: frozenset[str]) -> Outlook:
    """Say by which channel this customer's invoices leave on `day`, why, and what keeps them from it."""
    facts = standing_facts(organisation, customer, day=day, configured=configured)
    way = decide(replace(facts, engagement=ON_THE_INVOICE, code_service=facts.code_service or ON_THE_INVOICE))
    if isinstance(way, Decision):
        return Outlook(
            channel=way.legal.channel,
            why=way.legal.reason,
            address=way.legal.address,
            copy=way.copy,
            notice=way.notice,
            notes=(
                *_notes(facts, way.legal.channel, copied=way.copy is not None),
                *_no_notice(facts, way.legal.channel, told=way.notice is not None),
            ),
        )
    missing = way.missing[:1].upper() + way.missing[1:]
    return Outlook(
        channel=way.channel,
        why=way.why,
        missing=missing,
        record_lacks=way.channel in configured,
        notes=_notes(facts, way.channel, copied=True),
    )


def _notes(facts: Facts, channel: ChannelKey, *, copied: bool) -> tuple[str, ...]:
    notes = []
    if facts.customer_channel and facts.customer_channel != channel:
        wanted = ChannelKey(facts.customer_channel).label
        notes.append(
            f"La fiche demande « {wanted} », que la loi ne permet pas pour ce client : ce choix n’est pas suivi."
        )
    if facts.nature is Nature.PUBLIC and facts.code_service_required and not facts.code_service:
        notes.append(
            "Chorus Pro demande un code service : mettez-le sur cette fiche, sinon chaque facture doit le porter."
        )
    if facts.nature is Nature.PUBLIC and facts.engagement_required:
        notes.append(
            "Chaque facture doit porter le numéro d’engagement (bon de commande, BT-13) ; "
            "sans lui, elle attend que vous l’ajoutiez sur sa page."
        )
    wanted_copy = ChannelKey(facts.customer_copy_channel or facts.copy_channel)
    if wanted_copy and wanted_copy != channel and not copied:
        notes.append(_no_copy(facts, wanted_copy))
    return tuple(notes)


def _no_copy(facts: Facts, wanted: ChannelKey) -> str:
    if wanted is not ChannelKey.EMAIL:
        return (
            f"Aucune copie ne part : une copie par « {wanted.label} » n’est pas encore possible, seulement par e-mail."
        )
    if not facts.billing_email:
        return "Aucune copie ne part : la fiche n’a pas d’adresse e-mail de facturation."
    return "Aucune copie ne part : le canal « e-mail » n’est pas encore réglé pour votre organisation."


def _no_notice(facts: Facts, channel: ChannelKey, *, told: bool) -> tuple[str, ...]:
    """Say why no notice leaves though one is asked for; nothing where the invoice itself comes by mail."""
    wanted = facts.customer_notice or facts.notice_channel
    if told or wanted != ChannelKey.EMAIL or channel not in PLATFORMS:
        return ()
    if not facts.billing_email:
        return ("Aucun avis ne part : la fiche n’a pas d’adresse e-mail de facturation.",)
    return ("Aucun avis ne part : le canal « e-mail » n’est pas encore réglé pour votre organisation.",)

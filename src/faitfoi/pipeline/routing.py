"""Which channel carries the invoice, and the sentence that says why. Pure: values in, decision out.

The law chooses among channels (nature of the customer, the seller's own start date); settings choose among the lawful
ones. No lawful or usable channel is an error, never a success (complaint D38).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from faitfoi.accounts.models import ChannelKey, SizeClass
from faitfoi.pipeline.legal import LegalTables, legal_tables
from faitfoi.pipeline.obligations import Known, caveat, lacks
from faitfoi.records.stages import Nature, NoticeWish

Channels = tuple[ChannelKey, ...]
PLATFORMS = frozenset({ChannelKey.PLATEFORME_AGREEE, ChannelKey.CHORUS_PRO})
"""Where an invoice lies and is looked for, rather than in a mailbox: there a notice has a sense."""

SENTENCE = {
    Nature.PUBLIC: "Client du secteur public : la facture passe par Chorus Pro",
    Nature.TAXABLE: "Client assujetti à la TVA",
    Nature.NOT_TAXABLE: "Client non assujetti à la TVA",
    Nature.CONSUMER: "Client particulier",
    Nature.FOREIGN: "Client établi à l’étranger",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The directory's answer about one address: `reach` yes, no or undetermined; `active` the SIREN's active ones."""

    reach: str
    listed: bool | None
    active: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Borne:
    """What the invoice itself says of a public buyer: a plateforme agréée carries it as it is sealed."""

    siret: str = ""  # BT-46 of scheme 0009
    code_service: str = ""  # BT-46 of scheme 0224, else BT-10
    engagement: str = ""  # BT-13


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the decision depends on. `configured` are the channels that have settings here."""

    customer_name: str
    nature: Nature
    customer_channel: str
    customer_copy_channel: str
    billing_email: str
    siret: str
    code_service: str
    code_service_required: bool
    engagement: str
    engagement_required: bool
    electronic_address: str
    default_channel: str
    copy_channel: str
    issues_electronically_from: date
    configured: frozenset[str]
    day: date
    number: str
    size: SizeClass = SizeClass.SMALL
    notice_channel: str = ""
    customer_notice: str = ""
    structures: Mapping[str, Known] = field(default_factory=dict)
    """What has been said of the public recipient, by the channel whose directory said it."""
    directory: Directory | None = None
    """What the directory has said of the electronic address, when it was asked."""
    flow_syntax: str = ""
    """What a plateforme agréée is handed: CII, UBL, or the sealed Factur-X when empty."""
    public_by_platform: bool = False
    """Whether the plateforme agréée carries invoices to public customers too (its setting `b2g`)."""
    borne: Borne | None = None
    """What the invoice itself bears of a public buyer, where a plateforme agréée may carry it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One delivery to make: channel, address on the envelope, and why, in one French sentence.

    `flow_syntax` names the XML that is handed over in the place of the sealed PDF, if any.
    """

    channel: ChannelKey
    address: str
    reason: str
    flow_syntax: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The legal delivery and, when they are asked for, the copy and the notice."""

    legal: Leg
    copy: Leg | None = None
    notice: Leg | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoute:
    """Nothing lawful or usable: what is missing and what to do, in one French sentence.

    `missing` is the same without the invoice's number; `why` says how the channel that lacks it was chosen.
    """

    reason: str
    channel: ChannelKey = ChannelKey.NONE
    missing: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Sealed and kept, never sent: the reason is a French sentence."""

    reason: str


def nobody_known(number: str, buyer: str) -> NoRoute:
    """Return the answer to an invoice whose buyer has no record."""
    return NoRoute(
        reason=f"La facture {number} ne peut pas partir : aucun client ne correspond à « {buyer} ». "
        "Créez sa fiche, puis relancez."
    )


def decide(facts: Facts, tables: LegalTables | None = None) -> Decision | NoRoute:
    """Choose the channel of the legal delivery, of the copy and of the notice, by the law's tables of this version."""
    lawful, law = lawful_channels(facts, tables)
    channel, why = _choose(facts, lawful, law)
    missing = _missing(facts, channel)
    if missing:
        reason = f"La facture {facts.number} ne peut pas partir : {missing}"
        return NoRoute(reason=reason, channel=channel, missing=missing, why=why)
    if (structure := facts.structures.get(channel)) is not None:
        why += caveat(structure, today=facts.day)
    if channel is ChannelKey.PLATEFORME_AGREEE and facts.directory is not None:
        why += _told_by_directory(facts.directory)
    syntax = facts.flow_syntax if channel is ChannelKey.PLATEFORME_AGREEE else ""
    legal = Leg(channel=channel, address=_address(facts, channel), reason=why, flow_syntax=syntax)
    notice = notice_leg(
        asked_by_customer=facts.customer_notice,
        asked_by_organisation=facts.notice_channel,
        billing_email=facts.billing_email,
        configured=facts.configured,
        legal=channel,
    )
    return Decision(legal=legal, copy=_copy(facts, channel), notice=notice)


def notice_leg(
    *,
    asked_by_customer: str,
    asked_by_organisation: str,
    billing_email: str,
    configured: frozenset[str],
    legal: ChannelKey,
) -> Leg | None:
    """Return the notice beside an invoice that goes by a platform, when it is wanted and can be sent; else None."""
    wanted = asked_by_customer or asked_by_organisation
    if wanted != ChannelKey.EMAIL or legal not in PLATFORMS or not billing_email or ChannelKey.EMAIL not in configured:
        return None
    chosen_by = "la fiche du client" if asked_by_customer == NoticeWish.EMAIL else "votre organisation"
    reason = f"Avis sans la facture, demandé par {chosen_by} : elle est disponible sur {legal.label}."
    return Leg(channel=ChannelKey.EMAIL, address=billing_email, reason=reason)


def lawful_channels(facts: Facts, tables: LegalTables | None = None) -> tuple[Channels, str]:
    """Return the channels the law allows for the legal delivery, and the sentence that says so."""
    tables = tables or legal_tables()
    sentence = SENTENCE[facts.nature]
    start = start_of(facts, tables)
    # A seller may begin before its turn, not before there was a way.
    obliged = start is not None and facts.day >= start and tables.has_way(facts.nature, day=facts.day)
    channels = tables.way(facts.nature, obliged=obliged, day=facts.day).channels
    if facts.nature is Nature.PUBLIC:
        if not facts.public_by_platform:
            channels = tuple(channel for channel in channels if channel is not ChannelKey.PLATEFORME_AGREEE)
        elif ChannelKey.PLATEFORME_AGREEE in channels:
            sentence += ", ou par la plateforme agréée, réglée pour porter aussi ces factures (B2G)"
        free = "Client du secteur public, et la loi ne vous demandait pas encore de passer par Chorus Pro"
        return channels, sentence if obliged else free
    if facts.nature is Nature.TAXABLE and start is not None:
        said = f"depuis le {_french(start)}, la facture passe par la plateforme agréée"
        later = f"vous n’êtes tenu d’émettre par une plateforme agréée qu’à partir du {_french(start)}"
        return channels, f"{sentence} : {said}" if obliged else f"{sentence}, et {later}"
    return channels, f"{sentence} : l’envoi est libre"


def start_of(facts: Facts, tables: LegalTables | None = None) -> date | None:
    """Return from when the seller must go by the way of the law: its own day, or the law's when that is earlier."""
    legal = (tables or legal_tables()).start(facts.nature, facts.size)
    own = facts.issues_electronically_from if facts.nature is Nature.TAXABLE else None
    return min((day for day in (own, legal.since if legal else None) if day), default=None)


def _choose(facts: Facts, lawful: Channels, law: str) -> tuple[ChannelKey, str]:
    """Take the customer's choice, else the organisation's, else the first lawful one; say which and why."""
    if len(lawful) == 1:
        return lawful[0], f"{law}."
    if facts.customer_channel in lawful:
        channel = ChannelKey(facts.customer_channel)
        return channel, f"{law} ; la fiche du client demande : {channel.label}."
    if facts.default_channel in lawful:
        channel = ChannelKey(facts.default_channel)
        return channel, f"{law} ; canal habituel de votre organisation : {channel.label}."
    return lawful[0], f"{law} ; canal retenu faute de réglage permis : {lawful[0].label}."


def _missing(facts: Facts, channel: ChannelKey) -> str:
    """Say what keeps the channel from being used, with the remedy; empty when nothing does."""
    if channel not in facts.configured:
        return f"le canal « {channel.label} » n’est pas encore réglé pour votre organisation. Réglez-le, puis relancez."
    if channel is ChannelKey.EMAIL and not facts.billing_email:
        return (
            f"la fiche de {facts.customer_name} n’a pas d’adresse e-mail de facturation. "
            "Ajoutez-la à la fiche du client, puis relancez."
        )
    if channel is ChannelKey.CHORUS_PRO:
        return _missing_of_recipient(facts, facts.structures.get(channel))
    if channel is ChannelKey.PLATEFORME_AGREEE:
        return _missing_for_platform(facts)
    return ""


def _missing_for_platform(facts: Facts) -> str:
    if not facts.electronic_address:
        return (
            f"la fiche de {facts.customer_name} n’a pas d’adresse de facturation électronique. "
            "Ajoutez-la à la fiche du client, puis relancez."
        )
    public = facts.nature is Nature.PUBLIC
    if public and facts.directory is not None and facts.directory.listed is False:
        return (
            f"{facts.customer_name} n’est pas dans l’annuaire de la facturation électronique "
            f"({facts.electronic_address}, BT-49). Choisissez Chorus Pro sur la fiche du client, puis relancez."
        )
    if facts.directory is not None and (
        missing := _missing_in_directory(facts.customer_name, facts.electronic_address, facts.directory)
    ):
        return missing
    return _missing_of_public(facts) if public else ""


def _missing_of_public(facts: Facts) -> str:
    """Say what a public buyer asks for that the invoice itself does not bear: nothing is written into it on the way."""
    told = facts.structures.get(ChannelKey.PLATEFORME_AGREEE)
    if told is None or told.known is None:
        told = facts.structures.get(ChannelKey.CHORUS_PRO)  # the same recipient, described by another
    if missing := _missing_of_recipient(facts, told):
        return missing
    borne = facts.borne or Borne()
    itself = replace(facts, siret=borne.siret, code_service=borne.code_service, engagement=borne.engagement)
    if not _missing_of_recipient(itself, told):
        return ""
    return (
        f"par une plateforme agréée, la facture elle-même porte ce que {facts.customer_name} demande (SIRET en BT-46 "
        "sous 0009 ; code service en BT-46 sous 0224 ou en BT-10 ; engagement en BT-13), et il y manque. Ajoutez-le "
        "dans votre logiciel, ou choisissez Chorus Pro sur la fiche du client, puis relancez."
    )


def _told_by_directory(told: Directory) -> str:
    if told.reach == "undetermined":
        return " L’annuaire n’a pas su dire si cette adresse reçoit des factures."
    if told.reach == "no" and not told.active:
        return " L’acheteur n’a aucune adresse active : la plateforme la dépose sans pouvoir la lui remettre."
    return ""


def _missing_in_directory(name: str, address: str, told: Directory) -> str:
    """Say what the directory has against an address (French contracts §2.2); without an active line it still leaves."""
    if told.reach != "no":
        return ""
    if told.listed is False:
        return (
            f"{name} n’est pas dans l’annuaire de la facturation électronique ({address}, BT-49). Vérifiez son SIREN ; "
            "s’il n’est pas assujetti, changez la nature sur sa fiche, puis relancez."
        )
    if told.active:
        return (
            f"l’adresse {address} (BT-49) de {name} n’est pas active dans l’annuaire. Ses adresses actives sont : "
            f"{', '.join(told.active)}. Corrigez la fiche et la facture, puis relancez."
        )
    return ""


def _missing_of_recipient(facts: Facts, structure: Known | None) -> str:
    """Say what a public recipient asks for and is not there, by its record and by what a directory says of it."""
    name = facts.customer_name
    by = structure.by if structure is not None else "Chorus Pro"
    if len(facts.siret) != 14:
        return f"{by} demande le SIRET (14 chiffres) de {name}. Ajoutez-le à la fiche du client, puis relancez."
    if facts.code_service_required and not facts.code_service:
        return f"{by} demande le code service de {name}. Ajoutez-le à la fiche du client, puis relancez."
    if facts.engagement_required and not facts.engagement:
        return (
            f"elle attend le numéro d’engagement de {name} (numéro de bon de commande, BT-13). "
            "Ajoutez-le sur sa page, puis relancez."
        )
    if structure is None:
        return ""
    return lacks(structure, name=name, code_service=facts.code_service, engagement=facts.engagement, day=facts.day)


def _copy(facts: Facts, legal: ChannelKey) -> Leg | None:
    """A copy goes beside the invoice when asked for, by another channel, to an address that exists."""
    wanted = facts.customer_copy_channel or facts.copy_channel
    if wanted != ChannelKey.EMAIL or legal is ChannelKey.EMAIL:
        return None
    if not facts.billing_email or ChannelKey.EMAIL not in facts.configured:
        return None
    chosen_by = "la fiche du client" if facts.customer_copy_channel else "votre organisation"
    reason = f"Copie sans valeur de facture, marquée COPIE, demandée par {chosen_by}."
    return Leg(channel=ChannelKey.EMAIL, address=facts.billing_email, reason=reason)


def _address(facts: Facts, channel: ChannelKey) -> str:
    return {
        ChannelKey.EMAIL: facts.billing_email,
        ChannelKey.CHORUS_PRO: facts.siret,
        ChannelKey.PLATEFORME_AGREEE: facts.electronic_address,
    }.get(channel, facts.customer_name)


def _french(day: date) -> str:
    return f"{day:%d/%m/%Y}"

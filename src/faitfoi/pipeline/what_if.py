"""What would change a routing decision, and where a batch would go on another day: `decide` again, one fact changed."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.einvoice.jsonform import from_json
from faitfoi.pipeline.customers import draft_customer, facts_for, match_customer
from faitfoi.pipeline.routing import Decision, Directory, Facts, Kept, NoRoute, decide, nobody_known, start_of
from faitfoi.records.models import Batch, Document
from faitfoi.records.stages import LineOutcome, Nature

SOMETHING = "(à compléter)"
ABSENT = Directory(reach="no", listed=False)
CHOICES = tuple(key for key in ChannelKey if key)
Way = Decision | NoRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact changed, and where that leads; `supposing` and `then` are French, to be read one after the other."""

    supposing: str
    then: str
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where one document would go on a day; `customer` names its buyer, `why` is the decision's own sentence.

    `reference` is that of the buyer's record, since several customers may bear one name.
    """

    number: str
    customer: str
    way: Way | Kept
    reference: str = ""

    @property
    def channel(self) -> str:
        """The channel's key; empty when the customer could not be reached, or when it is kept and never sent."""
        return self.way.legal.channel.value if isinstance(self.way, Decision) else ""

    @property
    def channel_in_words(self) -> str:
        """The channel's French name, or what stands in its place."""
        if isinstance(self.way, Decision):
            return str(self.way.legal.channel.label)
        return "gardée, sans envoi" if isinstance(self.way, Kept) else "aucun canal"

    @property
    def why(self) -> str:
        """The reason of the decision, or what is missing."""
        return self.way.legal.reason if isinstance(self.way, Decision) else self.way.reason


class NoSuchBatch(LookupError):
    """No batch, or several, answer to that name; the message is French."""


def facts_of(organisation: Organisation, document: Document, *, day: date) -> Facts:
    """Gather what the routing of a sealed document depends on, on a day, with today's records and settings.

    Runs inside `acting_for`. Raises Unreadable when the invoice was written down in another form than today's.
    """
    # No line of it counts here, and there may be thousands.
    told = {**document.invoice, "lines": document.invoice.get("lines", [])[:1]}
    invoice = from_json(json.dumps(told).encode())
    customer = document.customer or match_customer(invoice.buyer) or draft_customer(organisation, invoice.buyer)
    return facts_for(organisation, customer, invoice, day=day, engagement=document.engagement)


def route_on(organisation: Organisation, document: Document, *, day: date) -> Answer:
    """Say where a document would go on a day. Changes nothing. Runs inside `acting_for`."""
    told = Answer(number=document.number, customer=document.buyer_name, way=Kept(reason=document.kept_because))
    if document.kept_because:
        return told
    if has_no_record(organisation, document):
        return replace(told, way=nobody_known(document.number, document.buyer_name))
    facts = facts_of(organisation, document, day=day)
    reference = document.customer.reference if document.customer else ""
    return replace(told, customer=facts.customer_name, way=decide(facts), reference=reference)


def changes_for(organisation: Organisation, document: Document, *, day: date) -> list[Change]:
    """Return what would lead a document elsewhere; nothing, where only a record for its buyer would.

    Runs inside `acting_for`. Raises Unreadable as `facts_of` does.
    """
    if document.kept_because or has_no_record(organisation, document):
        return []
    return what_would_change(facts_of(organisation, document, day=day))


def has_no_record(organisation: Organisation, document: Document) -> bool:
    """Tell whether the buyer is nobody known here, and no record is made by itself. Runs inside `acting_for`."""
    if document.customer or organisation.registers_customers:
        return False
    told = {**document.invoice, "lines": document.invoice.get("lines", [])[:1]}
    return match_customer(from_json(json.dumps(told).encode()).buyer) is None


def route_batch_on(organisation: Organisation, batch: Batch, *, day: date) -> list[Answer]:
    """Say where each document of a batch would go on a day. Changes nothing. Runs inside `acting_for`."""
    lines = batch.lines.exclude(document=None).exclude(outcome=LineOutcome.REFUSED)
    ids = dict.fromkeys(lines.order_by("position").values_list("document_id", flat=True))
    documents = Document.objects.select_related("customer").in_bulk([each for each in ids if each is not None])
    return [route_on(organisation, documents[each], day=day) for each in ids if each is not None]


def find_batch(wanted: str) -> Batch:
    """Find a batch by its identifier, its rank among the organisation's (1 is the first), or its very name.

    Runs inside `acting_for`. Raises NoSuchBatch.
    """
    batches = Batch.objects.order_by("id")
    found: list[Batch] = []
    try:
        found = list(batches.filter(id=UUID(wanted)))
    except ValueError:
        if wanted.isdigit() and int(wanted) > 0:
            found = list(batches[int(wanted) - 1 : int(wanted)])
        found = found or list(batches.filter(name=wanted)[:2])
    if len(found) != 1:
        raise NoSuchBatch(
            f"Aucun lot « {wanted} »." if not found else f"Plusieurs lots s’appellent « {wanted} » : donnez le rang."
        )
    return found[0]


def what_would_change(facts: Facts) -> list[Change]:
    """Return every single fact whose change would lead elsewhere, by recomputing the decision for each."""
    now = _outcome(decide(facts))
    found = []
    for supposing, other in _others(facts):
        way = decide(other)
        if _outcome(way) != now:
            found.append(Change(supposing=supposing, then=_then(way), way=way))
    return found


def _others(facts: Facts) -> Iterator[tuple[str, Facts]]:
    """The same facts with one of them changed, and how to say it."""
    yield from _other_days(facts)
    for nature in Nature:
        if nature is not facts.nature:
            yield f"si le client était « {nature.label} »", replace(facts, nature=nature)
    for channel in CHOICES:
        if channel != facts.customer_channel:
            yield f"si la fiche demandait « {channel.label} »", replace(facts, customer_channel=channel.value)
        if channel != facts.default_channel:
            said = f"si le canal habituel de votre organisation était « {channel.label} »"
            yield said, replace(facts, default_channel=channel.value)
        if channel in facts.configured:
            without = replace(facts, configured=facts.configured - {channel.value})
            yield f"si le canal « {channel.label} » n’était plus réglé", without
        else:
            with_it = replace(facts, configured=facts.configured | {channel.value})
            yield f"si le canal « {channel.label} » était réglé", with_it
    if facts.nature is Nature.PUBLIC:
        said = "ne portait pas" if facts.public_by_platform else "portait aussi"
        other = replace(facts, public_by_platform=not facts.public_by_platform)
        yield f"si la plateforme agréée {said} les factures au secteur public (réglage « b2g »)", other
    yield from _other_records(facts)


def _other_days(facts: Facts) -> Iterator[tuple[str, Facts]]:
    start = start_of(facts)
    if start is not None and facts.day < start:
        yield f"à partir du {start:%d/%m/%Y}", replace(facts, day=start)
        if facts.nature is Nature.TAXABLE:
            yield (
                "si vous émettiez dès ce jour par une plateforme agréée",
                replace(facts, issues_electronically_from=facts.day),
            )
    elif start is not None and facts.day >= start:
        yield f"avant le {start:%d/%m/%Y}", replace(facts, day=date.fromordinal(start.toordinal() - 1))


def _other_records(facts: Facts) -> Iterator[tuple[str, Facts]]:
    siret = "0" * 14
    for label, present, other in (
        (
            "une adresse e-mail de facturation",
            facts.billing_email,
            replace(facts, billing_email="" if facts.billing_email else SOMETHING),
        ),
        ("un SIRET", facts.siret, replace(facts, siret="" if facts.siret else siret)),
        (
            "une adresse de facturation électronique",
            facts.electronic_address,
            replace(facts, electronic_address="" if facts.electronic_address else SOMETHING),
        ),
        ("un code service", facts.code_service, replace(facts, code_service="" if facts.code_service else SOMETHING)),
        ("un numéro d’engagement", facts.engagement, replace(facts, engagement="" if facts.engagement else SOMETHING)),
    ):
        yield f"s’il n’y avait pas {label}" if present else f"s’il y avait {label}", other
    if facts.electronic_address and (facts.directory is None or facts.directory.reach != "no"):
        yield "si l’annuaire ne connaissait pas l’adresse électronique du client", replace(facts, directory=ABSENT)


def _outcome(way: Way) -> tuple[str, str]:
    """What makes two decisions differ: the channel and address, or what is missing."""
    if isinstance(way, Decision):
        return way.legal.channel.value, way.legal.address
    return "", way.channel.value


def _then(way: Way) -> str:
    if isinstance(way, Decision):
        return f"la facture partirait par {way.legal.channel.label}"
    return f"elle attendrait : {way.missing}"


def unreached(answers: list[Answer]) -> dict[str, list[Answer]]:
    """Group by customer the documents that could not leave; those of one name are told apart by their reference."""
    left = [answer for answer in answers if isinstance(answer.way, NoRoute)]
    bearers = Counter(name for name, _ in {(answer.customer, answer.reference) for answer in left})
    found: dict[str, list[Answer]] = {}
    for answer in left:
        alone = bearers[answer.customer] == 1
        named = answer.customer if alone else f"{answer.customer} ({answer.reference or 'sans fiche'})"
        found.setdefault(named, []).append(answer)
    return found


def in_words(answers: list[Answer], *, day: date) -> str:
    """Sum up where a batch would go on a day, in one French sentence whose counts add up."""
    ways = [f"{count} par {ChannelKey(key).label}" for key, count in reached(answers).items()]
    missing = unreached(answers)
    if missing:
        ways.append(f"{sum(map(len, missing.values()))} sans canal possible, chez {len(missing)} client(s)")
    if stay := kept(answers):
        ways.append(f"{stay} gardé(s) sans envoi")
    return f"Le {day:%d/%m/%Y}, {len(answers)} document(s) : {', '.join(ways) or 'aucun'}. Rien n’a été changé."


def kept(answers: list[Answer]) -> int:
    """Count the documents that are kept and never sent, whatever the day."""
    return sum(isinstance(answer.way, Kept) for answer in answers)


def reached(answers: list[Answer]) -> dict[str, int]:
    """Count by channel the documents that would leave."""
    counted: dict[str, int] = {}
    for answer in answers:
        if answer.channel:
            counted[answer.channel] = counted.get(answer.channel, 0) + 1
    return dict(sorted(counted.items()))

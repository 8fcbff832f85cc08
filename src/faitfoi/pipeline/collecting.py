"""The feeds of news: what the other side says in one sequence for the account, attached to the deliveries it is about.

The cursor moves only in the transaction that has kept all that a page brought (complaint B23); what fits no delivery of
ours, or cannot be read, is a dead letter, so that it neither holds up what follows nor is lost.
"""

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.afnor_pa import PlateformeAgreee
from faitfoi.channels.contract import Feeding, Grade, News, NewsPage, NotSent, RemoteEvent
from faitfoi.channels.registry import able, open_channel
from faitfoi.evidence.store import Pack, digest_of, portions
from faitfoi.pipeline import archive
from faitfoi.pipeline.connections import noted_bad, noted_good
from faitfoi.pipeline.following import keep_news, record
from faitfoi.pipeline.lifecycle import Told, weigh
from faitfoi.pipeline.retention import invoice_class
from faitfoi.pipeline.rollback import stopped
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Act, DeadLetter, Delivery, Document, Event, Feed
from faitfoi.records.stages import Purpose, Stage
from faitfoi.records.storable import storable
from faitfoi.records.vault import VaultClosed, channel_settings

log = logging.getLogger(__name__)

MOST_PAGES = 200
RETENTION = "received"
ACTS_LOOKED_AT = timedelta(days=14)
NOT_LEFT = frozenset({Stage.ROUTED, Stage.TO_FIX, Stage.HELD})
HAVE_IT = frozenset({Stage.ACCEPTED, Stage.DELIVERED})


def collect_all(organisation_id: UUID, *, actor: str) -> int:
    """Read every feed of an organisation to its end; returns how much was new."""
    if stopped():
        return 0
    fresh = sum(collect(organisation_id, ChannelKey(key), actor=actor) for key in able(Feeding))
    return fresh + look_at_acts(organisation_id, actor=actor)


def collect(organisation_id: UUID, channel: ChannelKey, *, actor: str) -> int:
    """Read one feed to its end; returns how much was new. A page that cannot be had leaves the cursor where it is."""
    with acting_for(organisation_id):
        settings = _settings(channel)
        if settings is None:
            return 0
        cursor = _feed(organisation_id, channel, actor=actor).cursor
    try:
        opened = open_channel(channel, settings)
    except ValueError as error:
        _failed(organisation_id, channel, str(error))
        return 0
    fresh = 0
    try:
        assert isinstance(opened, Feeding)  # noqa: S101  # asked for by whoever calls
        for _ in range(MOST_PAGES):
            page = opened.collect(cursor)
            kept = keep_page(organisation_id, channel, page, came_from=cursor, actor=actor)
            if kept is None:
                break  # another worker reads the same feed
            fresh, cursor = fresh + kept, page.cursor
            if not page.more:
                break
    except NotSent as error:
        _failed(organisation_id, channel, error.reason)
    finally:
        opened.close()
    return fresh


def fetch_flow(organisation_id: UUID, flow: str, *, actor: str) -> int:
    """Read one message that a webhook has named, beside the feed's own order; returns how much was new."""
    with acting_for(organisation_id):
        settings = _settings(ChannelKey.PLATEFORME_AGREEE)
    if settings is None or stopped():
        return 0
    opened = PlateformeAgreee(settings)
    try:
        news = opened.fetch(flow)
    except NotSent as error:
        log.warning("the flow that a webhook named could not be had: %s", error.reason)
        with acting_for(organisation_id):
            noted_bad(ChannelKey.PLATEFORME_AGREEE, error.reason, at=timezone.now())
        return 0  # the feed will bring it
    finally:
        opened.close()
    packs = _pack(organisation_id, news)
    with acting_for(organisation_id):
        fresh = _keep_all(organisation_id, ChannelKey.PLATEFORME_AGREEE, news, packs, actor=actor)
        noted_good(ChannelKey.PLATEFORME_AGREEE, at=timezone.now())
    return fresh


def keep_page(organisation_id: UUID, channel: ChannelKey, page: NewsPage, *, came_from: str, actor: str) -> int | None:
    """Keep all that a page brought and move the cursor, in one transaction; None when it has moved meanwhile."""
    packs = _pack(organisation_id, page.news)
    with acting_for(organisation_id):
        feed = Feed.objects.select_for_update().get(channel=channel)
        if feed.cursor != came_from:
            return None
        fresh = _keep_all(organisation_id, channel, page.news, packs, actor=actor)
        noted_good(channel, at=timezone.now())
        Feed.objects.filter(id=feed.id).update(cursor=page.cursor, looked_at=timezone.now(), failed_at=None, failure="")
    return fresh


def _settings(channel: ChannelKey) -> dict[str, str] | None:
    try:
        return channel_settings(channel)
    except VaultClosed:
        return None  # the deliveries say so


def _feed(organisation_id: UUID, channel: ChannelKey, *, actor: str) -> Feed:
    feed, is_new = Feed.objects.get_or_create(organisation_id=organisation_id, channel=channel)
    if is_new:
        write_entry("feed_opened", actor=actor, rows=[feed], channel=channel.value)
    return feed


def _failed(organisation_id: UUID, channel: ChannelKey, reason: str) -> None:
    with acting_for(organisation_id):
        Feed.objects.filter(channel=channel).update(failed_at=timezone.now(), failure=storable(reason))
        noted_bad(channel, reason, at=timezone.now())


def _pack(organisation_id: UUID, news: Sequence[News]) -> list[Pack]:
    """Make what is new durable, before the transaction that writes it down."""
    by_class: dict[str, dict[bytes, None]] = {}
    with acting_for(organisation_id):
        for one in news:
            if one.event.raw and not _is_known(one):
                delivery = find_delivery(one, ChannelKey.PLATEFORME_AGREEE)
                kind = _class_of(delivery) if delivery is not None else RETENTION
                by_class.setdefault(kind, {})[one.event.raw] = None
    return [
        archive.pack(organisation_id, portion, retention=kind)
        for kind, raws in by_class.items()
        for portion in portions(raws)
    ]


def _class_of(delivery: Delivery) -> str:
    """Return the retention class of what is said of a delivery: that of its document."""
    return invoice_class(delivery.organisation, delivery.document.issue_date)


def _is_known(one: News) -> bool:
    identity = storable(f"{ChannelKey.PLATEFORME_AGREEE}:{one.event.identity}")[:200]
    return (
        Event.objects.filter(identity=identity).exists()
        or DeadLetter.objects.filter(identity=storable(one.event.identity)[:200]).exists()
    )


def _keep_all(
    organisation_id: UUID, channel: ChannelKey, news: Sequence[News], packs: Sequence[Pack], *, actor: str
) -> int:
    for pack in packs:
        archive.claim(pack, actor=actor)
    fresh = 0
    # In the order of what happened, whatever the order of what came.
    for one in sorted(news, key=lambda one: one.event.at):
        delivery = find_delivery(one, channel)
        if delivery is None:
            fresh += bury(organisation_id, channel, one, actor=actor)
        else:
            fresh += keep_one(delivery, one, actor=actor)
    return fresh


def keep_one(delivery: Delivery, one: News, *, actor: str) -> bool:
    """Keep one piece of news of a delivery, weighed beside what is known of its document. Inside `acting_for`."""
    reasons = one.about.get("reasons", "").split()
    event = weigh(one.event, reasons=reasons, told=told_of(delivery.document_id))
    return keep_news(delivery, event, actor=actor)


def told_of(document_id: UUID) -> list[Told]:
    """Return what the lifecycle has told of a document, over all its deliveries. Runs inside `acting_for`."""
    events = Event.objects.filter(
        document_id=document_id, axis=Event.Axis.THEIRS, delivery__channel=ChannelKey.PLATEFORME_AGREEE
    )
    rows = events.order_by("at", "id").values_list("code", "at", "grade", "who", "reason")
    return [Told(code=code, at=at, grade=grade, who=who, reason=reason) for code, at, grade, who, reason in rows]


def find_delivery(one: News, channel: ChannelKey) -> Delivery | None:
    """Find the one delivery that a piece of news is about. Runs inside `acting_for`."""
    about = one.about
    sent = Delivery.objects.filter(channel=channel).select_related("document", "organisation")
    if flow := about.get("flowId"):
        by_flow = sent.filter(references__flowId=flow).first()
        if by_flow is not None:
            return by_flow
    if tracking := about.get("trackingId"):
        return sent.filter(message_ref=tracking).first()
    number = about.get("number", "")
    if not number:
        return None
    documents = Document.objects.filter(number=number)
    if siren := about.get("seller_siren"):
        documents = documents.filter(seller_siren=siren)
    if issued := about.get("issue_date"):
        documents = documents.filter(issue_date=date.fromisoformat(issued))
    found = list(documents[:2])
    if len(found) != 1:
        return None
    return _which(list(sent.filter(document=found[0], purpose=Purpose.LEGAL).order_by("-sequence")), one)


def _which(deliveries: Sequence[Delivery], one: News) -> Delivery | None:
    """Choose among the sendings of one document: a duplicate is about the last, all else about the one they took."""
    left = [delivery for delivery in deliveries if delivery.stage not in NOT_LEFT]
    taken = [delivery for delivery in left if delivery.stage in HAVE_IT]
    if one.event.code != "213" and taken:
        return taken[0]
    return next(iter(left or deliveries), None)


def bury(organisation_id: UUID, channel: ChannelKey, one: News, *, actor: str) -> bool:
    """Keep news that no delivery of ours fits as a dead letter; False when it lies there. Runs inside `acting_for`."""
    event = one.event
    identity = storable(event.identity)[:200]
    if DeadLetter.objects.filter(channel=channel, identity=identity).exists():
        return False
    raw = digest_of(event.raw).sha256 if event.raw else ""
    letter = DeadLetter.objects.create(
        organisation_id=organisation_id,
        channel=channel,
        identity=identity,
        about={name: storable(value) for name, value in one.about.items()},
        code=storable(event.code)[:80],
        grade=event.grade,
        at=event.at,
        reason=storable(event.reason),
        who=storable(event.who)[:120],
        raw_sha256=raw,
    )
    write_entry("news_unattached", actor=actor, rows=[letter], channel=channel.value, sha256=raw or None)
    return True


def look_at_acts(organisation_id: UUID, *, actor: str) -> int:
    """Ask what the platform's checks said of each status of ours that it took; returns how many are told."""
    with acting_for(organisation_id):
        settings = _settings(ChannelKey.PLATEFORME_AGREEE)
        since = timezone.now() - ACTS_LOOKED_AT
        taken = Act.objects.filter(
            delivery__channel=ChannelKey.PLATEFORME_AGREEE, stage=Stage.SENT, created_at__gt=since
        ).select_related("delivery__document", "delivery__organisation")
        waiting = [
            (act, flow)
            for act in taken
            if (flow := str(act.references.get("flowId", "")))
            and not Event.objects.filter(delivery=act.delivery, identity__contains=f"ack:{flow}:").exists()
        ]
    if settings is None or not waiting:
        return 0
    told = 0
    opened = PlateformeAgreee(settings)
    try:
        for act, flow in waiting:
            event = opened.taken(flow)
            if event is not None:
                told += record(act.delivery, [event], actor=actor)
    except NotSent as error:
        log.warning("the platform could not be asked about our statuses: %s", error.reason)
    finally:
        opened.close()
    return told


def attach_letter(letter_id: UUID, *, actor: str) -> bool:
    """Give a dead letter to the delivery that it fits by now; whether there is one. Runs inside `acting_for`."""
    letter = DeadLetter.objects.select_for_update().filter(id=letter_id, settled_at=None).first()
    if letter is None:
        return False
    event = RemoteEvent(
        identity=letter.identity,
        code=letter.code,
        grade=Grade(letter.grade),
        at=letter.at,
        reason=letter.reason,
        who=letter.who,
    )
    one = News(about={str(name): str(value) for name, value in letter.about.items()}, event=event)
    delivery = find_delivery(one, ChannelKey(letter.channel))
    if delivery is None:
        return False
    keep_one(delivery, one, actor=actor)
    letter.delivery, letter.settled_at, letter.settled_by = delivery, timezone.now(), actor[:120]
    letter.save(update_fields=["delivery", "settled_at", "settled_by"])
    write_entry("news_attached", actor=actor, document_id=delivery.document_id, rows=[letter], letter=str(letter.id))
    return True


def settle_letter(letter_id: UUID, *, actor: str) -> bool:
    """Put a piece of news that fits nothing aside; False when it is already. Runs inside `acting_for`."""
    letter = DeadLetter.objects.select_for_update().filter(id=letter_id, settled_at=None).first()
    if letter is None:
        return False
    letter.settled_at, letter.settled_by = timezone.now(), actor[:120]
    letter.save(update_fields=["settled_at", "settled_by"])
    write_entry("news_settled", actor=actor, rows=[letter], letter=str(letter.id))
    return True

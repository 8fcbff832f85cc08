"""The lifecycle as one sequence for the account: new messages are searched for, fetched and read, each once.

French contracts §2.1. A platform publishes late, so that each look goes back some minutes before the last one, and
what was read already is told by its `flowId`. The cursor is a text of ours:

    {"after": all before was read, "newest": latest instant read, "page": their cursor, "seen": {flow: instant}}

`after` moves only when their last page is done. A message that cannot be read is news too, of an unknown code: what
stands after it is not held up, and a person sees it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from faitfoi.channels.afnor_codes import PLATFORM, news_of
from faitfoi.channels.afnor_http import Connection
from faitfoi.channels.afnor_settings import PaSettings
from faitfoi.channels.chorus_pro_codes import objects, text
from faitfoi.channels.contract import Grade, News, NewsPage, RemoteEvent
from faitfoi.channels.http_wire import Request, read_object
from faitfoi.einvoice.cdar import read_cdar
from faitfoi.einvoice.xml import Unreadable

PAGE_SIZE = 50
OVERLAP = timedelta(minutes=10)
TICK = timedelta(milliseconds=1)
BEGINNING = datetime(2026, 9, 1, tzinfo=UTC)
"""No lifecycle message is older than the reform."""
FLOW_TYPES = ["CustomerInvoiceLC"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the reading of the feed stands."""

    after: datetime = BEGINNING
    newest: datetime = BEGINNING
    page: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)


def read_place(cursor: str) -> Place:
    """Read our cursor; an empty or spoilt one is the beginning, where what is known already is told by identity."""
    told = read_object(cursor.encode()) or {}
    after, newest = read_at(told.get("after")), read_at(told.get("newest"))
    seen = told.get("seen")
    if after is None:
        return Place()
    return Place(
        after=after,
        newest=newest or after,
        page=text(told.get("page")),
        seen={str(flow): str(at) for flow, at in seen.items()} if isinstance(seen, dict) else {},
    )


def write_place(place: Place) -> str:
    """Write our cursor; what lies before the overlap is forgotten."""
    oldest = place.after - OVERLAP
    kept = {flow: at for flow, at in place.seen.items() if (read_at(at) or place.after) >= oldest}
    told = {"after": place.after.isoformat(), "newest": place.newest.isoformat(), "page": place.page, "seen": kept}
    return json.dumps(told, sort_keys=True)


class FlowFeed:
    """The feed of one platform. One thread."""

    def __init__(self, settings: PaSettings, connection: Connection) -> None:
        self._settings = settings
        self._connection = connection

    def collect(self, cursor: str) -> NewsPage:
        """Give the next page of lifecycle messages. Raises NotSent: then nothing of the page counts as read."""
        place = read_place(cursor)
        answer = self._search(place)
        flows = [flow for flow in objects(answer.get("results")) if text(flow.get("flowId"))]
        fresh = [flow for flow in flows if text(flow.get("flowId")) not in place.seen]
        news = tuple(one for flow in fresh for one in self._read(flow))
        times = {text(flow.get("flowId")): at for flow in flows if (at := read_at(flow.get("updatedAt")))}
        newest = max([place.newest, *times.values()])
        seen = {**place.seen, **{flow: at.isoformat() for flow, at in times.items()}}
        following = (
            text(answer.get("nextCursor")) if self._settings.has_cursor else next_instant(times, fresh=bool(fresh))
        )
        after = place.after if following else newest
        place = Place(after=after, newest=newest, page=following, seen=seen)
        return NewsPage(news=news, cursor=write_place(place), more=bool(following))

    def fetch(self, flow: str) -> tuple[News, ...]:
        """Read one message by its flow: a webhook named it, or a person asks again. Raises NotSent."""
        answer, _ = self._connection.ask_object(Request(method="GET", url=self._url(flow)))
        return self._read({**answer, "flowId": flow})

    def _search(self, place: Place) -> dict[str, object]:
        where: dict[str, object] = {"flowType": FLOW_TYPES, "flowDirection": ["In"]}
        stamped = None if self._settings.has_cursor else read_at(place.page)
        where["updatedAfter"] = stamp(stamped - TICK if stamped else place.after - OVERLAP)
        body: dict[str, object] = {"limit": PAGE_SIZE, "where": where}
        if place.page and self._settings.has_cursor:
            body["cursor"] = place.page
        answer, _ = self._connection.ask_object(
            Request(
                method="POST",
                url=self._connection.flow_url(self._settings.search_path),
                content=dump(body),
                media_type="application/json",
            )
        )
        return answer

    def _read(self, flow: Mapping[str, object]) -> tuple[News, ...]:
        """Fetch and read one message. Raises NotSent when it cannot be had now."""
        identifier = text(flow.get("flowId"))
        published = read_at(flow.get("updatedAt")) or read_at(flow.get("submittedAt")) or BEGINNING
        reply = self._connection.ask(Request(method="GET", url=f"{self._url(identifier)}?docType=Original"))
        if reply.status == 404:
            return (_unreadable(identifier, dump(flow), published, "Le fichier annoncé n’est pas chez la plateforme."),)
        try:
            cdar = read_cdar(reply.content)
        except Unreadable as error:
            return (_unreadable(identifier, reply.content, published, error.reason),)
        news = news_of(cdar, reply.content, flow=identifier, published=published)
        return news or (_unreadable(identifier, reply.content, published, "Ce message ne nomme aucune facture."),)

    def _url(self, flow: str) -> str:
        return self._connection.flow_url(f"{self._settings.flows_path}/{quote(flow, safe='')}")


def next_instant(times: Mapping[str, datetime], *, fresh: bool) -> str:
    """Name the page after this one before 1.3, by an instant of ours: only an empty page is the last.

    How many a platform gives at once is its own affair, so that a short page says nothing. Several may bear the instant
    at which a page ends; once they are all read, the next page begins after it.
    """
    if not times:
        return ""
    last = max(times.values())
    return (last if fresh else last + 2 * TICK).isoformat()


def _unreadable(flow: str, raw: bytes, at: datetime, why: str) -> News:
    event = RemoteEvent(
        identity=f"flow:{flow}",
        code="unreadable",
        grade=Grade.UNKNOWN_CODE,
        at=at,
        reason=f"Un message de la plateforme agréée (flux {flow}) ne peut pas être lu. {why}",
        who=PLATFORM,
        raw=raw,
    )
    return News(about={"lifecycleFlowId": flow}, event=event)


def read_at(value: object) -> datetime | None:
    """Read an ISO instant; one without offset is UTC."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def dump(value: Mapping[str, object]) -> bytes:
    """Write a JSON object the same way each time."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def stamp(at: datetime) -> str:
    """Write an instant as the contract does."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

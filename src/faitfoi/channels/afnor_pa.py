"""A plateforme agréée by the AFNOR Flow Service (XP Z12-013, annex A): hand an invoice over, follow its lifecycle.

French contracts §2.1. Settings (all text, of the organisation):

    api_url          address of the Flow Service, up to and without /v1
    token_url        address of the OAuth2 token service (client credentials)
    client_id
    client_secret
    directory_url    address of the Directory Service, up to and without /v1; without it nobody can be looked up
    flow_syntax      what invoices are handed over as: Factur-X (by default: the sealed PDF), CII or UBL (XML)
    b2g              true where it carries invoices to public customers too; false by default: Chorus Pro has them
    scope            of the token, where the platform wants one
    organization_id  sent as Organization-Id, where one account serves several companies
    environment      production (by default) or qualification: that of the credentials; this machine is a simulator
    api_version      1.3 (by default), 1.2, 1.1 or 1.0: before 1.3 the news are paged by their instants, not by a cursor
    flows_path, search_path, webhooks_path, directory_path, siret_path, routing_path    where the platform has other
                     names than v1/flows, v1/flows/search, v1/webhooks, v1/directory-line, v1/siret and v1/routing-code
    signing_key, webhook_digest    of the webhook, written by `faitfoi webhook`; raw (by default) or hex
    timeout          seconds for one question and its answer; 30 by default

`Parcel.address` is the buyer's electronic address (BT-49), which the invoice carries itself; the tracking identifier is
`Parcel.message_ref`. `Parcel.references` are `flowId` and `submittedAt`, and what was handed over: `flowSyntax`,
`trackingId`, `sha256`. `Parcel.processing_rule` goes along as it is. A flow has no place for annexes.

Their acknowledgement (technical) is asked for delivery by delivery (`poll`); the lifecycle comes as one sequence for
the account (`collect`), since a status is a flow of its own that names the invoice only inside. After a lost answer the
flow is searched for by our tracking identifier: presence is proof; absence is not, because the contract says nothing of
when a flow can be searched for.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from faitfoi.channels import afnor_structures
from faitfoi.channels.afnor_acts import compose, tracking_of
from faitfoi.channels.afnor_codes import ack_event, act_event, already_there, label_of
from faitfoi.channels.afnor_deposit import check_size, choose_syntax, flow_info, judge, media_type_of
from faitfoi.channels.afnor_directory import NO_DIRECTORY, Told, look_up
from faitfoi.channels.afnor_feed import TICK, FlowFeed, dump, next_instant, read_at, stamp
from faitfoi.channels.afnor_http import Connection, multipart
from faitfoi.channels.afnor_settings import PaSettings, read_settings
from faitfoi.channels.chorus_pro_codes import objects, text
from faitfoi.channels.contract import (
    Act,
    Answer,
    CannotTell,
    Found,
    News,
    NewsPage,
    NotFound,
    NotSent,
    Parcel,
    Receipt,
    RemoteEvent,
)
from faitfoi.channels.http_wire import Environment, Request
from faitfoi.channels.structures import StructureTold

PAGE_SIZE = 100
MAX_PAGES = 100


class PlateformeAgreee:
    """The Channel `plateforme_agreee`, which also has a feed. Keeps its token and connections; used by one thread."""

    key = "plateforme_agreee"
    asks = polls = True
    # Platforms publish late what they have taken: before this, "not found" is not even worth asking.
    settles_in = timedelta(minutes=5)

    def __init__(self, settings: dict[str, str]) -> None:
        """Read the settings. Raises ValueError (French) naming the one that is missing or impossible."""
        self.settings: PaSettings = read_settings(settings)
        self.connection = Connection(self.settings.account)
        self._feed = FlowFeed(self.settings, self.connection)
        # A token, the deposit, and both once more when the token is refused.
        self.deadline = timedelta(seconds=4 * self.settings.account.timeout)

    @property
    def environment(self) -> Environment:
        """Tell where the invoices go: production, qualification or a simulator."""
        return self.connection.environment

    def close(self) -> None:
        """Give back connections and forget the token."""
        self.connection.close()

    def send(self, parcel: Parcel) -> Receipt:
        """Hand the artefact over as one flow. Raises NotSent, Refused or OutcomeUnknown."""
        until = time.monotonic() + self.deadline.total_seconds()
        check_size(parcel)
        syntax = choose_syntax(parcel)
        info = flow_info(parcel, syntax=syntax)
        body, media_type = multipart(
            info,
            filename=parcel.artefact.filename,
            media_type=media_type_of(parcel),
            content=parcel.artefact.content,
        )
        request = Request(
            method="POST",
            url=self.connection.flow_url(self.settings.flows_path),
            content=body,
            media_type=media_type,
        )
        reply = self.connection.deposit(request, until=until)
        kind = "l’avoir" if parcel.document_kind == "credit_note" else "la facture"
        handed = {"flowSyntax": syntax, "trackingId": parcel.message_ref, "sha256": str(info["sha256"])}
        return judge(reply, about=f"{kind} {parcel.number}", references=handed)

    def check(self, siret: str) -> None:  # noqa: ARG002 -- the contract's signature
        """Ask for a flow that never was: addresses, credentials and rights are tried. Raises NotSent."""
        next(self._search("faitfoi-essai"), None)

    def find(self, parcel: Parcel) -> Answer:
        """Ask whether a flow with our tracking identifier has arrived."""
        return self.find_flow(parcel.message_ref, about=f"la facture {parcel.number}")

    def find_flow(self, tracking: str, *, about: str) -> Answer:
        """Ask whether a flow of ours with this tracking identifier has arrived."""
        try:
            flows = list(self.flows_of(tracking))
        except NotSent as error:
            return CannotTell(ask_again=True, detail=error.reason)
        if not flows:
            return NotFound(
                conclusive=False,
                detail=f"La plateforme agréée ne montre pas {about}. Elle peut la publier plus tard : cette absence ne "
                "prouve rien. Si elle dure, regardez chez elle, puis dites si elle y est.",
            )
        flow = best_of(flows)
        told = {name: value for name in ("flowId", "submittedAt") if (value := text(flow.get(name)))}
        return Found(
            receipt=Receipt(references=told, detail=f"Retrouvée chez la plateforme agréée, flux {told['flowId']}.")
        )

    def poll(self, parcel: Parcel) -> tuple[RemoteEvent, ...]:
        """Give what the platform's technical checks said of our flow. Raises NotSent when it cannot be asked."""
        flows = list(self.flows_of(parcel.message_ref))
        if not flows and (flow := parcel.references.get("flowId", "")):
            answer, _ = self.connection.ask_object(
                Request(
                    method="GET", url=self.connection.flow_url(f"{self.settings.flows_path}/{quote(flow, safe='')}")
                )
            )
            flows = [answer]
        if not flows:
            return ()
        best = best_of(flows)
        at = read_at(best.get("updatedAt")) or read_at(best.get("submittedAt"))
        event = ack_event(best, dump(best), at=at or datetime.combine(parcel.issue_date, datetime.min.time(), UTC))
        return (event,) if event is not None else ()

    def act(self, parcel: Parcel, act: Act) -> Receipt:
        """Declare a status of ours on the invoice, as one CDAR flow. Raises NotSent, Refused or OutcomeUnknown."""
        until = time.monotonic() + self.deadline.total_seconds()
        message = compose(parcel, act)
        name = f"cdar-{act.kind}.xml"
        info: dict[str, object] = {
            "trackingId": tracking_of(act),
            "name": name,
            "processingRule": "NotApplicable",
            "flowSyntax": "CDAR",
            "sha256": hashlib.sha256(message).hexdigest(),
        }
        body, media_type = multipart(info, filename=name, media_type="application/xml", content=message)
        url = self.connection.flow_url(self.settings.flows_path)
        reply = self.connection.deposit(
            Request(method="POST", url=url, content=body, media_type=media_type), until=until
        )
        return judge(reply, about=f"le statut {label_of(act.kind)} de la facture {parcel.number}", references={})

    def acted(self, parcel: Parcel, act: Act) -> Answer:
        """Ask whether a status whose answer was lost has arrived."""
        return self.find_flow(tracking_of(act), about=f"le statut {act.kind} de la facture {parcel.number}")

    def taken(self, flow: str) -> RemoteEvent | None:
        """Ask what the platform's checks said of a status of ours; None while they go on. Raises NotSent."""
        url = self.connection.flow_url(f"{self.settings.flows_path}/{quote(flow, safe='')}")
        answer, raw = self.connection.ask_object(Request(method="GET", url=url))
        at = read_at(answer.get("updatedAt")) or read_at(answer.get("submittedAt"))
        return act_event(answer, raw, at=at) if at else None

    def collect(self, cursor: str) -> NewsPage:
        """Give the next page of lifecycle messages after `cursor`. Raises NotSent."""
        return self._feed.collect(cursor)

    def look_up(self, address: str) -> Told:
        """Ask the directory about one electronic address. Raises NotSent."""
        return look_up(self.connection, self.settings, address)

    def structure(self, siret: str, *, services: Iterable[str] = ()) -> StructureTold | None:
        """Ask the directory what a public establishment wants; None when it is not there. Raises NotSent."""
        if not self.settings.account.directory_url:
            raise NotSent(NO_DIRECTORY, precondition=True)
        return afnor_structures.look_up(self.connection, self.settings, siret, services=services)

    def fetch(self, flow: str) -> tuple[News, ...]:
        """Read one lifecycle message by its flow. Raises NotSent."""
        return self._feed.fetch(flow)

    def flows_of(self, tracking: str) -> Iterator[dict[str, object]]:
        """Search for our flows with this tracking identifier, to the last page. Raises NotSent."""
        for results in self._search(tracking):
            # A platform that ignores the criterion would give the flows of others.
            yield from (
                flow for flow in results if text(flow.get("trackingId")) == tracking and text(flow.get("flowId"))
            )

    def _search(self, tracking: str) -> Iterator[list[dict[str, object]]]:
        """Give what a search answers, page by page. Raises NotSent."""
        where: dict[str, object] = {"trackingId": tracking, "flowDirection": ["Out"]}
        body: dict[str, object] = {"limit": PAGE_SIZE, "where": where}
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            url = self.connection.flow_url(self.settings.search_path)
            request = Request(method="POST", url=url, content=dump(body), media_type="application/json")
            answer, _raw = self.connection.ask_object(request)
            flows = objects(answer.get("results"))
            yield flows
            if following := text(answer.get("nextCursor")):
                body["cursor"] = following
                continue
            others = {text(flow.get("flowId")): flow for flow in flows if text(flow.get("trackingId")) != tracking}
            if self.settings.has_cursor or not others:
                return
            # Before 1.3 there is no cursor, and a platform that does not hear the criterion gives everybody's flows.
            times = {name: at for name, flow in others.items() if (at := read_at(flow.get("updatedAt")))}
            following = next_instant(times, fresh=not seen.issuperset(times))
            if not following:
                return
            seen.update(times)
            where["updatedAfter"] = stamp(datetime.fromisoformat(following) - TICK)


def best_of(flows: list[dict[str, object]]) -> Mapping[str, object]:
    """Choose the flow to follow: not one put aside because they had it before, then one that is not in error."""

    def rank(flow: Mapping[str, object]) -> tuple[bool, bool]:
        told = flow.get("acknowledgement")
        status = text(told.get("status")) if isinstance(told, dict) else ""
        return already_there(flow), status == "Error"

    return min(flows, key=rank)

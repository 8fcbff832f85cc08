"""What the simulated plateforme agréée remembers: flows, in and out, and what each search answers. No wire here.

Field names are those of the official description (Flow Service 1.3.0). Every lifecycle message is a flow of its own, as
with a real platform, published once its hour has come.
"""

import base64
import binascii
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from faitfoi.einvoice.cdar import Cdar, read_cdar
from faitfoi.einvoice.xml import Unreadable
from faitfoi.simulators.afnor_acts import judge_act
from faitfoi.simulators.afnor_directory import Directory
from faitfoi.simulators.afnor_invoices import Bill, read_bill
from faitfoi.simulators.afnor_request import Rejected, faults_of_info
from faitfoi.simulators.afnor_script import Step, compose, path_of
from faitfoi.simulators.control import Clock, ControlError
from faitfoi.simulators.loopback import Body

ACKNOWLEDGED_AFTER = timedelta(seconds=10)


@dataclass(slots=True, kw_only=True)
class SimulatedFlow:
    """One flow, in either direction. `errors` are the details of an acknowledgement in error."""

    identifier: str
    at: datetime
    info: Body
    content: bytes
    direction: str
    kind: str
    sha256: str
    bill: Bill | None = None
    cdar: Cdar | None = None
    errors: tuple[Body, ...] = ()
    answered: bool = False
    steps: list[Step] = field(default_factory=list)
    published: int = 0

    def acknowledged(self, now: datetime) -> bool:
        """Whether its checks are over."""
        return self.direction == "In" or now >= self.at + ACKNOWLEDGED_AFTER

    def updated_at(self, now: datetime) -> datetime:
        """When it last changed."""
        return self.at + ACKNOWLEDGED_AFTER if self.direction == "Out" and self.acknowledged(now) else self.at

    def told(self, now: datetime) -> Body:
        """The Flow object of a search or of its metadata."""
        done = self.acknowledged(now)
        acknowledgement: Body = {"status": "Error" if self.errors else "Ok"} if done else {"status": "Pending"}
        if done and self.errors:
            acknowledgement["details"] = list(self.errors)
        rule = self.info.get("processingRule")
        return {
            **{name: self.info[name] for name in ("trackingId", "name", "flowSyntax") if name in self.info},
            "flowId": self.identifier,
            "submittedAt": stamp(self.at),
            "updatedAt": stamp(self.updated_at(now)),
            "flowProfile": self.info.get("flowProfile", "Undefined"),
            "processingRule": rule or "Undefined",
            "processingRuleSource": "Input" if rule else "Computed",
            "flowType": self.kind if done else "Undefined",
            "flowDirection": self.direction,
            "acknowledgement": acknowledgement,
            "x-region": "simulator",  # platforms may add properties; whoever reads ignores what it does not know
        }


class AfnorState:
    """The simulated platform's books. Thread-safe. `version` is the version of the contract that it speaks.

    `largest_page` caps the pages of its searches; criteria named in `deaf_to` are not heard, as by some platforms.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        version: str = "1.3",
        doublon_as_status: bool = False,
        largest_page: int = 100,
        deaf_to: frozenset[str] = frozenset(),
    ) -> None:
        self.clock = clock
        self.version = version
        self.largest_page = largest_page
        self.deaf_to = deaf_to
        self.doublon_as_status = doublon_as_status
        self.lock = threading.RLock()
        self.directory = Directory()
        self.published: Callable[[Body], None] = lambda _: None
        self._sequence = 0
        self._forget()

    def _forget(self) -> None:
        self.flows: dict[str, SimulatedFlow] = {}

    def take(self, info: Body, content: bytes) -> Body:
        """Take a flow, whatever is in it: what is wrong is told by its acknowledgement or its lifecycle.

        Raises Rejected for what cannot even be taken.
        """
        faults_of_info(info, content)
        with self.lock:
            now = self.clock.now()
            sha256 = hashlib.sha256(content).hexdigest()
            flow = self._keep(info, content, direction="Out", kind="Undefined", at=now)
            if info.get("sha256", sha256) != sha256:
                flow.errors = (_error("file", "ChecksumMismatch", "sha256 differs from the computed one"),)
            elif info["flowSyntax"] == "CDAR":
                self._take_act(flow)
            else:
                self._take_invoice(flow)
            return {
                "flowId": flow.identifier,
                "submittedAt": stamp(now),
                **{name: value for name, value in info.items() if name != "sha256"},
                "sha256": sha256,
            }

    def _take_invoice(self, flow: SimulatedFlow) -> None:
        flow.kind = "CustomerInvoice"
        flow.bill, wrong = read_bill(flow.content, str(flow.info["flowSyntax"]))
        if flow.bill is None:
            flow.errors = (_error("file", wrong[0], wrong[1]),)
            return
        twins = [
            one
            for one in self.flows.values()
            if one is not flow and one.bill is not None and one.bill.same_number(flow.bill) and not one.errors
        ]
        same = any(one.sha256 == flow.sha256 for one in twins)
        if same and not self.doublon_as_status:
            flow.errors = (_error("file", "AlreadyExistingFlow", "The flow has already been sent and received"),)
            return
        flow.steps = path_of(flow.bill, self.directory, known=bool(twins))

    def _take_act(self, flow: SimulatedFlow) -> None:
        flow.kind = "CustomerInvoiceLC"
        try:
            flow.cdar = read_cdar(flow.content)
        except Unreadable as error:
            flow.errors = (_error("file", "InvalidSchema", error.reason),)
            return
        now = self.clock.now()
        number = flow.cdar.references[0].number if flow.cdar.references else ""
        about = next((one for one in self.flows.values() if one.bill and one.bill.number == number), None)
        said = [step.code for step in about.steps if about.at + step.after <= now] if about else []
        wrong = judge_act(flow.cdar, said)
        if wrong is not None:
            flow.errors = (_error("file", *wrong),)
        elif flow.cdar.references[0].code == "209" and about is not None:
            about.steps += [
                Step(after=now - about.at + timedelta(hours=hours), code=code)
                for hours, code in ((2, "204"), (24, "205"), (72, "211"))
            ]

    def _keep(self, info: Body, content: bytes, *, direction: str, kind: str, at: datetime) -> SimulatedFlow:
        self._sequence += 1
        identifier = f"01K{'OUT' if direction == 'Out' else 'INC'}{self._sequence:08d}"
        sha256 = hashlib.sha256(content).hexdigest()
        flow = SimulatedFlow(
            identifier=identifier, at=at, info=info, content=content, direction=direction, kind=kind, sha256=sha256
        )
        self.flows[identifier] = flow
        return flow

    def publish(self) -> None:
        """Make a flow of each lifecycle message whose hour has come, and tell whoever listens."""
        with self.lock:
            now = self.clock.now()
            due: list[tuple[datetime, SimulatedFlow, Step]] = []
            for flow in list(self.flows.values()):
                flow.steps.sort(key=lambda step: step.after)
                while flow.published < len(flow.steps) and flow.at + flow.steps[flow.published].after <= now:
                    step = flow.steps[flow.published]
                    due.append((flow.at + step.after, flow, step))
                    flow.published += 1
            told = [self._say(flow, step, at) for at, flow, step in sorted(due, key=lambda one: one[0])]
        for body in told:
            self.published(body)

    def _say(self, flow: SimulatedFlow, step: Step, at: datetime) -> Body:
        assert flow.bill is not None  # noqa: S101  # only invoices have steps
        content = step.raw or compose(flow.bill, step, at=at)
        info: Body = {"name": f"cdar-{step.code}.xml", "flowSyntax": "CDAR", "processingRule": "NotApplicable"}
        # A message that a person had said long ago is published now: readers ask for what is new since they looked.
        shown = max(at, self.clock.now()) if step.late else at
        spoken = self._keep(info, content, direction="In", kind="CustomerInvoiceLC", at=shown)
        return spoken.told(self.clock.now())

    def search(self, body: Mapping[str, object], *, backwards: bool = False) -> Body:
        """Answer a search. Raises Rejected."""
        where = body.get("where")
        if not isinstance(where, dict) or not where:
            raise Rejected(400, "MISSING_REQUIRED_FIELD", "where needs at least one criterion")
        limit = body.get("limit", 25)
        if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= 100:
            raise Rejected(400, "INVALID_FIELD", "limit lies between 1 and 100")
        limit, heard = min(limit, self.largest_page), {k: v for k, v in where.items() if k not in self.deaf_to}
        self.publish()
        with self.lock:
            now = self.clock.now()
            found = sorted(
                (flow for flow in self.flows.values() if _meets(flow, heard, now)),
                key=lambda flow: (flow.updated_at(now), flow.identifier),
                reverse=backwards,
            )
            start = _offset(body.get("cursor")) if self.version == "1.3" else 0
            page = found[start : start + limit]
            answer: Body = {"limit": limit, "filters": where, "results": [flow.told(now) for flow in page]}
            if self.version == "1.3" and start + limit < len(found):
                answer["nextCursor"] = base64.b64encode(str(start + limit).encode()).decode()
            return answer

    def flow(self, identifier: str) -> SimulatedFlow:
        """Give one flow. Raises Rejected."""
        self.publish()
        with self.lock:
            if identifier not in self.flows:
                raise Rejected(404, "MISSING_RESOURCE", "no such flow")
            return self.flows[identifier]

    # Control

    def records(self, _: Body) -> Body:
        """Give every flow received, those whose answer was lost too."""
        self.publish()
        with self.lock:
            now = self.clock.now()
            received = [flow for flow in self.flows.values() if flow.direction == "Out"]
            return {
                "deposits": [_record(flow, now) for flow in received if flow.info["flowSyntax"] != "CDAR"],
                "acts": [_record(flow, now) for flow in received if flow.info["flowSyntax"] == "CDAR"],
                "said": sum(flow.direction == "In" for flow in self.flows.values()),
            }

    def reset(self, _: Body) -> Body:
        """Forget flows and the directory; identifiers are never given twice."""
        with self.lock:
            self._forget()
            self.directory = Directory()
        return {"now": self.clock.now().isoformat()}

    def load_directory(self, body: Body) -> Body:
        """Take a directory in the place of the present one. Raises ControlError."""
        with self.lock:
            if "lines" in body or "public" not in body:
                self.directory.load(body.get("lines"))
            if "public" in body:
                self.directory.load_public(body["public"])
            return {"lines": len(self.directory.lines), "public": len(self.directory.public)}

    def say(self, body: Body) -> Body:
        """Have something said of an invoice now: number, code, reason, note, action, role, ago (seconds), raw (base64).

        Raises ControlError.
        """
        with self.lock:
            number = str(body.get("number", ""))
            about = [one for one in self.flows.values() if one.bill is not None and one.bill.number == number]
            if not about:
                raise ControlError("number is that of an invoice that was taken")
            ago = body.get("ago", 0)
            if not isinstance(ago, int | float) or isinstance(ago, bool):
                raise ControlError("ago is a number of seconds")
            flow = about[-1]
            step = Step(
                after=self.clock.now() - flow.at - timedelta(seconds=ago),
                code=str(body.get("code", "")),
                reason=str(body.get("reason", "")),
                note=str(body.get("note", "")),
                action=str(body.get("action", "")),
                role=str(body.get("role", "")),
                name=str(body.get("name", "")),
                raw=base64.b64decode(str(body.get("raw", ""))),
                late=True,
            )
            # Beside its own path, which goes on.
            at = flow.at + step.after
            told = self._say(flow, step, at)
        self.published(told)
        return {"flowId": told["flowId"]}

    def mark_answered(self, identifier: str, *, answered: bool) -> None:
        """Note whether the answer to a deposit has left."""
        with self.lock:
            if identifier in self.flows:
                self.flows[identifier].answered = answered


def stamp(at: datetime) -> str:
    """Write an instant as the contract does."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _record(flow: SimulatedFlow, now: datetime) -> Body:
    bill = flow.bill
    said = [step for step in flow.steps if flow.at + step.after <= now]
    status = said[-1].code if said else ""
    if flow.cdar is not None and flow.cdar.references:
        status = flow.cdar.references[0].code
    return {
        "flow": flow.identifier,
        "tracking": flow.info.get("trackingId", ""),
        "sha256": flow.sha256,
        "syntax": flow.info["flowSyntax"],
        "number": bill.number if bill else _number_of(flow.cdar),
        "seller": bill.seller if bill else "",
        "buyer": bill.buyer if bill else "",
        "address": bill.address if bill else "",
        "at": flow.at.isoformat(),
        "answered": flow.answered,
        "ack": flow.told(now)["acknowledgement"],
        "status": status,
    }


def _number_of(cdar: Cdar | None) -> str:
    return cdar.references[0].number if cdar is not None and cdar.references else ""


def _error(item: str, code: str, message: str) -> Body:
    return {"level": "Error", "item": item, "reasonCode": code, "reasonMessage": message}


def _meets(flow: SimulatedFlow, where: Mapping[str, object], now: datetime) -> bool:
    told = flow.told(now)
    for name, field_name in (("flowType", "flowType"), ("flowDirection", "flowDirection"), ("processingRule",) * 2):
        wanted = where.get(name)
        if isinstance(wanted, list) and told[field_name] not in wanted:
            return False
    if "trackingId" in where and told.get("trackingId") != where["trackingId"]:
        return False
    acknowledgement = told["acknowledgement"]
    status = acknowledgement["status"] if isinstance(acknowledgement, dict) else ""
    if "ackStatus" in where and status != where["ackStatus"]:
        return False
    # Compared as they are written: strictly after, to the millisecond.
    updated = datetime.fromisoformat(str(told["updatedAt"]))
    after, before = (_instant(where.get(name)) for name in ("updatedAfter", "updatedBefore"))
    return not (after and updated <= after) and not (before and updated >= before)


def _instant(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise Rejected(400, "INVALID_FIELD", "an instant cannot be read") from None


def _offset(cursor: object) -> int:
    if cursor is None:
        return 0
    try:
        return int(base64.b64decode(str(cursor), validate=True))
    except (binascii.Error, ValueError):
        raise Rejected(400, "INVALID_FIELD", "cursor") from None

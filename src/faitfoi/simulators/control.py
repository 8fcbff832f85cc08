"""The same small control address for every simulator: records, faults, time, reset, health.

JSON over HTTP, on loopback only. What every simulator answers:

    GET  /control/health             {"status": "ok", "simulator": name, "now": simulated instant}
    GET  /control/records            what was received, as the simulator's own handler gives it
    GET  /control/faults             faults that have not struck out yet
    POST /control/fault              {"kind": …, "times": 1, "probability": 1, "seconds": 0, "on": "", "code": ""}
    POST /control/calm               forgets planned faults, nothing else
    POST /control/advance            {"seconds": n}: pushes the simulated clock
    POST /control/reset              forgets faults, then whatever the simulator's own handler forgets

A refused command is a 400 with {"error": sentence}.
"""

import json
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar, cast

from faitfoi.simulators.loopback import Body, Loopback, Request

Handler = Callable[[Body], object]


class ControlError(ValueError):
    """A control command that cannot be obeyed; its text is told to whoever sent it."""


class NoSuchCommand(ControlError):
    """No simulator, or not this one, knows the command."""


class FaultKind(StrEnum):
    """The ways in which the other side can fail, the same names for every simulator."""

    DOWN = "down"  # not there: the document has not been taken
    LOSE_ANSWER = "lose_answer"  # takes the document, then drops the connection
    REFUSE = "refuse"  # reads the document and does not take it
    DUPLICATE = "duplicate"  # takes it, and says that it had it already
    SLOW = "slow"  # answers after `seconds`
    GARBAGE = "garbage"  # takes the document, and answers what nobody can read
    OUT_OF_ORDER = "out_of_order"  # tells its news in another order than they happened
    RATE_LIMITED = "rate_limited"  # asks to come back later: the document has not been taken
    EXPIRED_TOKEN = "expired_token"  # noqa: S105  # no longer knows a token that it has given


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned failure. `times` strikes (None: no end), each with `probability`; `on` one operation, `*` all."""

    kind: FaultKind
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 0.0
    on: str = ""
    code: str = ""


def read_fault(body: Body) -> Fault:
    """Read a fault from a control command. Raises ControlError."""
    unknown = set(body) - {"kind", "times", "probability", "seconds", "on", "code"}
    if unknown:
        raise ControlError(f"unknown fields: {', '.join(sorted(unknown))}")
    try:
        kind = FaultKind(str(body.get("kind", "")))
    except ValueError:
        raise ControlError(f"kind is one of {', '.join(FaultKind)}") from None
    times = body.get("times", 1)
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ControlError("times is a number from 1 on, or null for no end")
    probability = read_number(body, "probability", default=1.0)
    if not 0 <= probability <= 1:
        raise ControlError("probability lies between 0 and 1")
    return Fault(
        kind=kind,
        times=times,
        probability=probability,
        seconds=read_number(body, "seconds", default=0.0),
        on=str(body.get("on", "")),
        code=str(body.get("code", "")),
    )


def read_number(body: Body, name: str, *, default: float | None = None) -> float:
    """Read a number that is not negative from a control command. Raises ControlError."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ControlError(f"{name} is a number, 0 or more")
    return float(value)


class Faults:
    """The planned failures of one simulator. Thread-safe: each strike is taken by exactly one caller."""

    def __init__(self, *, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._dice = random.Random(seed)  # noqa: S311 -- chooses faults, repeatably; guards nothing
        self._planned: list[_Planned] = []

    def add(self, fault: Fault) -> None:
        """Plan one more failure, after those planned before."""
        with self._lock:
            self._planned.append(_Planned(fault=fault, left=fault.times))

    def take(self, kind: FaultKind, *, on: str = "", main: bool = True) -> Fault | None:
        """Give the failure of this kind that strikes now, if one does; it then has one strike less.

        A fault whose `on` is empty strikes the main operations only; `*` strikes all, a name that one.
        """
        with self._lock:
            for planned in self._planned:
                fault = planned.fault
                aimed = fault.on in {on, "*"} or (main and not fault.on)
                if fault.kind is not kind or not aimed or self._dice.random() >= fault.probability:
                    continue
                if planned.left is not None:
                    planned.left -= 1
                    if not planned.left:
                        self._planned.remove(planned)
                return fault
        return None

    def clear(self) -> None:
        """Forget every planned failure, and start the dice anew."""
        with self._lock:
            self._planned.clear()
            self._dice.seed(self._seed)

    def left(self) -> list[Body]:
        """List what is still planned, `times` being the strikes left."""
        with self._lock:
            return [asdict(planned.fault) | {"times": planned.left} for planned in self._planned]


@dataclass(slots=True)
class _Planned:
    fault: Fault
    left: int | None


class Clock:
    """A simulator's own time: it starts at `start` (None: now), runs `factor` times as fast as ours, and can be pushed.

    `factor=0` stands still between two pushes. Never goes backwards. Thread-safe.
    """

    def __init__(self, *, start: datetime | None = None, factor: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._start = start or datetime.fromtimestamp(time.time(), UTC)
        self._factor = factor
        self._began = time.monotonic()
        self._pushed = timedelta()

    def now(self) -> datetime:
        """Give the simulated instant, aware."""
        with self._lock:
            run = timedelta(seconds=(time.monotonic() - self._began) * self._factor)
            return self._start + run + self._pushed

    def advance(self, seconds: float) -> datetime:
        """Push time forward by so many seconds, and give the new instant."""
        with self._lock:
            self._pushed += timedelta(seconds=seconds)
        return self.now()


class Simulator(Protocol):
    """What every simulator can do."""

    def start(self) -> None:
        """Begin to listen."""

    def stop(self) -> None:
        """Give the ports back."""


Kind = TypeVar("Kind", bound=Simulator)


def serve(simulator: Kind, started: Callable[[Kind], None] | None) -> None:
    """Run a simulator until SIGINT or SIGTERM; `started` is told it once it listens. Main thread only."""
    over = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: over.set())
    simulator.start()
    try:
        if started is not None:
            started(simulator)
        over.wait()
    finally:
        simulator.stop()


class ControlServer:
    """Serves the control address of one simulator in a background thread, between start() and stop().

    `handlers` maps "GET /control/records" and the like to functions from the JSON body to a JSON value; they are called
    from several threads. Health, faults, fault, advance and reset are answered here; a handler of the same name for
    advance or reset is called after our own part, and its answer is given.
    """

    def __init__(
        self,
        *,
        name: str,
        faults: Faults,
        clock: Clock,
        handlers: Mapping[str, Handler],
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.name = name
        self.faults = faults
        self.clock = clock
        self._handlers = dict(handlers)
        self._server = Loopback(self, _ControlRequest, name=f"{name}-control", host=host, port=port)

    @property
    def url(self) -> str:
        """The base address, without a final slash: add /control/…"""
        return self._server.url

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self) -> None:
        """Give the port back."""
        self._server.stop()

    def obey(self, command: str, body: Body) -> object:
        """Carry out one command such as "POST /control/reset". Raises ControlError, or NoSuchCommand."""
        own = self._handlers.get(command)
        match command:
            case "GET /control/health":
                told: Body = {"status": "ok", "simulator": self.name, "now": self.clock.now().isoformat()}
                return told | cast("Body", own(body)) if own else told
            case "GET /control/faults":
                return {"faults": self.faults.left()}
            case "POST /control/fault":
                self.faults.add(read_fault(body))
                return {"faults": self.faults.left()}
            case "POST /control/calm":
                self.faults.clear()
                return {"faults": self.faults.left()}
            case "POST /control/advance":
                now = self.clock.advance(read_number(body, "seconds"))
                return own(body) if own else {"now": now.isoformat()}
            case "POST /control/reset":
                self.faults.clear()
                return own(body) if own else {"now": self.clock.now().isoformat()}
        if own is None:
            raise NoSuchCommand(command)
        return own(body)


class _ControlRequest(Request[ControlServer]):
    def serve(self, content: bytes) -> None:
        try:
            body = json.loads(content or b"{}")
        except ValueError:
            self.tell(400, {"error": "the command is not JSON"})
            return
        if not isinstance(body, dict):
            self.tell(400, {"error": "the command is not a JSON object"})
            return
        command = f"{self.command} {self.route}"
        try:
            answer = self.owner.obey(command, body)
        except NoSuchCommand:
            self.tell(404, {"error": f"no such command: {command}"})
        except ControlError as error:
            self.tell(400, {"error": str(error)})
        else:
            self.tell(200, answer)

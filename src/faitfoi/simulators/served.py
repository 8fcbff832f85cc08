"""What a simulator is that answers by HTTP: its server and its control address, which begin and end together."""

import json
from collections.abc import Callable
from typing import Any

from faitfoi.simulators.control import ControlServer, Fault, FaultKind
from faitfoi.simulators.loopback import Body, Loopback, Request


class Served:
    """Serves between start() and stop() in background threads; a simulator sets both servers when it is made."""

    _server: Loopback[Any]
    _control: ControlServer

    @property
    def url(self) -> str:
        """The base address, without a final slash; the simulator's module says what to add."""
        return self._server.url

    @property
    def control_url(self) -> str:
        """The base address of the control commands."""
        return self._control.url

    def start(self) -> None:
        """Begin to answer."""
        self._control.start()
        self._server.start()

    def stop(self) -> None:
        """Give the ports back; connections that are open get no more answers."""
        self._server.stop()
        self._control.stop()


def hide_answer(request: Request[Any], body: Body, take: Callable[[FaultKind], Fault | None]) -> bool:
    """Answer late, not at all or illegibly, as the faults that strike say; False when the answer is still to be given.

    What was asked is done already: `body` is what would be answered.
    """
    if slow := take(FaultKind.SLOW):
        request.dawdle(slow.seconds)
    if take(FaultKind.LOSE_ANSWER):
        request.drop()
        return True
    if garbage := take(FaultKind.GARBAGE):
        request.garble(json.dumps(body).encode(), truncated=garbage.code == "truncated")
        return True
    return False

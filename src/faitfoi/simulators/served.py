"""What a simulator is that answers by HTTP: its server and its control address, which begin and end together."""

from typing import Any

from faitfoi.simulators.control import ControlServer
from faitfoi.simulators.loopback import Loopback


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

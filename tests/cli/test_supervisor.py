"""The supervisor keeps its family alive, and says so when one of them will not live."""

import os
import signal
from pathlib import Path

import pytest

from faitfoi.cli.supervisor import Died, Supervisor, free_port, wait_for_port
from tests.waiting import wait_for


def revived(supervisor: Supervisor) -> list[str]:
    """The first ones that were started again."""
    names: list[str] = []

    def one_was() -> bool:
        names.extend(supervisor.revive())
        return bool(names)

    wait_for(one_was, "another life")
    return names


def revived_for_ever(supervisor: Supervisor) -> None:
    while True:
        revived(supervisor)


def test_a_process_that_died_is_started_again(tmp_path: Path) -> None:
    port, control = free_port(), free_port()
    with Supervisor(tmp_path) as supervisor:
        arguments = ["simulate", "smtp", "--port", str(port), "--control-port", str(control)]
        first = supervisor.start("relais", arguments)
        wait_for_port(port, supervisor)
        os.kill(first, signal.SIGKILL)

        assert revived(supervisor) == ["relais"]
        wait_for_port(port, supervisor)
        supervisor.check()


def test_a_process_that_cannot_live_is_not_started_for_ever(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("absent", ["no-such-command"])
        with pytest.raises(Died, match=r"absent\.log"):
            revived_for_ever(supervisor)

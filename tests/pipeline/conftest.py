"""Both simulators, once per process and forgetful between tests, and the organisation that uses them."""

from collections.abc import Iterator

import pytest

from faitfoi.accounts.models import Organisation
from faitfoi.simulators.chorus import ChorusSimulator
from faitfoi.simulators.smtp import SmtpSimulator
from tests.pipeline.cast import Scene


@pytest.fixture(scope="session")
def relay() -> Iterator[SmtpSimulator]:
    """A mail relay for the whole run."""
    simulator = SmtpSimulator()
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture(scope="session")
def portal() -> Iterator[ChorusSimulator]:
    """A Chorus Pro for the whole run."""
    simulator = ChorusSimulator()
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def scene(cooperative: Organisation, relay: SmtpSimulator, portal: ChorusSimulator) -> Scene:
    """Alice's organisation, its customers and its channels, before simulators that remember nothing."""
    for command in ("POST /control/reset",):
        relay.control.obey(command, {})
        portal._control.obey(command, {})
    made = Scene(organisation=cooperative, smtp=relay, chorus=portal)
    made.set_up()
    return made

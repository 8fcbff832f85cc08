"""Both simulators, once per process and forgetful between tests, and the organisation that uses them."""

from collections.abc import Iterator

import pytest
from django.db import connection, connections

from faitfoi.accounts.models import Organisation
from faitfoi.intake.returns import ReturnListener
from faitfoi.pipeline.returning import is_ours, take_in
from faitfoi.simulators.chorus import ChorusSimulator
from faitfoi.simulators.smtp import SmtpSimulator
from tests.pipeline.cast import Scene
from tests.pipeline.people import entries_of, named, people
from tests.pipeline.projection import differences
from tests.pipeline.typist import Typist

CHANGED_BY_HAND = ("Organisation ", "Membership ", "User ", "Mandate ", "Customer ")
"""What tests write without the door that journals it (`test_rebuilding` goes through the doors)."""


@pytest.fixture(scope="session")
def relay() -> Iterator[SmtpSimulator]:
    """A mail relay for the whole run."""
    simulator = SmtpSimulator(keep_bytes=True)
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
def scene(
    request: pytest.FixtureRequest, cooperative: Organisation, relay: SmtpSimulator, portal: ChorusSimulator
) -> Iterator[Scene]:
    """Alice's organisation, its customers and its channels, before simulators that remember nothing.

    Whatever the test did, no entry names anybody, and the journal could make the tables again; `beside_the_journal`
    marks those that change rows by hand.
    """
    relay.control.obey("POST /control/reset", {})
    portal._control.obey("POST /control/reset", {})
    with connection.cursor() as cursor:
        # The queue's tables are not Django's to empty: jobs of earlier tests would stay.
        cursor.execute("DELETE FROM procrastinate_jobs")
        cursor.execute("DELETE FROM procrastinate_workers")
    made = Scene(organisation=cooperative, smtp=relay, chorus=portal)
    made.set_up()
    yield made
    assert named(entries_of(cooperative.id), people(cooperative)) == []
    if request.node.get_closest_marker("beside_the_journal") is None:
        assert [each for each in differences(cooperative.id) if not each.startswith(CHANGED_BY_HAND)] == []


@pytest.fixture
def listening(scene: Scene, relay: SmtpSimulator) -> Iterator[ReturnListener]:
    """The real listener, to which the relay sends its reports."""

    def take(raw: bytes, recipients: tuple[str, ...]) -> None:
        try:
            take_in(raw, recipients)
        finally:
            connections.close_all()

    listener = ReturnListener("127.0.0.1", 0, take, accepts=is_ours)
    listener.start()
    relay.outbox.port = listener.port
    yield listener
    relay.outbox.port = 0
    listener.stop()


@pytest.fixture(scope="module")
def typist(django_db_setup: None) -> Iterator[Typist]:
    """Types commands on the tests' database."""
    with Typist({"COLUMNS": "400"}) as ready:
        yield ready

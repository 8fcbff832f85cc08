"""Many long lives of `tests/pipeline/life.py`: issue, send, hold, eliminate, lose the database, restore, in any order.

    LIVES   how many (30)
    STEPS   how many steps of each (30)

What fails is shrunk to the shortest life that still fails.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import Settings

from faitfoi.accounts.models import User
from tests.pipeline.backups import drop_copies, owner_known
from tests.pipeline.cast import Scene
from tests.pipeline.life import World, lives_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

__all__ = ["owner_known"]

LIVES = int(os.environ.get("LIVES", "30"))
STEPS = int(os.environ.get("STEPS", "30"))


@pytest.fixture
def world(scene: Scene, alice: User, bob: User, settings: Settings, owner_known: None) -> Iterator[World]:
    made = World(scene=scene, settings=settings, asker=alice, approver=bob)
    made.begin()
    yield made
    drop_copies("beginning", "backup")


def test_any_order_of_steps_keeps_the_promises(world: World) -> None:
    dice = settings(
        max_examples=LIVES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lives_in(world), settings=dice)

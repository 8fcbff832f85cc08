"""Many long lives of `tests/pipeline/life.py`: issue, send, hold, eliminate, lose the database, restore, in any order.

    LIVES   how many (30)
    STEPS   how many steps of each (30)

What fails is shrunk to the shortest life that still fails.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.pipeline.backups import owner_known
from tests.pipeline.life import World, lives_in, world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

__all__ = ["owner_known", "world"]

LIVES = int(os.environ.get("LIVES", "30"))
STEPS = int(os.environ.get("STEPS", "30"))


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

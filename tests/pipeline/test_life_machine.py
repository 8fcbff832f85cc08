"""Issued, sent, held, eliminated, lost and restored in any order: nothing twice, nothing held goes, fsck stays clean.

    LIVES   how many lives (3)
    STEPS   how many steps of each (14)

`tests/slow/test_lives.py` plays more and longer ones.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.pipeline.backups import owner_known
from tests.pipeline.life import LATELY, LONG_AGO, MUCH_LATER, World, lives_in, world

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["owner_known", "world"]

LIVES = int(os.environ.get("LIVES", "3"))
STEPS = int(os.environ.get("STEPS", "14"))


def test_the_steps_that_hurt_most_in_their_worst_order(world: World) -> None:
    """What every run plays, whatever the dice are."""
    life = lives_in(world)()
    life.issue(LONG_AGO, public=False, from_series=True)
    life.issue(LATELY, public=True, from_series=True)
    life.send()
    life.back_up()
    life.issue(LATELY, public=False, from_series=True)
    life.send()
    life.hold("first")
    life.eliminate(0, "")
    assert not life.gone
    life.lose_the_database()
    assert life.behind
    life.hand_over_again(2)
    life.issue(LATELY, public=False, from_series=True)
    life.send()
    life.let_time_pass(MUCH_LATER)
    life.eliminate(0, "")
    life.bring_it_back()
    life.send()
    life.ask()
    life.eliminate(0, "")
    assert not life.gone
    life.lift()
    life.back_up()
    life.eliminate(0, "remove_packs")
    life.lose_the_database()
    assert life.behind
    life.teardown()
    assert life.gone == {"S-2014-1"}
    assert sum(life._received().values()) == 3


def test_any_order_of_steps_keeps_the_promises(world: World) -> None:
    run_state_machine_as_test(
        lives_in(world),
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )

"""Issued, sent, held, eliminated, lost and restored in any order: nothing twice, nothing held goes, fsck stays clean.

    LIVES   how many lives (3)
    STEPS   how many steps of each (14)

`tests/slow/test_lives.py` plays more and longer ones.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import Settings

from faitfoi.accounts.models import User
from tests.pipeline.backups import drop_copies, owner_known
from tests.pipeline.cast import Scene
from tests.pipeline.life import LATELY, LONG_AGO, MUCH_LATER, World, lives_in

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["owner_known"]

LIVES = int(os.environ.get("LIVES", "3"))
STEPS = int(os.environ.get("STEPS", "14"))


@pytest.fixture
def world(scene: Scene, alice: User, bob: User, settings: Settings, owner_known: None) -> Iterator[World]:
    made = World(scene=scene, settings=settings, asker=alice, approver=bob)
    made.begin()
    yield made
    drop_copies("beginning", "backup")


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

"""Workers and watched folders outlive their database: the next document leaves as if nothing had been."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections

from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import Delivery
from faitfoi.records.stages import Stage
from tests import waiting
from tests.pipeline.cast import Scene, file
from tests.postgres import cluster
from tests.slow.fleet import Fleet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fleet(scene: Scene, tmp_path: Path) -> Iterator[Fleet]:  # the worker's database is the scene's
    """One worker, as a process of its own, at work."""
    with Fleet(tmp_path) as made:
        made.start("worker", ["worker"])
        yield made


def wait_for(holds: Callable[[], bool], fleet: Fleet) -> None:
    waiting.wait_for(holds, lambda: fleet.log("worker").read_text()[-3000:], meanwhile=fleet.check)


def sent(scene: Scene, number: str) -> bool:
    with acting_for(scene.organisation.id):
        return Delivery.objects.filter(document__number=number, stage=Stage.ACCEPTED).exists()


def lives() -> list[int]:
    """The ids of the workers of the queue, one for each life."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM procrastinate_workers ORDER BY id")
        return [each for (each,) in cursor.fetchall()]


def cut_everybody(*, door_closed: bool) -> None:
    """End all connections to the database, and have it take no other until `open_the_door`."""
    name = str(connections["default"].settings_dict["NAME"])
    connections.close_all()
    with psycopg.connect(cluster().superuser_url, autocommit=True) as root:
        if door_closed:
            root.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        root.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def open_the_door() -> None:
    name = str(connections["default"].settings_dict["NAME"])
    with psycopg.connect(cluster().superuser_url, autocommit=True) as root:
        root.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


@pytest.fixture
def inbox(fleet: Fleet, tmp_path: Path) -> Path:
    """A folder that is watched."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    fleet.start("watch", ["watch", str(folder)])
    wait_for(lambda: any(folder.iterdir()), fleet)
    return folder


@pytest.fixture
def closed(fleet: Fleet, inbox: Path) -> Iterator[None]:  # both must be at work before
    """A database that is away for the time of a test; the worker and the watched folder have noticed."""
    wait_for(lambda: bool(lives()), fleet)
    cut_everybody(door_closed=True)
    try:
        for name in ("worker", "watch"):
            wait_for(lambda name=name: "base de données" in fleet.log(name).read_text(), fleet)  # type: ignore[misc]
        yield
    finally:
        open_the_door()


def test_connections_cut_for_a_moment_cost_nothing(scene: Scene, fleet: Fleet) -> None:
    scene.hand_over(file("F-1"))
    wait_for(lambda: sent(scene, "F-1"), fleet)
    cut_everybody(door_closed=False)
    scene.hand_over(file("F-2"))
    wait_for(lambda: sent(scene, "F-2"), fleet)
    assert fleet.alive("worker")


@pytest.mark.usefixtures("closed")
def test_all_wait_for_a_database_that_is_away(scene: Scene, fleet: Fleet, inbox: Path) -> None:
    (inbox / "F-1.json").write_bytes(file("F-1"))
    open_the_door()
    wait_for(lambda: sent(scene, "F-1"), fleet)
    fleet.check()


@pytest.mark.usefixtures("closed")
def test_all_can_be_stopped_while_they_wait(fleet: Fleet) -> None:
    assert fleet.stop("worker") == 0
    assert fleet.stop("watch") in {0, 130}


def test_a_worker_taken_for_dead_goes_on_under_another_name(scene: Scene, fleet: Fleet) -> None:
    """Its host was cut off for a minute: the others have forgotten it, and have given its job away."""
    wait_for(lambda: bool(lives()), fleet)
    (first,) = lives()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    wait_for(lambda: bool(lives()), fleet)
    assert first not in lives()
    scene.hand_over(file("F-1"))
    wait_for(lambda: sent(scene, "F-1"), fleet)
    assert fleet.alive("worker")

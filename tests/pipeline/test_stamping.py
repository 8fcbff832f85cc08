"""A time-stamp authority that is down, slow, lying or at another hour: nothing is kept of it, nothing waits for it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.stamping import stamp_last_checkpoint
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.records.models import Alarm, CheckpointStamp
from faitfoi.records.stages import Stage
from tests.evidence.tsa import Authority, Lie, about_something_else, garbage, serving, with_another_nonce
from tests.pipeline.cast import Scene, file

pytestmark = pytest.mark.django_db(transaction=True)

TEN_YEARS = timedelta(days=3653)


@pytest.fixture
def authority(tmp_path: Path, settings: Settings) -> Iterator[Authority]:
    with serving(Authority(tmp_path / "tsa")) as made:
        choose(settings, made)
        yield made


def choose(settings: Settings, authority: Authority) -> None:
    settings.FAITFOI_TSA, settings.FAITFOI_TSA_ROOTS = authority.url, str(authority.roots)


def at_another_hour(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    true = timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: true() + ahead)


def alarms() -> dict[str, str]:
    return {cause.partition(":")[0]: sentence for cause, sentence in Alarm.objects.values_list("cause", "sentence")}


def nothing_is_kept_and_mail_leaves(scene: Scene, monkeypatch: pytest.MonkeyPatch, *, told: str) -> None:
    """Whatever the authority does: no stamp, no alarm before ten minutes, one that says it after, and mail leaves."""
    scene.send(file("F-1"))
    witnessed()
    assert stamp_last_checkpoint() == 0
    assert not CheckpointStamp.objects.exists()
    assert alarms() == {}
    with monkeypatch.context() as later:
        at_another_hour(later, timedelta(minutes=11))
        assert stamp_last_checkpoint() == 0
        assert told in alarms()["stamp"]
    scene.send(file("F-2"))
    assert scene.stage("F-2") is Stage.ACCEPTED
    assert examine_installation().sound


def test_an_authority_that_is_down_holds_nothing_up(
    scene: Scene, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.down = True
    nothing_is_kept_and_mail_leaves(scene, monkeypatch, told="en panne (HTTP 503)")
    authority.down = False
    assert stamp_last_checkpoint() == 1
    assert alarms() == {}


def test_an_authority_that_is_slow_holds_nothing_up(
    scene: Scene, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.delay = 30
    monkeypatch.setattr("faitfoi.pipeline.stamping.PATIENCE", 0.2)
    nothing_is_kept_and_mail_leaves(scene, monkeypatch, told="ne répond pas")


@pytest.mark.parametrize("lie", [about_something_else, with_another_nonce, garbage])
def test_a_lie_is_not_kept(scene: Scene, authority: Authority, monkeypatch: pytest.MonkeyPatch, lie: Lie) -> None:
    authority.lie = lie
    nothing_is_kept_and_mail_leaves(scene, monkeypatch, told="demandé")


def test_an_expired_authority_is_not_kept(
    scene: Scene, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251  # the authority stamps the real hour
    with serving(Authority(tmp_path / "old", valid_until=yesterday)) as old:
        choose(settings, old)
        nothing_is_kept_and_mail_leaves(scene, monkeypatch, told="demandé")


@pytest.mark.parametrize("ahead", [TEN_YEARS, -TEN_YEARS])
def test_an_authority_ten_years_away_is_refused_and_both_hours_are_told_at_once(
    scene: Scene, authority: Authority, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    scene.send(file("F-1"))
    witnessed()
    with monkeypatch.context() as elsewhere:
        at_another_hour(elsewhere, ahead)
        assert stamp_last_checkpoint() == 0
        said = alarms()["clock"]
        assert f"{timezone.now():%d/%m/%Y}" in said
    assert f"{timezone.now():%d/%m/%Y}" in said
    assert "L’une des deux horloges se trompe" in said
    assert not CheckpointStamp.objects.exists()
    assert stamp_last_checkpoint() == 1
    assert alarms() == {}


@pytest.mark.parametrize("seconds", [30, -30])
def test_an_authority_some_seconds_away_is_kept_and_told(
    scene: Scene, authority: Authority, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    scene.send(file("F-1"))
    witnessed()
    with monkeypatch.context() as elsewhere:
        at_another_hour(elsewhere, timedelta(seconds=seconds))
        assert stamp_last_checkpoint() == 1
        assert "L’une des deux horloges se trompe" in alarms()["clock"]
    scene.send(file("F-2"))
    witnessed()
    assert stamp_last_checkpoint() == 1
    assert alarms() == {}

"""Several witnesses: each signs the same checkpoint, silence is tolerated to the quorum, contradiction never."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from faitfoi.database import roles
from faitfoi.evidence.checkpoint import open_checkpoint
from faitfoi.evidence.fsck import ProblemKind
from faitfoi.evidence.note import KeyType, Signer, Verifier, open_note, write_note
from faitfoi.evidence.witness_wire import WitnessSilent
from faitfoi.pipeline.dossiers import make_dossier
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.witnesses import forget_keys, log_signer, panel, protection
from faitfoi.pipeline.witnessing import JournalBehind, may_number, may_send, witnessed
from faitfoi.records.models import Alarm, Checkpoint
from faitfoi.records.stages import LineOutcome, Stage
from tests.pipeline.cast import Scene, file
from tests.pipeline.test_witnessing import lose_what_the_witness_saw, write_some
from tests.pipeline.witnesses import ask, far_witnesses
from tests.postgres import cluster

pytestmark = pytest.mark.django_db(transaction=True)

TEN_YEARS = timedelta(days=3653)


def alarms() -> dict[str, str]:
    return dict(Alarm.objects.values_list("cause", "sentence"))


def test_every_witness_signs_the_same_checkpoint(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    with far_witnesses(settings, tmp_path, "un.example", "deux.example", "trois.example") as three:
        scene.send(file("F-1"))
        assert scene.stage("F-1") is Stage.ACCEPTED
        _, note = open_checkpoint(Checkpoint.objects.latest("size").note.encode(), log_signer().verifier)
        assert all(note.verified_by(Verifier.parse(each.vkey)) for each in three)
        assert "suivi d’ailleurs" in protection()
    assert alarms() == {}


def test_the_quorum_tolerates_silence(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    with far_witnesses(settings, tmp_path, "un.example", "deux.example") as (one, two):
        two.url = "http://127.0.0.1:9"
        ask(settings, [one, two])
        write_some(scene, 1)
        assert not may_send()
        assert "« deux.example »" not in alarms()["witness"]
        assert "127.0.0.1:9 ne répond pas" in alarms()["witness"]

        ask(settings, [one, two], quorum=1)
        assert may_send()
        assert set(alarms()) == {"witness:deux.example"}


def test_the_quorum_never_tolerates_contradiction(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    with far_witnesses(settings, tmp_path, "un.example", "deux.example", quorum=1) as (one, two):
        write_some(scene, 2)
        witnessed()
        ask(settings, [two])
        lose_what_the_witness_saw(scene, 3)
        # The whole machine was restored, and the first witness was away meanwhile: only the second one knows.
        shutil.rmtree(settings.FAITFOI_HOME / "keys" / "journal" / "seen")
        ask(settings, [one, two], quorum=1)
        write_some(scene, 1, kind="other_act")
        with pytest.raises(JournalBehind, match="ramenée en arrière"):
            witnessed()
        write_some(scene, 5, kind="other_act")
        with pytest.raises(JournalBehind, match="réécrit"):
            witnessed()
        assert not may_number()


@pytest.mark.parametrize("told", ["0", "3", "-1", "tous"])
def test_a_quorum_that_cannot_be_is_told(scene: Scene, settings: Settings, tmp_path: Path, told: str) -> None:
    with far_witnesses(settings, tmp_path, "un.example", "deux.example"):
        settings.FAITFOI_WITNESS_QUORUM = told
        forget_keys()
        with pytest.raises(WitnessSilent, match="de 1 à 2"):
            witnessed()
        assert told in protection()


def test_one_witness_named_twice_is_not_two(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    with far_witnesses(settings, tmp_path, "un.example") as (one,):
        ask(settings, [one, one])
        with pytest.raises(WitnessSilent, match="nommé deux fois"):
            witnessed()


def test_a_witness_that_forgot_is_not_taken_for_a_new_one(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    with far_witnesses(settings, tmp_path / "a", "un.example"):
        scene.send(file("F-1"))
    with far_witnesses(settings, tmp_path / "lost", "un.example"):
        scene.prepare(scene.hand_over(file("F-2")))
        scene.deliver()
        assert scene.stage("F-2") is Stage.ROUTED
        assert "« un.example » a perdu sa mémoire" in alarms()["witness"]
        assert panel().quorum == 1
    with far_witnesses(settings, tmp_path / "lost", "autre.example"):
        scene.deliver()
        assert scene.stage("F-2") is Stage.ACCEPTED
        assert alarms() == {}
        # What the former one signed is still proved under its own name.
        name, _ = make_dossier(scene.organisation.id, scene.document("F-1").id)
        assert "F-1" in name


def test_another_witness_does_not_lift_the_stop(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    """Nobody lifts it by configuration: what any witness has signed is held, and compared, whoever is asked now."""
    with far_witnesses(settings, tmp_path, "un.example"):
        write_some(scene, 2)
        lose_what_the_witness_saw(scene, 3)
    with far_witnesses(settings, tmp_path, "neuf.example"):
        with pytest.raises(JournalBehind, match="ramenée en arrière"):
            witnessed()
        write_some(scene, 9, kind="other_act")
        with pytest.raises(JournalBehind):
            witnessed()
        assert stopped()


def test_a_database_that_went_back_is_seen_while_no_witness_answers(scene: Scene, settings: Settings) -> None:
    write_some(scene, 2)
    lose_what_the_witness_saw(scene, 3)
    settings.FAITFOI_WITNESS, settings.FAITFOI_WITNESS_KEY = "http://127.0.0.1:9", panel().members[0].verifier.vkey
    forget_keys()
    assert not may_number()
    assert "ramenée en arrière" in alarms()["rollback"]


def test_while_it_is_stopped_people_hand_over_and_nothing_moves(scene: Scene) -> None:
    scene.send(file("F-1"))
    lose_what_the_witness_saw(scene, 3)
    assert not may_send()
    before = len(scene.mails())
    batch = scene.hand_over(file("F-2"))
    scene.prepare(batch)
    scene.poll()
    scene.ask()
    scene.deliver()
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.WAITING]
    assert len(scene.mails()) == before


@pytest.mark.parametrize("late", [TEN_YEARS, -TEN_YEARS])
def test_a_witness_with_another_hour_raises_an_alarm(
    scene: Scene, settings: Settings, tmp_path: Path, late: timedelta
) -> None:
    with far_witnesses(settings, tmp_path, "un.example") as (one,):
        one.late = late
        write_some(scene, 1)
        assert may_send()
        assert may_number()
        assert "L’une des deux horloges se trompe" in alarms()["clock:un.example"]
        one.late = timedelta(0)
        write_some(scene, 1)
        assert may_send()
        assert alarms() == {}


def test_a_clock_that_went_back_issues_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.send(file("F-0"))
    assert may_number()
    true = timezone.now
    move_clock(monkeypatch, lambda: true() - TEN_YEARS)
    batch = scene.hand_over(file("F-1"))
    scene.prepare(batch)
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.WAITING]
    assert "L’horloge de cette machine" in alarms()["clock"]
    scene.prepare(batch)
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.WAITING]

    move_clock(monkeypatch, true)
    scene.prepare(batch)
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.READY]
    assert alarms() == {}


def test_a_clock_that_was_ahead_for_a_while_does_not_forbid_to_issue(
    scene: Scene, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with far_witnesses(settings, tmp_path, "un.example"):
        true = timezone.now
        move_clock(monkeypatch, lambda: true() + TEN_YEARS)
        write_some(scene, 1)
        assert may_send()
        assert "clock:un.example" in alarms()
        move_clock(monkeypatch, true)
        write_some(scene, 1)
        assert may_number()
        assert alarms() == {}


def move_clock(monkeypatch: pytest.MonkeyPatch, now: Callable[[], object]) -> None:
    monkeypatch.setattr("django.utils.timezone.now", now)


def test_each_checkpoint_is_judged_by_the_witnesses_in_force_then(
    scene: Scene, settings: Settings, tmp_path: Path
) -> None:
    with far_witnesses(settings, tmp_path, "un.example", "deux.example", "trois.example") as (one, two, three):
        ask(settings, [one])
        write_some(scene, 2)
        witnessed()
        ask(settings, [two, three])
        witnessed()  # the same size, other witnesses
        write_some(scene, 2)
        last = witnessed()
        assert examine_installation().problems == ()
        ask(settings, [three])  # today's only one has never signed the first checkpoint
        write_some(scene, 1)
        witnessed()
        assert examine_installation().problems == ()

        def rewritten(note: bytes) -> None:
            name = str(connections["default"].settings_dict["NAME"])
            with psycopg.connect(roles.on_database(cluster().superuser_url, name)) as root:
                root.execute("SET session_replication_role = replica")
                root.execute("UPDATE records_checkpoint SET note = %s WHERE size = %s", [note.decode(), last])

        def kept(note: bytes) -> str:
            rewritten(note)
            (problem,) = examine_installation().problems
            assert (problem.kind, problem.object) == (ProblemKind.CHECKPOINT_REFUSED, str(last))
            return problem.sentence

        before = Checkpoint.objects.get(size=last).note.encode()
        signed = open_note(before)
        lines = {
            each.name: line for each, line in zip(signed.signatures, before.decode().splitlines(True)[-3:], strict=True)
        }
        by_log = lines[log_signer().name]
        # A witness that was replaced cannot vouch for what came after it; one of two is not the two that were needed.
        replaced = Signer(
            name="un.example",
            key=Ed25519PrivateKey.from_private_bytes(b"un.example".ljust(32, b"k")),
            kind=KeyType.WITNESS,
        ).line(signed.text, at=timezone.now())
        assert "0 des témoins d’alors, et il en fallait 2" in kept(write_note(signed.text, [by_log, replaced]))
        assert "1 des témoins d’alors" in kept(write_note(signed.text, [by_log, replaced, lines["deux.example"]]))
        forged = lines["trois.example"].replace(lines["trois.example"][-9:-4], "AAAAA")
        assert "ne se vérifie pas" in kept(write_note(signed.text, [by_log, lines["deux.example"], forged]))
        rewritten(before)
        assert examine_installation().problems == ()

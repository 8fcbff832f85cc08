"""`fsck` finds what somebody with every right has changed: an object, a row of the journal, an answer received."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections

from faitfoi.accounts.tenancy import acting_for
from faitfoi.database import roles
from faitfoi.evidence.fsck import ProblemKind, Report
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.merkle import root as tree_root
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.records.models import Event, JournalEntry
from tests.pipeline.cast import TOWN, Scene, file, keep
from tests.postgres import cluster
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.beside_the_journal]


@pytest.fixture
def root() -> Iterator[psycopg.Connection]:
    """The database's superuser, whom no trigger and no policy holds."""
    name = str(connections["default"].settings_dict["NAME"])
    with psycopg.connect(roles.on_database(cluster().superuser_url, name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


@pytest.fixture
def played(scene: Scene) -> Scene:
    """A batch that has gone all the way, with one refused line, and a sound journal of it."""
    scene.send(file("F-1"), file("F-2", TOWN), b"rien de lisible")
    scene.advance(days=20)
    scene.poll()
    report = examine_installation()
    assert report.sound, report.problems
    assert report.seals == 3
    assert report.entries > 10
    return scene


def kinds(report: Report) -> set[ProblemKind]:
    assert all(problem.sentence.endswith(".") for problem in report.problems)
    return {problem.kind for problem in report.problems}


def entries(scene: Scene) -> list[str]:
    with acting_for(scene.organisation.id):
        return [str(pk) for pk in JournalEntry.objects.order_by("id").values_list("id", flat=True)]


@pytest.mark.parametrize("role", ["original", "legal", "chorus"])
def test_a_tampered_object_is_found(played: Scene, role: str) -> None:
    sha256 = played.artefact("F-2", role).sha256
    played.alter(sha256)
    report = examine_installation()
    assert kinds(report) == {ProblemKind.OBJECT_ALTERED, ProblemKind.PACK_ALTERED}
    assert sha256 in {problem.object for problem in report.problems}


def test_a_missing_object_is_found(played: Scene) -> None:
    sha256 = played.artefact("F-1", "legal").sha256
    played.lose(sha256)
    assert kinds(examine_installation()) == {ProblemKind.PACK_MISSING}


def test_an_altered_raw_answer_is_found(played: Scene) -> None:
    with acting_for(played.organisation.id):
        raw = (
            Event.objects.exclude(raw_sha256="").filter(axis=Event.Axis.THEIRS).values_list("raw_sha256", flat=True)[0]
        )
    played.alter(raw)
    report = examine_installation()
    assert {(problem.kind) for problem in report.problems} == {ProblemKind.OBJECT_ALTERED, ProblemKind.PACK_ALTERED}
    assert raw in {problem.object for problem in report.problems}


def test_an_answer_put_in_the_place_of_another_is_found(played: Scene, root: psycopg.Connection) -> None:
    forged = keep(played.organisation, b'{"statut": "MISE_EN_PAIEMENT"}').sha256
    root.execute("UPDATE records_event SET raw_sha256 = %s WHERE code = 'receipt'", [forged])
    assert kinds(examine_installation()) == {ProblemKind.NOT_JOURNALLED}


def test_a_stage_written_beside_the_door_is_found(played: Scene, root: psycopg.Connection) -> None:
    root.execute("UPDATE records_delivery SET stage = 'returned' WHERE channel = 'email'")
    report = examine_installation()
    assert [problem.object for problem in report.problems] == [str(played.delivery("F-1").id)]
    assert "sans passer par Faitfoi" in report.problems[0].sentence


def test_a_refused_file_is_kept_and_examined(played: Scene) -> None:
    played.lose(hashlib.sha256(b"rien de lisible").hexdigest())
    assert ProblemKind.PACK_MISSING in kinds(examine_installation())


def test_a_removed_journal_row_is_found(played: Scene, root: psycopg.Connection) -> None:
    gone = entries(played)[3]
    root.execute("DELETE FROM records_journalentry WHERE id = %s", [gone])
    assert ProblemKind.ENTRY_MISSING in kinds(examine_installation())


def test_a_journal_row_removed_with_its_leaf_is_found(played: Scene, root: psycopg.Connection) -> None:
    gone = entries(played)[3]
    root.execute("DELETE FROM records_journalentry WHERE id = %s", [gone])
    root.execute("DELETE FROM records_journalleaf WHERE entry_id = %s", [gone])
    assert ProblemKind.INDEX_GAP in kinds(examine_installation())


def test_the_last_row_removed_with_its_leaf_is_found(played: Scene, root: psycopg.Connection) -> None:
    gone = entries(played)[-1]
    root.execute("DELETE FROM records_journalentry WHERE id = %s", [gone])
    root.execute("DELETE FROM records_journalleaf WHERE entry_id = %s", [gone])
    assert kinds(examine_installation()) >= {ProblemKind.SIZE_DIFFERS, ProblemKind.ROOT_DIFFERS}


def test_a_rewritten_journal_row_is_found(played: Scene, root: psycopg.Connection) -> None:
    root.execute(
        "UPDATE records_journalentry SET body = replace(body, 'accepted', 'returned') WHERE body LIKE '%accepted%'"
    )
    assert ProblemKind.ENTRY_ALTERED in kinds(examine_installation())


def test_an_artefact_that_the_journal_does_not_know_is_found(played: Scene, root: psycopg.Connection) -> None:
    forged = keep(played.organisation, b"%PDF-1.7 forged")
    root.execute(
        "UPDATE records_artefact SET sha256 = %s, sha512 = %s, size = %s, sealed = false WHERE role = 'original'",
        [forged.sha256, forged.sha512, forged.size],
    )
    assert ProblemKind.NOT_JOURNALLED in kinds(examine_installation())


def test_a_place_changed_in_the_database_is_found(played: Scene, root: psycopg.Connection) -> None:
    sha256 = played.artefact("F-1", "legal").sha256
    root.execute('UPDATE records_storedobject SET "offset" = "offset" + 1 WHERE sha256 = %s', [sha256])
    report = examine_installation()
    assert {(problem.kind, problem.object) for problem in report.problems} == {(ProblemKind.ROW_DIFFERS, sha256)}


def test_the_image_of_a_row_rewritten_beside_its_entry_is_found(played: Scene, root: psycopg.Connection) -> None:
    root.execute("UPDATE records_journaldetails SET body = replace(body, 'accepted', 'returned')")
    assert kinds(examine_installation()) == {ProblemKind.DETAILS_ALTERED}


def test_a_rewritten_checkpoint_and_tile_are_found(played: Scene, root: psycopg.Connection) -> None:
    root.execute("UPDATE records_checkpoint SET note = replace(note, 'A', 'B')")
    root.execute("INSERT INTO records_journalnode (level, position, node) VALUES (1, 0, %s)", [bytes(32)])
    assert kinds(examine_installation()) == {ProblemKind.CHECKPOINT_REFUSED, ProblemKind.TILE_DIFFERS}


def test_a_journal_rewritten_with_its_leaves_and_head_is_betrayed_by_what_the_witness_signed(
    played: Scene, root: psycopg.Connection
) -> None:
    witnessed()
    changed = root.execute(
        "UPDATE records_journalentry SET body = replace(body, 'accepted', 'returned') WHERE body LIKE '%accepted%' "
        "RETURNING id, body"
    ).fetchall()
    for entry_id, body in changed:
        leaf = leaf_hash(body.encode())
        root.execute("UPDATE records_journalleaf SET leaf = %s WHERE entry_id = %s", [leaf, entry_id])
    leaves = root.execute("SELECT leaf FROM records_journalleaf ORDER BY index").fetchall()
    forged = tree_root([leaf for (leaf,) in leaves])
    root.execute("UPDATE records_journalhead SET root = %s WHERE size = %s", [forged, len(leaves)])
    assert ProblemKind.CHECKPOINT_REFUSED in kinds(examine_installation())


def test_the_command_says_it_and_ends_with_one(played: Scene, root: psycopg.Connection) -> None:
    def fsck() -> tuple[int, dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-m", "faitfoi.cli", "fsck", "--json"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ},
        )
        told: dict[str, object] = json.loads(done.stdout)
        return done.returncode, told

    code, told = fsck()
    assert told["problems"] == []
    assert (code, told["sound"]) == (0, True)
    played.alter(played.artefact("F-1", "legal").sha256)
    code, told = fsck()
    assert (code, told["sound"]) == (1, False)


def test_an_examination_at_work_time_finds_no_defect_that_is_not(played: Scene) -> None:
    """Entries and artefacts that come while it reads are another day's: neither holes nor strangers."""
    over = threading.Event()
    made: list[int] = []

    def work() -> None:
        number = 0
        while not over.is_set():
            number += 1
            played.send(file(f"W-{number}"))
            made.append(number)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        wait_for(lambda: bool(made), "some work")
        reports = [examine_installation() for _ in range(12)]
    finally:
        over.set()
        worker.join(timeout=PATIENCE)
    assert [report.problems for report in reports if not report.sound] == []
    assert reports[-1].entries > reports[0].entries

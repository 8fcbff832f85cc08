"""The tables can be made again from the journal: they equal what was there; what was changed beside is put right."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import psycopg
import pytest
from django.db import connections
from psycopg import sql
from pytest_django import Settings

from faitfoi.accounts.models import Organisation, Role
from faitfoi.accounts.tenancy import acting_for
from faitfoi.database import roles
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.mirroring import mirrored_entries, segments
from faitfoi.pipeline.rebuilding import CannotRebuild, Rebuilt, rebuild
from faitfoi.pipeline.relaunching import relaunch
from faitfoi.pipeline.retry import put_back
from faitfoi.pipeline.setting_up import add_account, change_customer, create_customer, import_customers
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.records.images import projected, table
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Customer, Delivery, Document, JournalEntry
from faitfoi.records.stages import Nature, Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, SILENT, TOWN, Scene, fault, file, priced
from tests.pipeline.projection import differences
from tests.postgres import cluster
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.beside_the_journal]


def address(url: str) -> str:
    return roles.on_database(url, str(connections["default"].settings_dict["NAME"]))


@pytest.fixture
def owner() -> Iterator[psycopg.Connection]:
    """The role that owns the tables, which row-level security holds too."""
    with psycopg.connect(address(cluster().owner_url), autocommit=True) as connection:
        yield connection


@pytest.fixture
def root() -> Iterator[psycopg.Connection]:
    """A database administrator, whom no trigger and no policy holds."""
    with psycopg.connect(address(cluster().superuser_url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


@pytest.fixture
def played(scene: Scene) -> Scene:
    """All that can happen: each ending of a delivery, retries, questions, news, rerouting, customers, accounts."""
    organisation = scene.organisation
    scene.send(file("F-1"), file("F-2", TOWN), file("F-3", SILENT), b"rien de lisible", priced("F-1", "12.00"))
    scene.send(file("F-1"))  # already done
    scene.smtp.faults.add(fault(FaultKind.REFUSE))
    scene.chorus.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(file("F-4"), file("F-5", TOWN))
    scene.smtp.faults.add(fault(FaultKind.DOWN))
    scene.send(file("F-6"))
    scene.deliver()
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(file("F-7"))
    scene.ask()
    scene.advance(days=20)
    scene.poll()
    scene.ask()
    with acting_for(organisation.id):
        refused = Delivery.objects.get(document__number="F-4")
        assert put_back(refused.id, actor=ACTOR)
        silent = Customer.objects.get(reference=SILENT.reference)
        change_customer(silent.id, {"billing_email": "enfin@sans-courriel.example"}, actor=ACTOR)
        create_customer(
            Customer(organisation=organisation, reference="N-1", name="Nouveau", nature=Nature.CONSUMER), actor=ACTOR
        )
        silent.refresh_from_db()
        assert relaunch(organisation, silent, actor=ACTOR).left == 1
    import_customers(organisation, ["reference;name;nature", "N-2;Autre;consumer", "N-1;Renommé;consumer"], actor=ACTOR)
    add_account(organisation, "nouvelle@trois-vallees.example", name="Nouvelle", role=Role.CLERK, actor=ACTOR)
    scene.hand_over(b"rien de lisible", name="encore")
    scene.deliver()
    with acting_for(organisation.id):
        assert {Stage(each) for each in Delivery.objects.values_list("stage", flat=True)} >= {
            Stage.ACCEPTED,
            Stage.DELIVERED,
            Stage.UNKNOWN,
        }
    return scene


def made_again(owner: psycopg.Connection, organisation: Organisation, *, mend: bool = False) -> Rebuilt:
    return rebuild(owner, organisation.id, mend=mend, actor=ACTOR)


def count(connection: psycopg.Connection, model: str) -> int:
    found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(model))).fetchone()
    assert found is not None
    return int(found[0])


def test_the_tables_made_again_equal_what_was_there(played: Scene, owner: psycopg.Connection) -> None:
    done = made_again(owner, played.organisation)
    assert [each.sentence for each in done.differences] == []
    assert done.rows > 80
    assert done.entries > 60
    assert differences(played.organisation.id) == []  # another way of telling, in a few lines, agrees
    with acting_for(played.organisation.id):
        before = JournalEntry.objects.count()
    assert made_again(owner, played.organisation, mend=True).differences == ()
    with acting_for(played.organisation.id):
        assert JournalEntry.objects.count() == before  # nothing was changed: there is nothing to tell


def test_everything_lost_comes_back(
    played: Scene, rival: Organisation, owner: psycopg.Connection, root: psycopg.Connection
) -> None:
    """All projections of one organisation removed, the journal alone left; the other's stay as they are."""
    own = played.organisation.id
    tables = [table(model).db_table for model in projected()]
    kept = {name: root.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall() for name in tables}
    for name in reversed(tables):
        if name in {"accounts_user", "accounts_organisation", "accounts_membership"}:
            continue
        root.execute(sql.SQL("DELETE FROM {} WHERE organisation_id = %s").format(sql.Identifier(name)), [own])
    with acting_for(own):
        assert not Document.objects.exists()
    done = made_again(owner, played.organisation, mend=True)
    assert {each.kind for each in done.differences} == {"missing"}
    passing = {"records_delivery"}  # its timetable comes back as it was at the last act
    for name in set(tables) - passing:
        after = root.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
        assert sorted(map(str, after)) == sorted(map(str, kept[name])), name
    assert made_again(owner, played.organisation).differences == ()
    assert count(root, "records_delivery") == len(kept["records_delivery"])
    report = examine_installation()
    assert report.sound, report.problems
    played.send(file("F-99"))  # and the work goes on
    assert played.stage("F-99") is Stage.ACCEPTED


def test_what_an_administrator_changed_is_named_and_put_right(
    played: Scene, owner: psycopg.Connection, root: psycopg.Connection
) -> None:
    organisation = played.organisation
    root.execute("UPDATE records_document SET due = 1, buyer_name = 'Autre' WHERE number = 'F-1'")
    root.execute("UPDATE records_delivery SET stage = 'returned', next_poll_at = now() WHERE key LIKE '%chorus%'")
    root.execute("DELETE FROM records_event WHERE code = 'receipt'")
    root.execute(
        "INSERT INTO records_attempt (id, organisation_id, created_at, delivery_id, number, worker, deadline, "
        "lease_until, outcome, detail) SELECT gen_random_uuid(), organisation_id, now(), id, 77, 'x', now(), now(), "
        "'receipt', '' FROM records_delivery WHERE key LIKE '%chorus%' LIMIT 1"
    )
    root.execute("UPDATE records_artefact SET sha256 = repeat('0', 64) WHERE role = 'legal'")
    found = made_again(owner, organisation)
    told = {(each.table, each.kind) for each in found.differences}
    assert told == {
        ("records_document", "changed"),
        ("records_delivery", "changed"),
        ("records_event", "missing"),
        ("records_attempt", "extra"),
        ("records_artefact", "changed"),
    }
    (document,) = (each for each in found.differences if each.table == "records_document")
    assert set(document.columns) == {"due", "buyer_name"}
    assert "due = « 1.00 », le journal dit « " in document.sentence
    with acting_for(organisation.id):
        assert Document.objects.get(number="F-1").due == 1  # a comparison changes nothing

    assert made_again(owner, organisation, mend=True).differences == found.differences
    assert made_again(owner, organisation).differences == ()
    with acting_for(organisation.id):
        assert Document.objects.get(number="F-1").due != 1
        entry = json.loads(JournalEntry.objects.get(kind="tables_rebuilt").body)
    assert entry["rows_mended"] == len(found.differences)
    owner.execute(sql.SQL("SET faitfoi.organisation = {}").format(sql.Literal(str(organisation.id))))
    with pytest.raises(psycopg.errors.RaiseException):
        owner.execute("UPDATE records_event SET code = 'x'")  # what only grows is guarded again
    report = examine_installation()
    assert report.sound, report.problems


def test_a_journal_that_was_changed_rebuilds_nothing(
    played: Scene, owner: psycopg.Connection, root: psycopg.Connection
) -> None:
    root.execute("UPDATE records_journaldetails SET body = replace(body, 'F-1', 'F-8') WHERE body LIKE '%F-1%'")
    with pytest.raises(CannotRebuild, match="détails"):
        made_again(owner, played.organisation, mend=True)
    root.execute("UPDATE records_journalentry SET body = replace(body, '\"v\":1', '\"v\":2')")
    with pytest.raises(CannotRebuild, match="empreinte"):
        made_again(owner, played.organisation, mend=True)


def test_the_mirror_alone_gives_the_same_tables(
    played: Scene, owner: psycopg.Connection, root: psycopg.Connection
) -> None:
    witnessed()
    own = str(played.organisation.id)
    for name in ("journaldetails", "journalentry", "burntnumber", "attempt", "returntoken"):
        root.execute(
            sql.SQL("DELETE FROM {} WHERE organisation_id = %s").format(sql.Identifier(f"records_{name}")), [own]
        )
    entries = [each for each in mirrored_entries() if json.loads(each.body)["organisation"] == own]
    done = rebuild(owner, UUID(own), mend=True, actor=ACTOR, entries=entries)
    assert {each.table for each in done.differences} == {
        "records_burntnumber",
        "records_attempt",
        "records_returntoken",
    }
    assert rebuild(owner, UUID(own), mend=False, actor=ACTOR, entries=entries).differences == ()


def test_erased_details_are_counted_and_what_was_removed_stays_away(
    scene: Scene, owner: psycopg.Connection, root: psycopg.Connection
) -> None:
    with acting_for(scene.organisation.id):
        customer = Customer(organisation=scene.organisation, reference="N-1", name="Un", nature=Nature.CONSUMER)
        create_customer(customer, actor=ACTOR)
        write_entry("customer_removed", actor=ACTOR, gone=[customer])
        customer.delete()
    assert made_again(owner, scene.organisation).differences == ()
    with acting_for(scene.organisation.id):
        entry = JournalEntry.objects.get(kind="customer_removed")
    root.execute("DELETE FROM records_journaldetails WHERE entry_id = %s", [entry.id])
    done = made_again(owner, scene.organisation)
    assert done.erased == 1
    assert [each.kind for each in done.differences] == ["missing"]


def test_a_comparison_while_work_goes_on_tells_no_difference_that_is_not(
    scene: Scene, owner: psycopg.Connection
) -> None:
    over = threading.Event()

    def work() -> None:
        number = 0
        while not over.is_set():
            number += 1
            scene.send(file(f"W-{number}"))
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        found = [made_again(owner, scene.organisation).differences for _ in range(10)]
    finally:
        over.set()
        worker.join(timeout=PATIENCE)
    assert set(found) == {()}


def test_the_command_compares_mends_and_says_it(played: Scene, root: psycopg.Connection) -> None:
    environment = {**os.environ, "FAITFOI_OWNER_URL": address(cluster().owner_url), "COLUMNS": "300"}

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "faitfoi.cli", "rebuild", *words]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=PATIENCE, env=environment)

    witnessed()
    clean = command("--check")
    assert (clean.returncode, "les tables sont ce que le journal dit" in clean.stdout) == (0, True), clean.stderr
    root.execute("UPDATE records_document SET issue_date = %s WHERE number = 'F-1'", [date(2020, 1, 1)])
    found = command("--check", "--json", "--from-mirror")
    (difference,) = json.loads(found.stdout)["differences"]
    assert (found.returncode, difference["table"]) == (1, "records_document")
    mended = command("--organisation", "trois-vallees")
    assert (mended.returncode, "issue_date = « 2020-01-01 »" in mended.stderr) == (0, True)
    assert command("--check").returncode == 0


def test_one_organisation_s_mirror_is_held_to_the_witness_s_root_too(
    played: Scene, rival: Organisation, root: psycopg.Connection, settings: Settings
) -> None:
    """A mirror written anew, its own leaves consistent, is not believed because one organisation was named."""
    environment = {**os.environ, "FAITFOI_OWNER_URL": address(cluster().owner_url), "COLUMNS": "300"}

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "faitfoi.cli", "rebuild", "--from-mirror", *words]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=PATIENCE, env=environment)

    witnessed()
    assert command("--check", "--organisation", "trois-vallees").returncode == 0
    nobody = command("--organisation", rival.slug)  # nothing of theirs is mirrored: not a reason to empty their tables
    assert (nobody.returncode, "aucune écriture" in nobody.stderr) == (2, True), nobody.stderr
    first = settings.FAITFOI_HOME / "store" / segments()[0].name
    whole = first.read_text()
    first.chmod(0o640)
    first.write_text(whole.replace('\\"v\\":1', '\\"v\\":2', 1))
    assert first.read_text() != whole
    for words in (("--organisation", "trois-vallees"), ("--check", "--organisation", "trois-vallees")):
        refused = command(*words)
        assert (refused.returncode, "n’est pas le journal que le témoin a vu" in refused.stderr) == (2, True)


def test_the_other_s_tables_are_out_of_reach(played: Scene, rival: Organisation, owner: psycopg.Connection) -> None:
    """An entry of Charlie's that images a row of Alice's: putting it down ends before anything of hers is touched."""
    with acting_for(played.organisation.id):
        forged = Document.objects.get(number="F-1")
    due, forged.due = forged.due, forged.due + 1
    with acting_for(rival.id):
        write_entry("forged", actor="charlie", rows=[rival, forged])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        made_again(owner, rival, mend=True)
    with acting_for(played.organisation.id):
        assert Document.objects.get(number="F-1").due == due
    assert made_again(owner, played.organisation).differences == ()

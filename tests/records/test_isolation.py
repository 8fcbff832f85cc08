"""One organisation never sees, writes or points to another's rows: PostgreSQL itself says no."""

import json

import pytest
from django.apps import apps
from django.db import IntegrityError, InternalError, ProgrammingError, connection, transaction

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import (
    NoOrganisation,
    acting_for,
    bypass_of_current_role,
    current_organisation,
    directory,
    signed_in,
)
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.records.journal import Draft, sequence, write_entries, write_entry
from faitfoi.records.models import (
    Batch,
    BatchLine,
    Checkpoint,
    Customer,
    JournalEntry,
    JournalHead,
    JournalLeaf,
    JournalNode,
)
from faitfoi.records.stages import Nature

INSTALLATION_WIDE = {
    "records_journalleaf",
    "records_journalnode",
    "records_journalhead",
    "records_checkpoint",
    "records_checkpointstamp",
    "records_stamprenewal",
    "records_alarm",
    "records_returntoken",
    "records_mirroredsegment",
    "records_webhookdoor",
    "accounts_user",
}

pytestmark = pytest.mark.django_db


def make_customer(organisation: Organisation, reference: str) -> Customer:
    return Customer.objects.create(
        organisation=organisation, reference=reference, name=reference, search_key=reference, nature=Nature.TAXABLE
    )


def test_the_tests_run_as_a_role_that_is_held_by_row_level_security() -> None:
    assert bypass_of_current_role() is None


def test_every_business_table_is_under_forced_row_level_security() -> None:
    tables = {
        model._meta.db_table for app in ("accounts", "records") for model in apps.get_app_config(app).get_models()
    } - INSTALLATION_WIDE
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        forced = {row[0] for row in cursor.fetchall()}
    assert tables <= forced


def test_no_business_table_of_the_installation_has_a_column_about_a_person() -> None:
    for model in (JournalLeaf, JournalHead, JournalNode, Checkpoint):
        assert {field.name for field in model._meta.fields} <= {
            "entry_id",
            "organisation_id",
            "leaf",
            "index",
            "size",
            "root",
            "frontier",
            "at",
            "id",
            "level",
            "position",
            "node",
            "note",
            "marks",
        }


def test_without_an_organisation_there_are_no_rows(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        make_customer(cooperative, "C1")
    assert Customer.objects.count() == 0
    assert Organisation.objects.count() == 0


def test_one_organisation_does_not_see_the_other(cooperative: Organisation, rival: Organisation) -> None:
    with acting_for(cooperative.id):
        make_customer(cooperative, "C1")
    with acting_for(rival.id):
        assert not Customer.objects.exists()
        assert list(Organisation.objects.all()) == [rival]


def test_a_row_cannot_be_written_for_another_organisation(cooperative: Organisation, rival: Organisation) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), acting_for(cooperative.id):
        make_customer(rival, "C1")


def test_a_row_cannot_point_into_another_organisation(cooperative: Organisation, rival: Organisation) -> None:
    with acting_for(rival.id):
        batch = Batch.objects.create(
            organisation=rival, name="lot", origin="command", fingerprint="0" * 64, created_by="x"
        )
    line = BatchLine(organisation=cooperative, batch_id=batch.id, position=1, filename="f", sha256="0" * 64, size=1)
    with pytest.raises(IntegrityError, match="_own"), acting_for(cooperative.id):
        _save_at_once(line)


def test_a_transaction_does_not_change_sides(cooperative: Organisation, rival: Organisation) -> None:
    with acting_for(cooperative.id), pytest.raises(NoOrganisation), acting_for(rival.id):
        pass


def test_a_member_finds_only_their_organisations(alice: User, charlie: User, cooperative: Organisation) -> None:
    with signed_in(alice.id):
        assert list(Organisation.objects.all()) == [cooperative]
    with directory():
        assert Organisation.objects.count() == 2
    assert Organisation.objects.count() == 0


def test_the_journal_only_grows(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        write_entry("example", actor="test")
        entry = JournalEntry.objects.get()
        with pytest.raises((InternalError, ProgrammingError), match="only grows"), transaction.atomic():
            JournalEntry.objects.filter(id=entry.id).update(kind="other")
        with pytest.raises((InternalError, ProgrammingError), match="only grows"), transaction.atomic():
            entry.delete()


def test_the_sequencer_gives_dense_indices_and_a_head(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        for n in range(5):
            write_entry("example", actor="test", n=n)
    assert sequence() == 5
    assert sequence() == 0
    assert set(JournalLeaf.objects.values_list("index", flat=True)) == {0, 1, 2, 3, 4}
    head = JournalHead.objects.get()
    assert head.size == 5


def test_an_entry_of_an_organisation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), acting_for(uuid7()):
        write_entry("example", actor="test")


def test_an_organisation_stays(cooperative: Organisation) -> None:
    with (
        pytest.raises((InternalError, ProgrammingError), match="stays"),
        acting_for(cooperative.id),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM accounts_organisation WHERE id = %s", [cooperative.id])


def test_after_an_organisation_s_transaction_nobody_s_name_is_left(
    cooperative: Organisation, rival: Organisation
) -> None:
    with acting_for(cooperative.id):
        assert current_organisation() == cooperative.id
        with acting_for(cooperative.id):
            pass
        assert current_organisation() == cooperative.id
    assert current_organisation() is None
    with pytest.raises(ValueError, match="undone"), acting_for(cooperative.id):
        raise ValueError("undone")
    assert current_organisation() is None
    with acting_for(rival.id):
        assert list(Organisation.objects.all()) == [rival]


def test_entries_keep_every_character_of_what_they_say(cooperative: Organisation) -> None:
    odd = ["a\nb", "\r\u0085\u2028", "NULL", "{}", "", 'quote " and \\', "é 𝄞"]
    with acting_for(cooperative.id):
        ids = write_entries([Draft(kind="example", facts={"said": text}) for text in odd], actor="test")
        bodies = {entry.id: entry.body for entry in JournalEntry.objects.all()}
    assert [json.loads(bodies[each])["said"] for each in ids] == odd
    leaves = dict(JournalLeaf.objects.values_list("entry_id", "leaf"))
    assert all(bytes(leaves[each]) == leaf_hash(bodies[each].encode()) for each in ids)


def test_an_entry_outside_an_organisation_is_refused(cooperative: Organisation) -> None:
    with pytest.raises(NoOrganisation):
        write_entry("example", actor="test")


def _save_at_once(line: BatchLine) -> None:
    line.save(force_insert=True)
    connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_days_of_a_transaction_are_read_once_for_a_statement_not_once_for_a_row(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, qual FROM pg_policies WHERE policyname = 'days'")
        policies = dict(cursor.fetchall())

    assert "records_document" in policies
    for table, condition in policies.items():
        for before in condition.split("current_setting('faitfoi.days'")[:-1]:
            _, select, since = before.rpartition("SELECT")
            assert select, table
            assert since.count("(") > since.count(")"), table

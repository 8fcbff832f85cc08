"""An image says a row exactly: read back, it is what the table gives back."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, models, transaction

from faitfoi.accounts.models import ChannelKey, Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.leaves import read_canonical
from faitfoi.records.images import NoImage, details_of, imaged_fields, projected, read_details, table
from faitfoi.records.journal import EntryTooLong, sequence, write_entry
from faitfoi.records.models import (
    Batch,
    BatchLine,
    ChannelSettings,
    Customer,
    Document,
    JournalDetails,
    JournalEntry,
    JournalLeaf,
)
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import Nature


def test_every_table_is_made_from_the_journal_or_says_why_not() -> None:
    kept = projected()
    for model in kept:
        for other in (field.related_model for field in table(model).concrete_fields if field.is_relation):
            assert other is model or other in kept[: kept.index(model)], (model, other)
    apart = {"JournalEntry", "JournalDetails", "JournalLeaf", "JournalHead", "JournalNode", "Checkpoint"}
    assert apart.isdisjoint({model.__name__ for model in kept})
    assert {Organisation, User, Customer, Document, Batch} <= set(kept)


def test_no_image_holds_a_password() -> None:
    assert {"password", "last_login"}.isdisjoint({field.name for field in imaged_fields(User)})


def document(organisation: Organisation) -> Document:
    """A document in the very form in which our code writes it: values that the table will put in another form."""
    return Document.objects.create(
        organisation=organisation,
        kind=DocumentKind.CREDIT_NOTE,
        number="F-é\u2028\U0001f4a7",
        seller_siren="000000018",
        seller_name='"guillemets" \\ antislash',
        issue_date=date(2026, 11, 4),
        buyer_name="",
        currency="EUR",
        total_with_vat=0,
        due=Decimal("1E+3"),
        format="json",
        original_sha256="0" * 64,
        invoice={"z": [1, 2.5, 10**20, None, True], "a": {"b": "é", "deep": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}},
        created_at=datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
    )


@pytest.mark.django_db
def test_an_image_is_what_the_table_gives_back(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        written: list[models.Model] = [
            cooperative,
            document(cooperative),
            ChannelSettings.objects.create(
                organisation=cooperative, channel=ChannelKey.EMAIL, sealed_values=bytes(range(256))
            ),
            batch := Batch.objects.create(organisation=cooperative, name="lot", origin="upload", fingerprint="1" * 64),
            BatchLine.objects.create(organisation=cooperative, batch=batch, position=1, filename="a", size=2**60),
        ]
        for row in written:
            again = type(row)._default_manager.get(pk=row.pk)
            told, kept = details_of([row]), details_of([again])
            assert json.loads(told)["rows"] == json.loads(kept)["rows"]
            (image,) = read_details(told)
            assert image.row is not None
            assert image.key == row.pk
            for field in imaged_fields(type(row)):
                value = getattr(again, field.attname)
                value = bytes(value) if isinstance(value, memoryview) else value
                assert image.row[str(field.column)] == value, field


@pytest.mark.django_db
def test_an_entry_names_its_details_and_knows_nobody(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        customer = Customer.objects.create(
            organisation=cooperative, reference="C-9", name="Zoé", search_key="zoe", nature=Nature.CONSUMER
        )
        ids = [write_entry("customer_created", actor="test", rows=[customer]) for _ in range(2)]
        alone = write_entry("nothing_written", actor="test")
        details = JournalDetails.objects.in_bulk(ids)
        bodies = [read_canonical(JournalEntry.objects.get(id=each).body.encode()) for each in (*ids, alone)]
    texts = [details[each].body for each in ids]
    assert [body.get("details") for body in bodies] == [
        *(hashlib.sha256(text.encode()).hexdigest() for text in texts),
        None,
    ]
    assert texts[0] != texts[1]  # each under its own salt: once erased, nobody can try names out
    assert "Zoé" in texts[0]
    assert "Zoé" not in json.dumps(bodies, ensure_ascii=False)


@pytest.mark.django_db
def test_what_is_removed_is_told_by_its_key(cooperative: Organisation) -> None:
    (image,) = read_details(details_of([], gone=[cooperative]))
    assert (image.model, image.key, image.row) == (Organisation, cooperative.pk, None)


@pytest.mark.django_db
def test_details_of_another_organisation_are_not_seen(cooperative: Organisation, rival: Organisation) -> None:
    with acting_for(cooperative.id):
        entry = write_entry("organisation_created", actor="test", rows=[cooperative])
        assert JournalDetails.objects.filter(entry_id=entry).exists()
    with acting_for(rival.id):
        assert not JournalDetails.objects.exists()
    assert not JournalDetails.objects.exists()


@pytest.mark.django_db
def test_details_are_erased_by_an_elimination_only(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        entry = write_entry("organisation_created", actor="test", rows=[cooperative])
        kept = JournalDetails.objects.filter(entry_id=entry)
        with pytest.raises(DatabaseError, match="elimination only"), transaction.atomic():
            kept.update(body="{}")
        with pytest.raises(DatabaseError, match="elimination only"), transaction.atomic():
            kept.delete()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL faitfoi.elimination = 'on'")
            with pytest.raises(DatabaseError, match="elimination only"), transaction.atomic():
                kept.update(body="{}")
        assert kept.delete()[0] == 1


@pytest.mark.django_db
def test_leaves_are_numbered_as_they_arrived_whatever_the_clocks_say(cooperative: Organisation) -> None:
    """The id of an entry holds its machine's hour: two machines may differ, the database is one."""
    late, early = "ffffffff-ffff-7fff-bfff-ffffffffffff", "00000000-0000-7000-8000-000000000000"
    with acting_for(cooperative.id):
        for each in (late, early):
            write_entry("test", actor="test", entry_id=UUID(each))
    assert sequence() == 2
    assert [str(each) for each in JournalLeaf.objects.order_by("index").values_list("entry_id", flat=True)] == [
        late,
        early,
    ]


@pytest.mark.django_db
def test_an_entry_that_no_bundle_can_hold_is_refused(cooperative: Organisation) -> None:
    with acting_for(cooperative.id), pytest.raises(EntryTooLong):
        write_entry("test", actor="test", objects=["x" * 100] * 700)


@pytest.mark.parametrize("text", ["", "{}", '{"rows": [{"table": "records.nothing", "row": {}}]}', '{"rows": [1]}'])
def test_other_texts_are_no_details(text: str) -> None:
    with pytest.raises(NoImage):
        read_details(text)


def test_an_hour_without_its_zone_has_no_image() -> None:
    with pytest.raises(NoImage):
        details_of([Customer(organisation_id="0" * 32, created_at=datetime(2026, 1, 1))])  # noqa: DTZ001
    assert datetime(2026, 1, 1, tzinfo=UTC).isoformat() in details_of(
        [Organisation(), Customer(organisation_id="0" * 32, created_at=datetime(2026, 1, 1, tzinfo=UTC))]
    )

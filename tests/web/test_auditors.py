"""An auditor reads the years of the mandate, until it ends, and nothing else; each reading is journalled."""

import csv
import io
import json
import zipfile
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.models import Mandate, Membership, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for, only_days
from faitfoi.evidence.dossier_check import verify_dossier
from faitfoi.pipeline import auditors, bulk
from faitfoi.pipeline.installation import today
from faitfoi.records.models import (
    Artefact,
    Attempt,
    Batch,
    BatchLine,
    ControlRun,
    Customer,
    Delivery,
    Document,
    Event,
    JournalEntry,
)
from faitfoi.records.stages import Stage
from tests.pipeline.cast import Scene, file
from tests.pipeline.conftest import portal, relay, scene
from tests.web.conftest import Work, make_auditor, make_customer, make_document, plain, signed_in_as
from tests.web.test_access import OPENED_ELSEWHERE, addresses

__all__ = ["portal", "relay", "scene"]


def bytes_of(answer: Any) -> bytes:
    """All of an answer, sent at once or piece by piece."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def readings(organisation: Organisation) -> list[dict[str, Any]]:
    with acting_for(organisation.id):
        return [json.loads(entry.body) for entry in JournalEntry.objects.filter(kind="read_by_auditor").order_by("id")]


def test_the_auditor_of_another_year_finds_nothing_of_this_one_at_any_address(documents: Work) -> None:
    client = signed_in_as(make_auditor(documents.organisation, "edith@cabinet.example", years=[2025]))
    numbers = [document.number for document in documents.documents.values()]
    opened = set()
    for address in addresses():
        if not address.tenant:
            continue
        answer = client.get(address.of(documents))
        assert answer.status_code in {200, 403, 404, 405, 422}, address.route
        if answer.status_code == 200:
            opened.add(address.name)
            assert set(address.arguments) <= {"slug", "version_id"}, f"{address.route}: an object of 2026 was shown"
            content = bytes_of(answer)
            assert not any(number.encode() in content for number in numbers), address.route
            assert "Élevage" not in content.decode(errors="replace"), address.route
        assert client.post(address.of(documents)).status_code in {403, 404, 405}, address.route
    assert {"home", "documents", "controls", "proof"} <= opened
    assert documents.stage(documents.delivery(Stage.HELD)) is Stage.HELD


def test_the_auditor_of_this_year_opens_only_what_is_named_for_auditors(auditor: User, documents: Work) -> None:
    client = signed_in_as(auditor)
    for address in addresses():
        if address.tenant and address.name not in OPENED_ELSEWHERE:
            status = client.get(address.of(documents)).status_code
            allowed = address.name in {
                "home", "batches", "batch", "documents", "document", "customers", "customer", "download", "picture",
                "bulk", "proof", "controls", "trail", "trail_file", "chorus_task",
            }  # fmt: skip
            # The attestation of this work is about no document, so of no year.
            closed = {404} if address.name == "attestation" else {403}
            assert status in ({200} if allowed else closed), address.route


def test_the_database_itself_shows_no_row_of_another_year(documents: Work) -> None:
    tables = (Document, Artefact, Delivery, Event, Attempt, Batch, BatchLine, Customer)
    with acting_for(documents.organisation.id):
        with only_days("{[2026-01-01,2026-12-31]}"):
            assert all(model.objects.exists() for model in tables)
            assert not BatchLine.objects.filter(document=None).exists(), "a refused file has no year"
        with only_days("{[2025-01-01,2025-12-31]}"):
            assert {model.__name__ for model in tables if model.objects.exists()} == set()
            assert not JournalEntry.objects.exclude(document_id=None).exists()
        assert all(model.objects.exists() for model in tables)


def test_every_table_that_belongs_to_a_document_is_held_to_an_auditors_days(cooperative: Organisation) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE column_name = 'document_id' AND table_schema = 'public'"
        )
        belonging = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = 'days' AND permissive = 'RESTRICTIVE'")
        held = {name for (name,) in cursor.fetchall()}
    assert "records_artefact" in belonging
    assert belonging <= held, "a table has come: hold it to the days, as records/migrations/0013 does"


def test_each_reading_leaves_one_entry_that_names_the_document_and_the_page(auditor: User, documents: Work) -> None:
    client, slug = signed_in_as(auditor), documents.organisation.slug
    held, artefact = documents.documents[Stage.HELD], documents.artefact(Stage.HELD)
    client.get(reverse("documents", args=[slug]))
    client.get(reverse("document", args=[slug, held.pk]))
    client.get(reverse("download", args=[slug, artefact.pk]))
    client.get(reverse("upload", args=[slug]))
    told = [(entry["page"], entry.get("document"), entry.get("what", "")) for entry in readings(documents.organisation)]
    assert told == [
        ("documents", None, ""),
        ("document", str(held.pk), ""),
        ("download", str(held.pk), str(artefact.pk)),
    ]
    assert {entry["actor"] for entry in readings(documents.organisation)} == {f"user:{auditor.pk}"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"last_day": date(2021, 5, 3)}, "a pris fin le 03/05/2021"),
        ({"first_day": date(2090, 1, 1)}, "s’ouvre le 01/01/2090"),
        ({"revoked_at": timezone.now()}, "vous a été retiré"),
    ],
)
def test_an_access_that_is_over_says_so_in_french_on_every_page(
    documents: Work, auditor: User, change: dict[str, object], sentence: str
) -> None:
    with acting_for(documents.organisation.id):
        Mandate.objects.update(**change)
    client = signed_in_as(auditor)
    for address in addresses():
        if address.tenant:
            answer = client.get(address.of(documents))
            assert answer.status_code == 403, address.route
            assert sentence in plain(answer.content), address.route
    assert readings(documents.organisation) == []


def test_an_auditor_without_a_mandate_reads_nothing(documents: Work, auditor: User) -> None:
    with acting_for(documents.organisation.id):
        Mandate.objects.all().delete()
    answer = signed_in_as(auditor).get(reverse("home", args=[documents.organisation.slug]))
    assert answer.status_code == 403
    assert "Aucun accès ne vous a été ouvert" in plain(answer.content)


def test_a_mandate_of_one_organisation_opens_no_other(documents: Work, rival: Organisation, auditor: User) -> None:
    client = signed_in_as(auditor)
    assert client.get(reverse("home", args=[rival.slug])).status_code == 404
    with acting_for(rival.id):
        Membership.objects.create(organisation=rival, user=auditor, role=Role.AUDITOR)
    assert client.get(reverse("home", args=[rival.slug])).status_code == 403


def give(client: Client, organisation: Organisation, **more: object) -> Any:
    day = today(organisation)
    form = {
        "email": "Edith@cabinet.example",
        "years": [str(day.year)],
        "first_day": day.isoformat(),
        "last_day": (day + timedelta(days=30)).isoformat(),
    }
    return client.post(reverse("auditors", args=[organisation.slug]), form | more)


def test_a_manager_opens_and_closes_an_access_and_both_are_journalled(bob: User, cooperative: Organisation) -> None:
    manager = signed_in_as(bob)
    page = give(manager, cooperative)
    password = plain(page.content).split("<code>")[1].split("</code>")[0]
    edith = User.objects.get(email="edith@cabinet.example")
    assert edith.check_password(password)
    assert signed_in_as(edith).get(reverse("home", args=[cooperative.slug])).status_code == 200
    manager.post(reverse("revoke_auditor", args=[cooperative.slug]), {"email": edith.email})
    assert signed_in_as(edith).get(reverse("home", args=[cooperative.slug])).status_code == 403
    with acting_for(cooperative.id):
        kinds = JournalEntry.objects.filter(kind__startswith="auditor_").order_by("id").values_list("kind", flat=True)
        assert list(kinds) == ["auditor_invited", "auditor_revoked"]
        assert "cabinet" not in "".join(JournalEntry.objects.values_list("body", flat=True))


def test_a_clerk_gives_no_access(alice: User, cooperative: Organisation) -> None:
    clerk = signed_in_as(alice)
    assert give(clerk, cooperative).status_code == 403
    assert clerk.post(reverse("revoke_auditor", args=[cooperative.slug]), {"email": "x@y.example"}).status_code == 403


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"last_day": "2020-01-01"}, "vient avant le premier"),
        ({"last_day": "2999-01-01"}, "un an au plus"),
        ({"email": "alice@trois-vallees.example"}, "ne les contrôle pas"),
    ],
)
def test_an_access_that_cannot_be_given_is_refused_in_words(
    alice: User, bob: User, cooperative: Organisation, more: dict[str, str], sentence: str
) -> None:
    page = give(signed_in_as(bob), cooperative, **more)
    assert page.status_code == 422
    assert sentence in plain(page.content)


@pytest.mark.beside_the_journal
@pytest.mark.django_db(transaction=True)
def test_an_auditor_takes_away_the_files_and_dossiers_of_their_year_alone(scene: Scene) -> None:
    scene.send(file("F-1"), file("=HYPER", issue_date="2026-10-02"), file("F-OLD", issue_date="2025-12-30"))
    organisation = scene.organisation
    client = signed_in_as(make_auditor(organisation, "edith@cabinet.example", years=[2026]))
    wanted = {"first_day": "2025-01-01", "last_day": "2026-12-31", "wanted": ["pdf", "xml", "dossier"]}
    answer = client.get(reverse("bulk_files", args=[organisation.slug]), wanted)
    archive = zipfile.ZipFile(io.BytesIO(bytes_of(answer)))

    assert archive.testzip() is None
    rows = list(csv.reader(io.StringIO(archive.read(archive.namelist()[-1]).decode("utf-8-sig")), delimiter=";"))
    assert [row[0] for row in rows[1:]] == ["'=HYPER", "F-1"]
    assert {row[-1] for row in rows[1:]} == {""}
    inner = zipfile.ZipFile(
        io.BytesIO(archive.read(next(name for name in archive.namelist() if name.endswith(".zip"))))
    )
    files = {name.partition("/")[2]: inner.read(name) for name in inner.namelist()}
    assert verify_dossier(files).sound
    with acting_for(organisation.id):
        ids = {str(pk) for pk in Document.objects.exclude(number="F-OLD").values_list("id", flat=True)}
    read = [entry for entry in readings(organisation) if entry.get("document")]
    assert {entry["document"] for entry in read} == ids
    assert len(read) == 2


@pytest.mark.beside_the_journal
@pytest.mark.django_db(transaction=True)
def test_a_document_that_cannot_be_proved_is_named_in_the_index_and_stops_nothing(scene: Scene, alice: User) -> None:
    scene.send(file("F-1"))
    organisation = scene.organisation
    with acting_for(organisation.id):
        make_document(organisation, make_customer(organisation, "Élevage du Pré Noir"), "F-SANS-JOURNAL")
    wanted = {"first_day": "2026-01-01", "last_day": "2026-12-31", "wanted": ["pdf", "dossier"]}
    answer = signed_in_as(alice).get(reverse("bulk_files", args=[organisation.slug]), wanted)
    archive = zipfile.ZipFile(io.BytesIO(bytes_of(answer)))

    rows = {
        row[0]: row
        for row in csv.reader(io.StringIO(archive.read(archive.namelist()[-1]).decode("utf-8-sig")), delimiter=";")
    }
    assert rows["F-1"][-1] == ""
    assert rows["F-1"][-2].endswith(".zip")
    assert "Sans dossier" in rows["F-SANS-JOURNAL"][-1]
    assert "F-SANS-JOURNAL" in rows["F-SANS-JOURNAL"][-1]
    assert rows["F-SANS-JOURNAL"][-2].endswith(".pdf"), "its file leaves all the same"


@pytest.mark.beside_the_journal
@pytest.mark.django_db(transaction=True)
def test_a_download_under_way_ends_when_the_access_is_taken_back(scene: Scene) -> None:
    scene.send(file("F-1"), file("F-2"))
    organisation = scene.organisation
    auditor = make_auditor(organisation, "edith@cabinet.example", years=[2026])
    wanted = {"first_day": "2026-01-01", "last_day": "2026-12-31", "wanted": ["pdf"]}
    answer: Any = signed_in_as(auditor).get(reverse("bulk_files", args=[organisation.slug]), wanted)
    pieces = iter(answer.streaming_content)
    first = next(pieces)
    auditors.revoke(organisation, auditor.email, actor="test")
    archive = zipfile.ZipFile(io.BytesIO(first + b"".join(pieces)))
    assert [name.rpartition(".")[2] for name in archive.namelist()] == ["pdf", "csv"]
    assert "Interrompu" in archive.read(archive.namelist()[-1]).decode()


@pytest.mark.django_db(transaction=True)
def test_a_member_downloads_a_dossier_and_the_communication_is_journalled(scene: Scene, alice: User) -> None:
    scene.send(file("F-1"))
    document = scene.document("F-1")
    answer = signed_in_as(alice).get(reverse("dossier", args=[scene.organisation.slug, document.pk]))
    assert answer.status_code == 200
    assert zipfile.is_zipfile(io.BytesIO(answer.content))
    with acting_for(scene.organisation.id):
        assert JournalEntry.objects.filter(kind="communicated", document_id=document.pk).count() == 1


def test_a_cell_that_a_spreadsheet_would_compute_is_shown_as_text() -> None:
    for cell in ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", " =1"):
        assert bulk.guarded(cell).startswith("'")
    assert bulk.guarded("Élevage du Pré") == "Élevage du Pré"


def test_the_controls_tell_an_auditor_nothing_of_another_year(documents: Work) -> None:
    organisation = documents.organisation
    found = {"sentence": "La facture F-SECRET n’est pas partie.", "number": "F-SECRET", "document": "", "untold": False}
    with acting_for(organisation.id):
        ControlRun.objects.create(
            organisation=organisation,
            control="unsent",
            checked=9,
            found=2,
            findings=[{**found, "day": "2026-11-02"}, {**found, "number": "", "day": ""}],
        )
    address = reverse("controls", args=[organisation.slug])
    for years, told in (([2026], True), ([2025], False)):
        client = signed_in_as(make_auditor(organisation, f"e{years[0]}@cabinet.example", years=years))
        page = plain(client.get(address).content)
        assert ("F-SECRET" in page) is told
        assert "2 points à regarder" not in page


def test_a_manager_completes_the_audit_trail_and_an_auditor_only_reads_it(
    bob: User, auditor: User, cooperative: Organisation
) -> None:
    address = reverse("trail", args=[cooperative.slug])
    given = {"responsible": "la trésorière", "ends_in": "6", "required": ["BT-13"], "after_sending": "Rapprochement."}
    assert signed_in_as(bob).post(address, given).status_code == 302
    assert "la trésorière" in plain(signed_in_as(bob).get(address).content)
    assert signed_in_as(auditor).post(address, given).status_code == 403
    assert "la trésorière" not in plain(signed_in_as(auditor).get(address).content)
    with acting_for(cooperative.id):
        assert JournalEntry.objects.filter(kind="audit_trail_described").count() == 1
        assert Organisation.objects.get().financial_year_ends_in == 6

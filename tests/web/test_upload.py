"""The sending page hands files to the pipeline, and only when they are posted."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.intake.caps import MAX_FILE_BYTES
from faitfoi.pipeline.archive import fetch
from faitfoi.records.models import Batch, BatchLine
from faitfoi.records.stages import LineOutcome
from faitfoi.web import middleware
from tests.web.conftest import plain


def upload(client: Client, organisation: Organisation, *files: SimpleUploadedFile, name: str = "") -> str:
    answer = client.post(reverse("upload", args=[organisation.slug]), {"invoices": list(files), "name": name})
    assert answer.status_code == 302, plain(answer.content)
    return answer.headers["Location"]


def xml(name: str, content: bytes = b"<facture/>") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")


def test_several_files_become_one_batch_whose_page_follows_them(as_alice: Client, cooperative: Organisation) -> None:
    page = upload(as_alice, cooperative, xml("a.xml", b"<a/>"), xml("b.xml", b"<b/>"), name="Lait, octobre")
    with acting_for(cooperative.id):
        batch = Batch.objects.get()
        lines = list(batch.lines.order_by("position"))
    assert page == reverse("batch", args=[cooperative.slug, batch.pk])
    assert (batch.name, batch.origin) == ("Lait, octobre", Batch.Origin.UPLOAD)
    assert [line.filename for line in lines] == ["a.xml", "b.xml"]
    assert fetch(cooperative.id, lines[0].sha256) == b"<a/>"
    shown = plain(as_alice.get(page).content)
    assert "2 fichiers reçus" in shown
    assert 'hx-trigger="every 3s"' in shown


def test_the_journal_knows_the_person_by_identifier_only(as_alice: Client, cooperative: Organisation) -> None:
    upload(as_alice, cooperative, xml("a.xml"))
    with acting_for(cooperative.id):
        actor = Batch.objects.get().created_by
    assert re.fullmatch(r"user:[0-9a-f-]{36}", actor)


def test_a_batch_without_a_name_is_named_by_its_moment(as_alice: Client, cooperative: Organisation) -> None:
    upload(as_alice, cooperative, xml("a.xml"))
    with acting_for(cooperative.id):
        assert Batch.objects.get().name.startswith("Envoi du ")


def test_the_same_files_again_are_the_same_batch(as_alice: Client, cooperative: Organisation) -> None:
    assert upload(as_alice, cooperative, xml("a.xml")) == upload(as_alice, cooperative, xml("a.xml"))
    with acting_for(cooperative.id):
        assert BatchLine.objects.count() == 1


def test_opening_the_page_sends_nothing(as_alice: Client, cooperative: Organisation) -> None:
    answer = as_alice.get(reverse("upload", args=[cooperative.slug]), {"name": "x", "invoices": "a.xml"})
    assert answer.status_code == 200
    with acting_for(cooperative.id):
        assert not Batch.objects.exists()


def test_no_file_is_a_question_not_a_batch(as_alice: Client, cooperative: Organisation) -> None:
    answer = as_alice.post(reverse("upload", args=[cooperative.slug]), {"name": "Lait <octobre>"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Choisissez au moins un fichier" in page
    assert 'aria-invalid="true"' in page
    assert "Lait &lt;octobre&gt;" in page
    with acting_for(cooperative.id):
        assert not Batch.objects.exists()


def test_a_file_over_the_cap_is_a_refused_line_and_the_rest_goes_on(
    as_alice: Client, cooperative: Organisation
) -> None:
    upload(as_alice, cooperative, xml("lourd.pdf", b"0" * (MAX_FILE_BYTES + 1)), xml("a.xml"))
    with acting_for(cooperative.id):
        outcomes = dict(BatchLine.objects.values_list("filename", "outcome"))
    assert outcomes == {"lourd.pdf": LineOutcome.REFUSED, "a.xml": LineOutcome.WAITING}


def test_an_empty_file_is_a_line_too(as_alice: Client, cooperative: Organisation) -> None:
    upload(as_alice, cooperative, xml("vide.xml", b""), xml("a.xml"))
    with acting_for(cooperative.id):
        assert BatchLine.objects.filter(filename="vide.xml").count() == 1


def test_a_file_name_cannot_carry_markup_into_the_page(as_alice: Client, cooperative: Organisation) -> None:
    page = as_alice.get(upload(as_alice, cooperative, xml("<img src=x>.xml"))).content.decode()
    assert "<img src=x>" not in page
    assert "&lt;img src=x&gt;.xml" in page


def test_a_request_over_the_cap_is_told_before_it_is_read(
    as_alice: Client, cooperative: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "MOST_POSTED", 100)
    answer = as_alice.post(reverse("upload", args=[cooperative.slug]), {"invoices": [xml("a.xml", b"0" * 200)]})
    assert answer.status_code == 413
    assert "en plusieurs lots" in plain(answer.content)
    assert "Content-Security-Policy" in answer.headers
    with acting_for(cooperative.id):
        assert not Batch.objects.exists()

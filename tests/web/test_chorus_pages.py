"""The three guided screens: each says what happened, what to do, and whether the number stays."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import Act, Delivery, Event, JournalEntry
from faitfoi.records.stages import Stage
from tests.conftest import make_member
from tests.web.conftest import Work, plain, signed_in_as

pytestmark = pytest.mark.django_db(transaction=True)


def halted_at(work: Work, code: str) -> Delivery:
    """Have Chorus Pro say this status of a delivered invoice."""
    delivery = work.delivery(Stage.DELIVERED)
    with acting_for(work.organisation.id):
        Delivery.objects.filter(pk=delivery.pk).update(channel=ChannelKey.CHORUS_PRO)
        Event.objects.create(
            organisation=work.organisation,
            document_id=delivery.document_id,
            delivery=delivery,
            axis=Event.Axis.THEIRS,
            code=code,
            grade="action_needed",
            at=timezone.now(),
            reason="Merci de joindre le bon de livraison signé.",
            who="Destinataire",
            identity=f"chorus_pro:facture:1:{code}",
        )
    return delivery


def spaced(content: bytes) -> str:
    """Return what a page says, with plain spaces."""
    return plain(content).replace("\u202f", " ").replace("\u00a0", " ")


def address(work: Work, delivery: Delivery, name: str = "chorus_task") -> str:
    return reverse(name, args=[work.organisation.slug, delivery.pk])


@pytest.mark.parametrize(
    ("code", "title", "words"),
    [
        ("A_RECYCLER", "Recycler", "continue sous le même numéro"),
        ("SUSPENDUE", "Compléter", "continue sous le même numéro"),
        ("REJETEE", "Rejetée", "sous un nouveau numéro"),
        ("MANDATEE", "n’attend rien de vous", "n’attend pas de réponse"),
    ],
)
def test_each_halt_has_its_own_screen(as_alice: Client, documents: Work, code: str, title: str, words: str) -> None:
    """Complaint A11."""
    delivery = halted_at(documents, code)
    page = as_alice.get(address(documents, delivery))
    said = plain(page.content)

    assert page.status_code == 200
    assert title in said
    assert words in said
    assert (b"<form method" in page.content.partition(b"<main")[2].partition(b"</main>")[0]) == (code != "MANDATEE")


def test_the_page_of_the_document_leads_to_the_answer(as_alice: Client, documents: Work) -> None:
    delivery = halted_at(documents, "SUSPENDUE")
    page = as_alice.get(reverse("document", args=[documents.organisation.slug, delivery.document_id]))
    assert address(documents, delivery) in page.content.decode()


def test_papers_are_joined_by_the_form(as_alice: Client, documents: Work) -> None:
    delivery = halted_at(documents, "SUSPENDUE")
    file = SimpleUploadedFile("bon.pdf", b"%PDF-1.7 bon", content_type="application/pdf")
    given = {"halt": "SUSPENDUE", "paper": "bon de livraison", "comment": "Voici.", "files": file}
    done = as_alice.post(address(documents, delivery, "answer_chorus"), given)

    assert done.status_code == 302
    with acting_for(documents.organisation.id):
        act = Act.objects.get()
        assert (act.kind, act.files.get().filename) == ("completer", "bon.pdf")
    again = as_alice.post(address(documents, delivery, "answer_chorus"), {"halt": "SUSPENDUE", "comment": "x"})
    assert again.status_code == 422
    assert "déjà donnée" in plain(again.content)


def test_what_does_not_serve_is_shown_again_as_typed(as_alice: Client, documents: Work) -> None:
    delivery = halted_at(documents, "A_RECYCLER")
    given = {"halt": "A_RECYCLER", "siret": "12", "engagement": "EJ-7"}
    page = as_alice.post(address(documents, delivery, "answer_chorus"), given)
    assert page.status_code == 422
    assert "14 chiffres" in plain(page.content)
    assert 'value="EJ-7"' in page.content.decode()
    with acting_for(documents.organisation.id):
        assert not Act.objects.exists()


def test_a_button_for_another_halt_does_nothing(as_alice: Client, documents: Work) -> None:
    delivery = halted_at(documents, "SUSPENDUE")
    for halt in ("REJETEE", "rien"):
        assert as_alice.post(address(documents, delivery, "answer_chorus"), {"halt": halt}).status_code == 422


def test_the_auditor_answers_nothing(auditor: User, documents: Work) -> None:
    delivery = halted_at(documents, "SUSPENDUE")
    client = signed_in_as(auditor)
    assert client.post(address(documents, delivery, "answer_chorus"), {"halt": "SUSPENDUE"}).status_code == 403


@pytest.mark.parametrize("code", ["A_RECYCLER", "SUSPENDUE", "REJETEE"])
def test_who_may_not_answer_reads_who_does(auditor: User, alice: User, documents: Work, code: str) -> None:
    """An auditor sees each guided task, no form, and one calm sentence with the names of those who can."""
    delivery = halted_at(documents, code)
    page = signed_in_as(auditor).get(address(documents, delivery))
    assert page.status_code == 200
    assert f"la réponse revient à : {alice}" in spaced(page.content)
    assert b"<form method" not in page.content.partition(b"<main")[2].partition(b"</main>")[0]
    with acting_for(documents.organisation.id):
        read = JournalEntry.objects.filter(kind="read_by_auditor").latest("id")
        assert read.document_id == delivery.document_id


def test_a_clerk_reads_who_may_change_the_settings(as_alice: Client, documents: Work, charlie: User) -> None:
    slug = documents.organisation.slug
    pages = (reverse("connections", args=[slug]), reverse("set_connection", args=[slug, "chorus_pro"]))
    for page in pages:
        assert "Changer ces réglages revient à un responsable" in spaced(as_alice.get(page).content)
    make_member(documents.organisation, "marie@cooperative.example", role=Role.MANAGER)
    for page in pages:
        said = spaced(as_alice.get(page).content)
        assert "Changer ces réglages revient à : Marie." in said

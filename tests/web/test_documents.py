"""The page of a document tells what it is, where it goes and why, what became of it, and what a person must do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import Delivery, Event
from faitfoi.records.stages import ArtefactRole, LineOutcome, Purpose, Stage
from faitfoi.web.advice import advise
from tests.web.conftest import WAITING_FOR, XML, Work, make_customer, make_delivery, make_document, plain

NEEDS_A_PERSON = {Stage.UNKNOWN, Stage.TO_FIX, Stage.HELD, Stage.RETURNED, Stage.REJECTED}
NOT_SENT = {Stage.HELD, Stage.TO_FIX}


def page_of(client: Client, work: Work, stage: Stage | None) -> str:
    answer = client.get(reverse("document", args=[work.organisation.slug, work.documents[stage].pk]))
    assert answer.status_code == 200
    return plain(answer.content)


def found(client: Client, work: Work, **query: str) -> str:
    return plain(client.get(reverse("documents", args=[work.organisation.slug]), query).content)


def test_a_delivery_that_needs_a_person_says_what_happened_who_can_act_and_what_to_do(
    as_alice: Client, documents: Work
) -> None:
    for stage in Stage:
        page = page_of(as_alice, documents, stage)
        assert ("Qui peut agir" in page) is (stage in NEEDS_A_PERSON), stage
        assert ("Que faire" in page) is (stage in NEEDS_A_PERSON), stage
        if stage in NEEDS_A_PERSON:
            task = page[page.index("Ce qui s’est passé</dt>") : page.index("Qui peut agir")]
            assert f"Raison de {stage.name}." in task or "La boîte n’existe pas." in task, stage


def test_only_what_certainly_was_not_sent_has_a_button_that_sends_again(as_alice: Client, documents: Work) -> None:
    for stage in Stage:
        offered = reverse("send_again", args=[documents.organisation.slug, documents.delivery(stage).pk])
        assert (offered in page_of(as_alice, documents, stage)) is (stage in NOT_SENT), stage


def test_what_is_kept_and_sent_to_nobody_waits_for_nobody(as_alice: Client, documents: Work) -> None:
    why = "L’avoir annule une facture refusée : il est gardé pour vos comptes."
    with acting_for(documents.organisation.id):
        kept = documents.documents[None]
        kept.waiting_for, kept.kept_because = "", why
        kept.save(update_fields=["waiting_for", "kept_because"])
        kept.lines.update(outcome=LineOutcome.READY)
    page = page_of(as_alice, documents, None)
    assert "Gardée, non envoyée" in page
    assert why in page
    assert "Attend quelqu’un" not in page
    assert "Aucun envoi pour l’instant" not in page
    batch = reverse("batch", args=[documents.organisation.slug, documents.batch.pk])
    assert kept.number in plain(as_alice.get(batch, {"voir": "skipped"}).content)
    assert kept.number not in plain(as_alice.get(batch, {"voir": "held"}).content)


def test_a_copy_that_came_back_is_not_told_as_the_invoice() -> None:
    legal, copy = (
        advise(Delivery(stage=Stage.RETURNED, channel=ChannelKey.EMAIL, purpose=purpose), number="F-1")
        for purpose in (Purpose.LEGAL, Purpose.COPY)
    )
    assert legal is not None
    assert copy is not None
    assert "Tant que la facture n’est pas remise" in legal.do
    assert "la facture suit son propre chemin" in copy.do


@pytest.mark.parametrize("stage", sorted(NEEDS_A_PERSON))
@pytest.mark.parametrize("channel", [ChannelKey.EMAIL, ChannelKey.CHORUS_PRO])
def test_every_channel_has_its_own_advice(stage: Stage, channel: ChannelKey) -> None:
    advice = advise(Delivery(stage=stage, channel=channel, address="compta@pre-noir.example"), number="F-1")
    assert advice is not None
    assert advice.who
    assert advice.do
    assert advice.retry is (stage in NOT_SENT)
    if stage is Stage.UNKNOWN:
        assert ("Chorus Pro" in advice.do) is (channel == ChannelKey.CHORUS_PRO)


def test_sending_again_moves_only_what_certainly_was_not_sent(as_alice: Client, documents: Work) -> None:
    for stage in Stage:
        delivery = documents.delivery(stage)
        address = reverse("send_again", args=[documents.organisation.slug, delivery.pk])
        told = plain(as_alice.post(address, follow=True).content)
        assert documents.stage(delivery) is (Stage.ROUTED if stage in NOT_SENT else stage)
        assert ("C’est relancé" if stage in NOT_SENT else "n’attend plus cela") in told, stage


def test_an_address_opened_by_a_link_never_sends(as_alice: Client, documents: Work) -> None:
    delivery = documents.delivery(Stage.HELD)
    assert as_alice.get(reverse("send_again", args=[documents.organisation.slug, delivery.pk])).status_code == 405
    assert documents.stage(delivery) is Stage.HELD


def test_a_document_without_a_channel_says_what_it_waits_for(as_alice: Client, documents: Work) -> None:
    page = page_of(as_alice, documents, None)
    assert WAITING_FOR in page
    assert reverse("route_again", args=[documents.organisation.slug, documents.documents[None].pk]) in page


def test_the_reason_of_the_channel_is_shown(as_alice: Client, documents: Work) -> None:
    page = page_of(as_alice, documents, Stage.SENT)
    assert "Pourquoi ce canal" in page
    assert "Canal de F-SENT : la fiche du client le demande." in page


def test_the_timeline_keeps_two_axes_and_says_who_said_what_and_when(as_alice: Client, documents: Work) -> None:
    document = documents.documents[Stage.SENT]
    with acting_for(documents.organisation.id):
        Event.objects.create(
            organisation=documents.organisation,
            document=document,
            delivery=Delivery.objects.get(document=document),
            axis=Event.Axis.THEIRS,
            code="IN_INTEGRE",
            grade="accepted",
            at=datetime(2046, 11, 21, 23, 30, tzinfo=UTC),  # after what we do now, whatever the day
            reason="Le dépôt est intégré.",
            who="Chorus Pro",
            identity="x",
        )
    page = page_of(as_alice, documents, Stage.SENT)
    theirs = page[page.index('<li class="theirs') :]
    assert "22 nov. 2046 à 00:30" in theirs, "Paris time, the next day"
    assert "Chorus Pro" in theirs
    assert "Le dépôt est intégré." in theirs
    assert "<code>IN_INTEGRE</code>" in theirs
    ours = page[page.index('<ol class="timeline">') : page.index('<li class="theirs')]
    assert "Contrôlée, scellée et conservée" in ours
    assert "Envoyée" in ours


def test_what_they_said_never_stands_after_what_we_made_of_it(as_alice: Client, documents: Work) -> None:
    document = documents.documents[Stage.REJECTED]
    with acting_for(documents.organisation.id):
        delivery = Delivery.objects.get(document=document)
        Event.objects.create(
            organisation=documents.organisation,
            document=document,
            delivery=delivery,
            axis=Event.Axis.THEIRS,
            code="IN_REJETE",
            grade="rejected",
            at=timezone.now() + timedelta(hours=3),
            created_at=delivery.events.get(code=Stage.REJECTED).created_at - timedelta(milliseconds=1),
            reason="Leur horloge avance.",
            identity="x",
        )
    page = page_of(as_alice, documents, Stage.REJECTED)
    timeline = page[page.index('<ol class="timeline">') :]
    assert timeline.index("Leur horloge avance.") < timeline.index("<strong>Rejetée</strong>")


@pytest.mark.parametrize(("grade", "sentence"), [("action_needed", "Ils attendent"), ("unknown_code", "Ils ont dit")])
def test_news_that_ask_for_a_person_are_a_task_even_when_the_stage_goes_on(
    as_alice: Client, documents: Work, grade: str, sentence: str
) -> None:
    document = documents.documents[Stage.ACCEPTED]
    assert sentence not in page_of(as_alice, documents, Stage.ACCEPTED)
    with acting_for(documents.organisation.id):
        Event.objects.create(
            organisation=documents.organisation,
            document=document,
            delivery=Delivery.objects.get(document=document),
            axis=Event.Axis.THEIRS,
            code="A_RECYCLER",
            grade=grade,
            at=timezone.now(),
            reason="Recyclez vers un autre service.",
            identity="x",
        )
    assert sentence in page_of(as_alice, documents, Stage.ACCEPTED)


def test_findings_are_shown_in_words_with_their_rule_beside(as_alice: Client, documents: Work) -> None:
    page = page_of(as_alice, documents, Stage.SENT)
    assert "Une mention manque." in page
    assert "Avertissement" in page
    assert "<code>BR-FR-05</code>" in page


def test_the_seal_is_told_without_claiming_more_than_it_is(as_alice: Client, documents: Work) -> None:
    page = page_of(as_alice, documents, Stage.SENT)
    assert documents.artefact(Stage.SENT).sha256 in page
    assert "Scellé par la clé de votre organisation" in page
    assert "qualifi" not in page.lower()


def test_each_file_comes_down_as_the_very_bytes_kept(as_alice: Client, documents: Work) -> None:
    original = documents.artefact(Stage.SENT, ArtefactRole.ORIGINAL)
    answer = as_alice.get(reverse("download", args=[documents.organisation.slug, original.pk]))
    assert answer.content == XML
    assert answer.headers["Content-Type"] == "application/xml"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="original.xml"'


def test_a_page_is_drawn_and_a_missing_one_is_not(as_alice: Client, documents: Work) -> None:
    slug, artefact = documents.organisation.slug, documents.artefact(Stage.SENT)
    drawn = as_alice.get(reverse("picture", args=[slug, artefact.pk, 1]))
    assert drawn.headers["Content-Type"] == "image/png"
    assert drawn.content.startswith(b"\x89PNG")
    assert as_alice.get(reverse("picture", args=[slug, artefact.pk, 2])).status_code == 404
    original = documents.artefact(Stage.SENT, ArtefactRole.ORIGINAL)
    assert as_alice.get(reverse("picture", args=[slug, original.pk, 1])).status_code == 404


def test_the_page_shows_the_picture_with_its_words(as_alice: Client, documents: Work) -> None:
    page = page_of(as_alice, documents, Stage.SENT)
    assert reverse("picture", args=[documents.organisation.slug, documents.artefact(Stage.SENT).pk, 1]) in page
    assert 'alt="Page 1 de : Facture F-SENT.' in page


def test_an_altered_file_is_never_handed_over(as_alice: Client, documents: Work) -> None:
    artefact = documents.artefact(Stage.SENT, ArtefactRole.ORIGINAL)
    kept = [path for path in Path(settings.FAITFOI_HOME, "store").rglob(f"*{artefact.sha256[4:]}*") if path.is_file()]
    assert kept, "the object is named by its digest"
    path = next(path for path in kept if str(documents.organisation.id) in str(path))
    path.chmod(0o600)
    path.write_bytes(b"autre chose")
    answer = as_alice.get(reverse("download", args=[documents.organisation.slug, artefact.pk]))
    assert answer.status_code == 500
    assert b"autre chose" not in answer.content
    assert "n’est plus ce qu’il était" in plain(answer.content)
    assert page_of(as_alice, documents, Stage.SENT)


def test_a_document_is_found_by_number_or_customer_without_accents_or_case(as_alice: Client, documents: Work) -> None:
    wanted = reverse("document", args=[documents.organisation.slug, documents.documents[Stage.SENT].pk])
    for query in ("elevage pre NOIR", "Élevage", "f-sent", "élevage F-SENT"):
        assert wanted in found(as_alice, documents, q=query), query


def test_a_search_leaves_out_what_does_not_fit(as_alice: Client, documents: Work) -> None:
    assert "Aucun document ne correspond" in found(as_alice, documents, q="mairie")
    assert "Aucun document ne correspond" in found(as_alice, documents, q="%")


def test_documents_are_listed_by_state(as_alice: Client, documents: Work) -> None:
    for state in (*Stage.values, "sans-envoi"):
        page = found(as_alice, documents, etat=state)
        wanted = documents.documents[Stage(state) if state in Stage.values else None]
        assert "1 document" in page, state
        assert reverse("document", args=[documents.organisation.slug, wanted.pk]) in page, state


def test_a_state_that_does_not_exist_lists_everything(as_alice: Client, documents: Work) -> None:
    assert f"{len(documents.documents)} documents" in found(as_alice, documents, etat="nawak")


def test_a_long_list_has_pages_that_keep_the_search(as_alice: Client, documents: Work) -> None:
    with acting_for(documents.organisation.id):
        customer = make_customer(documents.organisation, "Mairie de Fictiville")
        for number in range(51):
            make_document(documents.organisation, customer, f"M-{number:03}")
    page = found(as_alice, documents, q="mairie")
    assert "Page 1 sur 2" in page
    assert 'href="?q=mairie&page=2"' in page
    assert "Page 2 sur 2" in found(as_alice, documents, q="mairie", page="2")
    assert "Page 2 sur 2" in found(as_alice, documents, q="mairie", page="99")


def test_home_shows_what_waits_for_someone_first_and_the_gravest_on_top(as_alice: Client, documents: Work) -> None:
    with acting_for(documents.organisation.id):
        Delivery.objects.filter(stage=Stage.ROUTED).update(next_attempt_at=timezone.now() - timedelta(minutes=30))
    page = plain(as_alice.get(reverse("home", args=[documents.organisation.slug])).content)
    titles = ["Sort inconnu", "Préparées, pas encore parties", "En attente", "Attendent quelqu’un", "À corriger"]
    places = [page.index(f"</span>{title}") for title in [*titles, "Revenues", "Rejetées"]]
    assert places == sorted(places)
    assert places[-1] < page.index("Lots récents")


def test_what_was_just_prepared_is_not_yet_late(as_alice: Client, documents: Work) -> None:
    page = plain(as_alice.get(reverse("home", args=[documents.organisation.slug])).content)
    assert "Préparées, pas encore parties" not in page


def test_a_later_sending_replaces_the_earlier_one_in_what_waits(as_alice: Client, documents: Work) -> None:
    document = documents.documents[Stage.UNKNOWN]
    slug = documents.organisation.slug
    wanted = reverse("document", args=[slug, document.pk])
    with acting_for(documents.organisation.id):
        make_delivery(document, Stage.DELIVERED, sequence=2)
    assert wanted not in plain(as_alice.get(reverse("home", args=[slug])).content)
    assert wanted not in found(as_alice, documents, etat="unknown")
    assert wanted in found(as_alice, documents, etat="delivered")


def test_home_says_when_nothing_waits(as_alice: Client, alice: object) -> None:
    page = plain(as_alice.get("/", follow=True).content)
    assert "Rien ne vous attend." in page

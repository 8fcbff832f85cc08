"""Messages in the customer's language, in the organisation's own words; what is missing is said, never silent."""

import pytest

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.texts.catalogue import KINDS, LANGUAGES, TEXTS
from faitfoi.channels.texts.wording import BadText, check_text
from faitfoi.pipeline.mail_texts import preview, save_text, text_in_use
from faitfoi.records.models import Customer, Event
from tests.pipeline.cast import ACTOR, FARMER, Scene, file


def speak(scene: Scene, **values: str) -> None:
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=FARMER.reference).update(**values)


def subjects(scene: Scene) -> list[str]:
    return [each.subject for each in scene.smtp.received]


def test_every_kind_has_words_in_every_language_and_they_pass_our_own_check() -> None:
    for language in LANGUAGES:
        for kind in KINDS:
            check_text(language, kind, *TEXTS[language, kind])


@pytest.mark.parametrize(
    ("subject", "body"),
    [("{nom}", "x"), ("x", "{number.__class__}"), ("x", "{"), ("", "x"), ("a\nb", "x"), ("x", " "), ("{facts}", "x")],
)
def test_what_cannot_be_said_is_refused_when_it_is_saved(subject: str, body: str) -> None:
    with pytest.raises(BadText):
        check_text("fr", "invoice", subject, body)


@pytest.mark.django_db(transaction=True)
@pytest.mark.beside_the_journal
def test_the_record_decides_the_language_then_the_country(scene: Scene) -> None:
    scene.send(file("F-1"))
    speak(scene, country="DE")
    scene.send(file("F-2"))
    speak(scene, country="DE", language="fr")
    scene.send(file("F-3"))
    assert [each.split()[0] for each in subjects(scene)] == ["Facture", "Invoice", "Facture"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.beside_the_journal
def test_a_language_without_words_falls_back_and_says_so(scene: Scene) -> None:
    """Complaint D44."""
    speak(scene, language="de")
    scene.send(file("F-1"))
    assert subjects(scene)[0].startswith("Facture F-1")
    with acting_for(scene.organisation.id):
        told = Event.objects.filter(delivery_id=scene.delivery("F-1").id, code="accepted").get().reason
        _, sentence = preview(scene.organisation, scene.document("F-1"))
    assert "pas de textes dans la langue « de »" in told
    assert "pas de textes dans la langue « de »" in sentence


@pytest.mark.django_db(transaction=True)
def test_the_organisations_own_words_leave_and_nobody_elses(scene: Scene, rival: Organisation) -> None:
    with acting_for(scene.organisation.id):
        save_text("fr", "invoice", subject="Pour {buyer} : {number}", body="Bonjour,\n\n{facts}", actor=ACTOR)
        assert text_in_use("fr", "invoice")[2]
    with acting_for(rival.id):
        assert not text_in_use("fr", "invoice")[2]
    scene.send(file("F-1"))
    assert subjects(scene) == [f"Pour {FARMER.name} : F-1"]

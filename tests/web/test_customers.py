"""A clerk mends a customer's record on its page, and what waited for it leaves when she says so, not before."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import relaunching
from faitfoi.pipeline.setting_up import CannotSetUp, import_customers
from faitfoi.records.models import Customer, Delivery, JournalEntry
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import FARMER, SILENT, TOWN, Buyer, Scene, fault, file
from tests.pipeline.conftest import portal, relay, scene
from tests.web.conftest import Work, plain, signed_in_as

__all__ = ["portal", "relay", "scene"]

NEWCOMER = Buyer(
    reference="",
    name="EARL des Nouveaux Venus",
    nature=SILENT.nature,
    siren="000264119",
    siret="00026411900017",
    electronic="000264119",
)


@pytest.fixture
def clerk(alice: User) -> Client:
    """Alice's browser."""
    return signed_in_as(alice)


def address(scene: Scene, name: str, *arguments: object) -> str:
    return reverse(name, args=[scene.organisation.slug, *arguments])


def read(client: Client, url: str, **query: str) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200
    return plain(answer.content)


def record(scene: Scene, reference: str) -> Customer:
    with acting_for(scene.organisation.id):
        return Customer.objects.get(reference=reference)


def typed(customer: Customer, **changed: str) -> dict[str, Any]:
    """Return what the form of a record posts, with fields changed."""
    names = ("name", "reference", "nature", "siren", "siret", "vat_number", "country", "billing_email")
    more = ("electronic_address", "channel", "copy_channel", "code_service")
    return {name: getattr(customer, name) for name in (*names, *more)} | changed


def wait_for_record(scene: Scene, *numbers: str, buyer: Buyer = SILENT) -> None:
    scene.prepare(scene.hand_over(*(file(number, buyer) for number in numbers)))


def test_customers_are_found_by_name_reference_and_numbers(clerk: Client, scene: Scene) -> None:
    wanted = address(scene, "customer", record(scene, FARMER.reference).pk)
    for query in ("grands CHÀMPS", "c-1", "000 000 034", FARMER.siret, ""):
        assert wanted in read(clerk, address(scene, "customers"), q=query), query
    assert "Aucun client ne correspond" in read(clerk, address(scene, "customers"), q="%")
    page = read(clerk, address(scene, "customers"), q="sans courriel")
    assert "fiche à compléter" in page
    assert wanted not in page


def test_the_page_of_a_customer_says_which_channel_why_and_what_is_missing(clerk: Client, scene: Scene) -> None:
    page = read(clerk, address(scene, "customer", record(scene, FARMER.reference).pk))
    assert "vous n’êtes tenu d’émettre par une plateforme agréée qu’à partir du 01/09/2027" in page
    assert FARMER.email in page
    page = read(clerk, address(scene, "customer", record(scene, SILENT.reference).pk))
    assert "La fiche de SARL Sans Courriel n’a pas d’adresse e-mail de facturation." in page
    assert "Compléter la fiche" in page
    page = read(clerk, address(scene, "customer", record(scene, TOWN.reference).pk))
    assert "la loi impose Chorus Pro" in page


def test_what_cannot_be_right_comes_back_as_typed_with_the_error_beside_each_field(clerk: Client, scene: Scene) -> None:
    farmer = record(scene, FARMER.reference)
    wrong = typed(farmer, name="EARL Renommée", siren="000 000 035", billing_email="pas une adresse")
    answer = clerk.post(address(scene, "edit_customer", farmer.pk), wrong)
    assert answer.status_code == 422
    page = plain(answer.content)
    assert "Rien n’est encore enregistré : 2 points sont à corriger." in page
    for value in ("EARL Renommée", "000 000 035", "pas une adresse"):
        assert f'value="{value}"' in page
    beside = page[page.index('id="id_siren_error"') :]
    assert "n’est pas valable" in beside[: beside.index("</div>")]
    assert record(scene, FARMER.reference).name == FARMER.name


def test_an_unknown_choice_keeps_nothing(clerk: Client, scene: Scene) -> None:
    farmer = record(scene, FARMER.reference)
    posted = typed(farmer, channel="pigeon", name="Autre")
    assert clerk.post(address(scene, "edit_customer", farmer.pk), posted).status_code == 422
    assert record(scene, FARMER.reference).name == FARMER.name


def test_an_invoice_without_a_contact_leaves_once_its_record_is_completed(clerk: Client, scene: Scene) -> None:
    wait_for_record(scene, "F-1")
    document = scene.document("F-1")
    page = read(clerk, address(scene, "document", document.pk))
    silent = record(scene, SILENT.reference)
    edit = f"{address(scene, 'edit_customer', silent.pk)}?document={document.pk}"
    assert edit in page
    assert "Compléter la fiche de SARL Sans Courriel" in page
    assert f'name="document" value="{document.pk}"' in read(clerk, edit)

    posted = typed(silent, billing_email="compta@sans-courriel.example") | {"document": str(document.pk)}
    saved = clerk.post(edit, posted)
    assert saved.headers["Location"] == address(scene, "document", document.pk)
    page = read(clerk, saved.headers["Location"])
    assert "La fiche est enregistrée." in page
    assert "il ne manque plus rien" in page
    scene.deliver()
    assert scene.mails() == [], "saving a record sends nothing"

    clerk.post(address(scene, "route_again", document.pk))
    scene.deliver()
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert scene.delivery("F-1").address == "compta@sans-courriel.example"


def test_a_customer_nobody_knows_is_created_from_the_invoice_but_a_person_says_what_they_are(
    clerk: Client, scene: Scene
) -> None:
    wait_for_record(scene, "F-1", buyer=NEWCOMER)
    document = scene.document("F-1")
    create = f"{address(scene, 'new_customer')}?document={document.pk}"
    page = read(clerk, address(scene, "document", document.pk))
    assert create in page
    assert "Créer la fiche de EARL des Nouveaux Venus" in page
    form = read(clerk, create)
    for value in (NEWCOMER.name, NEWCOMER.siren, NEWCOMER.siret):
        assert f'value="{value}"' in form
    assert " checked" not in form

    posted = {
        "name": NEWCOMER.name,
        "reference": "C-9",
        "siret": NEWCOMER.siret,
        "country": "FR",
        "billing_email": "compta@nouveaux-venus.example",
        "document": str(document.pk),
    }
    assert "la loi en fait dépendre l’envoi" in plain(clerk.post(create, posted).content)
    saved = clerk.post(create, posted | {"nature": "taxable"})
    assert saved.headers["Location"] == address(scene, "document", document.pk)
    made = record(scene, "C-9")
    assert made.siren == NEWCOMER.siren
    assert scene.document("F-1").customer_id == made.pk
    clerk.post(address(scene, "route_again", document.pk))
    scene.deliver()
    assert scene.stage("F-1") is Stage.ACCEPTED


def test_a_buyer_that_two_records_fit_is_settled_by_a_person(clerk: Client, scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        twins = [
            Customer.objects.create(
                organisation=scene.organisation,
                reference=f"J-{number}",
                name=NEWCOMER.name,
                search_key="earl des nouveaux venus",
                nature=NEWCOMER.nature,
                siren=NEWCOMER.siren,
                billing_email=f"j{number}@nouveaux-venus.example",
            )
            for number in (1, 2)
        ]
    wait_for_record(scene, "F-1", buyer=NEWCOMER)
    document = scene.document("F-1")
    form = read(clerk, address(scene, "new_customer"), document=str(document.pk))
    assert "Est-ce l’une de ces fiches ?" in form
    assert all(f'value="{twin.pk}"' in form for twin in twins)
    claim = address(scene, "claim_document", document.pk)
    told = plain(clerk.post(claim, {"client": str(twins[1].pk)}, follow=True).content)
    assert "F-1 est pour EARL des Nouveaux Venus" in told
    assert scene.document("F-1").customer_id == twins[1].pk
    again = plain(clerk.post(claim, {"client": str(twins[0].pk)}, follow=True).content)
    assert "a déjà son client" in again
    assert scene.document("F-1").customer_id == twins[1].pk


def test_everything_that_waits_for_a_record_leaves_together_and_what_stays_says_why(
    clerk: Client, scene: Scene
) -> None:
    wait_for_record(scene, "F-1", "F-2")
    silent = record(scene, SILENT.reference)
    page = read(clerk, address(scene, "customer", silent.pk))
    assert "2 documents attendent" in page
    relaunch = address(scene, "relaunch_customer", silent.pk)
    still = plain(clerk.post(relaunch, follow=True).content)
    assert "La facture F-1 ne peut pas partir" in still
    assert "relancé" not in still

    clerk.post(address(scene, "edit_customer", silent.pk), typed(silent, billing_email="compta@sans-courriel.example"))
    told = plain(clerk.post(relaunch, follow=True).content)
    assert "2 documents relancés : ils partent dès que possible." in told
    assert "Plus rien n’attend" in plain(clerk.post(relaunch, follow=True).content)
    scene.deliver()
    assert len(scene.mails()) == 2


def test_documents_that_knew_nobody_wait_for_the_record_made_since(clerk: Client, scene: Scene) -> None:
    wait_for_record(scene, "F-1", "F-2", buyer=NEWCOMER)
    document = scene.document("F-1")
    posted = {"name": NEWCOMER.name, "reference": "C-9", "nature": "taxable", "siren": NEWCOMER.siren, "country": "FR"}
    posted |= {"billing_email": "compta@nouveaux-venus.example", "document": str(document.pk)}
    page = plain(clerk.post(address(scene, "new_customer"), posted, follow=True).content)
    assert "1 autre document de ce client attend aussi" in page
    made = record(scene, "C-9")
    assert "2 documents relancés" in plain(
        clerk.post(address(scene, "relaunch_customer", made.pk), follow=True).content
    )


def test_more_than_one_request_can_take_are_said_to_be_left(
    clerk: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaunching, "MOST", 1)
    wait_for_record(scene, "F-1", "F-2", "F-3")
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=SILENT.reference).update(billing_email="compta@sans-courriel.example")
    relaunch = address(scene, "relaunch_customer", record(scene, SILENT.reference).pk)
    told = plain(clerk.post(relaunch, follow=True).content)
    assert "1 document relancé" in told
    assert "2 autres attendent encore" in told


def test_a_damaged_document_waits_on_and_does_not_keep_the_others(clerk: Client, scene: Scene) -> None:
    wait_for_record(scene, "F-1", "F-2")
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=SILENT.reference).update(billing_email="compta@sans-courriel.example")
    scene.alter(scene.document("F-1").original_sha256)
    relaunch = address(scene, "relaunch_customer", record(scene, SILENT.reference).pk)
    told = plain(clerk.post(relaunch, follow=True).content)
    assert "1 document relancé" in told
    assert "manque ou a été modifié" in told


def test_a_refused_mail_says_that_it_leaves_again_for_the_present_address(as_alice: Client, documents: Work) -> None:
    document = documents.documents[Stage.TO_FIX]
    with acting_for(documents.organisation.id):
        Customer.objects.update(billing_email="nouvelle@pre-noir.example")
    page = read(as_alice, reverse("document", args=[documents.organisation.slug, document.pk]))
    assert "vers l’adresse de la fiche, aujourd’hui nouvelle@pre-noir.example" in page
    as_alice.post(reverse("send_again", args=[documents.organisation.slug, documents.delivery(Stage.TO_FIX).pk]))
    with acting_for(documents.organisation.id):
        assert Delivery.objects.get(document=document).address == "nouvelle@pre-noir.example"


def test_what_a_relay_has_taken_is_not_told_as_delivered(as_alice: Client, documents: Work) -> None:
    document = documents.documents[Stage.ACCEPTED]
    page = read(as_alice, reverse("document", args=[documents.organisation.slug, document.pk]))
    assert "Votre serveur d’envoi l’a prise" in page
    assert "rien ne prouve qu’elle a été lue" in page


def test_nobody_names_another_organisations_document_or_customer(
    charlie: User, rival: Organisation, documents: Work
) -> None:
    client = signed_in_as(charlie)
    theirs = documents.documents[None]
    new = reverse("new_customer", args=[rival.slug])
    assert client.get(new, {"document": str(theirs.pk)}).status_code == 404
    assert client.post(new, {"document": str(theirs.pk), "name": "X"}).status_code == 404
    assert client.get(new, {"document": "nawak"}).status_code == 404
    with acting_for(rival.id):
        assert not Customer.objects.exists()


def test_who_changed_a_record_is_in_the_journal(clerk: Client, alice: User, scene: Scene) -> None:
    farmer = record(scene, FARMER.reference)
    clerk.post(address(scene, "edit_customer", farmer.pk), typed(farmer, code_service="SVC"))
    same = plain(
        clerk.post(address(scene, "edit_customer", farmer.pk), typed(farmer, code_service="SVC"), follow=True).content
    )
    assert "Rien n’a changé." in same
    with acting_for(scene.organisation.id):
        entry = JournalEntry.objects.get(kind="customer_changed")
    assert f"user:{alice.pk}" in entry.body
    assert '"fields":["code_service"]' in entry.body.replace(" ", "")


def test_a_person_changes_their_password_from_any_page(as_alice: Client, cooperative: Organisation) -> None:
    change = reverse("account_change_password")
    assert change in read(as_alice, reverse("home", args=[cooperative.slug]))
    wrong = plain(as_alice.post(change, {"oldpassword": "faux", "password1": "x", "password2": "y"}).content)
    assert 'class="error"' in wrong
    new = "une phrase nouvelle de passe"
    posted = {"oldpassword": "mot de passe de démonstration", "password1": new, "password2": new}
    done = as_alice.post(change, posted, follow=True)
    assert done.status_code == 200
    assert "mot de passe" in plain(done.content)
    assert Client().login(username="alice@trois-vallees.example", password="mot de passe de démonstration") is False


def test_a_clerk_has_the_structure_asked_about_now_and_reads_what_was_found_and_when(
    clerk: Client, scene: Scene
) -> None:
    town = record(scene, TOWN.reference)
    page = address(scene, "customer", town.pk)
    assert "Nous n’avons pas encore interrogé Chorus Pro" in read(clerk, page)
    answer = clerk.post(address(scene, "refresh_structure", town.pk))
    assert answer.status_code == 302
    said = read(clerk, page)
    assert "Commune de Valombreuse — SIRET 00000071100010 (réponse du" in said
    assert "Ni code service ni numéro d’engagement n’est exigé de tous." in said
    scene.chorus.faults.add(fault(FaultKind.DOWN, on="rechercher"))
    clerk.post(address(scene, "refresh_structure", town.pk))
    said = read(clerk, page)
    assert "réponse du" in said  # what it said last stays
    assert "Chorus Pro n’a pas répondu : Chorus Pro est momentanément fermé (503)." in said


def test_only_a_public_customer_with_its_siret_has_a_structure(clerk: Client, scene: Scene) -> None:
    farmer = record(scene, FARMER.reference)
    assert "Rafraîchir la structure" not in read(clerk, address(scene, "customer", farmer.pk))
    assert clerk.post(address(scene, "refresh_structure", farmer.pk)).status_code == 404


def test_how_a_customer_takes_deposits_is_on_its_record_and_in_the_file(clerk: Client, scene: Scene) -> None:
    town = record(scene, TOWN.reference)
    edit = address(scene, "edit_customer", town.pk)
    assert clerk.post(edit, typed(town, chorus_deposit="pdf")).status_code == 302
    assert record(scene, TOWN.reference).chorus_deposit == "pdf"
    assert "en simple PDF" in read(clerk, address(scene, "customer", town.pk))
    assert clerk.post(edit, typed(town, chorus_deposit="pigeon")).status_code == 422
    import_customers(
        scene.organisation,
        ["reference;name;nature;siren;siret;chorus_deposit", f"P-1;{TOWN.name};public;;{TOWN.siret};soumettre"],
        actor="test",
    )
    assert record(scene, TOWN.reference).chorus_deposit == "soumettre"
    with pytest.raises(CannotSetUp, match="écrivez flux, soumettre, pdf, ou rien"):
        import_customers(
            scene.organisation, ["reference;name;nature;chorus_deposit", f"P-1;{TOWN.name};public;pigeon"], actor="test"
        )

"""« À faire » by its pages: what it shows, what its buttons do, and who may press them."""

import pytest
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import Act, Delivery
from faitfoi.records.stages import Stage
from tests.web.conftest import Work, plain, signed_in_as

pytestmark = pytest.mark.django_db


def post(client: Client, page: str, work: Work, given: dict[str, str], **about: object) -> str:
    answer = client.post(reverse(page, kwargs={"slug": work.organisation.slug, **about}), given, follow=True)
    assert answer.status_code == 200
    return plain(answer.content)


def test_the_list_shows_each_thing_with_its_way_out_and_the_menu_counts_them(as_alice: Client, documents: Work) -> None:
    documents.act()
    shown = plain(as_alice.get(reverse("tasks", args=[documents.organisation.slug])).content)
    for stage in (Stage.UNKNOWN, Stage.TO_FIX, Stage.HELD, Stage.RETURNED, Stage.REJECTED):
        assert f"F-{stage.name} " in shown
    assert "F-SANS-CANAL ne peut pas partir" in shown
    assert "« completer »" not in shown  # it goes on by itself
    assert "Elle n’est pas arrivée, renvoyer" in shown
    home = plain(as_alice.get(reverse("home", args=[documents.organisation.slug])).content)
    assert "choses à faire" in home


def test_alice_says_that_it_has_arrived(as_alice: Client, documents: Work) -> None:
    delivery = documents.delivery(Stage.UNKNOWN)
    post(as_alice, "delivery_exit", documents, {"exit": "arrived", "note": "au téléphone"}, delivery_id=delivery.pk)
    assert documents.stage(delivery) is Stage.DELIVERED
    again = post(as_alice, "delivery_exit", documents, {"exit": "arrived"}, delivery_id=delivery.pk)
    assert "entre-temps" in again


def test_sending_anew_wants_the_box_ticked(as_alice: Client, documents: Work) -> None:
    delivery = documents.delivery(Stage.UNKNOWN)
    given = {"exit": "resend", "needs_tick": "1"}
    assert "Cochez" in post(as_alice, "delivery_exit", documents, given, delivery_id=delivery.pk)
    with acting_for(documents.organisation.id):
        assert Delivery.objects.filter(document=delivery.document_id).count() == 1


def test_a_rejected_invoice_is_settled_with_what_replaced_it(as_alice: Client, documents: Work) -> None:
    delivery = documents.delivery(Stage.REJECTED)
    given = {"exit": "replaced", "note": "A-12 puis F-2026-300"}
    shown = post(as_alice, "delivery_exit", documents, given, delivery_id=delivery.pk)
    assert "A-12 puis F-2026-300" in shown
    refused = post(as_alice, "delivery_exit", documents, {"exit": "resend"}, delivery_id=delivery.pk)
    assert "avoir" in refused or "décidé" in refused


def test_an_act_is_settled_by_hand(as_alice: Client, documents: Work) -> None:
    act = documents.act()
    with acting_for(documents.organisation.id):
        Act.objects.filter(pk=act.pk).update(stage=Stage.TO_FIX)
    shown = plain(as_alice.get(reverse("tasks", args=[documents.organisation.slug])).content)
    assert "« completer »" in shown
    post(as_alice, "act_exit", documents, {"exit": "settle", "note": "fait sur le portail"}, act_id=act.pk)
    with acting_for(documents.organisation.id):
        assert Act.objects.get(pk=act.pk).settled == "fait sur le portail"


def test_an_auditor_neither_sees_the_list_nor_decides(auditor: User, documents: Work) -> None:
    client = signed_in_as(auditor)
    slug = documents.organisation.slug
    assert client.get(reverse("tasks", args=[slug])).status_code == 403
    address = reverse("delivery_exit", args=[slug, documents.delivery(Stage.UNKNOWN).pk])
    assert client.post(address, {"exit": "arrived"}).status_code == 403

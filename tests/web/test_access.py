"""Nobody sees another organisation's pages: every address of the program is walked, whoever adds it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from faitfoi.accounts.models import Membership, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.stages import Stage
from tests.web.conftest import Work, signed_in_as

OPEN_TO_ALL = {"account_login", "account_signup", "account_inactive", "set_language"}
SIGNED = {"mail_called", "pa_webhook", "payments_api"}
"""What other programs call: what they send is signed or bears a token, and tests of their own refuse what is not."""
OWN_ACCOUNT = {"choose", "account_logout", "account_change_password"}
WORDS = {"slug", "channel"}
"""Arguments of addresses that name no object of an organisation."""
OPENED_ELSEWHERE = {"dossier", "bulk_files"}
"""What wants a document that was really sealed, or a period: test_auditors.py opens it."""
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')
TENANT_PREFIX = "o/<slug:slug>/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address of the program, as its pattern says it."""

    name: str
    route: str
    arguments: tuple[str, ...]

    @property
    def tenant(self) -> bool:
        """True for an address of an organisation."""
        return self.route.startswith(TENANT_PREFIX)

    def of(self, work: Work, *, slug: str = "") -> str:
        """Return the address for the objects of `work`."""
        values: dict[str, object] = {
            "slug": slug or work.organisation.slug,
            "batch_id": work.batch.pk,
            "document_id": work.documents[Stage.HELD].pk,
            "artefact_id": work.artefact(Stage.HELD).pk,
            "delivery_id": work.delivery(Stage.HELD).pk,
            "customer_id": work.documents[Stage.HELD].customer_id,
            "attestation_id": work.attestation().pk,
            "hold_id": work.hold().pk,
            "elimination_id": work.elimination().pk,
            "version_id": work.trail().pk,
            "act_id": work.act().pk,
            "event_id": work.event().pk,
            "letter_id": work.letter().pk,
            "file_id": work.file().pk,
            "door_id": work.door().pk,
            "channel": "chorus_pro",
            "number": 1,
        }
        return reverse(self.name, kwargs={name: values[name] for name in self.arguments})


def addresses() -> list[Address]:
    """Return every address of the urlconf."""
    return list(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Address]:
    for item in patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from _walk(item.url_patterns, route)
            continue
        arguments = tuple(part.split(">")[0].split(":")[-1] for part in route.split("<")[1:])
        yield Address(name=item.name or "", route=route, arguments=arguments)


def test_every_address_is_either_of_an_organisation_or_known_to_be_open() -> None:
    found = {address.name for address in addresses() if not address.tenant}
    assert found == OPEN_TO_ALL | OWN_ACCOUNT | SIGNED


def test_alice_opens_each_of_her_pages(as_alice: Client, documents: Work) -> None:
    for address in addresses():
        if address.tenant and address.name not in OPENED_ELSEWHERE:
            status = as_alice.get(address.of(documents)).status_code
            assert status in {200, 405}, address.route


def test_charlie_gets_404_on_every_page_of_alice(charlie: User, documents: Work) -> None:
    client = signed_in_as(charlie)
    for address in addresses():
        if address.tenant:
            assert client.get(address.of(documents)).status_code == 404, address.route
            assert client.post(address.of(documents)).status_code == 404, address.route
    assert documents.stage(documents.delivery(Stage.HELD)) is Stage.HELD


def test_charlie_cannot_reach_alices_objects_through_his_own_organisation(
    charlie: User, rival: Organisation, documents: Work
) -> None:
    client = signed_in_as(charlie)
    for address in addresses():
        if address.tenant and set(address.arguments) - WORDS:
            assert client.get(address.of(documents, slug=rival.slug)).status_code in {404, 405}, address.route
            assert client.post(address.of(documents, slug=rival.slug)).status_code in {404, 405}, address.route
    assert documents.stage(documents.delivery(Stage.HELD)) is Stage.HELD


def test_an_organisation_that_does_not_exist_answers_like_one_that_is_not_yours(charlie: User, documents: Work) -> None:
    client = signed_in_as(charlie)
    slugs = (documents.organisation.slug, "nulle-part")
    answers = [client.get(f"/o/{slug}/") for slug in slugs]
    assert {answer.status_code for answer in answers} == {404}
    theirs, nobodys = (
        TOKEN.sub("", answer.content.decode().replace(slug, "")) for slug, answer in zip(slugs, answers, strict=True)
    )
    assert theirs == nobodys


def test_a_stranger_is_sent_to_sign_in_from_every_page(client: Client, documents: Work) -> None:
    for address in addresses():
        if address.tenant:
            for answer in (client.get(address.of(documents)), client.post(address.of(documents))):
                assert answer.status_code == 302, address.route
                assert answer.headers["Location"].startswith(reverse("account_login")), address.route


def test_a_background_refresh_of_a_stranger_reloads_the_page_instead_of_pasting_the_sign_in(
    client: Client, documents: Work
) -> None:
    url = reverse("batch", args=[documents.organisation.slug, documents.batch.pk])
    answer = client.get(url, headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    assert b"<form" not in answer.content


def test_a_member_who_left_sees_nothing_any_more(alice: User, documents: Work) -> None:
    client = signed_in_as(alice)
    with acting_for(documents.organisation.id):
        Membership.objects.filter(user=alice).delete()
    assert client.get(f"/o/{documents.organisation.slug}/").status_code == 404


def test_a_closed_account_is_a_stranger(alice: User, documents: Work) -> None:
    client = signed_in_as(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(f"/o/{documents.organisation.slug}/").status_code == 302


def test_an_auditor_reads_everything_and_acts_on_nothing(auditor: User, documents: Work) -> None:
    client = signed_in_as(auditor)
    slug = documents.organisation.slug
    document = documents.documents[Stage.HELD]
    page = client.get(reverse("document", args=[slug, document.pk]))
    assert page.status_code == 200
    assert "relancer/" not in page.content.decode()
    assert client.get(reverse("upload", args=[slug])).status_code == 403
    assert client.post(reverse("upload", args=[slug])).status_code == 403
    assert client.post(reverse("send_again", args=[slug, documents.delivery(Stage.HELD).pk])).status_code == 403
    assert client.post(reverse("route_again", args=[slug, documents.documents[None].pk])).status_code == 403
    customer = document.customer_id
    assert client.get(reverse("customers", args=[slug])).status_code == 200
    shown = client.get(reverse("customer", args=[slug, customer])).content.decode()
    assert "modifier/" not in shown
    assert "relancer/" not in shown
    for name, arguments in (("edit_customer", [customer]), ("new_customer", []), ("relaunch_customer", [customer])):
        assert client.post(reverse(name, args=[slug, *arguments])).status_code == 403
    assert client.get(reverse("edit_customer", args=[slug, customer])).status_code == 403
    assert client.post(reverse("claim_document", args=[slug, documents.documents[None].pk])).status_code == 403
    assert documents.stage(documents.delivery(Stage.HELD)) is Stage.HELD
    assert reverse("upload", args=[slug]) not in client.get(reverse("home", args=[slug])).content.decode()


def test_a_file_is_handed_over_only_as_a_download(as_alice: Client, documents: Work) -> None:
    answer = as_alice.get(reverse("download", args=[documents.organisation.slug, documents.artefact(Stage.SENT).pk]))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="facture.pdf"'
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.content.startswith(b"%PDF")


def test_nothing_is_cached_by_a_shared_computer(as_alice: Client, documents: Work) -> None:
    for address in addresses():
        if address.tenant and address.name not in {"picture", *OPENED_ELSEWHERE}:
            assert "no-store" in as_alice.get(address.of(documents)).headers["Cache-Control"], address.route


def test_a_page_may_load_nothing_but_our_own_files(as_alice: Client, documents: Work) -> None:
    for address in addresses():
        if address.tenant and address.name not in {
            "attestation",
            "download",
            "picture",
            "seal_preview",
            "trail_file",
            *OPENED_ELSEWHERE,
        }:
            answer = as_alice.get(address.of(documents))
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            text = answer.content.decode()
            assert " style=" not in text
            assert "<style" not in text
            assert "//" not in text.replace("<!doctype", "").replace("://testserver", ""), address.route


def test_acts_need_the_token_of_the_form(alice: User, documents: Work) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    for address in addresses():
        if address.tenant:
            assert client.post(address.of(documents)).status_code == 403, address.route


@pytest.mark.parametrize("role", [Role.CLERK, Role.MANAGER])
def test_whoever_has_one_organisation_goes_straight_to_it(
    as_alice: Client, cooperative: Organisation, role: Role
) -> None:
    with acting_for(cooperative.id):
        Membership.objects.update(role=role)
    assert as_alice.get("/").headers["Location"] == f"/o/{cooperative.slug}/"


def test_whoever_has_several_chooses(
    as_alice: Client, alice: User, cooperative: Organisation, rival: Organisation
) -> None:
    with acting_for(rival.id):
        Membership.objects.create(organisation=rival, user=alice, role=Role.MANAGER)
    page = as_alice.get("/").content.decode()
    assert f"/o/{cooperative.slug}/" in page
    assert f"/o/{rival.slug}/" in page


def test_whoever_has_none_is_told_what_to_do(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("seul@nulle-part.example", "x"))
    page = client.get("/")
    assert page.status_code == 200
    assert "Demandez à la personne qui gère cette installation" in page.content.decode()

"""The page of the archive: what is held, what is asked for, and that the second person sees what they approve."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.elimination import request_elimination
from faitfoi.records.alarms import archive_alarm
from faitfoi.records.models import Alarm, Document, Elimination, Hold
from faitfoi.records.stages import Stage
from tests.conftest import make_member
from tests.web.conftest import Work, plain, signed_in_as

pytestmark = [pytest.mark.beside_the_journal, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def other_manager(cooperative: Organisation) -> User:
    """One more manager."""
    return make_member(cooperative, "louise@trois-vallees.example", role=Role.MANAGER)


@pytest.fixture
def organisation_at_rest(cooperative: Organisation) -> Organisation:
    """One without any document."""
    return cooperative


def at(work: Work, name: str, *more: object) -> str:
    return reverse(name, args=[work.organisation.slug, *more])


def shown(client: Client, work: Work) -> str:
    return plain(client.get(at(work, "archive")).content)


def holds(work: Work) -> list[Hold]:
    with acting_for(work.organisation.id):
        return list(Hold.objects.order_by("id"))


def test_a_period_is_held_from_the_page_and_another_person_lifts_it(
    as_alice: Client, documents: Work, bob: User
) -> None:
    told = {"first_day": "2026-01-01", "last_day": "2026-12-31", "reason": "Contrôle fiscal."}
    as_alice.post(at(documents, "place_hold"), told)

    (hold,) = holds(documents)
    assert (hold.scope, hold.first_day, hold.last_day) == (Hold.Scope.PERIOD, date(2026, 1, 1), date(2026, 12, 31))
    assert "Lever ce gel" not in shown(as_alice, documents), "whoever placed it does not lift it"
    his = signed_in_as(bob)
    assert "Lever ce gel" in shown(his, documents)
    his.post(at(documents, "lift_hold", hold.pk), {"reason": "Le contrôle est clos."})
    assert "Rien n’est gelé." in shown(his, documents)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"first_day": "2026-01-01", "reason": "Litige."}, "donnez les deux"),
        (
            {"number": "F-SENT", "first_day": "2026-01-01", "last_day": "2026-02-01", "reason": "Litige."},
            "pas les deux",
        ),
        ({"number": "F-INCONNUE", "reason": "Litige."}, "F-INCONNUE"),
        ({"first_day": "2026-12-31", "last_day": "2026-01-01", "reason": "Litige."}, "inversez"),
    ],
)
def test_a_hold_that_says_nothing_clear_is_not_placed(
    as_alice: Client, documents: Work, told: dict[str, str], sentence: str
) -> None:
    page = as_alice.post(at(documents, "place_hold"), told, follow=True)

    assert sentence in plain(page.content)
    assert holds(documents) == []


def test_whoever_approves_an_elimination_sees_its_documents_and_says_so(
    documents: Work, bob: User, other_manager: User
) -> None:
    organisation = documents.organisation
    old = documents.documents[Stage.DELIVERED]
    assert old is not None
    with acting_for(organisation.id):
        Document.objects.filter(pk=old.pk).update(issue_date=date(2012, 3, 4))
    asked = request_elimination(organisation.id, [old.pk], reason="Terme passé.", actor=f"user:{other_manager.pk}")

    hers, his = shown(signed_in_as(other_manager), documents), shown(signed_in_as(bob), documents)
    assert "F-DELIVERED" in hers
    assert "F-DELIVERED" in his
    assert "Retirer la demande" in hers
    assert "Approuver et éliminer" not in hers
    assert "Approuver et éliminer" in his
    assert "Rien n’a passé son terme." in his, "what is asked for already is not asked for twice"
    signed_in_as(bob).post(at(documents, "decide_elimination", asked.pk), {"approve": "1"})
    with acting_for(organisation.id):
        assert Elimination.objects.get(pk=asked.pk).state == Elimination.State.REQUESTED
    signed_in_as(other_manager).post(at(documents, "decide_elimination", asked.pk), {"refuse": "1"})
    with acting_for(organisation.id):
        assert Elimination.objects.get(pk=asked.pk).state == Elimination.State.REFUSED


def test_a_clerk_withdraws_her_own_request_and_no_one_else_s(
    as_alice: Client, alice: User, documents: Work, bob: User
) -> None:
    organisation = documents.organisation
    old, other = documents.documents[Stage.DELIVERED], documents.documents[Stage.REJECTED]
    assert old is not None
    assert other is not None
    with acting_for(organisation.id):
        Document.objects.filter(pk__in=(old.pk, other.pk)).update(issue_date=date(2012, 3, 4))
    hers = request_elimination(organisation.id, [old.pk], reason="Terme passé.", actor=f"user:{alice.pk}")
    his = request_elimination(organisation.id, [other.pk], reason="Terme passé.", actor=f"user:{bob.pk}")

    assert shown(as_alice, documents).count("Retirer la demande") == 1
    for each in (hers, his):
        as_alice.post(at(documents, "decide_elimination", each.pk), {"refuse": "1"})
    with acting_for(organisation.id):
        states = dict(Elimination.objects.values_list("pk", "state"))
    assert states == {hers.pk: Elimination.State.REFUSED, his.pk: Elimination.State.REQUESTED}


def test_what_waits_for_a_second_person_is_on_the_first_page_and_among_the_things_to_do(
    organisation_at_rest: Organisation, bob: User, other_manager: User
) -> None:
    client, slug = signed_in_as(bob), organisation_at_rest.slug
    assert "Rien ne vous attend." in plain(client.get(reverse("home", args=[slug])).content)
    with acting_for(organisation_at_rest.id):
        Elimination.objects.create(
            organisation=organisation_at_rest, reason="Terme passé.", requested_by=f"user:{other_manager.pk}"
        )
    home = plain(client.get(reverse("home", args=[slug])).content)
    assert "1 chose à faire" in home
    assert "Rien ne vous attend." not in home
    told = plain(client.get(reverse("tasks", args=[slug])).content)
    assert "attend une seconde personne" in told
    assert reverse("archive", args=[slug]) in told


def test_what_another_organisation_has_lost_is_not_told_here(
    as_alice: Client, documents: Work, rival: Organisation
) -> None:
    for organisation, sentence in (
        (documents.organisation, "Archive abîmée ici."),
        (rival, "Archive abîmée ailleurs."),
    ):
        with acting_for(organisation.id):
            Alarm.objects.create(cause=archive_alarm(organisation.id), sentence=sentence)
    page = shown(as_alice, documents)

    assert "Archive abîmée ici." in page
    assert "ailleurs" not in page


def test_an_auditor_is_not_shown_the_way_to_the_archive(auditor: User, documents: Work) -> None:
    client = signed_in_as(auditor)

    assert at(documents, "archive") not in plain(client.get(at(documents, "home")).content)
    assert client.get(at(documents, "archive")).status_code == 403

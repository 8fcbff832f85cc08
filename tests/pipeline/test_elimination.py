"""Retention, holds and eliminations: nothing goes early, held, or by one person alone; and what stays is whole."""

import json
from datetime import date
from typing import Any

import pytest
from pytest_django import Settings

from faitfoi.accounts.duties import NotApart
from faitfoi.accounts.models import Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.store import pack_name
from faitfoi.pipeline import archive, elimination
from faitfoi.pipeline.elimination import (
    CannotEliminate,
    approve_elimination,
    refuse_elimination,
    request_elimination,
    run,
)
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.holding import CannotHold, lift_hold, place_hold
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.retention import TooShort, keep_until, set_rule
from faitfoi.records.models import (
    Attestation,
    BurntNumber,
    Delivery,
    Document,
    Elimination,
    JournalDetails,
    JournalEntry,
    StoredObject,
)
from faitfoi.records.models_archive import AttestationKind
from faitfoi.records.objects import places_of
from tests.conftest import make_member
from tests.pipeline.cast import ACTOR, TOWN, Scene, file

pytestmark = pytest.mark.django_db(transaction=True)

LATER = "2037-01-01"


@pytest.fixture
def people(scene: Scene, alice: User, bob: User) -> tuple[str, str]:
    """Alice the clerk, who asks, and Bob the manager, who approves, as the journal names them."""
    return f"user:{alice.pk}", f"user:{bob.pk}"


def request(scene: Scene, *numbers: str, actor: str = "operator") -> Elimination:
    ids = [scene.document(number).id for number in numbers]
    return request_elimination(scene.organisation.id, ids, reason="Durée de conservation passée.", actor=actor)


@pytest.fixture
def asked(scene: Scene, people: tuple[str, str], settings: Settings) -> Elimination:
    """The elimination of F-1, approved and not begun; F-2 came with it and stays."""
    scene.send(file("F-1"), file("F-2"))
    settings.FAITFOI_TODAY = LATER
    made = request(scene, "F-1")
    return approve_elimination(scene.organisation.id, made.id, actor=people[1])


def packs(scene: Scene) -> set[str]:
    return set(store().first.names(f"{scene.organisation.id}/"))


def shelved(scene: Scene) -> list[str]:
    """Every name on the shelf that holds something of the organisation, the journal's mirror included."""
    return [*packs(scene), *store().first.names("journal/details/" + str(scene.organisation.id))]


def everything_kept_of(scene: Scene) -> str:
    """What anybody could still read of the organisation: its details, its rows and its packs."""
    with acting_for(scene.organisation.id):
        told = [str(each) for each in JournalDetails.objects.values_list("body", flat=True)]
        told += [str(each) for each in Document.objects.values_list("invoice", "buyer_name")]
        told += [str(each) for each in Delivery.objects.values_list("address", "reason", "references")]
    return "\n".join([*told, *(store().first.get(name).decode("latin-1") for name in shelved(scene))])


def test_the_term_runs_from_the_end_of_the_financial_year(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        assert keep_until(cooperative, date(2026, 11, 4)) == date(2036, 12, 31)
        cooperative.financial_year_ends_in = 6
        assert keep_until(cooperative, date(2026, 11, 4)) == date(2037, 6, 30)
        assert keep_until(cooperative, date(2026, 6, 30)) == date(2036, 6, 30)


def test_no_rule_is_shorter_than_the_law(scene: Scene) -> None:
    with pytest.raises(TooShort, match="au moins 10 ans"):
        set_rule(scene.organisation.id, "invoice", 9, actor=ACTOR)
    set_rule(scene.organisation.id, "invoice", 12, actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert keep_until(scene.organisation, date(2026, 11, 4)).year == 2038


def test_a_pack_holds_one_financial_year(scene: Scene) -> None:
    scene.send(file("F-1"), file("F-2", issue_date="2025-11-04"), file("F-3"))
    with acting_for(scene.organisation.id):
        classes = set(StoredObject.objects.values_list("retention", flat=True))
        years = {
            number: {each.retention for each in StoredObject.objects.filter(sha256=legal)}
            for number, legal in ((each, scene.artefact(each, "legal").sha256) for each in ("F-1", "F-2"))
        }
    assert classes == {"received", "invoice_2025", "invoice_2026"}
    assert years == {"F-1": {"invoice_2026"}, "F-2": {"invoice_2025"}}


def test_what_has_expired_goes_and_all_the_rest_stays_whole(
    scene: Scene, people: tuple[str, str], settings: Settings
) -> None:
    alice, bob = people
    scene.send(file("F-1"), file("F-2", TOWN), file("F-3"))
    settings.FAITFOI_TODAY = LATER
    before = packs(scene)
    kept = {number: scene.artefact(number, "legal").sha256 for number in ("F-2", "F-3")}
    asked = request(scene, "F-1", actor=alice)
    approve_elimination(scene.organisation.id, asked.id, actor=bob)
    done = run(scene.organisation.id, asked.id, actor="worker")
    assert done.state == Elimination.State.DONE
    assert examine_installation().problems == ()
    gone = scene.document("F-1")
    assert (gone.buyer_name, gone.invoice, gone.customer_id) == ("", {}, None)
    for sha256 in kept.values():
        assert archive.fetch(scene.organisation.id, sha256)
    with pytest.raises(ObjectMissing):
        archive.fetch(scene.organisation.id, scene.artefact("F-1", "legal").sha256)
    assert before - packs(scene) != set()
    still = everything_kept_of(scene)
    assert "earl des grands champs" in still  # of F-3, which is the same customer's
    assert scene.artefact("F-1", "legal").sha256 not in {each[:64] for each in still.split()}
    with acting_for(scene.organisation.id):
        assert BurntNumber.objects.filter(number="F-1").count() == 1
        attestation = Attestation.objects.get(kind=AttestationKind.ELIMINATION)
        assert archive.fetch(scene.organisation.id, attestation.sha256).startswith(b"%PDF")
        named = json.loads(JournalEntry.objects.get(kind="document_eliminated").body)["fingerprints"]
    assert scene.artefact("F-1", "legal").sha256 in named
    assert scene.artefact("F-1", "legal").sha512 in named
    # Its number stays used: the same bytes are already done, others are refused.
    batch = scene.send(file("F-1"))
    assert scene.counts(batch).ready == 1
    assert scene.lines(batch)[0].already_done


def test_nothing_that_described_it_can_be_read_any_more(
    scene: Scene, people: tuple[str, str], settings: Settings
) -> None:
    names = {1: "secret-741.json", 2: "autre.json"}
    scene.prepare(scene.hand_over(file("F-1", payment_terms="Selon secret-741."), file("F-2"), names=names))
    scene.deliver()
    assert "secret-741" in everything_kept_of(scene)
    settings.FAITFOI_TODAY = LATER
    asked = request(scene, "F-1")
    approve_elimination(scene.organisation.id, asked.id, actor=people[1])
    run(scene.organisation.id, asked.id, actor="worker")
    assert "secret-741" not in everything_kept_of(scene)
    assert "autre.json" in everything_kept_of(scene)


@pytest.mark.parametrize(
    "step", ["erase_document", "erase_lines", "rewrite_pack", "remove_packs", "forget_in_mirror", "attest_elimination"]
)
@pytest.mark.parametrize("after", [False, True])
def test_an_elimination_stopped_at_any_step_is_taken_up_again(
    scene: Scene, asked: Elimination, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    real = getattr(elimination, step)

    def killed(*args: object, **more: object) -> None:
        if after:
            real(*args, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(elimination, step, killed)
    with pytest.raises(KeyboardInterrupt):
        run(scene.organisation.id, asked.id, actor="worker")
    monkeypatch.setattr(elimination, step, real)
    assert examine_installation().problems == ()
    assert run(scene.organisation.id, asked.id, actor="worker").state == Elimination.State.DONE
    assert examine_installation().problems == ()
    with acting_for(scene.organisation.id):
        assert list(Attestation.objects.values_list("number", flat=True)) == [1]
        assert JournalEntry.objects.filter(kind="document_eliminated").count() == 1
        rows = StoredObject.objects.all()
        assert {pack_name(row.organisation_id, row.retention, row.pack) for row in rows} == packs(scene)


def test_a_pack_that_lies_stops_the_elimination_and_loses_nothing(scene: Scene, asked: Elimination) -> None:
    scene.alter(scene.artefact("F-2", "legal").sha256)
    before = packs(scene)
    with pytest.raises(ObjectAltered):
        run(scene.organisation.id, asked.id, actor="worker")
    assert before <= packs(scene)


def test_nothing_goes_before_its_term_nor_while_its_delivery_goes_on(scene: Scene, settings: Settings) -> None:
    scene.send(file("F-1"))
    with pytest.raises(CannotEliminate, match="se garde jusqu’au 31/12/2036"):
        request(scene, "F-1")
    settings.FAITFOI_TODAY = "2036-12-31"
    with pytest.raises(CannotEliminate, match="se garde jusqu’au 31/12/2036"):
        request(scene, "F-1")
    scene.prepare(scene.hand_over(file("F-2")))
    settings.FAITFOI_TODAY = LATER
    with pytest.raises(CannotEliminate, match="n’est pas terminé"):
        request(scene, "F-2")


def test_whoever_asks_does_not_approve(
    scene: Scene, people: tuple[str, str], settings: Settings, charlie: User
) -> None:
    alice, bob = people
    scene.send(file("F-1"))
    settings.FAITFOI_TODAY = LATER
    asked = request(scene, "F-1", actor=bob)
    for nobody in (bob, alice, "operator", f"user:{charlie.pk}"):
        with pytest.raises(NotApart):
            approve_elimination(scene.organisation.id, asked.id, actor=nobody)
    with pytest.raises(CannotEliminate, match="n’est pas approuvée"):
        run(scene.organisation.id, asked.id, actor="worker")
    other = make_member(scene.organisation, "dora@trois-vallees.example", role=Role.MANAGER)
    refuse_elimination(scene.organisation.id, asked.id, reason="Un contrôle est en cours.", actor=f"user:{other.pk}")
    with pytest.raises(CannotEliminate, match="déjà refusée"):
        approve_elimination(scene.organisation.id, asked.id, actor=f"user:{other.pk}")


@pytest.mark.parametrize("scope", ["document", "customer", "period", "organisation"])
def test_a_hold_beats_the_term_until_another_person_lifts_it(
    scene: Scene, people: tuple[str, str], settings: Settings, scope: str
) -> None:
    alice, bob = people
    scene.send(file("F-1"))
    document = scene.document("F-1")
    settings.FAITFOI_TODAY = LATER
    asked = request(scene, "F-1", actor=alice)
    every: dict[str, dict[str, Any]] = {
        "document": {"document_id": document.id},
        "customer": {"customer_id": document.customer_id},
        "period": {"period": (document.issue_date, document.issue_date)},
        "organisation": {},
    }
    hold = place_hold(scene.organisation.id, reason="Litige en cours.", actor=bob, **every[scope])
    with pytest.raises(CannotEliminate, match="est gelée"):
        approve_elimination(scene.organisation.id, asked.id, actor=bob)
    with pytest.raises(CannotEliminate, match="est gelée"):
        request(scene, "F-1")
    held = scene.artefact("F-1", "legal").sha256
    with acting_for(scene.organisation.id):
        (place,) = places_of(held)
    with pytest.raises(PermissionError):
        store().remove(place.pack)
    with pytest.raises(NotApart):
        lift_hold(scene.organisation.id, hold.id, reason="Terminé.", actor=bob)
    other = make_member(scene.organisation, "dora@trois-vallees.example", role=Role.MANAGER)
    lift_hold(scene.organisation.id, hold.id, reason="Terminé.", actor=f"user:{other.pk}")
    with pytest.raises(CannotHold, match="plus en vigueur"):
        lift_hold(scene.organisation.id, hold.id, reason="Encore.", actor=f"user:{other.pk}")
    approve_elimination(scene.organisation.id, asked.id, actor=bob)
    run(scene.organisation.id, asked.id, actor="worker")
    assert examine_installation().problems == ()

"""The whole conversation with a plateforme agréée: what leaves, what comes back, in any order, and what it changes."""

import base64
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.afnor_codes import reason_sentences, status_sentences
from faitfoi.channels.contract import Grade
from faitfoi.einvoice.cdar import TRANSMISSION, Cdar, CdarDetail, CdarParty, CdarReference, read_cdar
from faitfoi.einvoice.cdar_codes import REASONS, STATUSES
from faitfoi.einvoice.cdar_write import write_cdar
from faitfoi.pipeline import archive
from faitfoi.pipeline.lifecycle import Told, contradictions, is_refused, present
from faitfoi.pipeline.task_list import list_tasks
from faitfoi.records.models import DeadLetter, Event, Feed
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import Scene, file
from tests.pipeline.pa_scene import Platform, due, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

F = "F-2026-401"


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def test_an_invoice_is_handed_over_and_followed_to_its_payment(scene: Scene, platform: Platform) -> None:
    scene.send(file(F))
    assert scene.stage(F) is Stage.SENT
    platform.pass_time(days=10)
    scene.poll()
    platform.collect()
    assert [code for code, _ in platform.news(F)] == ["200", "201", "202", "203", "204", "205", "211"]
    assert scene.story(F) == ["sending", "sent", "accepted", "delivered"]
    (deposit,) = platform.deposits()
    assert deposit["sha256"] == scene.delivery(F).artefact.sha256
    assert deposit["tracking"] == scene.delivery(F).message_ref


def test_a_lost_answer_is_found_by_our_own_identifier(scene: Scene, platform: Platform) -> None:
    platform.fault(FaultKind.LOSE_ANSWER)
    scene.send(file(F))
    assert scene.stage(F) is Stage.TO_FIND
    scene.ask()
    assert scene.stage(F) is Stage.SENT
    assert scene.delivery(F).references["flowId"]
    assert len(platform.deposits()) == 1


def test_the_same_news_read_again_changes_nothing(scene: Scene, platform: Platform) -> None:
    scene.send(file(F))
    platform.pass_time(days=10)
    assert platform.collect() == 7
    with acting_for(scene.organisation.id):
        Feed.objects.update(cursor="")
    assert platform.collect() == 0
    assert platform.letters() == []


def test_news_out_of_order_ends_where_news_in_order_does(scene: Scene, platform: Platform) -> None:
    scene.send(due(F, "10"))
    platform.pass_time(days=10)
    platform.fault(FaultKind.OUT_OF_ORDER, on="search", times=None)
    platform.collect()
    assert scene.stage(F) is Stage.REJECTED
    assert [code for code, _ in platform.news(F)] == ["200", "201", "202", "203", "204", "210"]


def test_a_cursor_does_not_move_past_what_could_not_be_fetched(scene: Scene, platform: Platform) -> None:
    """Complaint B23."""
    scene.send(file(F))
    platform.pass_time(days=10)
    platform.fault(FaultKind.DOWN, on="flow")
    assert platform.collect() == 0
    with acting_for(scene.organisation.id):
        feed = Feed.objects.get()
        assert (feed.cursor, bool(feed.failure)) == ("", True)
    assert platform.collect() == 7


def test_what_cannot_be_read_is_a_dead_letter_and_holds_nothing_up(scene: Scene, platform: Platform) -> None:
    """Complaint B23."""
    scene.send(file(F))
    platform.say(F, "203", raw=base64.b64encode(b"<lifecycle/>").decode())
    platform.pass_time(days=10)
    assert platform.collect() == 8
    (letter,) = platform.letters()
    assert letter.grade == Grade.UNKNOWN_CODE
    assert "ne peut pas être lu" in letter.reason
    assert scene.stage(F) is Stage.DELIVERED


def test_news_of_an_invoice_that_is_not_ours_is_a_dead_letter(scene: Scene, platform: Platform) -> None:
    scene.send(file(F))
    sent = next(iter(platform.simulator.state.flows.values()))
    assert sent.bill is not None
    object.__setattr__(sent.bill, "number", "AUTRE-1")
    platform.pass_time(hours=2)
    platform.collect()
    assert {letter.about["number"] for letter in platform.letters()} == {"AUTRE-1"}
    assert platform.news(F) == []


def test_a_duplicate_rejection_of_a_second_sending_never_changes_an_accepted_invoice(
    scene: Scene, platform: Platform
) -> None:
    """Complaint B13."""
    scene.send(file(F))
    platform.pass_time(hours=2)
    platform.collect()
    before = scene.stage(F)
    platform.say(F, "213", reason="DOUBLON")
    platform.collect()
    assert scene.stage(F) is before is Stage.DELIVERED
    assert platform.news(F)[-1] == ("213", Grade.DUPLICATE)
    with acting_for(scene.organisation.id):
        said = Event.objects.get(code="213")
    assert "la facture reste valable" in said.reason


def test_a_rejection_says_who_said_it_and_what_to_do(scene: Scene, platform: Platform) -> None:
    """Complaints B21 and B22."""
    scene.send(file(F))
    platform.say(F, "213", reason="REJ_ADR", note="Adresse 000000034 inconnue.", name="Plateforme Tournesol")
    platform.collect()
    assert scene.stage(F) is Stage.REJECTED
    with acting_for(scene.organisation.id):
        said = Event.objects.get(code="213")
    assert "Plateforme Tournesol" in said.who
    for words in ("REJ_ADR", "BT-49", "Adresse 000000034 inconnue.", "corrigez sa fiche"):
        assert words in said.reason


ENDING = {"210", "213", "501"}


@pytest.mark.parametrize("code", STATUSES)
def test_each_status_is_kept_with_its_reason_its_request_and_who_said_it(
    scene: Scene, platform: Platform, code: str
) -> None:
    scene.send(file(F))
    reason = next((reason for reason, (_, allowed) in REASONS.items() if code in allowed), "")
    platform.say(F, code, reason=reason, action="PIN", note="Dites-nous-en plus.")
    platform.collect()
    with acting_for(scene.organisation.id):
        (event,) = Event.objects.filter(axis=Event.Axis.THEIRS, code=code)
        raw = archive.fetch(scene.organisation.id, event.raw_sha256)
    grade, sentence = status_sentences()[code]
    if reason == "NON_TRANSMISE":
        grade = Grade.ACTION_NEEDED
    assert event.grade == grade
    assert event.reason.startswith(sentence)
    assert "donner des informations complémentaires" in event.reason
    assert "Dites-nous-en plus." in event.reason
    assert (reason in event.reason, reason_sentences().get(reason, "") in event.reason) == (True, True)
    assert ("lateforme" in event.who) is (STATUSES[code].phase == TRANSMISSION)
    assert read_cdar(raw).references[0].code == code
    assert (scene.stage(F) is Stage.REJECTED) is (code in ENDING)


def test_a_file_that_is_not_admitted_without_a_name_is_a_dead_letter_and_a_task(
    scene: Scene, platform: Platform
) -> None:
    """501 may name no invoice at all: nobody could read which."""
    scene.send(file(F))
    nobody = CdarReference(code="501", details=(CdarDetail(sequence=1, reason_code="IRR_SYNTAX"),))
    at = timezone.now()
    platform_says = CdarParty(role="WK")
    message = Cdar(
        identifier="x",
        issued_at=at,
        phase=TRANSMISSION,
        status_at=at,
        references=(nobody,),
        sender=platform_says,
        issuer=platform_says,
    )
    platform.say(F, "501", raw=base64.b64encode(write_cdar(message)).decode())
    platform.collect()
    (letter,) = platform.letters()
    assert letter.code == "501"
    with acting_for(scene.organisation.id):
        assert [task.kind for task in list_tasks(scene.organisation)] == ["letter"]
    assert scene.stage(F) is Stage.SENT


def test_an_address_that_left_the_directory_meanwhile_is_rejected(scene: Scene, platform: Platform) -> None:
    batch = scene.hand_over(file(F))
    scene.prepare(batch)
    platform.simulator.state.load_directory({"lines": [{"addressingIdentifier": "000000042"}]})
    scene.deliver()
    platform.pass_time(hours=1)
    platform.collect()
    assert scene.stage(F) is Stage.REJECTED


def test_an_unknown_status_is_kept_and_alarmed(scene: Scene, platform: Platform) -> None:
    scene.send(file(F))
    platform.say(F, "299")
    platform.collect()
    assert platform.news(F) == [("299", Grade.UNKNOWN_CODE)]


def test_another_organisation_sees_neither_the_feed_nor_its_dead_letters(
    scene: Scene, platform: Platform, rival: Organisation
) -> None:
    scene.send(file(F))
    platform.say(F, "203", raw=base64.b64encode(b"<lifecycle/>").decode())
    platform.collect()
    assert platform.letters()
    with acting_for(rival.id):
        assert not Feed.objects.exists()
        assert not DeadLetter.objects.exists()


# The status by the time of events: pure.

NOW = timezone.now()


def told(code: str, hours: float, grade: str = "") -> Told:
    return Told(code=code, at=NOW + timedelta(hours=hours), grade=grade)


def test_the_status_is_that_of_the_latest_event_not_of_the_latest_message() -> None:
    late = [told("205", 3), told("203", 1), told("200", 0)]
    assert (found := present(late)) is not None
    assert found.code == "205"


def test_nothing_takes_back_a_status_that_ends_the_invoice() -> None:
    story = [told("200", 0), told("210", 5), told("205", 6), told("204", 4)]
    assert (found := present(story)) is not None
    assert found.code == "210"
    assert [one.code for one in contradictions(story)] == ["205"]
    assert is_refused(story)


def test_a_duplicate_about_a_second_sending_ends_nothing() -> None:
    story = [told("200", 0), told("213", 5, Grade.DUPLICATE)]
    assert (found := present(story)) is not None
    assert not found.ends
    assert not is_refused(story)

"""Whatever needs a person is in one list with a way out, and each way out is deliberate, journalled and final."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade
from faitfoi.pipeline.came_back import COLUMNS, as_csv, came_back
from faitfoi.pipeline.relaunching import relaunch_everything
from faitfoi.pipeline.resending import CannotResend, Settlement, ask_again, it_has_arrived, resend, settle
from faitfoi.pipeline.retry import NOT_SENT, tell_not_sent, try_held_again
from faitfoi.pipeline.task_list import count_tasks, list_tasks
from faitfoi.pipeline.tasks import Task, due_after
from faitfoi.pipeline.tries import MOST_ATTEMPTS
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Alarm, Customer, Delivery, JournalEntry
from faitfoi.records.stages import Purpose, Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, FARMER, SILENT, Scene, fault, file
from tests.pipeline.ledger import KEY, Book, ledger_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(scene: Scene) -> Iterator[Book]:
    with ledger_of(scene) as book:
        yield book


def tasks(scene: Scene) -> list[Task]:
    with acting_for(scene.organisation.id):
        found = list_tasks(scene.organisation)
        assert count_tasks() == len(found)
    return found


def latest(scene: Scene, number: str) -> Delivery:
    with acting_for(scene.organisation.id):
        return Delivery.objects.filter(document__number=number, purpose=Purpose.LEGAL).order_by("-sequence")[0]


def lose(scene: Scene, book: Book, number: str = "F-1") -> Delivery:
    """Send an invoice whose answer is lost and about which nobody can be asked."""
    book.plans, book.mute = ["lose"], True
    scene.send(file(number))
    scene.ask()
    assert scene.stage(number) is Stage.UNKNOWN
    return scene.delivery(number)


def test_nothing_to_do_is_an_empty_list(scene: Scene, book: Book) -> None:
    scene.send(file("F-1"))
    assert tasks(scene) == []


def test_each_stage_that_ends_by_itself_is_a_task_with_its_exits(scene: Scene, book: Book) -> None:
    book.plans = ["refuse", *["precondition"] * MOST_ATTEMPTS]
    scene.send(file("F-1"))
    batch = scene.hand_over(file("F-2"), file("F-3", SILENT))
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=SILENT.reference).update(channel="email")
    scene.prepare(batch)
    for _ in range(MOST_ATTEMPTS):
        scene.deliver()

    found = {task.document.number: task for task in tasks(scene) if task.document}
    assert {number: task.kind for number, task in found.items()} == {"F-1": "to_fix", "F-2": "held", "F-3": "waiting"}
    assert "ne veut pas de ce document" in found["F-1"].happened
    assert "quota" in found["F-2"].happened
    assert [button.page for button in found["F-2"].buttons] == ["send_again", "connections"]
    assert "document" in [button.page for button in found["F-3"].buttons]
    assert "adresse e-mail" in found["F-3"].happened
    for task in found.values():
        assert task.buttons
        assert task.who
        assert task.todo
        assert task.due >= date(2026, 1, 1)


def test_unknown_has_two_exits_and_it_has_arrived_is_one(scene: Scene, book: Book) -> None:
    delivery = lose(scene, book)
    (task,) = tasks(scene)
    assert {button.given["exit"] for button in task.buttons} == {"arrived", "ask", "resend"}
    with acting_for(scene.organisation.id):
        assert it_has_arrived(delivery.pk, actor=ACTOR, how="vue sur le portail")
        assert not it_has_arrived(delivery.pk, actor=ACTOR)
    assert tasks(scene) == []
    assert scene.stage("F-1") is Stage.DELIVERED


def test_sending_anew_raises_the_sequence_and_only_a_person_does_it(scene: Scene, book: Book) -> None:
    """Complaint D46."""
    delivery = lose(scene, book)
    book.parcels.clear()  # it had not arrived
    made = resend(scene.organisation, delivery.pk, actor="user:alice")
    assert (made.sequence, made.artefact_id) == (2, delivery.artefact_id)
    with pytest.raises(CannotResend, match="déjà décidé"):
        resend(scene.organisation, delivery.pk, actor="user:alice")
    scene.deliver()
    assert [parcel.key for parcel in book.parcels] == [made.key]
    assert made.key != delivery.key
    assert tasks(scene) == []
    with acting_for(scene.organisation.id):
        (entry,) = JournalEntry.objects.filter(kind="delivery_settled").values_list("body", flat=True)
        assert "user:alice" in entry


def test_a_batch_counts_the_document_once_however_often_it_was_sent(scene: Scene, book: Book) -> None:
    book.plans, book.mute = ["lose"], True
    batch = scene.send(file("F-1"))
    scene.ask()
    resend(scene.organisation, scene.delivery("F-1").pk, actor=ACTOR)
    assert scene.counts(batch).held == 1
    scene.deliver()
    assert scene.counts(batch).pending == 1


def test_asking_again_finds_what_nobody_could_tell_before(scene: Scene, book: Book) -> None:
    delivery = lose(scene, book)
    book.mute = False
    with acting_for(scene.organisation.id):
        assert ask_again(delivery.pk, actor=ACTOR)
    scene.ask()
    assert scene.stage("F-1") is Stage.SENT
    assert len(book.parcels) == 1


def test_a_duplicate_refusal_never_changes_what_was_accepted(scene: Scene, book: Book) -> None:
    """Complaint B16."""
    scene.send(file("F-1"))
    key = scene.delivery("F-1").key
    book.told(key, "203", Grade.ACCEPTED)
    book.told(key, "213", Grade.REJECTED, reason="DOUBLON : le document a déjà été déposé.")
    scene.poll()
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert tasks(scene) == []


def test_a_duplicate_after_a_resend_shows_that_the_first_one_had_arrived(scene: Scene, book: Book) -> None:
    delivery = lose(scene, book)
    made = resend(scene.organisation, delivery.pk, actor=ACTOR)
    scene.deliver()
    book.told(made.key, "213", Grade.REJECTED, reason="DOUBLON")
    scene.poll()
    with acting_for(scene.organisation.id):
        delivery.refresh_from_db()
    assert (delivery.stage, latest(scene, "F-1").stage) == (Stage.SENT, Stage.SENT)
    assert tasks(scene) == []


def test_a_duplicate_that_nothing_explains_is_for_a_person_to_judge(scene: Scene, book: Book) -> None:
    scene.send(file("F-1"))
    book.told(scene.delivery("F-1").key, "213", Grade.REJECTED, reason="DOUBLON")
    scene.poll()
    assert scene.stage("F-1") is Stage.UNKNOWN
    assert [task.kind for task in tasks(scene)] == ["unknown"]


def test_what_came_back_leaves_again_for_the_address_of_the_record(scene: Scene, book: Book) -> None:
    scene.send(file("F-1"))
    delivery = scene.delivery("F-1")
    book.told(delivery.key, "5.1.1", Grade.RETURNED, reason="Adresse inconnue.")
    scene.poll()
    (task,) = tasks(scene)
    assert task.kind == "returned"
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=FARMER.reference).update(channel="email", billing_email="neuve@ferme.example")
    made = resend(scene.organisation, delivery.pk, actor=ACTOR)
    assert (made.channel, made.address, made.sequence) == ("email", "neuve@ferme.example", 2)
    scene.deliver()
    assert len(scene.mails()) == 1
    assert tasks(scene) == []


def test_a_rejected_invoice_does_not_leave_again_under_its_number_but_can_be_settled(scene: Scene, book: Book) -> None:
    scene.send(file("F-1"))
    delivery = scene.delivery("F-1")
    book.told(delivery.key, "213", Grade.REJECTED, reason="REJ_SEMAN")
    scene.poll()
    with pytest.raises(CannotResend, match="avoir"):
        resend(scene.organisation, delivery.pk, actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert settle(delivery.pk, Settlement.REPLACED, note="A-1 et F-9", actor=ACTOR)
        assert not settle(delivery.pk, Settlement.NOTED, note="", actor=ACTOR)
    assert tasks(scene) == []
    assert scene.stage("F-1") is Stage.REJECTED
    assert "A-1 et F-9" in scene.delivery("F-1").settled


def test_a_flow_that_chorus_turned_away_may_be_deposited_again(scene: Scene, book: Book) -> None:
    scene.send(file("F-1"))
    book.told(scene.delivery("F-1").key, "IN_REJETE", Grade.REJECTED, reason="Le fichier ne se lit pas.")
    scene.poll()
    assert resend(scene.organisation, scene.delivery("F-1").pk, actor=ACTOR).sequence == 2


def test_what_is_held_is_tried_again_each_day_and_when_its_channel_s_settings_change(scene: Scene, book: Book) -> None:
    book.plans = ["precondition"] * MOST_ATTEMPTS
    batch = scene.hand_over(file("F-1"))
    scene.prepare(batch)
    for _ in range(MOST_ATTEMPTS):
        scene.deliver()
    assert scene.stage("F-1") is Stage.HELD
    assert try_held_again(scene.organisation.id, channel="email", actor=ACTOR) == 0
    assert try_held_again(scene.organisation.id, channel=KEY, actor=ACTOR) == 1
    scene.deliver()
    assert scene.stage("F-1") is Stage.SENT
    assert try_held_again(scene.organisation.id, actor=ACTOR) == 0


def test_what_is_held_leaves_with_the_daily_try_and_after_a_month_waits_for_a_person(scene: Scene, book: Book) -> None:
    book.plans = ["precondition"] * MOST_ATTEMPTS
    scene.prepare(scene.hand_over(file("F-1")))
    for _ in range(MOST_ATTEMPTS):
        scene.deliver()
    with acting_for(scene.organisation.id):
        delivery = Delivery.objects.get()
        made = delivery.created_at
        Delivery.objects.update(created_at=made - timedelta(days=31))
    assert try_held_again(scene.organisation.id, actor=ACTOR) == 0
    with acting_for(scene.organisation.id):
        Delivery.objects.update(created_at=made)
    assert try_held_again(scene.organisation.id, actor=ACTOR) == 1
    scene.deliver()
    assert scene.stage("F-1") is Stage.SENT


def test_what_waits_for_a_record_leaves_by_itself_the_next_day(scene: Scene) -> None:
    batch = scene.send(file("F-1", SILENT))
    assert scene.counts(batch).needs_someone == 1
    with acting_for(scene.organisation.id):
        before = JournalEntry.objects.count()
    assert relaunch_everything(scene.organisation, actor=ACTOR) == 0
    with acting_for(scene.organisation.id):
        assert JournalEntry.objects.count() == before  # said once, not each day
        Customer.objects.filter(reference=SILENT.reference).update(billing_email="enfin@sans.example")
    assert relaunch_everything(scene.organisation, actor=ACTOR) == 1
    assert tasks(scene) == []


def test_prepared_and_not_sent_is_told(scene: Scene, book: Book) -> None:
    """Complaint A10."""
    batch = scene.hand_over(file("F-1"))
    scene.prepare(batch)
    assert tasks(scene) == []
    with acting_for(scene.organisation.id):
        Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=11))
    (task,) = tasks(scene)
    assert task.kind == "routed"
    assert task.buttons


def test_a_mail_whose_answer_was_lost_can_be_asked_of_the_customer_only(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(file("F-1"))
    scene.ask()
    (task,) = tasks(scene)
    assert FARMER.email in task.todo
    assert {button.given["exit"] for button in task.buttons} == {"arrived", "resend"}


def test_the_due_day_is_a_working_day(cooperative: Organisation) -> None:
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert due_after(cooperative, friday, 1) == date(2026, 11, 23)
    assert due_after(cooperative, friday, 0) == date(2026, 11, 20)
    assert due_after(cooperative, friday, 4) == date(2026, 11, 24)


def test_another_organisation_has_none_of_these_tasks(scene: Scene, book: Book, rival: Organisation) -> None:
    lose(scene, book)
    with acting_for(rival.id):
        assert (count_tasks(), list_tasks(rival)) == (0, [])
    assert len(tasks(scene)) == 1


def test_what_was_prepared_yesterday_and_has_not_left_is_an_alarm_until_it_leaves(scene: Scene, book: Book) -> None:
    """Complaint A10."""
    batch = scene.hand_over(file("F-1"))
    scene.prepare(batch)
    assert not tell_not_sent([scene.organisation.id])
    with acting_for(scene.organisation.id):
        Delivery.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert tell_not_sent([scene.organisation.id])
    assert Alarm.objects.filter(cause=NOT_SENT).exists()
    scene.deliver()
    assert not tell_not_sent([scene.organisation.id])
    assert not Alarm.objects.filter(cause=NOT_SENT).exists()
    with acting_for(scene.organisation.id):
        delivery = Delivery.objects.get()
        write_entry("test_touched", actor=ACTOR, rows=[delivery])


def test_what_came_back_of_a_batch_is_a_table_that_computes_nothing(scene: Scene, book: Book) -> None:
    """Complaint E51."""
    batch = scene.send(file("F-1"), file("F-2"), file("F-3"))
    other = scene.send(file("F-4"))
    for number, grade in (("F-1", Grade.RETURNED), ("F-2", Grade.REJECTED), ("F-4", Grade.RETURNED)):
        book.told(scene.delivery(number).key, "5.1.1", grade, reason="=HYPERLINK(1) ; adresse inconnue")
    scene.poll()
    with acting_for(scene.organisation.id):
        today = scene.organisation.legal_day(timezone.now())
        rows = list(came_back(scene.organisation, batch=batch))
        assert [row[0] for row in rows] == ["F-1", "F-2"]
        assert [row[0] for row in came_back(scene.organisation, batch=other)] == ["F-4"]
        assert len(list(came_back(scene.organisation, first=today, last=today))) == 3
        assert list(came_back(scene.organisation, last=date(2020, 1, 1))) == []
    read = list(csv.reader(io.StringIO(as_csv(iter(rows)).decode("utf-8-sig")), delimiter=";"))
    assert read[0] == list(COLUMNS)
    assert read[1][10] == "'=HYPERLINK(1) ; adresse inconnue"

"""What is told of a document that the other side has: asked once, never told twice blindly, never lost."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import acting, acting_questions
from faitfoi.pipeline.acting import CannotAct, Part, ask_act, put_act_back, settle_act
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.tries import MOST_ATTEMPTS
from faitfoi.records.models import Act, ActAttempt, ActFile, Event, JournalEntry
from faitfoi.records.stages import Stage
from faitfoi.records.transitions import ForbiddenMove
from faitfoi.records.transitions_act import move_act
from tests.pipeline.cast import ACTOR, LONG_AGO, Scene, file, keep
from tests.pipeline.ledger import Book, ledger_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(scene: Scene) -> Iterator[Book]:
    with ledger_of(scene) as book:
        scene.send(file("F-1"))
        assert [parcel.number for parcel in book.parcels] == ["F-1"]
        yield book


def asked(scene: Scene, *, kind: str = "recycler", **more: object) -> Act:
    delivery = scene.delivery("F-1")
    with acting_for(scene.organisation.id):
        return ask_act(delivery, kind=kind, actor=ACTOR, **more)  # type: ignore[arg-type]


def do(scene: Scene) -> None:
    """Do every act that is to be done, whatever its hour."""
    with acting_for(scene.organisation.id):
        waiting = Act.objects.filter(stage=Stage.ROUTED)
        waiting.update(next_attempt_at=timezone.now() - LONG_AGO)
        ids = list(waiting.values_list("id", flat=True))
    acting.do_acts(scene.organisation.id, ids)


def ask_about(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        ids = list(Act.objects.filter(stage=Stage.TO_FIND).values_list("id", flat=True))
    acting_questions.ask_about_acts(scene.organisation.id, ids)


def stage(scene: Scene) -> Stage:
    with acting_for(scene.organisation.id):
        return Stage(Act.objects.order_by("-sequence").values_list("stage", flat=True)[0])


def test_an_act_carries_its_values_and_its_files_and_keeps_the_answer(scene: Scene, book: Book) -> None:
    digest = keep(scene.organisation, b"%PDF-1.7 bon de livraison")
    part = Part(filename="bon.pdf", media_type="application/pdf", sha256=digest.sha256)
    asked(scene, values={"code_service": "SVC-2"}, files=[part])
    do(scene)

    (told,) = book.acts
    assert (told.kind, told.values) == ("recycler", {"code_service": "SVC-2"})
    assert told.attachments[0].content == b"%PDF-1.7 bon de livraison"
    assert stage(scene) is Stage.SENT
    with acting_for(scene.organisation.id):
        event = Event.objects.get(code="recycler")
        assert event.raw_sha256


def test_asking_twice_is_asking_once_and_only_a_person_s_repeat_raises_the_sequence(scene: Scene, book: Book) -> None:
    first = asked(scene)
    assert asked(scene).id == first.id
    with pytest.raises(CannotAct, match="encore en cours"):
        asked(scene, again=True)
    do(scene)
    again = asked(scene, again=True)
    assert (first.sequence, again.sequence) == (1, 2)
    assert asked(scene, intent="paiement-1").sequence == 1
    do(scene)
    assert len({told.key for told in book.acts}) == len(book.acts) == 3


def test_a_lost_answer_about_an_act_is_asked_about_and_never_told_again(scene: Scene, book: Book) -> None:
    book.plans = ["lose"]
    asked(scene)
    do(scene)
    assert stage(scene) is Stage.TO_FIND
    do(scene)
    ask_about(scene)
    assert stage(scene) is Stage.SENT
    assert len(book.acts) == 1


def test_an_act_that_never_came_is_told_again_under_the_same_key(scene: Scene, book: Book) -> None:
    book.plans = ["drop"]
    act = asked(scene)
    do(scene)
    ask_about(scene)
    assert stage(scene) is Stage.ROUTED
    do(scene)
    assert [told.key for told in book.acts] == [act.key]


def test_what_nobody_can_tell_waits_for_a_person_and_is_settled_by_one(scene: Scene, book: Book) -> None:
    book.plans, book.mute = ["lose"], True
    act = asked(scene)
    do(scene)
    ask_about(scene)
    assert stage(scene) is Stage.UNKNOWN
    with acting_for(scene.organisation.id):
        act.refresh_from_db()
        assert settle_act(act, sentence="Faite : vue sur le portail.", actor=ACTOR)
        assert not settle_act(act, sentence="Faite.", actor=ACTOR)


def test_a_refused_act_waits_to_be_mended_and_leaves_again_by_a_button(scene: Scene, book: Book) -> None:
    book.plans = ["refuse"]
    act = asked(scene)
    do(scene)
    assert stage(scene) is Stage.TO_FIX
    with acting_for(scene.organisation.id):
        assert put_act_back(act.id, actor=ACTOR)
        assert not put_act_back(act.id, actor=ACTOR)
    do(scene)
    assert stage(scene) is Stage.SENT
    assert len(book.acts) == 1


def test_an_act_that_cannot_be_told_is_tried_a_bounded_number_of_times(scene: Scene, book: Book) -> None:
    book.plans = ["not_sent"] * (MOST_ATTEMPTS + 1)
    asked(scene)
    for _ in range(MOST_ATTEMPTS + 2):
        do(scene)
    assert stage(scene) is Stage.HELD
    assert book.acts == []
    with acting_for(scene.organisation.id):
        assert ActAttempt.objects.count() == MOST_ATTEMPTS


def test_a_killed_worker_s_act_is_taken_back_and_asked_about(scene: Scene, book: Book) -> None:
    act = asked(scene)
    with Channels(scene.organisation.id) as channels:
        assert acting._claim(scene.organisation.id, act.id, channels) is not None
        assert acting._claim(scene.organisation.id, act.id, channels) is None
    assert acting_questions.sweep_acts(scene.organisation.id) == 0
    with acting_for(scene.organisation.id):
        ActAttempt.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert acting_questions.sweep_acts(scene.organisation.id) == 1
    assert stage(scene) is Stage.TO_FIND
    ask_about(scene)
    do(scene)
    assert len(book.acts) == 1


def test_what_is_about_to_be_told_is_announced_before_the_wire_is_touched(scene: Scene, book: Book) -> None:
    act = asked(scene)
    do(scene)
    assert book.acts
    with acting_for(scene.organisation.id):
        kinds = list(JournalEntry.objects.order_by("id").values_list("kind", flat=True))
        (body,) = JournalEntry.objects.filter(kind="acts_leaving").values_list("body", flat=True)
    assert str(act.id) in body
    assert kinds.index("act_asked") < kinds.index("acts_leaving") < kinds.index("act_moved")


def test_a_channel_that_cannot_act_says_so_and_nothing_leaves(scene: Scene) -> None:
    scene.send(file("F-1"))  # by e-mail
    asked(scene, kind="212")
    do(scene)
    assert stage(scene) is Stage.ROUTED
    with acting_for(scene.organisation.id):
        assert "ne sait rien dire" in Act.objects.get().reason
    assert len(scene.mails()) == 1


def test_an_act_does_not_jump_over_stages(scene: Scene, book: Book) -> None:
    act = asked(scene)
    with acting_for(scene.organisation.id), pytest.raises(ForbiddenMove):
        move_act(act.id, source=Stage.ROUTED, target=Stage.SENT, actor=ACTOR)
    assert book.acts == []


def test_another_organisation_sees_no_act(scene: Scene, book: Book, rival: Organisation) -> None:
    digest = keep(scene.organisation, b"%PDF-1.7 annexe")
    asked(scene, files=[Part(filename="a.pdf", media_type="application/pdf", sha256=digest.sha256)])
    do(scene)
    assert book.acts
    with acting_for(rival.id):
        assert (Act.objects.count(), ActFile.objects.count(), ActAttempt.objects.count()) == (0, 0, 0)

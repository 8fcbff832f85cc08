"""Whatever happens to a batch, its counts add up, no key leaves twice, and nothing strays into another delivery."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade
from faitfoi.pipeline.counts import count_batch
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.parcels import build_parcel
from faitfoi.pipeline.resending import CannotResend, Settlement, ask_again, it_has_arrived, resend, settle
from faitfoi.pipeline.retry import put_back
from faitfoi.pipeline.task_list import count_tasks, list_tasks
from faitfoi.records.models import Batch, Delivery
from tests.pipeline.cast import ACTOR, FARMER, VINEYARD, Buyer, Scene, file
from tests.pipeline.ledger import Book, ledger_of

pytestmark = pytest.mark.django_db

NUMBERS = count(1)
PLANS = ("take", "lose", "drop", "not_sent", "precondition", "refuse")
SAID = (
    ("203", Grade.ACCEPTED, ""),
    ("205", Grade.DELIVERED, ""),
    ("5.1.1", Grade.RETURNED, "inconnu"),
    ("213", Grade.REJECTED, "REJ_SEMAN"),
    ("213", Grade.REJECTED, "DOUBLON"),
    ("IN_REJETE", Grade.REJECTED, "illisible"),
)
BY_A_PERSON = ("arrived", "ask", "resend", "settle", "put_back")

steps = st.one_of(
    st.tuples(st.just("plan"), st.sampled_from(PLANS)),
    st.tuples(st.just("deliver"), st.none()),
    st.tuples(st.just("ask"), st.none()),
    st.tuples(st.just("poll"), st.none()),
    st.tuples(st.just("mute"), st.booleans()),
    st.tuples(st.just("say"), st.sampled_from(SAID)),
    st.tuples(st.sampled_from(BY_A_PERSON), st.none()),
)
few = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def book(scene: Scene) -> Iterator[Book]:
    with ledger_of(scene) as book:
        yield book


@few
@given(history=st.lists(steps, max_size=14))
@example(history=[("plan", "lose"), ("deliver", None), ("ask", None), ("arrived", None), ("resend", None)])
@example(history=[("plan", "refuse"), ("deliver", None), ("put_back", None), ("deliver", None)])
def test_counts_are_conserved_over_any_history(scene: Scene, book: Book, history: list[tuple[str, object]]) -> None:
    book.plans, book.mute = [], False
    batch = scene.hand_over(file(f"F-{next(NUMBERS)}"), file(f"F-{next(NUMBERS)}", VINEYARD))
    scene.prepare(batch)
    for name, given_ in history:
        play(scene, book, batch, name, given_)
        with acting_for(scene.organisation.id):
            counts = count_batch(batch)
            assert counts.disagreements() == []
            assert (counts.received, counts.selected) == (2, 2)
            assert count_tasks() == len(list_tasks(scene.organisation))
        keys = [parcel.key for parcel in book.parcels]
        assert len(keys) == len(set(keys))


def play(scene: Scene, book: Book, batch: Batch, name: str, told: object) -> None:
    """Do one step of a history to the first delivery of the batch, or to all."""
    everywhere: dict[str, Callable[[], object]] = {"deliver": scene.deliver, "ask": scene.ask, "poll": scene.poll}
    with acting_for(scene.organisation.id):
        last = Delivery.objects.filter(document__lines__batch=batch).order_by("document_id", "-sequence")[0]
    if name in everywhere:
        everywhere[name]()
    elif name == "plan":
        book.plans.append(str(told))
    elif name == "mute":
        book.mute = bool(told)
    elif name == "say":
        assert isinstance(told, tuple)
        code, grade, reason = told
        book.told(last.key, code, grade, reason=reason)
    elif name == "resend":
        with suppress(CannotResend):
            resend(scene.organisation, last.pk, actor=ACTOR)
    else:
        with acting_for(scene.organisation.id):
            match name:
                case "arrived":
                    it_has_arrived(last.pk, actor=ACTOR)
                case "ask":
                    ask_again(last.pk, actor=ACTOR)
                case "settle":
                    settle(last.pk, Settlement.NOTED, note="", actor=ACTOR)
                case "put_back":
                    put_back(last.pk, actor=ACTOR)


@few
@given(buyers=st.lists(st.sampled_from([FARMER, VINEYARD]), min_size=2, max_size=4))
def test_no_address_attachment_or_text_of_one_delivery_is_in_another(scene: Scene, buyers: list[Buyer]) -> None:
    scene.smtp.control.obey("POST /control/reset", {})
    numbers = {f"N{next(NUMBERS):05d}Z": buyer for buyer in buyers}
    scene.send(*(file(number, buyer) for number, buyer in numbers.items()))

    assert len(scene.smtp.received) == len(numbers)
    seen = set()
    for received in scene.smtp.received:
        (number,) = [each for each in numbers if each in received.subject]
        delivery = scene.delivery(number)
        assert received.rcpt_to == numbers[number].email
        assert [joined.sha256 for joined in received.attachments] == [delivery.artefact.sha256]
        assert delivery.artefact.document_id == delivery.document_id
        assert not [other for other in set(numbers) - {number} if other in str(received.attachments)]
        with Channels(scene.organisation.id) as channels, acting_for(scene.organisation.id):
            parcel = build_parcel(delivery, channels.settings_of(delivery.channel))
        said = repr(parcel) + parcel.artefact.filename
        assert not [other for other in set(numbers) - {number} if other in said]
        assert not [other.email for other in numbers.values() if other.email != parcel.address and other.email in said]
        seen.add(number)
    assert seen == set(numbers)

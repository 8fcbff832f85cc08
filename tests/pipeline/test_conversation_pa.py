"""One invoice from its deposit to its payment, told backwards and twice: nothing is lost, nothing is said twice."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest

from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.cdar import Cdar, read_cdar
from faitfoi.einvoice.cdar_rules import check_cdar
from faitfoi.pipeline import acting, collecting
from faitfoi.pipeline.collecting import told_of
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.lifecycle import contradictions, present
from faitfoi.pipeline.payments import draft, paid_so_far, record_payment
from faitfoi.pipeline.task_list import list_tasks
from faitfoi.records.models import Act, Event, Feed
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, Scene, file, invoice
from tests.pipeline.pa_scene import Platform, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

F = "F-2026-990"
WHOLE_PATH = ["200", "201", "202", "203", "204", "205", "211"]
RATES = (("20", "100.00"), ("10", "50.00"), ("5.5", "40.00"))
WITH_VAT = {Decimal("20"): Decimal("120.00"), Decimal("10"): Decimal("55.00"), Decimal("5.5"): Decimal("42.20")}


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def of_three_rates() -> bytes:
    line = invoice(F)["lines"][0]
    lines = [
        {
            **line,
            "identifier": str(n),
            "quantity": "1",
            "price": {"net": net},
            "vat": {"category": "S", "rate": rate},
        }
        for n, (rate, net) in enumerate(RATES, start=1)
    ]
    return file(F, lines=lines)


def pay(scene: Scene, amount: Decimal) -> None:
    document = scene.document(F)
    with acting_for(scene.organisation.id):
        day = today(scene.organisation)
        drafted = draft(document, paid_on=day, amount=amount, today=day)
        assert drafted.tells
        record_payment(document, drafted, actor=ACTOR)


def do_acts(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        ids = list(Act.objects.filter(stage=Stage.ROUTED).values_list("id", flat=True))
    acting.do_acts(scene.organisation.id, ids)


def by_rate(told: Sequence[Cdar]) -> dict[Decimal, Decimal]:
    """Add up what was declared received, by VAT rate."""
    added: dict[Decimal, Decimal] = {}
    for amount in (amount for one in told for amount in one.references[0].details[0].amounts):
        assert amount.amount is not None
        assert amount.rate is not None
        added[amount.rate] = added.get(amount.rate, Decimal(0)) + amount.amount
    return added


def test_the_whole_conversation_comes_out_right_however_it_is_told(scene: Scene, platform: Platform) -> None:
    platform.fault(FaultKind.LOSE_ANSWER)
    scene.send(of_three_rates())
    scene.ask()
    assert scene.stage(F) is Stage.SENT
    scene.poll()

    # The end is heard before the beginning, one message by its webhook before the feed, and the feed twice.
    platform.pass_time(days=10)
    flows = platform.simulator.state.search({"where": {"flowDirection": ["In"]}})["results"]
    assert isinstance(flows, list)
    approved = next(flow for flow in flows if "205" in json.dumps(flow["name"]))
    assert collecting.fetch_flow(scene.organisation.id, approved["flowId"], actor=ACTOR) == 1
    platform.fault(FaultKind.OUT_OF_ORDER, on="search", times=None)
    assert platform.collect() == len(WHOLE_PATH) - 1
    with acting_for(scene.organisation.id):
        Feed.objects.update(cursor="")
    assert platform.collect() == 0
    assert [code for code, _ in platform.news(F)] == WHOLE_PATH
    assert scene.stage(F) is Stage.DELIVERED

    # A 211 of the buyer declares nothing; each recorded payment does, once, with the VAT rates of the invoice.
    do_acts(scene)
    assert platform.acts() == []
    first, rest = Decimal("108.60"), Decimal("108.60")
    pay(scene, first)
    do_acts(scene)
    platform.fault(FaultKind.DOWN)
    pay(scene, rest)
    do_acts(scene)  # certainly not told
    with acting_for(scene.organisation.id):
        Act.objects.filter(stage=Stage.ROUTED).update(next_attempt_at=None)
    do_acts(scene)
    platform.pass_time(hours=1)
    assert collecting.look_at_acts(scene.organisation.id, actor=ACTOR) == 2
    contents = [platform.simulator.state.flow(act["flow"]).content for act in platform.acts()]
    told = [read_cdar(content) for content in contents]
    assert [check_cdar(one) for one in told] == [(), ()]
    assert [one.references[0].code for one in told] == ["212", "212"]
    assert by_rate(told) == WITH_VAT
    assert [act["ack"]["status"] for act in platform.acts()] == ["Ok", "Ok"]

    with acting_for(scene.organisation.id):
        document = scene.document(F)
        assert paid_so_far(document) == sum(WITH_VAT.values())
        status = present(told_of(document.id))
        assert status is not None
        assert not status.ends
        assert contradictions(told_of(document.id)) == []
        assert not Event.objects.filter(grade="unknown_code").exists()
        assert list_tasks(scene.organisation) == []
    assert len(platform.deposits()) == 1
    assert platform.letters() == []

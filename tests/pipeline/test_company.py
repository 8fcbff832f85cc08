"""What travels together: one rule for mails and flows, and nobody taken along who no longer may be."""

from datetime import timedelta

import pytest
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Parcel, Receipt, Refused, Sharing, Together
from faitfoi.channels.registry import CHANNELS
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline.company import BOOKS, company_of, fits, shares
from faitfoi.pipeline.following import returned_mail
from faitfoi.pipeline.open_channels import Channels
from faitfoi.records.models import Attempt, Delivery, PaceSlot
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline import ledger
from tests.pipeline.cast import ACTOR, FARMER, TOWN, VINEYARD, Buyer, Scene, fault, file

pytestmark = pytest.mark.django_db(transaction=True)

WAYS = [
    (ChannelKey.EMAIL, FARMER, {"grouping": "customer"}),
    (ChannelKey.CHORUS_PRO, TOWN, {"factures_par_flux": "50"}),
]
IN_AN_HOUR = timedelta(hours=1)


def prepared(scene: Scene, buyer: Buyer, channel: ChannelKey, asked: dict[str, str]) -> None:
    """Prepare F-1, F-2 and F-3 of one buyer, who is to have them together."""
    scene.change(channel, **asked)
    scene.prepare(scene.hand_over(*(file(number, buyer) for number in ("F-1", "F-2", "F-3"))))


def together(scene: Scene, number: str) -> set[str]:
    """Return the numbers of the documents that would travel with this one."""
    with Channels(scene.organisation.id) as channels, acting_for(scene.organisation.id):
        delivery = Delivery.objects.select_related("document__customer", "artefact").get(document__number=number)
        channel = channels.open(delivery)
        everybody = set(Delivery.objects.values_list("id", flat=True))
        found = company_of(delivery, channel, channels.settings_of(delivery.channel), among=everybody)
        return set(Delivery.objects.filter(id__in=found).values_list("document__number", flat=True))


@pytest.mark.parametrize(("channel", "buyer", "asked"), WAYS)
def test_who_waits_after_a_failure_waits_on_and_who_waits_for_a_turn_goes_along(
    scene: Scene, channel: ChannelKey, buyer: Buyer, asked: dict[str, str]
) -> None:
    prepared(scene, buyer, channel, asked)
    assert together(scene, "F-1") == {"F-2", "F-3"}
    with acting_for(scene.organisation.id):
        later = Delivery.objects.filter(document__number__in=["F-2", "F-3"])
        later.update(next_attempt_at=timezone.now() + IN_AN_HOUR)
        PaceSlot.objects.create(
            organisation=scene.organisation, delivery_id=scene.delivery("F-3").id, at=timezone.now() + IN_AN_HOUR
        )
    assert together(scene, "F-1") == {"F-3"}


def test_a_failure_takes_the_turn_away_so_that_the_wait_is_whole(scene: Scene) -> None:
    prepared(scene, FARMER, ChannelKey.EMAIL, {"grouping": "customer"})
    with acting_for(scene.organisation.id):
        PaceSlot.objects.create(
            organisation=scene.organisation, delivery_id=scene.delivery("F-2").id, at=timezone.now()
        )
    scene.smtp.faults.add(fault(FaultKind.DOWN))
    scene.deliver()
    assert scene.stage("F-2") is Stage.ROUTED
    with acting_for(scene.organisation.id):
        assert not PaceSlot.objects.exists()


@pytest.mark.beside_the_journal
def test_who_no_longer_goes_with_the_leader_is_left_for_its_own_turn(scene: Scene) -> None:
    """Its address changed between the choice and the claim: what comes back for the leader never concerns it."""
    prepared(scene, VINEYARD, ChannelKey.EMAIL, {"grouping": "customer"})
    ids = {number: scene.delivery(number).id for number in ("F-1", "F-2", "F-3")}
    with Channels(scene.organisation.id) as channels:
        leader = delivering._claim(scene.organisation.id, ids["F-1"], channels)
        assert leader is not None
        assert isinstance(leader.cargo, Parcel)
        with acting_for(scene.organisation.id):
            Delivery.objects.filter(id=ids["F-2"]).update(address="autre@domaine-des-rives.example")
        moved = delivering._claim(scene.organisation.id, ids["F-2"], channels, leader=leader.cargo)
        stayed = delivering._claim(scene.organisation.id, ids["F-3"], channels, leader=leader.cargo)
        assert moved is None
        assert stayed is not None
        delivering.send_claimed(scene.organisation.id, leader, channels, company=[stayed])
    assert scene.stage("F-2") is Stage.ROUTED
    assert "carrier" not in scene.delivery("F-2").references
    with acting_for(scene.organisation.id):
        assert not Attempt.objects.filter(delivery_id=ids["F-2"]).exists()
    (notice,) = (each for each in scene.smtp.outbox._waiting if each.status == "5.1.1")
    assert returned_mail(notice.raw, (notice.to,), actor=ACTOR) == 2
    assert scene.stage("F-2") is Stage.ROUTED
    scene.deliver()
    assert [each.rcpt_to for each in scene.smtp.received] == [VINEYARD.email, "autre@domaine-des-rives.example"]


def test_a_channel_that_carries_one_document_at_a_time_gives_no_company(scene: Scene) -> None:
    scene.change(ChannelKey.CHORUS_PRO, factures_par_flux="50")
    scene.prepare(scene.hand_over(file("F-1", TOWN), file("F-2", TOWN)))
    assert together(scene, "F-1") == {"F-2"}
    alone = CHANNELS["plateforme_agreee"](
        {
            "api_url": "http://127.0.0.1:9/flow-service",
            "token_url": "http://127.0.0.1:9/token",
            "client_id": "essai",
            "client_secret": "essai",
        }
    )
    assert not isinstance(alone, Sharing)
    with Channels(scene.organisation.id) as channels, acting_for(scene.organisation.id):
        delivery = Delivery.objects.select_related("document__customer", "artefact").get(document__number="F-1")
        channels.open(delivery)
        assert not shares(delivery, alone)
        assert company_of(delivery, alone, {}) == []
    claim = _claim_of(scene, "F-1")
    assert isinstance(claim.cargo, Parcel)
    assert not fits(alone, claim.cargo, claim.cargo)


def _claim_of(scene: Scene, number: str) -> delivering.Claim:
    with Channels(scene.organisation.id) as channels:
        claim = delivering._claim(scene.organisation.id, scene.delivery(number).id, channels)
    assert claim is not None
    return claim


def test_a_channel_that_says_how_much_it_carries_needs_no_word_here(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new channel: whoever is due in the chunk shares, as far as the channel itself lets them."""
    assert ledger.KEY not in BOOKS
    room = Together(documents=3, size=10**8, asked=True)
    monkeypatch.setattr(ledger.Ledger, "together", room, raising=False)
    monkeypatch.setattr(
        ledger.Ledger, "goes_with", lambda _, leader, other: leader.customer == other.customer, raising=False
    )
    with ledger.ledger_of(scene) as book:
        scene.send(*(file(number, buyer) for number, buyer in zip("12345", [FARMER] * 4 + [VINEYARD], strict=True)))
        carried = [{each.number for each in (parcel, *parcel.others)} for parcel in book.parcels]
        assert sorted(map(sorted, carried)) == [["1", "2", "3"], ["4"], ["5"]]
        assert {scene.stage(number) for number in "12345"} == {Stage.SENT}
        book.plans = ["lose"]
        scene.send(file("6"), file("7"))
        assert {scene.stage("6"), scene.stage("7")} == {Stage.TO_FIND}


def test_what_was_refused_together_goes_alone_whatever_the_channel(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = ledger.Ledger.send

    def send(self: ledger.Ledger, parcel: Parcel) -> Receipt:
        try:
            return taking(self, parcel)
        except Refused as error:
            raise Refused(error.reason, together=bool(parcel.others)) from None

    monkeypatch.setattr(ledger.Ledger, "send", send)
    monkeypatch.setattr(ledger.Ledger, "together", Together(documents=9, size=10**8, asked=True), raising=False)
    monkeypatch.setattr(ledger.Ledger, "goes_with", lambda *_: True, raising=False)
    with ledger.ledger_of(scene) as book:
        book.plans = ["refuse"]
        scene.send(*(file(number) for number in "123"))
        scene.deliver()
        assert sorted(parcel.number for parcel in book.parcels) == ["1", "2", "3"]
        assert not any(parcel.others for parcel in book.parcels)
        assert {scene.stage(number) for number in "123"} == {Stage.SENT}


def test_the_books_speak_only_of_channels_that_carry_several_documents(scene: Scene) -> None:
    with Channels(scene.organisation.id) as channels, acting_for(scene.organisation.id):
        for key in BOOKS:
            assert isinstance(channels.open_key(key), Sharing), key

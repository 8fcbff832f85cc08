"""The fault matrix: what every registered channel makes of each way its other side can fail.

A new channel joins by a rig of its own in `RIGS`, and by its entry in `fault_matrix`; without them these tests fail.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from faitfoi.channels.contract import (
    Attachment,
    Channel,
    Found,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Parcel,
    Receipt,
    Refused,
)
from faitfoi.channels.registry import CHANNELS, open_channel
from faitfoi.simulators.afnor import AfnorSimulator
from faitfoi.simulators.control import FaultKind
from faitfoi.simulators.smtp import SmtpSimulator
from tests.channels.chorus_documents import Bill, facturx
from tests.channels.chorus_rig import Chorus
from tests.channels.fault_matrix import MATRIX, Strike, strikes

NUMBERS = ("F-2026-117", "F-2026-118")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A channel's other side: its settings, its control, how many documents it has taken, how to stop it.

    `patience` names the setting that says how many seconds are waited for an answer.
    """

    settings: dict[str, str]
    patience: str
    control_url: str
    taken: Callable[[], int]
    stop: Callable[[], None]
    address: str


def mail_rig() -> Rig:
    relay = SmtpSimulator()
    relay.start()
    return Rig(
        settings={
            "host": "127.0.0.1",
            "port": str(relay.port),
            "tls": "none",
            "sender_address": "factures@cooperative.example",
        },
        patience="deadline_seconds",
        control_url=relay.control_url,
        taken=lambda: len(relay.received),
        stop=relay.stop,
        address="compta@client.example",
    )


def chorus_rig() -> Rig:
    chorus = Chorus()
    return Rig(
        settings=chorus.settings(timeout="30"),
        patience="timeout",
        control_url=chorus.simulator.control_url,
        taken=lambda: len(chorus.simulator.state.deposits),
        stop=chorus.stop,
        address=Bill().recipient,
    )


def pa_rig() -> Rig:
    platform = AfnorSimulator()
    platform.start()
    return Rig(
        settings=platform.settings(),
        patience="timeout",
        control_url=platform.control_url,
        taken=lambda: sum(flow.direction == "Out" for flow in platform.state.flows.values()),
        stop=platform.stop,
        address="000000711",
    )


RIGS: dict[str, Callable[[], Rig]] = {"email": mail_rig, "chorus_pro": chorus_rig, "plateforme_agreee": pa_rig}


@pytest.fixture(params=sorted(CHANNELS))
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def rig(key: str) -> Iterator[Rig]:
    rig = RIGS[key]()
    yield rig
    rig.stop()


@pytest.fixture
def channel(key: str, rig: Rig) -> Iterator[Channel]:
    channel = open_channel(key, rig.settings)
    yield channel
    channel.close()


def parcel(rig: Rig, number: str = NUMBERS[0]) -> Parcel:
    bill = Bill(number=number)
    return Parcel(
        key=f"org:{number}:legal:x:1",
        message_ref=f"{NUMBERS.index(number)}".rjust(26, "a"),
        number=number,
        issue_date=date.fromisoformat(bill.issued),
        document_kind="invoice",
        seller_name="Coopérative du Val Fleuri",
        seller_siret=bill.supplier,
        buyer_name="Commune de Valombreuse",
        address=rig.address,
        artefact=Attachment(filename=f"{number}.pdf", media_type="application/pdf", content=facturx(bill)),
        settings=rig.settings,
        return_path="bounce@rp.cooperative.example",
    )


def plan(rig: Rig, **fault: Any) -> None:
    httpx.post(f"{rig.control_url}/control/fault", json=fault, verify=False).raise_for_status()


def advance(rig: Rig, *, days: float) -> None:
    """Push the other side's time."""
    body = {"seconds": days * 86400}
    httpx.post(f"{rig.control_url}/control/advance", json=body, verify=False).raise_for_status()


def send(channel: Channel, parcel: Parcel) -> Receipt | NotSent | Refused | OutcomeUnknown:
    try:
        return channel.send(parcel)
    except (NotSent, Refused, OutcomeUnknown) as outcome:
        return outcome


def test_every_channel_has_its_rig_and_its_entry_in_the_matrix() -> None:
    assert set(RIGS) == set(MATRIX) == set(CHANNELS)


def test_a_channel_says_what_the_pipeline_needs_to_know(key: str, channel: Channel) -> None:
    assert channel.key == key
    assert timedelta(0) < channel.deadline < timedelta(hours=1)
    assert channel.settles_in >= timedelta(0)
    assert channel.polls in {True, False}


def test_without_a_fault_there_is_a_receipt_and_one_document(channel: Channel, rig: Rig) -> None:
    receipt = send(channel, parcel(rig))
    assert isinstance(receipt, Receipt)
    assert receipt.references
    assert receipt.raw
    assert rig.taken() == 1


@pytest.mark.parametrize(
    ("key", "kind", "strike"),
    [(key, kind, strike) for key in sorted(MATRIX) for kind, strike in strikes(key)],
    ids=lambda value: None if isinstance(value, Strike) else str(value),
)
def test_each_fault_has_its_outcome_and_the_next_sending_is_unharmed(
    key: str, rig: Rig, kind: FaultKind, strike: Strike
) -> None:
    hurried = {rig.patience: "2"} if strike.seconds else {}
    channel = open_channel(key, rig.settings | hurried)
    plan(rig, kind=kind, times=strike.times, seconds=strike.seconds, on=strike.on)
    outcome = send(channel, parcel(rig))
    assert isinstance(outcome, strike.outcome)
    assert rig.taken() == strike.has
    if not isinstance(outcome, Receipt):
        assert outcome.reason.strip()
        assert outcome.reason[0].isupper()
    if isinstance(outcome, NotSent):
        assert outcome.precondition is strike.precondition

    assert isinstance(send(channel, parcel(rig, NUMBERS[1])), Receipt)
    assert rig.taken() == strike.has + 1
    channel.close()


def test_news_told_backwards_is_heard_in_the_order_of_what_happened(channel: Channel, rig: Rig) -> None:
    receipt = send(channel, parcel(rig))
    assert isinstance(receipt, Receipt)
    sent = replace(parcel(rig), references=receipt.references)
    advance(rig, days=20)
    forwards = channel.poll(sent)
    plan(rig, kind=FaultKind.OUT_OF_ORDER, times=None, on="*")
    backwards = channel.poll(sent)
    assert [each.identity for each in backwards] == [each.identity for each in forwards]
    assert sorted(backwards, key=lambda event: event.at) == list(backwards)
    assert channel.polls == bool(forwards)


def test_asking_never_sends(channel: Channel, rig: Rig) -> None:
    one = parcel(rig)
    plan(rig, kind="lose_answer")
    assert isinstance(send(channel, one), OutcomeUnknown)
    for _ in range(3):
        answer = channel.find(one)
        # Neither contract makes absence a proof: nothing may be sent again on the strength of this answer.
        assert not (isinstance(answer, NotFound) and answer.conclusive)
    channel.poll(one)
    assert rig.taken() == 1


def test_a_lost_answer_is_found_not_resent(key: str, channel: Channel, rig: Rig) -> None:
    one = parcel(rig)
    plan(rig, kind="lose_answer")
    assert isinstance(send(channel, one), OutcomeUnknown)
    advance(rig, days=1)
    answer = channel.find(one)
    if channel.polls:
        assert isinstance(answer, Found)
        assert channel.poll(replace(one, references=answer.receipt.references))
    else:
        # Nobody can be asked after the final dot of a mail: a person decides.
        assert not isinstance(answer, Found | NotFound)
    assert rig.taken() == 1


def test_an_other_side_that_is_not_there_has_nothing(key: str) -> None:
    rig = RIGS[key]()
    rig.stop()
    channel = open_channel(key, rig.settings)
    try:
        assert isinstance(send(channel, parcel(rig)), NotSent)
        assert rig.taken() == 0
    finally:
        channel.close()


def test_an_other_side_that_leaves_between_two_sendings_has_only_the_first(key: str) -> None:
    rig = RIGS[key]()
    channel = open_channel(key, rig.settings)
    try:
        assert isinstance(send(channel, parcel(rig)), Receipt)
        rig.stop()
        assert isinstance(send(channel, parcel(rig, NUMBERS[1])), NotSent)
        assert rig.taken() == 1
    finally:
        channel.close()


def test_a_channel_without_its_settings_says_so_in_french(key: str) -> None:
    with pytest.raises(ValueError, match=r"[Rr]églages"):
        open_channel(key, {})


def test_a_key_that_never_existed_is_a_bug() -> None:
    with pytest.raises(KeyError):
        open_channel("fax", {})

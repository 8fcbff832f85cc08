"""One mail per invoice, or per customer and run; never anybody's file in another's mail."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Attachment
from faitfoi.channels.smtp_mail_message import Sender, compose, goes_with
from faitfoi.channels.smtp_mail_pace import MOST_TOGETHER
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline import prepare as preparing
from faitfoi.pipeline.doubting import LEAVING
from faitfoi.pipeline.following import returned_mail
from faitfoi.pipeline.setting_up import CannotSetUp, change_customer, import_customers
from faitfoi.records.models import Attempt, Customer, JournalEntry, PaceSlot
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind
from tests.channels.mail_rig import NOW, files_of, parcel, read
from tests.pipeline.cast import ACTOR, FARMER, VINEYARD, Scene, fault, file

SENDER = Sender(address="factures@cooperative.example", name="Coopérative")


def contents(scene: Scene) -> list[tuple[str, set[str]]]:
    return [
        (each.rcpt_to, set(re.findall(r"F-[0-9]", " ".join(joined.filename for joined in each.attachments))))
        for each in scene.smtp.received
    ]


@pytest.mark.django_db(transaction=True)
def test_without_asking_each_invoice_has_its_mail(scene: Scene) -> None:
    """Complaint D43."""
    scene.send(file("F-1"), file("F-2"))
    assert len(scene.mails()) == 2


@pytest.mark.django_db(transaction=True)
def test_one_mail_for_each_customer_of_the_run_with_their_files_only(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    batch = scene.send(file("F-1"), file("F-2", VINEYARD), file("F-3"), file("F-4"))
    told = dict(contents(scene))
    assert len(scene.mails()) == 2
    assert told[FARMER.email] == {"F-1", "F-3", "F-4"}
    assert told[VINEYARD.email] == {"F-2"}
    assert scene.counts(batch).accepted == 4
    with acting_for(scene.organisation.id):
        assert Attempt.objects.filter(outcome=Attempt.Outcome.RECEIPT).count() == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("usual", "wish", "mails"), [("invoice", "customer", 1), ("customer", "invoice", 2)])
def test_the_customers_record_beats_the_setting_for_that_customer_only(
    scene: Scene, usual: str, wish: str, mails: int
) -> None:
    scene.change(ChannelKey.EMAIL, grouping=usual)
    with acting_for(scene.organisation.id):
        change_customer(Customer.objects.get(reference=FARMER.reference).id, {"grouping": wish}, actor=ACTOR)
    scene.send(file("F-1"), file("F-2"), file("F-3", VINEYARD), file("F-4", VINEYARD))
    addresses = [each.rcpt_to for each in scene.smtp.received]
    assert addresses.count(FARMER.email) == mails
    assert addresses.count(VINEYARD.email) == 3 - mails


@pytest.mark.django_db(transaction=True)
def test_what_shares_a_mail_was_announced_with_it_whatever_its_chunk(scene: Scene) -> None:
    """After a lost database, only what was announced counts as perhaps gone."""
    scene.change(ChannelKey.EMAIL, grouping="customer")
    scene.prepare(scene.hand_over(file("F-1"), file("F-2"), file("F-3", VINEYARD)))
    delivering.deliver(scene.organisation.id, [scene.delivery("F-1").id])
    assert contents(scene) == [(FARMER.email, {"F-1", "F-2"})]
    with acting_for(scene.organisation.id):
        (entry,) = JournalEntry.objects.filter(kind=LEAVING)
    assert set(json.loads(entry.body)["deliveries"]) == {str(scene.delivery(number).id) for number in ("F-1", "F-2")}


@pytest.mark.django_db(transaction=True)
def test_a_lost_answer_leaves_every_document_of_the_mail_unknown_and_none_is_resent(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(file("F-1"), file("F-2"))
    assert scene.stage("F-1") is Stage.TO_FIND
    assert scene.stage("F-2") is Stage.TO_FIND
    scene.deliver()
    assert len(scene.mails()) == 1


@pytest.mark.django_db(transaction=True)
def test_what_certainly_did_not_leave_goes_together_again(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    scene.smtp.faults.add(fault(FaultKind.DOWN))
    batch = scene.send(file("F-1"), file("F-2"))
    assert scene.stage("F-1") is Stage.ROUTED
    assert not scene.mails()
    scene.deliver()
    assert len(scene.mails()) == 1
    assert scene.counts(batch).accepted == 2


@pytest.mark.django_db(transaction=True)
def test_a_mail_too_heavy_for_the_relay_leaves_as_one_mail_for_each_document(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    scene.smtp.faults.add(fault(FaultKind.REFUSE, on="data", code="552 5.3.4 Message too big"))
    batch = scene.send(file("F-1"), file("F-2"))
    scene.deliver()
    assert sorted(sorted(files) for _, files in contents(scene)) == [["F-1"], ["F-2"]]
    assert scene.counts(batch).accepted == 2


@pytest.mark.django_db(transaction=True)
def test_two_runs_for_one_customer_are_two_mails(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    for batch in [scene.hand_over(file("F-1"), file("F-2")), scene.hand_over(file("F-3"))]:
        scene.prepare(batch)
    scene.deliver()
    assert sorted(sorted(files) for _, files in contents(scene)) == [["F-1", "F-2"], ["F-3"]]


@pytest.mark.django_db(transaction=True)
def test_a_bounce_concerns_every_document_of_the_mail(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    scene.send(file("F-1", VINEYARD), file("F-2", VINEYARD), file("F-3"))
    notice = next(each for each in scene.smtp.outbox._waiting if each.status == "5.1.1")
    assert returned_mail(notice.raw, (notice.to,), actor=ACTOR) == 2
    assert scene.stage("F-1") is scene.stage("F-2") is Stage.RETURNED
    assert scene.stage("F-3") is Stage.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_a_mail_waits_until_its_run_is_read(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    batch = scene.hand_over(file("F-1"), file("F-2"))
    lines = scene.lines(batch)
    preparing.prepare(scene.organisation.id, [lines[0].id], actor=ACTOR)
    scene.deliver()
    assert not scene.mails()
    with acting_for(scene.organisation.id):
        assert PaceSlot.objects.count() == 1  # it is looked at again
    scene.prepare(batch)
    scene.deliver()
    assert len(scene.mails()) == 1


@pytest.mark.django_db(transaction=True)
def test_the_wishes_about_mail_come_by_csv_and_a_wrong_one_names_the_choices(scene: Scene) -> None:
    header = "reference,name,nature,notice,grouping"
    import_customers(scene.organisation, [header, "X-1,Un client,consumer,none,customer"], actor=ACTOR)
    with acting_for(scene.organisation.id):
        kept = Customer.objects.get(reference="X-1")
    assert (kept.notice, kept.grouping) == ("none", "customer")
    with pytest.raises(CannotSetUp, match="grouping : « tout » n’existe pas : écrivez invoice, customer, ou rien"):
        import_customers(scene.organisation, [header, "X-1,Un client,consumer,,tout"], actor=ACTOR)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("xy"), st.sampled_from(["", "c1", "c2"])), max_size=9))
def test_no_file_of_one_customer_is_ever_in_anothers_mail(drawn: list[tuple[str, str, str]]) -> None:
    waiting = [
        parcel(
            f"{rank:026d}",
            key=f"{organisation}:{rank}:legal:email:1",
            number=f"F-{rank}",
            address=f"{mailbox}@client.example",
            customer=customer,
            artefact=Attachment(
                filename=f"{organisation}{mailbox}{customer}-{rank}.pdf", media_type="application/pdf", content=b"%PDF"
            ),
        )
        for rank, (organisation, mailbox, customer) in enumerate(drawn)
    ]
    carried: list[str] = []
    while waiting:
        leader, *rest = waiting
        others = tuple(each for each in rest if goes_with(leader, each))[: MOST_TOGETHER - 1]
        waiting = [each for each in rest if each not in others]
        letter = compose(replace(leader, others=others), sender=SENDER, at=NOW)
        names = [str(name) for name, _, _ in files_of(read(letter.content))]
        assert len({name.partition("-")[0] for name in names}) == 1
        assert letter.recipient == leader.address
        carried += names
    assert len(carried) == len(set(carried)) == len(drawn)


@settings(deadline=None)
@given(st.sampled_from(["customer", "address", "purpose", "key"]))
def test_a_message_with_somebody_elses_document_cannot_even_be_written(field: str) -> None:
    mine = parcel(customer="c1")
    changed = {"customer": "c2", "address": "autre@client.example", "purpose": "copy", "key": "autre:1:legal:email:1"}
    other = parcel("nextnextnextnextnextnextab", **{"customer": "c1", field: changed[field]})
    with pytest.raises(ValueError, match="does not go with"):
        compose(replace(mine, others=(other,)), sender=SENDER, at=NOW)


def test_several_documents_are_named_in_the_object_and_listed() -> None:
    terms = Attachment(filename="cgv.pdf", media_type="application/pdf", content=b"%PDF")
    one = parcel(customer="c1", number="F-1", annexes=(terms,))
    two = parcel("nextnextnextnextnextnextab", customer="c1", number="F-2", annexes=(terms,))
    message = read(compose(replace(one, others=(two,)), sender=SENDER, at=NOW).content)
    assert message["Subject"] == "2 documents de Coopérative du Val Fleuri : F-1, F-2"
    names = [name for name, _, _ in files_of(message)]
    assert names.count("cgv.pdf") == 1
    body = message.get_body(("plain",))
    assert body is not None
    assert "Facture : F-2, 1er septembre 2026" in body.get_content()

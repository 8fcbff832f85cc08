"""Several invoices in one flow: taken together, told one by one."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.channels.chorus_pro_archive import pack_flow, shares_flow
from faitfoi.channels.chorus_pro_codes import flow_event
from faitfoi.channels.contract import Found, Grade, NotFound, OutcomeUnknown, Parcel, Receipt, Refused, RemoteEvent
from tests.channels.chorus_documents import OTHER_SUPPLIER, Bill, cii, ubl
from tests.channels.chorus_rig import Chorus, parcel


@pytest.fixture
def chorus() -> Iterator[Chorus]:
    rig = Chorus()
    yield rig
    rig.stop()


def group(*parcels: Parcel) -> Parcel:
    return replace(parcels[0], others=parcels[1:])


def bills(count: int, **more: str) -> list[Parcel]:
    return [parcel(Bill(number=f"F-{rank}", **more)) for rank in range(1, count + 1)]


def with_receipt(each: Parcel, receipt: Receipt) -> Parcel:
    return replace(each, references=receipt.references, others=())


def last(channel: ChorusPro, each: Parcel) -> RemoteEvent:
    return channel.poll(each)[-1]


def test_several_invoices_travel_in_one_archive_and_are_followed_one_by_one(chorus: Chorus) -> None:
    parcels = bills(11)
    channel = chorus.channel()
    receipt = channel.send(group(*parcels))
    assert receipt.references["facturesDuFlux"] == "11"
    assert {each["flow"] for each in chorus.deposits} == {receipt.references["numeroFluxDepot"]}
    assert [each["number"] for each in chorus.deposits] == [each.number for each in parcels]
    chorus.advance(minutes=10)
    for each in parcels:
        assert last(channel, with_receipt(each, receipt)).code == "MISE_A_DISPOSITION"


def test_a_refused_invoice_of_the_flow_is_rejected_and_its_neighbours_are_not(chorus: Chorus) -> None:
    good, bad, other = parcel(), parcel(Bill(number="F-2", recipient="00000099900018")), parcel(Bill(number="F-3"))
    channel = chorus.channel()
    receipt = channel.send(group(good, bad, other))
    chorus.advance(minutes=10)
    rejected = last(channel, with_receipt(bad, receipt))
    assert (rejected.code, rejected.grade, rejected.final) == ("IN_INTEGRE_PARTIEL", Grade.REJECTED, True)
    assert "00000099900018" in rejected.reason
    for each in (good, other):
        told = channel.poll(with_receipt(each, receipt))
        assert told[0].grade is Grade.ACCEPTED
        assert "00000099900018" not in told[0].reason  # what is said of a neighbour stays with it
        assert told[-1].code == "MISE_A_DISPOSITION"


def test_a_lost_answer_is_asked_about_for_each_invoice_of_the_flow(chorus: Chorus) -> None:
    parcels = bills(3)
    channel = chorus.channel()
    chorus.fault("lose_answer")
    with pytest.raises(OutcomeUnknown):
        channel.send(group(*parcels))
    for each in parcels:
        answer = channel.find(each)
        assert isinstance(answer, NotFound)
        assert not answer.conclusive
    chorus.advance(hours=1)
    found = [channel.find(each) for each in parcels]
    assert all(isinstance(each, Found) for each in found)
    assert len(chorus.deposits) == 3


def test_an_answer_that_makes_no_sense_names_the_invoices_of_the_flow(chorus: Chorus) -> None:
    chorus.fault("garbage")
    with pytest.raises(OutcomeUnknown, match=r"4 factures \(F-1, F-2, F-3…\)"):
        chorus.channel().send(group(*bills(4)))


@pytest.mark.parametrize("code", ["20005", "400", "413", "415"])
def test_a_refusal_of_the_whole_flow_is_said_of_all_of_them_together(chorus: Chorus, code: str) -> None:
    chorus.fault("refuse", code=code)
    with pytest.raises(Refused) as refusal:
        chorus.channel().send(group(*bills(2)))
    assert refusal.value.together
    chorus.fault("refuse", code=code)
    with pytest.raises(Refused) as alone:
        chorus.channel().send(parcel())
    assert not alone.value.together


def report(*complaints: tuple[str, str]) -> dict[str, object]:
    return {"listeErreurDP": [{"numeroDP": number, "libelleErreurDP": label} for number, label in complaints]}


def told(state: str, *complaints: tuple[str, str], shared: bool = True) -> RemoteEvent:
    answer = {"etatCourantDepotFlux": state, **report(*complaints)}
    raw = json.dumps(answer).encode()
    return flow_event(answer, raw, flow="CPP1", number="F-1", issued=date(2026, 11, 20), shared=shared)


def test_who_is_not_to_blame_for_a_rejected_flow_is_told_so() -> None:
    event = told("IN_REJETE", ("F-2", "SIRET inconnu."))
    assert event.grade is Grade.REJECTED
    assert "ne reproche rien à celle-ci" in event.reason
    assert "SIRET inconnu" not in event.reason
    assert "SIRET inconnu" in told("IN_REJETE", ("F-1", "SIRET inconnu.")).reason
    assert "SIRET inconnu" in told("IN_REJETE", ("F-01", "SIRET inconnu."), shared=False).reason


def test_a_partial_report_that_names_nobody_accepts_nobody() -> None:
    event = told("IN_INTEGRE_PARTIEL", ("", "Une facture est en double."))
    assert event.grade is Grade.TAKEN
    assert "sans dire laquelle" in event.reason
    assert told("IN_INTEGRE_PARTIEL", ("F-2", "En double.")).grade is Grade.ACCEPTED


def test_only_flows_of_one_supplier_and_one_syntax_go_together() -> None:
    mine = parcel()
    xml = parcel(Bill(number="F-2"), content=cii(Bill(number="F-2")), media_type="application/xml")
    other = parcel(Bill(number="F-2"), content=ubl(Bill(number="F-2")), media_type="application/xml")
    assert shares_flow(mine, parcel(Bill(number="F-2")))
    for stranger in (
        xml,
        parcel(Bill(number="F-2", supplier=OTHER_SUPPLIER)),
        parcel(Bill(number="F-2"), settings={"depot": "soumettre"}),
        parcel(Bill(number="F-2"), settings={"depot": "colombe"}),
        parcel(Bill(number="F-2"), key="autre:F-2:legal:chorus_pro:1"),
        parcel(Bill(number="F-2"), content=b"<facture/>", media_type="application/xml"),
    ):
        assert not shares_flow(mine, stranger)
        with pytest.raises(ValueError, match="does not go with"):
            pack_flow(group(mine, stranger))
    assert not shares_flow(xml, other)


def test_no_file_too_big_hides_in_a_flow() -> None:
    big = parcel(Bill(number="F-2"), content=b"%PDF-" + bytes(10 * 1024 * 1024))
    with pytest.raises(Refused, match=r"F-2 fait 10,0 Mo"):
        pack_flow(group(parcel(), big))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["F-1", "é", "x" * 80]), st.binary(min_size=1)), min_size=2, max_size=9))
def test_every_file_of_an_archive_is_there_once_under_a_plain_name(drawn: list[tuple[str, bytes]]) -> None:
    parcels = [parcel(content=b"%PDF-" + content) for _, content in drawn]
    named = [
        replace(each, artefact=replace(each.artefact, filename=f"{name}.pdf"))
        for each, (name, _) in zip(parcels, drawn, strict=True)
    ]
    name, content = pack_flow(group(*named))
    assert (name, content) == pack_flow(group(*named))
    assert len(name) <= 50
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        members = archive.getmembers()
        assert [each.name for each in members] == list(dict.fromkeys(each.name for each in members))
        assert all(len(each.name) <= 50 and each.name.endswith(".pdf") for each in members)
        kept = [archive.extractfile(each) for each in members]
        assert [each.read() for each in kept if each] == [each.artefact.content for each in named]


@pytest.mark.parametrize("value", ["0", "51", "-1", "beaucoup", "²"])
def test_an_impossible_number_of_invoices_in_a_flow_is_named(chorus: Chorus, value: str) -> None:
    with pytest.raises(ValueError, match="factures_par_flux"):
        chorus.channel(factures_par_flux=value)

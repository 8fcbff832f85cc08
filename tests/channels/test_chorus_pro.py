"""Chorus Pro, from the deposit to the payment, against a simulator that keeps its own books."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.channels.contract import (
    CannotTell,
    Found,
    Grade,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Parcel,
    RemoteEvent,
)
from tests.channels.chorus_documents import HOSPITAL, OTHER_SUPPLIER, SCHOOL, Bill, cii, facturx, ubl
from tests.channels.chorus_rig import Chorus, parcel
from tests.waiting import PATIENCE


@pytest.fixture
def chorus() -> Iterator[Chorus]:
    rig = Chorus()
    yield rig
    rig.stop()


def sent(channel: ChorusPro, one: Parcel) -> Parcel:
    """Send, and give the parcel as the pipeline hands it over afterwards."""
    return replace(one, references=channel.send(one).references)


def graded(events: tuple[RemoteEvent, ...]) -> list[tuple[str, Grade, bool]]:
    return [(event.code, event.grade, event.final) for event in events]


def test_a_deposit_carries_the_very_bytes_and_gives_the_number_of_its_flow(chorus: Chorus) -> None:
    one = parcel()
    receipt = chorus.channel().send(one)
    (deposit,) = chorus.deposits
    assert deposit["sha256"] == hashlib.sha256(one.artefact.content).hexdigest()
    assert deposit["answered"] is True
    assert receipt.references == {
        "numeroFluxDepot": deposit["flow"],
        "syntaxeFlux": "IN_DP_E2_CII_FACTURX",
        "dateDepot": "2026-11-21",
    }
    assert deposit["flow"].startswith("CPP001")
    assert len(deposit["flow"]) == 25
    assert deposit["flow"] in receipt.detail
    assert deposit["flow"].encode() in receipt.raw


@pytest.mark.parametrize(
    ("write", "syntax"), [(cii, "IN_DP_E1_CII_16B"), (ubl, "IN_DP_E1_UBL_INVOICE"), (facturx, "IN_DP_E2_CII_FACTURX")]
)
def test_each_syntax_is_announced_as_what_it_is(chorus: Chorus, write: Any, syntax: str) -> None:
    media_type = "application/pdf" if write is facturx else "application/xml"
    channel = chorus.channel()
    one = sent(channel, parcel(content=write(Bill()), media_type=media_type))
    assert one.references["syntaxeFlux"] == syntax
    chorus.advance(minutes=3)
    assert channel.poll(one)[0].code == "IN_INTEGRE"


def test_an_invoice_is_followed_to_its_payment(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel())
    assert graded(channel.poll(one)) == [("IN_DEPOT_PORTAIL_EN_ATTENTE_TRAITEMENT_SE_CPP", Grade.TAKEN, False)]
    chorus.advance(minutes=3)
    assert graded(channel.poll(one)) == [
        ("IN_INTEGRE", Grade.ACCEPTED, False),
        ("DEPOSEE", Grade.ACCEPTED, False),
        ("EN_COURS_ACHEMINEMENT", Grade.ACCEPTED, False),
    ]
    chorus.advance(days=5, minutes=30)
    approved = channel.poll(one)
    assert ("MANDATEE", Grade.APPROVED, False) in graded(approved)
    assert not any(event.final for event in approved)
    chorus.advance(days=6)
    events = channel.poll(one)
    assert graded(events)[-1] == ("MISE_EN_PAIEMENT", Grade.PAID, True)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(event.at.tzinfo for event in events)
    assert next(event.who for event in events if event.code == "MISE_EN_PAIEMENT") == "Comptable public"


def test_a_download_by_the_recipient_is_told_with_its_author(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel())
    chorus.advance(hours=1)
    (download,) = [event for event in channel.poll(one) if event.code == "TELECHARGEMENT_FACTURE"]
    assert download.grade is Grade.DELIVERED
    assert download.who == "Camille Exemple (Destinataire)"


def test_what_is_said_again_keeps_its_identity(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel())
    chorus.advance(days=2)
    before = [event.identity for event in channel.poll(one)]
    chorus.advance(days=20)
    after = [event.identity for event in channel.poll(one)]
    assert after[: len(before)] == before
    assert len(set(after)) == len(after) > len(before)


@pytest.mark.parametrize(
    ("bill", "words"),
    [
        (Bill(recipient="00000099900014"), "00000099900014 est inconnue"),
        (Bill(recipient=HOSPITAL), "code service est obligatoire"),
        (Bill(recipient=HOSPITAL, service="TRAVAUX"), "engagement est obligatoire pour le service TRAVAUX"),
        (Bill(recipient=HOSPITAL, service="NULLEPART"), "NULLEPART n'existe pas"),
        (Bill(recipient=HOSPITAL, service="FACTURES_PUBLIQUES"), "entre entités publiques"),
        (Bill(recipient=SCHOOL), "code service ou le numéro d'engagement"),
        (Bill(supplier="000000018"), "SIRET du fournisseur"),
        (Bill(means=""), "TypeCode.value est obligatoire"),
        (Bill(number="F-2026-0000000000000117"), "de 1 à 20 caractères"),
    ],
)
def test_a_flow_rejected_at_the_entrance_says_why(chorus: Chorus, bill: Bill, words: str) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel(bill))
    chorus.advance(minutes=3)
    (event,) = channel.poll(one)
    assert (event.code, event.grade, event.final) == ("IN_REJETE", Grade.REJECTED, True)
    assert words in event.reason


@pytest.mark.parametrize(
    "bill",
    [
        Bill(recipient=HOSPITAL, service="RESTAURATION"),
        Bill(recipient=HOSPITAL, service="TRAVAUX", engagement="1300012345"),
        Bill(recipient=SCHOOL, engagement="1300012345"),
        Bill(recipient=SCHOOL, service="INTENDANCE"),
    ],
)
def test_an_invoice_with_what_its_structure_asks_for_is_integrated(chorus: Chorus, bill: Bill) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel(bill))
    chorus.advance(minutes=3)
    assert channel.poll(one)[0].code == "IN_INTEGRE"


def test_a_structure_that_never_reports_payment_leaves_the_invoice_unpaid_in_our_eyes(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel(Bill(recipient=SCHOOL, engagement="1300012345")))
    chorus.advance(days=60)
    events = channel.poll(one)
    assert graded(events)[-1] == ("COMPTABILISEE", Grade.APPROVED, False)


def test_a_file_that_nobody_can_read_is_a_technical_rejection(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel(content=b"%PDF-1.7 not an invoice"))
    chorus.advance(minutes=3)
    (event,) = channel.poll(one)
    assert event.grade is Grade.REJECTED
    assert "ne peut pas être lu" in event.reason


def test_a_rejected_double_never_changes_the_first_deposit(chorus: Chorus) -> None:
    channel = chorus.channel()
    first, second = sent(channel, parcel()), sent(channel, parcel())
    chorus.advance(minutes=3)
    (rejection,) = channel.poll(second)
    assert rejection.grade is Grade.REJECTED
    assert "doublon" in rejection.reason
    assert all(event.grade is not Grade.REJECTED for event in channel.poll(first))


@pytest.mark.parametrize(
    ("bill", "code", "remedy"),
    [
        (Bill(recipient=HOSPITAL, service="ANCIEN"), "A_RECYCLER", "le numéro de facture reste le même"),
        (Bill(due="120.13"), "SUSPENDUE", "pièces complémentaires"),
    ],
)
def test_what_waits_for_us_is_shown_as_work_with_its_own_remedy(
    chorus: Chorus, bill: Bill, code: str, remedy: str
) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel(bill))
    chorus.advance(days=30)
    last = channel.poll(one)[-1]
    assert (last.code, last.grade, last.final) == (code, Grade.ACTION_NEEDED, False)
    assert remedy in last.reason
    assert "Chorus Pro écrit : «" in last.reason


def test_a_rejection_by_the_recipient_is_final_and_keeps_the_recipients_words(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel())
    chorus.advance(days=1)
    chorus.command(
        "state", flow=one.references["numeroFluxDepot"], status="REJETEE", comment="Prestation non conforme."
    )
    last = channel.poll(one)[-1]
    assert (last.code, last.grade, last.final, last.who) == ("REJETEE", Grade.REJECTED, True, "Destinataire")
    assert "Prestation non conforme." in last.reason
    assert "avoir" in last.reason


@pytest.mark.parametrize("state", ["IN_INCIDENTE", "IN_A_RELANCER", "IN_ERREUR_INTERNE"])
def test_a_flow_to_resend_is_a_persons_decision(chorus: Chorus, state: str) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel())
    chorus.command("state", flow=one.references["numeroFluxDepot"], flow_state=state)
    (event,) = channel.poll(one)
    assert (event.grade, event.final) == (Grade.ACTION_NEEDED, False)
    assert "Rien n’est renvoyé tout seul" in event.reason
    assert len(chorus.deposits) == 1


def test_an_unknown_state_is_kept_and_shown(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel())
    chorus.command("state", flow=one.references["numeroFluxDepot"], flow_state="IN_DU_FUTUR")
    (event,) = channel.poll(one)
    assert (event.code, event.grade, event.final) == ("IN_DU_FUTUR", Grade.UNKNOWN_CODE, False)
    assert "« IN_DU_FUTUR »" in event.reason
    assert b"IN_DU_FUTUR" in event.raw
    chorus.command("state", flow=one.references["numeroFluxDepot"], flow_state="IN_INTEGRE", status="STATUT_NEUF")
    (unknown,) = [event for event in channel.poll(one) if event.grade is Grade.UNKNOWN_CODE]
    assert unknown.code == "STATUT_NEUF"


def test_a_lost_answer_is_found_not_resent(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = parcel()
    chorus.fault("lose_answer")
    with pytest.raises(OutcomeUnknown, match="connexion coupée"):
        channel.send(one)
    assert [deposit["answered"] for deposit in chorus.deposits] == [False]

    early = channel.find(one)
    assert isinstance(early, NotFound)
    assert not early.conclusive
    assert "ne prouve rien" in early.detail

    chorus.advance(minutes=3)
    answer = channel.find(one)
    assert isinstance(answer, Found)
    assert answer.receipt.references["numeroFluxDepot"] == chorus.deposits[0]["flow"]
    followed = channel.poll(replace(one, references=answer.receipt.references))
    assert followed[0].code == "IN_INTEGRE"
    assert followed[-1].code == "EN_COURS_ACHEMINEMENT"
    assert len(chorus.deposits) == 1


def test_an_amount_that_loses_the_answer_of_a_deposit_loses_that_one_only(chorus: Chorus) -> None:
    channel, silent = chorus.channel(), parcel(Bill(due="120.77"))
    with pytest.raises(OutcomeUnknown):
        channel.send(silent)
    chorus.advance(minutes=3)
    assert isinstance(channel.find(silent), Found)
    assert [deposit["answered"] for deposit in chorus.deposits] == [False]


def test_a_lost_answer_whose_flow_was_rejected_is_never_declared_absent(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = parcel(Bill(recipient=HOSPITAL))
    chorus.fault("lose_answer")
    with pytest.raises(OutcomeUnknown):
        channel.send(one)
    chorus.advance(days=3)
    answer = channel.find(one)
    assert isinstance(answer, NotFound)
    assert not answer.conclusive


def test_a_known_flow_is_asked_by_its_number(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = sent(channel, parcel())
    answer = channel.find(one)
    assert isinstance(answer, Found)
    assert answer.receipt.references == one.references
    lost = channel.find(replace(one, references={"numeroFluxDepot": "CPP0011117000000000000001"}))
    assert isinstance(lost, NotFound)
    assert not lost.conclusive


def test_a_question_that_fails_is_asked_again(chorus: Chorus) -> None:
    channel = chorus.channel()
    for kind in ("down", "garbage", "lose_answer"):
        chorus.fault(kind, on="rechercher/fournisseur")
        answer = channel.find(parcel())
        assert isinstance(answer, CannotTell)
        assert answer.ask_again
    chorus.fault("refuse", on="rechercher/fournisseur", code="20999")
    answer = channel.find(parcel())
    assert isinstance(answer, CannotTell)
    assert "20999" in answer.detail
    chorus.fault("down", on="consulterCRDetaille", code="500")
    with pytest.raises(NotSent):
        channel.poll(sent(channel, parcel()))


def test_the_same_number_from_another_supplier_is_not_ours(chorus: Chorus) -> None:
    channel = chorus.channel()
    sent(channel, parcel(Bill(supplier=OTHER_SUPPLIER)))
    chorus.advance(minutes=3)
    answer = channel.find(parcel())
    assert isinstance(answer, NotFound)
    assert "1 facture(s) de ce numéro viennent d’un autre fournisseur" in answer.detail
    assert channel.poll(parcel()) == ()


def test_the_same_number_of_another_year_is_not_ours(chorus: Chorus) -> None:
    channel = chorus.channel()
    sent(channel, parcel(Bill(issued="2025-11-20")))
    chorus.advance(minutes=3)
    assert isinstance(channel.find(parcel()), NotFound)


@pytest.mark.parametrize("others", [10, 500])
@pytest.mark.parametrize("largest_page", [10, 500])
def test_our_invoice_is_found_behind_all_the_pages(others: int, largest_page: int) -> None:
    """Complaint A5."""
    chorus = Chorus(largest_page=largest_page)
    try:
        channel = chorus.channel()
        chorus.command("seed", count=others, number="F-2026-117", issued="2026-11-20")
        one = sent(channel, parcel())
        chorus.advance(minutes=3)
        answer = channel.find(replace(one, references={}))
        assert isinstance(answer, Found)
        assert answer.receipt.references["numeroFluxDepot"] == one.references["numeroFluxDepot"]
        chorus.command("seed", count=others, number="X-1", issued="2026-11-20", flow=one.references["numeroFluxDepot"])
        assert channel.poll(one)[-1].code == "EN_COURS_ACHEMINEMENT"
    finally:
        chorus.stop()


def test_the_lease_can_trust_the_deadline(chorus: Chorus) -> None:
    channel = chorus.channel(timeout="2")
    chorus.fault("slow", seconds=PATIENCE)
    with pytest.raises(OutcomeUnknown):
        channel.send(parcel())
    assert channel.deadline > 2 * timedelta(seconds=2)  # a token and a deposit, each given up in its time

"""Field by field, or the PDF and its fields: the same invoice, found in the same way when an answer is lost (A2)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from faitfoi.channels.chorus_pro_submission import Mode, fields_of
from faitfoi.channels.contract import Found, NotSent, OutcomeUnknown, Parcel, Refused
from faitfoi.einvoice.reading import read
from tests.channels.chorus_documents import SUPPLIER, Bill, cii
from tests.channels.chorus_official import definitions, validate
from tests.channels.chorus_rig import Chorus, parcel

MODES = ("soumettre", "pdf")


@pytest.fixture
def chorus() -> Iterator[Chorus]:
    rig = Chorus()
    rig.command("account", suppliers=[SUPPLIER])
    yield rig
    rig.stop()


@pytest.mark.parametrize(("mode", "told"), [("soumettre", "SAISIE_API"), ("pdf", "DEPOT_PDF_API")])
def test_an_invoice_is_submitted_by_its_mode_and_followed_to_its_payment(chorus: Chorus, mode: str, told: str) -> None:
    channel = chorus.channel(depot=mode)
    one = parcel(Bill(engagement="EJ-1"))
    receipt = channel.send(one)
    assert receipt.references["statutFacture"] == "DEPOSEE"
    assert receipt.references["identifiantFactureCPP"].isdigit()
    ((deposit),) = chorus.deposits
    assert (deposit["number"], deposit["supplier"], deposit["name"]) == (one.number, SUPPLIER, told)
    chorus.advance(days=20)
    assert channel.poll(replace(one, references=receipt.references))[-1].code == "MISE_EN_PAIEMENT"


def test_the_customer_s_mode_goes_before_the_organisation_s(chorus: Chorus) -> None:
    channel = chorus.channel(depot="soumettre")
    channel.send(replace(parcel(), settings={"depot": "flux"}))
    assert chorus.deposits[0]["name"].endswith(".pdf")
    with pytest.raises(ValueError, match="depot"):
        chorus.channel(depot="pigeon")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", ["lose_answer", "garbage"])
def test_a_lost_answer_to_a_submission_is_found_not_resent(chorus: Chorus, mode: str, fault: str) -> None:
    channel = chorus.channel(depot=mode)
    chorus.fault(fault, on="soumettre")
    with pytest.raises(OutcomeUnknown):
        channel.send(parcel())
    answer = channel.find(parcel())
    assert isinstance(answer, Found)
    assert answer.receipt.references["identifiantFactureCPP"].isdigit()
    assert len(chorus.deposits) == 1


def test_silence_before_the_submission_itself_means_not_sent(chorus: Chorus) -> None:
    channel = chorus.channel(depot="pdf")
    for where in ("deposer/pdf", "rechercher"):
        chorus.fault("lose_answer", on=where)
        with pytest.raises(NotSent):
            chorus.channel(depot="pdf").send(parcel())
    assert chorus.deposits == []
    channel.send(parcel())
    assert len(chorus.deposits) == 1


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (parcel(Bill(recipient="00000099900009")), "inconnue"),
        (parcel(Bill(), content=b"%PDF-1.7 nothing"), "ne se lit pas"),
    ],
)
def test_what_is_not_taken_is_refused_and_not_kept(chorus: Chorus, one: Parcel, words: str) -> None:
    with pytest.raises(Refused, match=words):
        chorus.channel(depot="soumettre").send(one)
    assert chorus.deposits == []


def test_an_unknown_seller_is_a_precondition(chorus: Chorus) -> None:
    chorus.command("account", suppliers=[])
    with pytest.raises(NotSent, match=SUPPLIER) as caught:
        chorus.channel(depot="soumettre").send(parcel())
    assert caught.value.precondition


@pytest.mark.parametrize("mode", MODES)
def test_a_submission_keeps_to_the_official_description(chorus: Chorus, mode: str) -> None:
    official = definitions()["definitions"]
    seen = chorus.listen()
    chorus.channel(depot=mode).send(parcel())
    shapes = {
        "factures/v1/soumettre": ("SoumettreFactureParam", "WsRetourSoumettreFacture"),
        "factures/v1/deposer/pdf": ("DeposerPdfFactureParam", "WsRetourDeposerPdfFacture"),
    }
    checked = [each for each in seen if each[0] in shapes]
    assert len(checked) == (2 if mode == "pdf" else 1)
    for operation, body, said in checked:
        validate(shapes[operation][0], body)
        validate(shapes[operation][1], said)
        assert set(body) <= set(official[shapes[operation][0]]["properties"])


@pytest.mark.parametrize(
    ("process", "framework"),
    [
        ("", "A1_FACTURE_FOURNISSEUR"),
        ("S1", "A1_FACTURE_FOURNISSEUR"),
        ("S3", "A9_FACTURE_SOUSTRAITANT"),
        ("S5", "A9_FACTURE_SOUSTRAITANT"),
        ("S6", "A12_FACTURE_COTRAITANT"),
    ],
)
def test_the_framework_of_the_invoice_is_told_in_their_words(process: str, framework: str) -> None:
    made = read(cii(Bill())).invoice
    made = replace(made, process=replace(made.process, business_process=process))
    told = fields_of(made, parcel(), mode=Mode.SUBMIT, supplier=1)
    assert told["cadreDeFacturation"] == {"codeCadreFacturation": framework}

"""A flow of Chorus Pro holds a Factur-X, or plain CII or UBL where the channel says so: really made, and checked."""

import hashlib

import pytest

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.checking import check
from faitfoi.einvoice.reading import Format
from faitfoi.pipeline import archive
from faitfoi.records.models import Customer
from faitfoi.records.stages import LineOutcome, Stage
from tests.pipeline.cast import FARMER, TOWN, Scene, file, invoice

pytestmark = pytest.mark.django_db(transaction=True)


def content_of(scene: Scene, number: str, role: str = "chorus") -> bytes:
    return archive.fetch(scene.organisation.id, scene.artefact(number, role).sha256)


@pytest.mark.parametrize(
    ("form", "syntax", "read_as", "kind"),
    [
        ("cii", "IN_DP_E1_CII_16B", Format.CII, "380"),
        ("ubl", "IN_DP_E1_UBL_INVOICE", Format.UBL_INVOICE, "380"),
        ("ubl", "IN_DP_E1_UBL_INVOICE", Format.UBL_CREDIT_NOTE, "381"),
        ("cii", "IN_DP_E1_CII_16B", Format.CII, "381"),
    ],
)
def test_a_flow_in_xml_is_valid_sent_as_such_and_integrated(
    scene: Scene, form: str, syntax: str, read_as: Format, kind: str
) -> None:
    scene.change(ChannelKey.CHORUS_PRO, format_flux=form, avec_signature="true")
    about = {"preceding_invoices": [{"number": "F-0", "issue_date": "2026-10-01"}]} if kind == "381" else {}
    scene.send(file("F-1", TOWN, type_code=kind, **about))
    content = content_of(scene, "F-1")
    judged = check(content, br_fr=False)
    assert judged.valid, judged.findings
    assert judged.reading.format is read_as
    registration = judged.invoice.buyer.legal_registration
    assert registration is not None
    assert (registration.value, registration.scheme) == (TOWN.siret, "0002")
    assert scene.artefact("F-1", "chorus").media_type == "application/xml"
    assert not scene.artefact("F-1", "chorus").sealed
    (taken,) = scene.chorus.state.deposits.values()
    assert (taken.syntax, taken.name, taken.signed) == (syntax, scene.artefact("F-1", "chorus").filename, False)
    assert taken.sha256 == hashlib.sha256(content).hexdigest()
    assert scene.artefact("F-1", "legal").sealed  # the sealed original stays what it is
    scene.advance(hours=1)
    scene.poll()
    assert scene.stage("F-1") is Stage.DELIVERED


@pytest.mark.parametrize(("process", "framework"), [("S3", "A9_"), ("S5", "A9_"), ("S6", "A12_")])
@pytest.mark.parametrize("deposit", ["soumettre", "pdf"])
def test_what_another_structure_validates_is_not_submitted_without_naming_it(
    scene: Scene, deposit: str, process: str, framework: str
) -> None:
    told = {**invoice("F-1", TOWN)["process"], "business_process": process}
    scene.change(ChannelKey.CHORUS_PRO, depot=deposit)
    (line,) = scene.lines(scene.send(file("F-1", TOWN, process=told)))
    assert line.outcome == LineOutcome.REFUSED
    assert f"cadre {framework}" in line.reason
    assert "codeStructureValideur" in line.reason
    assert "dépôt « flux »" in line.reason
    assert scene.deposits() == []
    scene.change(ChannelKey.CHORUS_PRO, depot="flux")
    (line,) = scene.lines(scene.send(file("F-1", TOWN, process=told)))
    assert line.outcome == LineOutcome.READY
    assert len(scene.deposits()) == 1


def test_who_takes_no_flow_is_given_a_pdf_whatever_the_format_of_flows(scene: Scene) -> None:
    """Complaint A2."""
    scene.change(ChannelKey.CHORUS_PRO, format_flux="ubl")
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=TOWN.reference).update(chorus_deposit="pdf")
    scene.prepare(scene.hand_over(file("F-1", TOWN)))
    assert content_of(scene, "F-1").startswith(b"%PDF")
    assert scene.artefact("F-1", "chorus").sealed


def test_what_a_syntax_has_no_place_for_is_named_at_preparation_and_nothing_leaves(scene: Scene) -> None:
    scene.change(ChannelKey.CHORUS_PRO, format_flux="ubl")
    seller = invoice("F-1", TOWN)["seller"]
    seller["contact"]["department"] = "Comptabilité"
    (line,) = scene.lines(scene.send(file("F-1", TOWN, seller=seller)))
    assert line.outcome == LineOutcome.REFUSED
    assert "ne tient pas entière en UBL" in line.reason
    assert "BT-41" in line.reason
    assert scene.deposits() == []


def test_formats_can_share_flows_with_their_like_only(scene: Scene) -> None:
    scene.change(ChannelKey.CHORUS_PRO, factures_par_flux="50", format_flux="cii")
    scene.prepare(scene.hand_over(file("F-1", TOWN), file("F-2", TOWN)))
    scene.change(ChannelKey.CHORUS_PRO, format_flux="facturx")
    scene.prepare(scene.hand_over(file("F-3", TOWN), file("F-4", TOWN)))
    scene.deliver()
    flows = {number: scene.delivery(number).references["numeroFluxDepot"] for number in ("F-1", "F-2", "F-3", "F-4")}
    assert flows["F-1"] == flows["F-2"] != flows["F-3"] == flows["F-4"]
    assert scene.delivery("F-1").references["syntaxeFlux"] == "IN_DP_E1_CII_16B"
    assert scene.delivery("F-3").references["syntaxeFlux"] == "IN_DP_E2_CII_FACTURX"


def test_what_chorus_pro_refuses_stops_a_batch_when_it_is_prepared_and_names_the_pack(scene: Scene) -> None:
    """A gross price that no discount leads to (OCA-FR#504), in a batch that may go elsewhere. Complaints A3 and A4."""
    lines = invoice("F-1", TOWN)["lines"]
    lines[0]["price"]["gross"] = "40.00"
    batch = scene.hand_over(file("F-1", TOWN, lines=lines), file("F-2", FARMER, lines=lines))
    scene.prepare(batch)
    refused, ready = scene.lines(batch)
    assert refused.outcome == LineOutcome.REFUSED
    assert "FF-CHORUS-GROSS-PRICE" in [each["rule"] for each in refused.findings]
    assert "règles du 21/11/2026" in refused.reason
    assert "refus publiés" in str(refused.findings[0]["source"])
    assert ready.outcome == LineOutcome.READY  # nobody else asks for it
    assert scene.deposits() == []

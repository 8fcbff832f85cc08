"""What a plateforme agréée is handed: the syntax that is set, written by us, checked, and one digest all the way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.afnor_acts import compose
from faitfoi.channels.contract import Act, Parcel
from faitfoi.einvoice.cdar import read_cdar
from faitfoi.einvoice.conversion import Target, convert
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.reading import Format, read
from faitfoi.evidence.dossier_check import verify_dossier
from faitfoi.pipeline import archive
from faitfoi.pipeline.parcels import build_parcel
from faitfoi.pipeline.task_list import list_tasks
from faitfoi.records.models import Customer, DirectoryAnswer
from faitfoi.records.stages import LineOutcome, Nature, Stage
from faitfoi.records.vault import channel_settings, save_channel_settings
from tests.pipeline.cast import ACTOR, FARMER, TOWN, Scene, file, invoice
from tests.pipeline.pa_scene import Platform, open_platform
from tests.pipeline.test_dossier import files_of, refresh_lists, unpacked, verify

pytestmark = pytest.mark.django_db(transaction=True)

F, A = "F-2026-901", "A-2026-901"
CREDIT: dict[str, Any] = {
    "type_code": "381",
    "preceding_invoices": [{"number": "F-2026-900", "issue_date": "2026-11-04"}],
}
FORMATS = {
    "Factur-X": (Format.FACTURX, Format.FACTURX),
    "CII": (Format.CII, Format.CII),
    "UBL": (Format.UBL_INVOICE, Format.UBL_CREDIT_NOTE),
}


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def set_syntax(scene: Scene, syntax: str) -> None:
    with acting_for(scene.organisation.id):
        values = channel_settings(ChannelKey.PLATEFORME_AGREEE) or {}
        save_channel_settings(ChannelKey.PLATEFORME_AGREEE, {**values, "flow_syntax": syntax}, actor=ACTOR)


def handed_over(scene: Scene, number: str) -> bytes:
    return archive.fetch(scene.organisation.id, scene.delivery(number).artefact.sha256)


def parcel_of(scene: Scene, number: str) -> Parcel:
    with acting_for(scene.organisation.id):
        return build_parcel(scene.delivery(number), {})


@pytest.mark.parametrize("syntax", ["Factur-X", "CII", "UBL"])
def test_what_is_handed_over_is_of_the_syntax_that_is_set_and_passes_the_official_rules(
    scene: Scene, platform: Platform, syntax: str
) -> None:
    set_syntax(scene, syntax)
    scene.send(file(F), file(A, **CREDIT))
    platform.pass_time(hours=2)
    scene.poll()
    platform.collect()
    deposits = {deposit["number"]: deposit for deposit in platform.deposits()}
    assert len(platform.deposits()) == len(deposits) == 2
    for number, expected in zip((F, A), FORMATS[syntax], strict=True):
        delivery, deposit = scene.delivery(number), deposits[number]
        assert delivery.stage == Stage.DELIVERED
        content = handed_over(scene, number)
        reading = read(content)
        assert (reading.format, reading.invoice.number) == (expected, number)
        assert [each for each in check_official(reading.xml, br_fr=True) if each.severity is Severity.FATAL] == []
        assert (deposit["syntax"], deposit["sha256"]) == (syntax, delivery.artefact.sha256)
        assert delivery.references["sha256"] == delivery.artefact.sha256
        assert delivery.references["trackingId"] == deposit["tracking"] == delivery.message_ref
        assert delivery.references["flowSyntax"] == syntax
        assert deposit["ack"] == {"status": "Ok"}


@pytest.mark.parametrize(("syntax", "target"), [("UBL", Target.UBL), ("CII", Target.CII)])
def test_xml_that_came_in_that_syntax_leaves_byte_for_byte(
    scene: Scene, platform: Platform, syntax: str, target: Target
) -> None:
    set_syntax(scene, syntax)
    completed = convert(read(file(F)).invoice, target).content
    scene.send(completed)
    assert handed_over(scene, F) == completed
    assert scene.artefact(F, "legal").sha256 != scene.delivery(F).artefact.sha256


def test_an_invoice_says_the_same_in_each_syntax(scene: Scene, platform: Platform) -> None:
    set_syntax(scene, "UBL")
    scene.send(file(F))
    legal = archive.fetch(scene.organisation.id, scene.artefact(F, "legal").sha256)
    assert read(handed_over(scene, F)).invoice == read(legal).invoice


def test_a_change_of_the_setting_never_touches_what_was_sealed(scene: Scene, platform: Platform) -> None:
    """Complaint D49."""
    batch = scene.hand_over(file(F))
    scene.prepare(batch)
    before = scene.delivery(F).artefact.sha256
    set_syntax(scene, "UBL")
    scene.deliver()
    (deposit,) = platform.deposits()
    assert (deposit["syntax"], deposit["sha256"]) == ("Factur-X", before)


def test_a_customer_who_is_not_reached_by_a_platform_gets_no_xml_of_it(scene: Scene, platform: Platform) -> None:
    set_syntax(scene, "UBL")
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=FARMER.reference).update(channel=ChannelKey.EMAIL)
    scene.send(file(F))
    with acting_for(scene.organisation.id):
        roles = set(scene.document(F).artefacts.values_list("role", flat=True))
    assert "flow" not in roles
    assert platform.deposits() == []


def test_what_ubl_has_no_place_for_stops_the_invoice_and_is_named(scene: Scene, platform: Platform) -> None:
    set_syntax(scene, "UBL")
    told = invoice(F)
    told["seller"]["contact"]["department"] = "Facturation"
    (line,) = scene.lines(scene.send(json.dumps(told).encode()))
    assert line.outcome == LineOutcome.REFUSED
    assert "UBL" in line.reason
    assert "flow_syntax" in line.reason
    assert platform.deposits() == []


# Which exchange it is for the law: the document's own note, else its customer's nature.


@pytest.mark.parametrize(
    ("told", "rule", "process"),
    [
        (("B2B", Nature.TAXABLE), "B2B", "REGULATED"),
        (("B2BINT", Nature.TAXABLE), "B2BInt", "B2BINT"),
        (("B2C", Nature.TAXABLE), "B2C", "B2C"),
        (("OUTOFSCOPE", Nature.TAXABLE), "OutOfScope", "OUTOFSCOPE"),
        (("", Nature.TAXABLE), "B2B", "REGULATED"),
        (("", Nature.FOREIGN), "B2BInt", "B2BINT"),
        (("", Nature.NOT_TAXABLE), "B2C", "B2C"),
        (("B2B", Nature.PUBLIC), "B2G", "REGULATED"),
        (("OUTOFSCOPE", Nature.PUBLIC), "B2GOutOfScope", "OUTOFSCOPE"),
    ],
)
def test_the_processing_rule_is_the_document_s_own_else_its_customer_s(
    scene: Scene, platform: Platform, told: tuple[str, Nature], rule: str, process: str
) -> None:
    bar, nature = told
    notes = [note for note in invoice(F)["notes"] if note["subject_code"] != "BAR"]
    scene.send(file(F, notes=[*notes, {"text": bar, "subject_code": "BAR"}] if bar else notes))
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=FARMER.reference).update(nature=nature)
    parcel = parcel_of(scene, F)
    assert parcel.processing_rule == rule
    values = {"type_code": "380", "seller_siren": "000000018", "buyer_siren": "000000034", "buyer_address": "000000034"}
    said = compose(parcel, Act(key="k", kind="225", at=timezone.now(), values=values))
    assert read_cdar(said).process == process


def test_the_flow_bears_the_rule_of_its_document(scene: Scene, platform: Platform) -> None:
    notes = [note for note in invoice(F)["notes"] if note["subject_code"] != "BAR"]
    scene.send(file(F, notes=[*notes, {"text": "B2BINT", "subject_code": "BAR"}]))
    flow = platform.simulator.state.flow(platform.deposits()[0]["flow"])
    assert flow.info["processingRule"] == "B2BInt"


def test_what_is_only_to_be_archived_is_kept_and_never_sent(scene: Scene, platform: Platform) -> None:
    notes = [note for note in invoice(F)["notes"] if note["subject_code"] != "BAR"]
    (line,) = scene.lines(scene.send(file(F, notes=[*notes, {"text": "ARCHIVEONLY", "subject_code": "BAR"}])))
    assert line.outcome == LineOutcome.READY
    assert "archiver" in scene.document(F).kept_because
    assert platform.deposits() == []


def test_a_credit_note_that_was_about_to_leave_when_its_invoice_is_refused_stays(
    scene: Scene, platform: Platform
) -> None:
    scene.send(file(F))
    platform.pass_time(hours=2)
    platform.collect()
    credit = file(A, type_code="381", preceding_invoices=[{"number": F, "issue_date": "2026-11-04"}])
    scene.prepare(scene.hand_over(credit))
    platform.say(F, "210", reason="CMD_ERR")
    platform.collect()
    scene.deliver()
    assert [deposit["number"] for deposit in platform.deposits()] == [F]
    assert scene.stage(A) is Stage.TO_FIX
    assert "gardé pour vos comptes" in scene.document(A).kept_because
    with acting_for(scene.organisation.id):
        assert [task.document for task in list_tasks(scene.organisation) if task.document == scene.document(A)] == []


@pytest.mark.parametrize("carries", [True, False])
@pytest.mark.beside_the_journal
def test_a_public_customer_s_invoice_goes_by_the_platform_that_carries_it(
    scene: Scene, platform: Platform, carries: bool
) -> None:
    with acting_for(scene.organisation.id):
        settings = {**platform.simulator.settings(), "b2g": str(carries).lower()}
        save_channel_settings(ChannelKey.PLATEFORME_AGREEE, settings, actor=ACTOR)
        Customer.objects.filter(reference=TOWN.reference).update(channel=ChannelKey.PLATEFORME_AGREEE)
    notes = [note for note in invoice("F")["notes"] if note["subject_code"] != "BAR"]
    (line,) = scene.lines(scene.send(file("TV-1", TOWN, notes=notes)))
    assert line.outcome == LineOutcome.READY, line.reason
    assert (len(platform.deposits()), len(scene.deposits())) == ((1, 0) if carries else (0, 1))
    if carries:
        flow = platform.simulator.state.flow(platform.deposits()[0]["flow"])
        assert flow.info["processingRule"] == "B2G"
        with acting_for(scene.organisation.id):
            assert DirectoryAnswer.objects.get().address == TOWN.electronic
        platform.pass_time(days=10)
        platform.collect()
        assert ("205", "approved") in platform.news("TV-1")


def test_what_was_handed_over_as_xml_is_proved_by_the_dossier(scene: Scene, platform: Platform, tmp_path: Path) -> None:
    set_syntax(scene, "UBL")
    scene.send(file(F))
    folder = unpacked(scene, F, tmp_path)
    version = folder / "data/plateforme.xml"
    assert version.read_bytes() == handed_over(scene, F)
    assert verify(folder).returncode == 0, verify(folder).stderr
    assert verify_dossier(files_of(folder)).lies == ()
    version.write_bytes(version.read_bytes() + b"\n")
    refresh_lists(folder)
    assert "data/plateforme.xml" in verify(folder).stderr
    assert [lie.file for lie in verify_dossier(files_of(folder)).lies] == ["data/plateforme.xml"]

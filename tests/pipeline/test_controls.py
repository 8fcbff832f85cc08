"""The controls of the audit trail: what each finds, what it admits it cannot tell, and the entry each run leaves."""

import json
import subprocess
import sys
from datetime import date, timedelta
from typing import Any

import pytest

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import control_checks
from faitfoi.pipeline.control_series import Given, Reading, read_series
from faitfoi.pipeline.controls import CONTROLS, run_control, run_due, standings
from faitfoi.pipeline.integrity import check_all
from faitfoi.records.models import AuditSettings, ControlRun, JournalEntry
from tests.pipeline.cast import ACTOR, FARMER, SILENT, Scene, file, invoice
from tests.waiting import PATIENCE

DAY = date(2026, 11, 2)


def read(*numbers: str, day: date = DAY, seller: str = "000000018") -> Reading:
    return read_series(Given(number=number, day=day, seller=seller) for number in numbers)


def gaps(reading: Reading) -> list[tuple[str, str, int]]:
    return [(gap.first, gap.last, gap.missing) for gap in reading.gaps]


def test_an_absent_number_is_named_as_its_series_writes_it() -> None:
    assert gaps(read("F-2026-0117", "F-2026-0119", "F-2026-0120")) == [("F-2026-0118", "F-2026-0118", 1)]
    assert gaps(read("117/2026", "121/2026")) == [("118/2026", "120/2026", 3)]


def test_each_prefix_and_each_seller_is_a_series_of_its_own() -> None:
    assert gaps(read("F-1", "F-2", "A-7", "A-8")) == []
    mixed = [
        Given(number=number, day=DAY, seller=seller)
        for number, seller in (("F-1", "000000018"), ("F-3", "000000026"), ("F-2", "000000018"))
    ]
    assert gaps(read_series(mixed)) == []


def test_the_month_in_a_number_is_not_taken_for_its_counter() -> None:
    reading = read("2026-01-1", "2026-01-2", "2026-02-1", "2026-02-3")
    assert gaps(reading) == [("2026-02-2", "2026-02-2", 1)]
    assert {each.name for each in reading.series} == {"2026-01-#", "2026-02-#"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["202500098", "202500099"], ["202600001", "202600002"], []),
        (["25098", "25099"], ["26001", "26003"], [("26002", "26002", 1)]),
        (["F98", "F99"], ["F1", "F2"], []),
        (["F98", "F99"], ["F101"], [("F100", "F100", 1)]),
    ],
)
def test_a_series_that_starts_again_with_the_year_has_no_gap_there_and_one_that_goes_on_has(
    before: list[str], after: list[str], expected: list[tuple[str, str, int]]
) -> None:
    numbers = [Given(number=number, day=date(2025, 12, 30), seller="1") for number in before]
    numbers += [Given(number=number, day=date(2026, 1, 3), seller="1") for number in after]
    assert gaps(read_series(numbers)) == expected


def test_numbers_that_are_no_count_are_said_to_be_untold_rather_than_missing() -> None:
    identifiers = read("9000017", "1234567", "5550001")
    assert gaps(identifiers) == []
    assert "ne se suivent pas" in identifiers.untold[0].sentence
    nameless = read("MOISSON", "VENDANGE")
    assert sum(each.count for each in nameless.untold) == 2
    # A number of a series contains the very mark that its name is shown with.
    assert gaps(read("N#1", "N#3")) == [("N#2", "N#2", 1)]


def findings(scene: Scene, control: str) -> list[dict[str, Any]]:
    return list(run_control(scene.organisation, control, actor=ACTOR).findings)


@pytest.mark.django_db(transaction=True)
def test_a_gap_and_an_invoice_without_a_way_are_found_and_the_run_is_journalled(scene: Scene) -> None:
    scene.send(file("F-2026-1"), file("F-2026-3"), file("F-2026-4", SILENT))

    (gap,) = findings(scene, "sequence")
    assert "F-2026-2" in gap["sentence"]
    assert gap["number"] == "F-2026-3"
    (stopped,) = findings(scene, "unsent")
    assert stopped["number"] == "F-2026-4"
    assert stopped["sentence"].count("F-2026-4") == 1
    assert "relancez" in stopped["sentence"]
    with acting_for(scene.organisation.id):
        entries = [json.loads(entry.body) for entry in JournalEntry.objects.filter(kind="control_run").order_by("id")]
        runs = list(ControlRun.objects.order_by("id"))
    assert [(entry["control"], entry["found"]) for entry in entries] == [("sequence", 1), ("unsent", 1)]
    assert [entry["run"] for entry in entries] == [str(run.id) for run in runs]
    assert "F-2026" not in json.dumps(entries), "numbers stay out of what is never forgotten"


@pytest.mark.django_db(transaction=True)
def test_a_file_whose_bytes_changed_is_named_alone_by_the_next_control_of_integrity(scene: Scene) -> None:
    scene.send(file("F-1"), file("F-2"))  # of one pack
    (not_yet,) = findings(scene, "altered")
    assert not_yet["untold"]
    check_all(scene.organisation.id, actor=ACTOR, told=lambda _: None)
    assert findings(scene, "altered") == []
    scene.alter(scene.artefact("F-1", "legal").sha256)
    check_all(scene.organisation.id, actor=ACTOR, told=lambda _: None)

    damaged, named = findings(scene, "altered")
    assert "Un paquet de fichiers n’est plus intact" in damaged["sentence"]
    assert named["number"] == "F-1"
    assert "sauvegarde" in named["sentence"]


@pytest.mark.django_db(transaction=True)
def test_a_control_of_integrity_that_stopped_long_ago_is_said_to_tell_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.send(file("F-1"))
    check_all(scene.organisation.id, actor=ACTOR, told=lambda _: None)
    monkeypatch.setattr(control_checks, "OVERDUE", timedelta(0))

    (late,) = findings(scene, "altered")
    assert late["untold"]
    assert "worker" in late["sentence"]


@pytest.mark.beside_the_journal
@pytest.mark.django_db(transaction=True)
def test_a_tax_that_its_rate_does_not_give_is_found_and_a_rounding_is_not(scene: Scene) -> None:
    scene.send(file("F-1"))
    assert findings(scene, "vat") == []
    document = scene.document("F-1")
    document.invoice["vat_breakdown"][0]["tax_amount"] = str(
        float(document.invoice["vat_breakdown"][0]["tax_amount"]) + 0.01
    )
    with acting_for(scene.organisation.id):
        document.save(update_fields=["invoice"])
    assert not any("arrondis" in each["sentence"] for each in findings(scene, "vat"))
    document.invoice["vat_breakdown"][0]["tax_amount"] = "7.77"
    with acting_for(scene.organisation.id):
        document.save(update_fields=["invoice"])
    sentences = [each["sentence"] for each in findings(scene, "vat")]
    assert any("recalculée" in sentence for sentence in sentences)
    assert any("BR-CO-14" in sentence for sentence in sentences)


@pytest.mark.beside_the_journal
@pytest.mark.django_db(transaction=True)
def test_a_delivery_note_on_two_invoices_and_a_missing_order_are_found_as_configured(scene: Scene) -> None:
    scene.send(
        file("F-1", despatch_advice_reference="BL-9", purchase_order_reference="C-1"),
        file("F-2", despatch_advice_reference="BL-9", purchase_order_reference="C-1"),
        file("F-3", despatch_advice_reference="BL-10"),
    )
    (twice,) = findings(scene, "references")
    assert "BL-9" in twice["sentence"]
    assert "F-1, F-2" in twice["sentence"]
    with acting_for(scene.organisation.id):
        AuditSettings.objects.create(organisation=scene.organisation, required=["BT-13"], unique=[])
    (absent,) = findings(scene, "references")
    assert absent["number"] == "F-3"
    assert "BT-13" in absent["sentence"]


@pytest.mark.django_db(transaction=True)
def test_a_credit_note_alone_and_one_of_an_unknown_invoice_are_told_apart(scene: Scene) -> None:
    credit: dict[str, Any] = {"type_code": "381"}
    scene.send(
        file("F-1"),
        file("A-1", **credit),
        file("A-2", **credit, preceding_invoices=[{"number": "F-1", "issue_date": invoice("x")["issue_date"]}]),
        file("A-3", **credit, preceding_invoices=[{"number": "F-0", "issue_date": "2025-01-02"}]),
    )
    told = {each["number"]: each["untold"] for each in findings(scene, "corrections")}
    assert told == {"A-1": False, "A-3": True}


@pytest.mark.django_db(transaction=True)
def test_the_timetable_runs_each_control_once_until_it_is_due_again(scene: Scene) -> None:
    assert len(run_due(scene.organisation, actor=ACTOR)) == len(CONTROLS)
    assert run_due(scene.organisation, actor=ACTOR) == []
    assert len(run_due(scene.organisation, actor=ACTOR, everything=True)) == len(CONTROLS)
    with acting_for(scene.organisation.id):
        assert {each.mood for each in standings()} == {"done"}


@pytest.mark.django_db(transaction=True)
def test_the_command_shows_results_of_its_organisation_only(scene: Scene, rival: Organisation) -> None:
    scene.send(file("F-1", FARMER), file("F-3", FARMER))
    command = [sys.executable, "-m", "faitfoi.cli", "controls", "--run", "--organisation"]
    hers = typed([*command, scene.organisation.slug])
    assert hers.returncode == 1, hers.stderr
    assert "F-2" in hers.stdout
    theirs = typed([*command, rival.slug, "--json"])
    assert theirs.returncode == 0, theirs.stderr
    assert all(json.loads(line)["checked"] == 0 for line in theirs.stdout.splitlines())


def typed(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)

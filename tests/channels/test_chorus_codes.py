"""Our copies of Chorus Pro's lists: complete, readable, and never guessing."""

import csv
import os
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from faitfoi.channels.chorus_pro_codes import (
    flow_event,
    flow_states,
    invoice_statuses,
    read_instant,
    return_codes,
    user_actions,
)
from faitfoi.channels.contract import Grade

ROOT = Path(__file__).resolve().parents[2]
CODE_LISTS = Path(os.environ.get("FAITFOI_SHARED") or ROOT.parent / "shared") / "contracts" / "codelists"
DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-11-20", datetime(2026, 11, 19, 23, 0, tzinfo=UTC)),
        ("2026-07-20 17:42", datetime(2026, 7, 20, 15, 42, tzinfo=UTC)),
        ("2026-11-20T15:10:25.536+01:00", datetime(2026, 11, 20, 14, 10, 25, 536000, tzinfo=UTC)),
        ("2026-11-20T15:10:25Z", datetime(2026, 11, 20, 15, 10, 25, tzinfo=UTC)),
        (
            "2026-11-20T15:10:25.536+0100",
            datetime(2026, 11, 20, 15, 10, 25, 536000, tzinfo=timezone(timedelta(hours=1))),
        ),
    ],
)
def test_the_three_forms_of_date_are_read_in_paris(value: str, instant: datetime) -> None:
    assert read_instant(value) == instant


@pytest.mark.parametrize("value", ["", "20/11/2026", None, 1763650000000, "2026-13-01"])
def test_what_is_no_date_is_not_guessed(value: object) -> None:
    assert read_instant(value) is None


@pytest.mark.parametrize("name", ["chorus_flow_statuses.csv", "chorus_invoice_statuses.csv"])
def test_every_known_code_has_a_grade_and_a_sentence(name: str) -> None:
    """Complaint A9."""
    path = CODE_LISTS / name
    if not path.exists():
        pytest.skip(f"{path} is not there: the contract's code lists are kept beside the project")
    ours = flow_states() if "flow" in name else invoice_statuses()
    theirs = {row["code"] for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}
    assert set(ours) == theirs
    for meaning in ours.values():
        assert meaning.sentence.endswith(".")
        assert meaning.grade is not Grade.UNKNOWN_CODE


def test_only_an_end_is_final() -> None:
    final = {code for code, meaning in (*flow_states().items(), *invoice_statuses().items()) if meaning.final}
    assert final == {"IN_REJETE", "REJETEE", "MISE_EN_PAIEMENT", "ABANDONNEE", "SUPPRIMEE"}
    assert {code for code, meaning in flow_states().items() if meaning.integrated} == {
        "IN_INTEGRE",
        "IN_INTEGRE_PARTIEL",
    }


def test_actions_and_return_codes_are_read() -> None:
    assert user_actions()["TELECHARGEMENT_FACTURE"].grade is Grade.DELIVERED
    assert return_codes()["deposer/flux", "20001"].meaning == "too_big"


@pytest.mark.parametrize(("named", "grade"), [("F-2026-117", Grade.REJECTED), ("F-2026-999", Grade.ACCEPTED)])
def test_a_partial_integration_rejects_only_the_invoices_it_names(named: str, grade: Grade) -> None:
    report = {
        "etatCourantDepotFlux": "IN_INTEGRE_PARTIEL",
        "dateHeureEtatCourantFlux": "2026-11-20T15:10:28+01:00",
        "listeErreurDP": [{"numeroDP": named, "libelleErreurDP": "Doublon."}],
    }
    event = flow_event(report, b"", flow="CPP1", number="F-2026-117", issued=DAY)
    assert event.grade is grade
    assert event.final is (grade is Grade.REJECTED)
    assert ("Doublon." in event.reason) is (grade is Grade.REJECTED)


def test_a_state_without_any_date_is_still_told() -> None:
    event = flow_event({"etatCourantDepotFlux": "IN_RECU"}, b"", flow="CPP1", number="F", issued=DAY)
    assert event.at == datetime(2026, 11, 19, 23, 0, tzinfo=UTC)
    nothing = flow_event({}, b"", flow="CPP1", number="F", issued=DAY)
    assert nothing.grade is Grade.UNKNOWN_CODE
    assert "aucun état" in nothing.reason

"""Every lifecycle code of the catalogue is known, with its French name and its sentence (French contracts §3.3)."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from faitfoi.channels.afnor_codes import reason_sentences, status_sentences
from faitfoi.einvoice.cdar_codes import ACTIONS, AMOUNT_TYPES, FROM_CHORUS, REASONS, STATUSES

SHARED = Path(os.environ.get("FAITFOI_SHARED") or Path(__file__).parents[3] / "shared")
CODELISTS = SHARED / "contracts" / "codelists"
pytestmark = pytest.mark.skipif(not CODELISTS.is_dir(), reason="the shared code lists are not here")


def rows(name: str) -> list[Mapping[str, str]]:
    with (CODELISTS / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_status_has_its_name_its_phase_and_its_sentence() -> None:
    told = rows("lifecycle_statuses.csv")
    assert {row["code"] for row in told} == set(STATUSES) == set(status_sentences())
    for row in told:
        known = STATUSES[row["code"]]
        assert (known.label, known.phase, known.uncl1373) == (
            row["label_fr"],
            row["cdar_type_code_MDT77"],
            row["uncl1373_MDT88"],
        )
        assert known.terminal is row["terminal"].startswith("yes")
        assert known.reason_required is (row["reason_required_MDT113"] == "yes" or row["code"] == "501")
        assert status_sentences()[row["code"]][1].endswith(".")


def test_every_reason_goes_with_the_statuses_of_the_catalogue_and_has_its_sentence() -> None:
    told = rows("lifecycle_reasons.csv")
    assert {row["code"] for row in told} == set(REASONS) == set(reason_sentences())
    for row in told:
        assert REASONS[row["code"]][1] == frozenset(row["allowed_on_statuses"].split())
        assert (row["code"] in FROM_CHORUS) is bool(row["allowed_on_statuses_when_buyer_is_chorus_pro_0238_9999"])
        assert reason_sentences()[row["code"]].endswith(".")


def test_actions_and_amounts_are_those_of_the_catalogue() -> None:
    assert {row["code"] for row in rows("lifecycle_actions.csv")} == set(ACTIONS)
    assert {row["code"] for row in rows("cdar_characteristic_types.csv")} == AMOUNT_TYPES


@pytest.mark.parametrize("code", ["REJ_ADR", "DOUBLON", "REJ_SEMAN"])
def test_the_three_commonest_rejections_name_the_field_and_the_remedy(code: str) -> None:
    """Complaint B20."""
    sentence = reason_sentences()[code]
    assert "BT-" in sentence or "champ" in sentence
    assert any(word in sentence for word in ("corrigez", "Ne renvoyez rien", "émettez"))

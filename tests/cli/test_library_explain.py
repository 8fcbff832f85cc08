"""`faitfoi explain`, and what the shell completes."""

import json
import os
import subprocess

import pytest

from faitfoi.cli.library_explain import explanation, known_ids
from faitfoi.einvoice.rules import RULES
from tests.cli.commands import PROGRAM, ask


def test_a_rule_is_explained_in_both_languages_with_its_place_and_remedy() -> None:
    found = json.loads(ask("explain", "--json", "br-co-10").stdout)
    assert found["rule"] == "BR-CO-10"
    assert found["sentence_fr"].startswith("Le total des lignes")
    assert found["sentence_en"].startswith("The lines' net amounts")
    assert found["remedy_fr"]
    assert found["remedy_en"]
    assert found["severity"] == "fatal"
    assert found["terms"][0] == {
        "term": "BT-106",
        "name_fr": "total net des lignes",
        "name_en": "sum of line net amounts",
        "path": "totals.line_net",
    }
    shown = ask("explain", "BR-CO-10").stdout
    assert "dans le modèle : totals.line_net" in shown


def test_a_term_is_explained_with_the_rules_about_it() -> None:
    found = json.loads(ask("explain", "--json", "BT-131").stdout)
    assert found["path"] == "lines[].net_amount"
    assert "BR-24" in found["rules"]


@pytest.mark.parametrize("rule", ["FF-XSD", "FX-SCH-A-000556", "UBL-CR-001", "FF-NOT-KEPT", "BR-FR-05_BT-22_PMT"])
def test_what_only_others_judge_has_its_sentence_too(rule: str) -> None:
    done = ask("explain", rule)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) >= 2


def test_every_known_id_can_be_explained() -> None:
    told = {each: explanation(each) or {} for each in known_ids()}
    wordless = [each for each, found in told.items() if not (found.get("sentence_en") or found.get("path"))]
    assert wordless == []
    assert len(known_ids()) > len(RULES)


def test_an_unknown_id_gives_the_nearest() -> None:
    done = ask("explain", "BR-CO-1O")
    assert done.exit_code == 2
    assert "BR-CO-10" in done.stderr


def test_the_beginning_of_an_id_gives_those_that_begin_so() -> None:
    done = ask("explain", "br-fr-16")
    assert done.exit_code == 2
    for each in ("BR-FR-16_BT-96", "BR-FR-16_BT-119", "BR-FR-16_BT-152"):
        assert each in done.stderr
    assert "BR-16" not in done.stderr


@pytest.mark.parametrize(("typed", "offered"), [("BR-CO-1", "BR-CO-10"), ("ff-si", "ff-siren"), ("BT-13", "BT-131")])
def test_the_shell_completes_ids(typed: str, offered: str) -> None:
    environment = {
        **os.environ,
        "_FAITFOI_COMPLETE": "complete_zsh",
        "_TYPER_COMPLETE_ARGS": f"faitfoi explain {typed}",
    }
    script = "import sys; sys.argv = ['faitfoi']; from faitfoi.cli.main import app; app(prog_name='faitfoi')"
    done = subprocess.run([PROGRAM[0], "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert offered in done.stdout
    assert "BR-16" not in done.stdout


def test_the_shell_completes_commands() -> None:
    environment = {**os.environ, "_FAITFOI_COMPLETE": "complete_bash", "COMP_WORDS": "faitfoi co", "COMP_CWORD": "1"}
    script = "import sys; sys.argv = ['faitfoi']; from faitfoi.cli.main import app; app(prog_name='faitfoi')"
    done = subprocess.run([PROGRAM[0], "-c", script], env=environment, capture_output=True, text=True, check=False)
    offered = done.stdout.split()
    assert {"compare", "convert"} <= set(offered)
    assert [each for each in offered if not each.startswith("co")] == []

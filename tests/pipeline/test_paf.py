"""The written audit trail says what the configuration is, anew when that changes; the chain goes both ways."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.pipeline.chain import chain_of, written
from faitfoi.pipeline.controls import run_due
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.paf import changes, describe, write_trail
from faitfoi.pipeline.sealing import certificates_of
from faitfoi.records.models import AuditSettings, JournalEntry, WrittenTrail
from tests.pipeline.cast import ACTOR, TOWN, Scene, file, invoice
from tests.pipeline.test_series import begin, numbers, unnumbered
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_first_version_is_sealed_kept_journalled_and_says_the_real_settings(scene: Scene) -> None:
    run_due(scene.organisation, actor=ACTOR)
    made = write_trail(scene.organisation, actor=ACTOR)
    if place := os.environ.get("FAITFOI_SHOW"):
        Path(place).write_bytes(made.pdf)
    stated = json.loads(sandbox().attached(made.pdf, "piste-audit.json"))["statement"]
    with acting_for(scene.organisation.id):
        body = json.loads(JournalEntry.objects.get(kind="audit_trail_written").body)
        kept = WrittenTrail.objects.get()

    assert made.fresh
    assert body["sha256"] == kept.sha256
    assert kept.statement == stated
    assert check_seal(made.pdf, certificates=certificates_of(scene.organisation.id)) is SealState.INTACT
    assert stated["Organisation — SIREN"] == "000000018"
    assert "127.0.0.1" in stated["Canaux — Chorus Pro"]
    assert "certifié" not in "".join(stated.values())
    way = stated["Authenticité et intégrité — Voie"]
    assert "n’est pas qualifié" in way
    others = "".join(stated.values()).replace(way, "").replace("Cachet de démonstration, non qualifié", "")
    assert "qualifié" not in others, "only a certificate may say it"
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        assert pdf.open_metadata().pdfa_status == "3A"


def test_nothing_changed_gives_the_same_version_and_a_change_gives_a_new_one_that_names_it(scene: Scene) -> None:
    first = write_trail(scene.organisation, actor=ACTOR)
    again = write_trail(scene.organisation, actor=ACTOR)
    assert (again.fresh, again.pdf) == (False, first.pdf)
    scene.change(ChannelKey.EMAIL, host="relais.example")
    second = write_trail(scene.organisation, actor=ACTOR)
    assert second.version.version == 2
    (said,) = second.version.changed
    assert "Canaux — e-mail" in said
    assert "relais.example" in said


def test_a_series_is_told_and_how_far_it_went_is_no_new_version(scene: Scene) -> None:
    first = write_trail(scene.organisation, actor=ACTOR)
    assert first.version.statement["Organisation — Numéros"] == "donnés par le logiciel de facturation"
    begin(scene)
    (said,) = write_trail(scene.organisation, actor=ACTOR).version.changed
    assert "F (F-{year}-{n:05d}, vendeur 000000018)" in said
    scene.prepare(scene.hand_over(unnumbered("A"), unnumbered("B", issue_date="2027-01-04")))
    assert len(numbers(scene)) == 2
    assert not write_trail(scene.organisation, actor=ACTOR).fresh


def test_a_control_that_ran_is_no_new_version_by_itself(scene: Scene) -> None:
    write_trail(scene.organisation, actor=ACTOR)
    run_due(scene.organisation, actor=ACTOR)
    assert not write_trail(scene.organisation, actor=ACTOR).fresh


def test_no_secret_of_a_channel_is_stated(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, username="robot", password="s3cret-du-relais")
    made = write_trail(scene.organisation, actor=ACTOR)
    assert "s3cret" not in json.dumps(made.version.statement)
    assert "robot" not in json.dumps(made.version.statement)


def test_what_the_organisation_describes_is_a_change(scene: Scene) -> None:
    write_trail(scene.organisation, actor=ACTOR)
    given = {
        "responsible": "la trésorière",
        "storage_place": "Fontvallon, France",
        "before_invoicing": "Le bon de travaux est signé par l’adhérent.",
        "after_sending": "",
        "required": ["BT-16"],
        "unique": [],
        "ends_in": 6,
    }
    with acting_for(scene.organisation.id):
        describe(scene.organisation, AuditSettings(organisation=scene.organisation), given, actor=ACTOR)
    second = write_trail(scene.organisation, actor=ACTOR)
    said = " ".join(second.version.changed)
    assert "la trésorière" in said
    assert "fin juin" in said
    assert "bon de travaux" in said


def test_a_difference_is_said_as_what_is_what_was_and_what_has_gone() -> None:
    assert changes({"a": "1", "b": "2"}, {"a": "3", "c": "4"}) == [
        "a : « 3 » (était : « 1 »).",
        "c : « 4 » (nouveau).",
        "b : retiré (était : « 2 »).",
    ]


def test_the_chain_goes_from_the_order_to_the_credit_note_and_back(scene: Scene) -> None:
    day = invoice("x")["issue_date"]
    scene.send(
        file("F-1", purchase_order_reference="CDE-7", despatch_advice_reference="BL-3"),
        file("F-2", purchase_order_reference="CDE-7"),
        file("F-3", TOWN, purchase_order_reference="CDE-7"),
        file("A-1", type_code="381", preceding_invoices=[{"number": "F-1", "issue_date": day}]),
    )
    with acting_for(scene.organisation.id):
        chain = chain_of(scene.document("F-1"))
        credit = chain_of(scene.document("A-1"))
        told = "\n".join(written(chain))
    assert [(each.reference.term, each.reference.value) for each in chain.names] == [
        ("BT-13", "CDE-7"),
        ("BT-16", "BL-3"),
    ]
    assert [other.number for other in chain.names[0].shared_with] == ["F-2"], "another customer's order is not hers"
    assert [other.number for other in chain.named_by] == ["A-1"]
    assert [each.held.number for each in credit.names if each.held] == ["F-1"]
    assert "référence seule, non détenue" in told
    assert told.index("CDE-7") < told.index("● facture F-1") < told.index("→ avoir A-1")


def test_the_command_writes_the_trail_of_its_own_organisation(
    scene: Scene, rival: Organisation, tmp_path: Path
) -> None:
    target = tmp_path / "paf.pdf"
    command = [sys.executable, "-m", "faitfoi.cli", "paf", "-o", str(target), "--organisation", rival.slug]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert b"Val Clair" in sandbox().attached(target.read_bytes(), "piste-audit.json")

"""The commands of an archive's life, as the operator types them: terms, holds, eliminations, and the way out."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from typer.testing import CliRunner

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for, directory
from faitfoi.cli.main import app
from faitfoi.evidence.attestation import verify_attestation
from faitfoi.pipeline import archive
from faitfoi.pipeline.installation import sandbox
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Attestation, Customer, Elimination, WrittenTrail
from faitfoi.records.models_archive import AttestationKind
from tests.pipeline.cast import ACTOR, TOWN, Scene, file
from tests.pipeline.test_disk_full import Disk, disk
from tests.pipeline.test_export import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["disk"]  # a fixture that pytest finds here
PASSWORD = "mot de passe de démonstration"


def told(*words: str, code: int = 0) -> str:
    """What `faitfoi WORDS` says; it must end with `code`."""
    done = CliRunner().invoke(app, list(words), env={"FAITFOI_PASSWORD": PASSWORD})
    assert done.exit_code == code, (words, done.output)
    return str(done.output)


def test_terms_holds_and_eliminations_are_the_operator_s_to_ask_and_another_s_to_grant(
    scene: Scene, bob: User, settings: Settings
) -> None:
    scene.send(file("F-1"), file("F-2"))
    assert "10 ans" in told("retention")
    assert "12 ans" in told("retention", "invoice", "12")
    assert "au moins" in told("retention", "invoice", "9", code=2)

    assert "F-1 se garde" in told("eliminate", "request", "F-1", "--reason", "Terme.", code=2)
    settings.FAITFOI_TODAY = "2039-01-01"
    said = told("hold", "place", "--document", "F-1", "--reason", "Litige.")
    named = said.split()[1]
    assert named in told("hold", "list")
    assert "gelée" in told("eliminate", "request", "F-1", "--reason", "Terme.", code=2)
    told("hold", "lift", named, "--reason", "Fini.", "--by", bob.email)
    assert told("hold", "list") == ""

    asked = told("eliminate", "request", "F-1", "--reason", "Terme.").split()[1]
    assert "Éliminées" in told("eliminate", "approve", asked, "--by", bob.email)
    with acting_for(scene.organisation.id):
        assert Elimination.objects.get().state == Elimination.State.DONE
    assert scene.document("F-1").eliminated_at is not None
    assert scene.document("F-2").eliminated_at is None


def test_an_export_leaves_with_its_attestation_and_comes_in_nowhere_by_halves(scene: Scene, tmp_path: Path) -> None:
    scene.send(file("F-1"))
    out = tmp_path / "export"
    said = told("export", scene.organisation.slug, "--output", str(out))
    assert "1 partie(s)" in said
    with acting_for(scene.organisation.id):
        kept = Attestation.objects.get(kind=AttestationKind.RESTITUTION)
    pdf = archive.fetch(scene.organisation.id, kept.sha256)
    verdict = verify_attestation(pdf, sandbox().attached(pdf, "attestation.json"))
    assert verdict.sound, verdict.lies
    assert pdf in [path.read_bytes() for path in out.rglob("*.pdf")]
    before = sorted(Path(django_settings.FAITFOI_HOME, "store").rglob("*"))
    assert told("import", str(out), code=1)  # that organisation is here already
    assert sorted(Path(django_settings.FAITFOI_HOME, "store").rglob("*")) == before


@pytest.mark.beside_the_journal
def test_an_archive_comes_in_elsewhere_by_one_command_and_proves_itself_there(scene: Scene, tmp_path: Path) -> None:
    scene.send(file("F-1"), file("F-2", TOWN))
    with acting_for(scene.organisation.id):
        write_entry("written_by_hand", actor=ACTOR, rows=[scene.organisation, *Customer.objects.all()])
    out, sent = tmp_path / "export", (len(scene.mails()), len(scene.deposits()))
    told("export", scene.organisation.slug, "--output", str(out))
    elsewhere()
    said = told("import", str(out))
    assert said.startswith(f"{scene.organisation.name} : 2 pièces, ")
    assert "Tout est intact" in told("fsck")
    for number in ("F-1", "F-2"):
        dossier = tmp_path / f"{number}.zip"
        told("dossier", number, "--output", str(dossier))
        assert "Le dossier est vrai" in told("verify", str(dossier))
    scene.deliver()
    scene.ask()
    assert (len(scene.mails()), len(scene.deposits())) == sent
    assert "est déjà dans cette installation" in told("import", str(out), code=1)

    victim = next(out.rglob("data/objets/*/*"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    elsewhere()
    assert "data/objets" in told("import", str(out), code=1)
    with directory():
        assert not Organisation.objects.exists()


def test_a_request_is_listed_withdrawn_by_whoever_made_it_and_refused_by_another(
    scene: Scene, bob: User, settings: Settings
) -> None:
    scene.send(file("F-1"))
    settings.FAITFOI_TODAY = "2039-01-01"
    first = told("eliminate", "request", "F-1", "--reason", "Terme.").split()[1]
    assert first in told("eliminate", "list")
    told("eliminate", "refuse", first, "--reason", "Erreur.")
    second = told("eliminate", "request", "F-1", "--reason", "Terme.").split()[1]
    assert "refusée" in told("eliminate", "refuse", second, "--reason", "Pas encore.", "--by", bob.email)
    assert "déjà refusée" in told("eliminate", "refuse", second, "--reason", "Encore.", code=1)
    with acting_for(scene.organisation.id):
        assert {each.state for each in Elimination.objects.all()} == {Elimination.State.REFUSED}
    assert scene.document("F-1").eliminated_at is None


def test_a_full_disk_is_told_in_one_sentence_and_what_was_done_is_not_done_again(
    scene: Scene, disk: Disk, tmp_path: Path
) -> None:
    scene.send(file("F-1"))
    out, page, trail = tmp_path / "export", tmp_path / "deposit.pdf", tmp_path / "paf.pdf"
    disk.fill()
    for words in (("attest", "deposit", "F-1", "--output", str(page)), ("paf", "--output", str(trail))):
        assert "Faites de la place" in told(*words, code=1)
    said = told("export", scene.organisation.slug, "--output", str(out), code=1)
    assert "Faites de la place" in said
    assert not page.exists()
    assert not trail.exists()
    with acting_for(scene.organisation.id):
        assert not Attestation.objects.exists()
        assert not WrittenTrail.objects.exists()
    parts = {path: path.stat().st_mtime_ns for path in out.glob("partie-*")}
    disk.free()
    told("export", scene.organisation.slug, "--output", str(out))
    assert parts
    assert {path: path.stat().st_mtime_ns for path in out.glob("partie-*")} == parts
    told("attest", "deposit", "F-1", "--output", str(page))
    with acting_for(scene.organisation.id):
        assert sorted(Attestation.objects.values_list("number", flat=True)) == [1, 2]

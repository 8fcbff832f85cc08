"""The commands of an archive's life, as the operator types them: terms, holds, eliminations, and the way out."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from typer.testing import CliRunner

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.cli.main import app
from faitfoi.evidence.attestation import verify_attestation
from faitfoi.pipeline import archive
from faitfoi.pipeline.installation import sandbox
from faitfoi.records.models import Attestation, Elimination
from faitfoi.records.models_archive import AttestationKind
from tests.pipeline.cast import Scene, file

pytestmark = pytest.mark.django_db(transaction=True)

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

"""What we state on paper, sealed, is PDF/A-3a and PDF/UA-1 by veraPDF: each attestation, and the written trail."""

from pathlib import Path

import pytest
from pytest_django import Settings

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import archive
from faitfoi.pipeline.elimination import approve_elimination, request_elimination, run
from faitfoi.pipeline.exporting import export
from faitfoi.pipeline.paf import read_trail, write_trail
from faitfoi.pipeline.restitution import attest_restitution
from faitfoi.pipeline.statements import attest_document
from faitfoi.records.models import Attestation, WrittenTrail
from faitfoi.records.models_archive import AttestationKind
from tests.oracles.verapdf import verapdf
from tests.pipeline.cast import ACTOR, Scene, file

pytestmark = [pytest.mark.oracle, pytest.mark.django_db(transaction=True)]

OF_A_DOCUMENT = (AttestationKind.DEPOSIT, AttestationKind.INTEGRITY, AttestationKind.COMMUNICATION)


def test_verapdf_has_nothing_against_any_paper(
    scene: Scene, alice: User, bob: User, settings: Settings, tmp_path: Path
) -> None:
    scene.send(file("F-1"))
    organisation_id, document_id = scene.organisation.id, scene.document("F-1").id
    for kind in OF_A_DOCUMENT:
        attest_document(organisation_id, document_id, kind, actor=ACTOR)
    attest_restitution(organisation_id, export(organisation_id, tmp_path / "out"), tmp_path / "out", actor=ACTOR)
    settings.FAITFOI_TODAY = "2037-01-01"
    asked = request_elimination(organisation_id, [document_id], reason="Terme.", actor=f"user:{alice.pk}")
    approve_elimination(organisation_id, asked.id, actor=f"user:{bob.pk}")
    run(organisation_id, asked.id, actor="worker")

    paths = []
    with acting_for(organisation_id):
        kept = list(Attestation.objects.all())
    assert {each.kind for each in kept} == set(AttestationKind.values)
    for each in kept:
        paths.append(tmp_path / f"{each.kind}.pdf")
        paths[-1].write_bytes(archive.fetch(organisation_id, each.sha256))
    write_trail(scene.organisation, actor=ACTOR)
    with acting_for(organisation_id):
        trail = WrittenTrail.objects.get()
    paths.append(tmp_path / "trail.pdf")
    paths[-1].write_bytes(read_trail(trail))
    for flavour in ("3a", "ua1"):
        assert verapdf(paths, flavour) == dict.fromkeys(paths, ())

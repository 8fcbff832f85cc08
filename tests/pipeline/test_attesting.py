"""Attestations: numbered without gaps, sealed, journalled, verified by us and by others, and never false."""

import io
import json
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asn1crypto import x509
from django.db import connection
from django.test import Client
from django.urls import reverse
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.attestation import verify_attestation
from faitfoi.pipeline.attesting import CannotAttest, Issued, read_attestation
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.sealing import seal_key
from faitfoi.pipeline.statements import OF_A_DOCUMENT, attest_document
from faitfoi.records.models import Attestation, JournalEntry
from faitfoi.records.models_archive import AttestationKind
from tests.pipeline.cast import ACTOR, TOWN, Scene, file
from tests.pipeline.typist import Typist

pytestmark = pytest.mark.django_db(transaction=True)


def attest(scene: Scene, number: str, kind: AttestationKind = AttestationKind.DEPOSIT) -> Issued:
    return attest_document(scene.organisation.id, scene.document(number).id, kind, actor=ACTOR)


def facts_of(pdf: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sandbox().attached(pdf, "attestation.json"))
    return told


def numbers(scene: Scene) -> list[int]:
    with acting_for(scene.organisation.id):
        return list(Attestation.objects.order_by("number").values_list("number", flat=True))


@pytest.mark.parametrize("kind", OF_A_DOCUMENT)
def test_an_attestation_verifies_by_itself_and_says_what_the_store_holds(scene: Scene, kind: AttestationKind) -> None:
    scene.send(file("F-1"), file("F-2", TOWN))
    issued = attest(scene, "F-2", kind)
    facts = facts_of(issued.pdf)
    verdict = verify_attestation(issued.pdf, json.dumps(facts).encode())
    assert verdict.sound
    assert len(verdict.fingerprints) == 3
    assert {each["sha256"] for each in facts["objects"]} <= {
        scene.artefact("F-2", role).sha256 for role in ("original", "legal", "chorus")
    }
    with acting_for(scene.organisation.id):
        entry = json.loads(JournalEntry.objects.get(kind="attestation_issued").body)
    assert (entry["sha256"], entry["number"], entry["states"]) == (issued.attestation.sha256, 1, kind.value)
    assert read_attestation(issued.attestation) == issued.pdf
    assert examine_installation().problems == ()


def test_others_find_the_seal_valid(scene: Scene) -> None:
    scene.send(file("F-1"))
    issued = attest(scene, "F-1")
    (signature,) = PdfFileReader(io.BytesIO(issued.pdf)).embedded_signatures
    root = x509.Certificate.load(seal_key(scene.organisation.id).certificate)
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[root], allow_fetching=False))
    assert (status.intact, status.valid, status.coverage) == (True, True, SignatureCoverageLevel.ENTIRE_FILE)


def test_numbers_have_no_gap_even_when_asked_for_at_once(scene: Scene) -> None:
    scene.send(file("F-1"))
    document_id = scene.document("F-1").id
    failed: list[BaseException] = []

    def ask(document: UUID) -> None:
        try:
            attest_document(scene.organisation.id, document, AttestationKind.DEPOSIT, actor=ACTOR)
        except BaseException as error:  # noqa: BLE001  # told by the assertion below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(document_id,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert numbers(scene) == [1, 2, 3]


def test_a_damaged_file_is_not_attested_and_burns_no_number(scene: Scene) -> None:
    scene.send(file("F-1"))
    scene.alter(scene.artefact("F-1", "legal").sha256)
    with pytest.raises(CannotAttest, match="a changé depuis son dépôt"):
        attest(scene, "F-1", AttestationKind.INTEGRITY)
    assert numbers(scene) == []


def test_what_was_not_sent_is_not_attested_as_communicated(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1")))
    with pytest.raises(CannotAttest, match="Rien n’est encore parti"):
        attest(scene, "F-1", AttestationKind.COMMUNICATION)


def test_the_command_writes_it_and_verify_judges_it_and_names_a_lie(
    scene: Scene, tmp_path: Path, typist: Typist
) -> None:
    scene.send(file("F-1"))
    target = tmp_path / "a.pdf"
    done = typist.type("attest", "deposit", "F-1", "-o", str(target), "--organisation", scene.organisation.slug)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ATT-000001" in done.stdout, done.stdout
    assert target.exists(), done.stdout
    judged = typist.type("verify", str(target))
    assert judged.returncode == 0, judged.stderr
    assert "L’attestation est vraie" in judged.stdout
    content = bytearray(target.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(content)
    assert typist.type("verify", str(target)).returncode in {1, 2}
    with_more = issued_pdf = tmp_path / "b.pdf"
    issued_pdf.write_bytes(attest(scene, "F-1").pdf + b"\n%")
    judged = typist.type("verify", str(with_more))
    assert judged.returncode == 1
    assert "son cachet ne tient pas" in judged.stderr


@pytest.mark.parametrize("lie", ["root", "object", "key"])
def test_data_that_lie_are_seen(scene: Scene, lie: str) -> None:
    scene.send(file("F-1"))
    issued = attest(scene, "F-1")
    text = json.dumps(facts_of(issued.pdf))
    facts = json.loads(text)
    if lie == "root":
        facts["entries"][0]["body"] = facts["entries"][0]["body"].replace("document_sealed", "document_sealeD")
    elif lie == "object":
        facts["objects"][0]["sha512"] = "0" * 128
    else:
        facts["fingerprints"]["clé du journal"] = "0" * 64
    assert not verify_attestation(issued.pdf, json.dumps(facts).encode()).sound


def test_the_button_issues_it_and_only_members_take_it(scene: Scene, alice: User, charlie: User) -> None:
    scene.send(file("F-1"))
    slug, document = scene.organisation.slug, scene.document("F-1")
    ask = reverse("attest", args=[slug, document.id])
    theirs, client = Client(), Client()
    theirs.force_login(charlie)
    client.force_login(alice)
    assert theirs.post(ask, {"kind": "deposit"}).status_code == 404
    assert numbers(scene) == []
    assert client.post(ask, {"kind": "restitution"}).status_code == 404
    page = client.post(ask, {"kind": "deposit"}, follow=True)
    assert "ATT-000001" in page.content.decode()
    with acting_for(scene.organisation.id):
        attestation = Attestation.objects.get()
    take = reverse("attestation", args=[slug, attestation.id])
    assert client.get(take).content == read_attestation(attestation)
    assert theirs.get(take).status_code == 404
    assert theirs.get(reverse("attestation", args=["val-clair", attestation.id])).status_code == 404

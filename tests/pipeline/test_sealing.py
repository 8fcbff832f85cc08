"""A key is made, brought in, replaced, distrusted: each act is journalled, and no invoice is lost or half sealed."""

import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings as django_settings
from django.utils import timezone
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pytest_django import Settings

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.fsck import ProblemKind
from faitfoi.evidence.keys import KeyRefused, SignerSilent
from faitfoi.evidence.seal_check import SealState, check_seal, sealed_by
from faitfoi.pipeline import prepare as preparing
from faitfoi.pipeline.artefacts import read as read_artefact
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.seal_keys import bring_in, choose, declare_compromised, ensure_seal_key, rotate, use
from faitfoi.pipeline.sealing import (
    CannotSeal,
    certificate_on,
    certificates_of,
    doubtful,
    known_certificates,
    seal_key,
)
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.pipeline.writing_down import write_down
from faitfoi.records.journal import sequence
from faitfoi.records.models import Checkpoint, CheckpointStamp, JournalEntry, SealCertificate
from faitfoi.records.models_seal import SealDriver, SealLevel, WithoutStamp
from faitfoi.records.models_seal import SealState as KeyState
from faitfoi.records.stages import LineOutcome
from faitfoi.simulators.control import Fault, FaultKind
from faitfoi.simulators.csc import CscSimulator
from tests.evidence.authority import PASSWORD, Authority, new_key
from tests.evidence.tsa import Authority as StampAuthority
from tests.evidence.tsa import serving
from tests.pipeline.cast import ACTOR, Scene, file

pytestmark = pytest.mark.django_db(transaction=True)


def pdf(scene: Scene, number: str) -> bytes:
    return read_artefact(scene.artefact(number, "legal"))


def entries(scene: Scene, kind: str) -> list[dict[str, Any]]:
    import json

    with acting_for(scene.organisation.id):
        return [json.loads(each.body) for each in JournalEntry.objects.filter(kind=kind).order_by("id")]


def current(scene: Scene) -> SealCertificate:
    return known_certificates(scene.organisation.id)[-1]


def pkcs12_file() -> bytes:
    authority, key = Authority(), new_key("P-256")
    return authority.pkcs12(key, authority.issue(key, start=timezone.now()))


def test_the_first_need_makes_one_key_encrypted_and_journalled(scene: Scene) -> None:
    scene.send(file("F-1"), file("F-2"))
    (only,) = known_certificates(scene.organisation.id)
    folder = Path(django_settings.FAITFOI_HOME) / "keys" / "seal" / str(scene.organisation.id) / only.fingerprint
    assert (folder / "key.pem").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    (created,) = entries(scene, "seal_key_created")
    assert created["certificate"] == only.fingerprint == sealed_by(pdf(scene, "F-1"))
    assert [each["seal_certificates"] for each in entries(scene, "document_sealed")] == [[only.fingerprint]] * 2


def test_a_rotation_leaves_the_old_seals_verified_and_the_next_ones_carry_the_new(scene: Scene) -> None:
    scene.send(file("F-1"))
    old = current(scene)
    new = rotate(scene.organisation, actor=ACTOR, algorithm="RSA-3072")
    scene.send(file("F-2"))

    assert sealed_by(pdf(scene, "F-1")) == old.fingerprint
    assert sealed_by(pdf(scene, "F-2")) == new.fingerprint
    assert certificate_on(scene.organisation.id, pdf(scene, "F-1")) == old.certificate
    certificates = certificates_of(scene.organisation.id)
    assert {check_seal(pdf(scene, number), certificates) for number in ("F-1", "F-2")} == {SealState.INTACT}
    (rotated,) = entries(scene, "seal_key_rotated")
    assert (rotated["previous"], rotated["certificate"]) == (old.fingerprint, new.fingerprint)
    report = examine_installation()
    assert report.sound, report.problems
    assert report.seals == 2


def test_an_organisation_s_own_key_comes_in_with_its_chain(scene: Scene) -> None:
    scene.send(file("F-1"))
    content = pkcs12_file()
    row = bring_in(scene.organisation, content, password=PASSWORD, where="cachet.p12", actor=ACTOR)
    scene.send(file("F-2"))

    assert row.chain.count("BEGIN CERTIFICATE") == 2
    assert sealed_by(pdf(scene, "F-2")) == row.fingerprint
    assert examine_installation().sound
    with pytest.raises(KeyRefused, match="déjà connu"):
        bring_in(scene.organisation, content, password=PASSWORD, where="cachet.p12", actor=ACTOR)
    with pytest.raises(KeyRefused, match="mot de passe"):
        bring_in(scene.organisation, pkcs12_file(), password="un autre", where="cachet.p12", actor=ACTOR)
    assert current(scene).fingerprint == row.fingerprint


def test_a_compromised_key_seals_nothing_more_and_what_waits_leaves_with_the_next_one(scene: Scene) -> None:
    scene.send(file("F-1"))
    old = current(scene)
    declare_compromised(scene.organisation, old.fingerprint[:12], actor=ACTOR)
    with pytest.raises(CannotSeal, match="compromise"):
        seal_key(scene.organisation.id)

    batch = scene.send(file("F-2"), file("F-3"))
    lines = scene.lines(batch)
    assert [line.outcome for line in lines] == [LineOutcome.WAITING] * 2
    assert all("cachet" in line.reason for line in lines)
    scene.prepare(batch)
    assert len(entries(scene, "line_waits_for_seal")) == 2, "the journal hears it once"
    assert len(known_certificates(scene.organisation.id)) == 1, "no other key without somebody's word"

    rotate(scene.organisation, actor=ACTOR)
    scene.prepare(batch)
    scene.deliver()
    assert scene.counts(batch).sent == 2
    assert [line.reason for line in scene.lines(batch)] == ["", ""]
    assert sealed_by(pdf(scene, "F-2")) == current(scene).fingerprint != old.fingerprint


def test_what_was_sealed_before_a_compromise_and_not_written_down_yet_is_sealed_again(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"))
    (line,) = scene.lines(batch)
    prepared = list(preparing.effects(scene.organisation, [line.id], actor=ACTOR))
    assert len(prepared) == 1
    declare_compromised(scene.organisation, current(scene).fingerprint, actor="bob")
    with acting_for(scene.organisation.id):
        assert write_down(scene.organisation, prepared, actor=ACTOR) == []
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.WAITING]
    assert entries(scene, "document_sealed") == []
    new = rotate(scene.organisation, actor=ACTOR)
    scene.prepare(batch)
    assert sealed_by(pdf(scene, "F-1")) == new.fingerprint


def test_a_compromise_tells_what_came_after_the_last_stamped_checkpoint(scene: Scene) -> None:
    scene.send(file("F-1"))
    size = witnessed()
    stamp = CheckpointStamp(checkpoint=Checkpoint.objects.get(size=size), authority="tsa.example", token=b"x")
    stamp.at = timezone.now()
    stamp.save()
    scene.send(file("F-2"))
    row = declare_compromised(scene.organisation, current(scene).fingerprint, actor=ACTOR)
    sequence()

    assert row.trusted_size == size
    assert [each.document_id for each in doubtful(scene.organisation.id, row)] == [scene.document("F-2").id]
    (entry,) = entries(scene, "seal_key_compromised")
    assert (entry["certificate"], entry["trusted_size"]) == (row.fingerprint, size)
    again = declare_compromised(scene.organisation, row.fingerprint, actor=ACTOR)
    assert again.trusted_size == size
    assert len(entries(scene, "seal_key_compromised")) == 1


@pytest.mark.beside_the_journal
def test_the_examination_tells_a_seal_made_after_a_compromise(scene: Scene) -> None:
    """Who has stolen the key and holds the database: back in service for a moment, without a word in the journal."""
    scene.send(file("F-1"))
    row = declare_compromised(scene.organisation, current(scene).fingerprint, actor=ACTOR)
    witnessed()
    before = examine_installation()
    assert (before.sound, before.doubts) == (True, 1)  # sealed before the word, after no stamp: told, not a lie

    with acting_for(scene.organisation.id):
        SealCertificate.objects.filter(id=row.id).update(state=KeyState.ACTIVE)
    scene.send(file("F-2"))
    with acting_for(scene.organisation.id):
        SealCertificate.objects.filter(id=row.id).update(state=KeyState.COMPROMISED)
    after = examine_installation()
    (problem,) = after.problems
    assert (problem.kind, problem.object) == (ProblemKind.SEAL_COMPROMISED, str(scene.document("F-2").id))
    assert after.doubts == 1


def test_without_any_stamp_a_compromise_leaves_nothing_certain(scene: Scene) -> None:
    scene.send(file("F-1"))
    row = declare_compromised(scene.organisation, current(scene).fingerprint, actor=ACTOR)
    assert row.trusted_size == 0
    assert len(doubtful(scene.organisation.id, row)) == 1


def test_the_key_of_one_organisation_is_unknown_to_the_other(scene: Scene, rival: Organisation) -> None:
    ensure_seal_key(scene.organisation)
    ensure_seal_key(rival)
    hers = current(scene)
    assert [row.fingerprint for row in known_certificates(rival.id)] != [hers.fingerprint]
    with pytest.raises(KeyRefused, match="aucun certificat"):
        declare_compromised(rival, hers.fingerprint, actor=ACTOR)
    with acting_for(rival.id):
        assert not SealCertificate.objects.filter(fingerprint=hers.fingerprint).exists()
    assert current(scene).state == "active"
    assert seal_key(rival.id).certificate != seal_key(scene.organisation.id).certificate


def test_no_name_and_no_secret_is_in_what_the_journal_says_of_keys(scene: Scene) -> None:
    bring_in(scene.organisation, pkcs12_file(), password=PASSWORD, where="cachet.p12", actor=ACTOR)
    rotate(scene.organisation, actor=ACTOR)
    with acting_for(scene.organisation.id):
        said = "".join(JournalEntry.objects.filter(kind__startswith="seal_key").values_list("body", flat=True))
    assert "Vallées" not in said
    assert PASSWORD not in said
    assert "cachet.p12" not in said


def test_the_chain_that_is_kept_is_the_chain_that_seals(scene: Scene) -> None:
    row = bring_in(scene.organisation, pkcs12_file(), password=PASSWORD, where="cachet.p12", actor=ACTOR)
    from cryptography import x509

    kept = [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(row.chain.encode())]
    assert list(seal_key(scene.organisation.id).chain) == kept


@pytest.fixture
def provider(scene: Scene) -> Iterator[CscSimulator]:
    """A remote signing service whose key Alice's organisation uses."""
    simulator = CscSimulator()
    simulator.start()
    use(scene.organisation, SealDriver.CSC, simulator.settings, actor=ACTOR)
    yield simulator
    simulator.stop()


def test_a_remote_key_is_tried_first_then_used_and_its_access_is_kept_encrypted(
    scene: Scene, provider: CscSimulator
) -> None:
    batch = scene.send(file("F-1"))
    assert scene.counts(batch).sent == 1
    row = current(scene)
    assert row.driver == SealDriver.CSC
    assert sealed_by(pdf(scene, "F-1")) == row.fingerprint
    assert check_seal(pdf(scene, "F-1"), certificates_of(scene.organisation.id)) is SealState.INTACT
    assert provider.settings["client_secret"].encode() not in bytes(row.sealed_values)
    with pytest.raises(SignerSilent):
        use(scene.organisation, SealDriver.CSC, {**provider.settings, "pin": "0"}, actor=ACTOR)
    assert current(scene).fingerprint == row.fingerprint


def test_a_service_that_is_down_makes_lines_wait_and_nothing_is_lost_or_half_sealed(
    scene: Scene, provider: CscSimulator
) -> None:
    provider.faults.add(Fault(kind=FaultKind.DOWN, times=None, on="signHash"))
    batch = scene.send(file("F-1"), file("F-2"))
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.WAITING] * 2
    assert all("service de signature" in line.reason for line in scene.lines(batch))
    assert entries(scene, "document_sealed") == []
    assert scene.mails() == []

    provider.faults.clear()
    scene.prepare(batch)
    scene.deliver()
    assert scene.counts(batch).sent == 2
    assert len(scene.mails()) == 2
    report = examine_installation()
    assert report.sound, report.problems


@pytest.fixture
def authority(tmp_path: Path, settings: Settings) -> Iterator[StampAuthority]:
    """A time-stamp authority that the installation is told of."""
    with serving(StampAuthority(tmp_path / "tsa")) as answering:
        settings.FAITFOI_TSA, settings.FAITFOI_TSA_ROOTS = answering.url, str(answering.roots)
        yield answering


def test_a_stamped_seal_carries_its_token_and_waits_for_it(scene: Scene, authority: StampAuthority) -> None:
    choose(scene.organisation, level=SealLevel.STAMPED, without_stamp=WithoutStamp.WAIT, place="", actor=ACTOR)
    authority.down = True
    batch = scene.send(file("F-1"))
    (line,) = scene.lines(batch)
    assert line.outcome == LineOutcome.WAITING
    assert "horodatage" in line.reason

    authority.down = False
    scene.prepare(batch)
    assert check_seal(pdf(scene, "F-1"), certificates_of(scene.organisation.id)) is SealState.INTACT
    assert b"/ETSI.CAdES.detached" in pdf(scene, "F-1")
    assert entries(scene, "document_sealed")[-1]["seal_levels"] == ["B-T"]
    (signature,) = PdfFileReader(io.BytesIO(pdf(scene, "F-1"))).embedded_signatures
    status = validate_pdf_signature(signature, ts_validation_context=_trusting(authority.roots.read_bytes()))
    assert status.timestamp_validity is not None
    assert (status.timestamp_validity.intact, status.timestamp_validity.trusted) == (True, True)
    assert examine_installation().sound


def _trusting(pem: bytes) -> ValidationContext:
    return ValidationContext(trust_roots=list(load_certs_from_pemder_data(pem)))


def test_when_somebody_chose_so_a_missing_stamp_gives_a_plain_seal_and_the_journal_says_it(
    scene: Scene, authority: StampAuthority
) -> None:
    choose(scene.organisation, level=SealLevel.STAMPED, without_stamp=WithoutStamp.CHECKPOINT, place="", actor=ACTOR)
    authority.down = True
    batch = scene.send(file("F-1"))
    assert scene.counts(batch).sent == 1
    assert entries(scene, "document_sealed")[-1]["seal_levels"] == ["B-B"]
    (chosen,) = entries(scene, "seal_choices_changed")
    assert (chosen["level"], chosen["without_stamp"]) == ("B-T", "checkpoint")


def test_stamped_seals_are_not_chosen_without_an_authority(scene: Scene, settings: Settings) -> None:
    settings.FAITFOI_TSA = ""
    with pytest.raises(KeyRefused, match="FAITFOI_TSA"):
        choose(scene.organisation, level=SealLevel.STAMPED, without_stamp=WithoutStamp.WAIT, place="", actor=ACTOR)


def test_a_visible_seal_is_put_where_somebody_chose(scene: Scene) -> None:
    choose(
        scene.organisation,
        level=SealLevel.BASIC,
        without_stamp=WithoutStamp.WAIT,
        place="360 20 180 36",
        actor=ACTOR,
    )
    batch = scene.send(file("F-1"))
    assert scene.counts(batch).sent == 1
    assert b"/FaitfoiSeal" in pdf(scene, "F-1")
    assert check_seal(pdf(scene, "F-1"), certificates_of(scene.organisation.id)) is SealState.INTACT
    with pytest.raises(ValueError, match="points"):
        choose(scene.organisation, level=SealLevel.BASIC, without_stamp=WithoutStamp.WAIT, place="coin", actor=ACTOR)

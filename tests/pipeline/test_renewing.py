"""Time-stamps are renewed before their authority's certificate expires, and a dossier carries the record of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from faitfoi.evidence.dossier_check import verify_dossier
from faitfoi.evidence.ers import EvidenceRecord
from faitfoi.evidence.ers_check import check_evidence
from faitfoi.evidence.stamps import load_roots
from faitfoi.pipeline.renewing import CAUSE, renew_stamps
from faitfoi.pipeline.stamping import stamp_last_checkpoint
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.records.models import Alarm, StampRenewal
from tests.evidence.tsa import Authority, serving
from tests.pipeline.cast import Scene, file
from tests.pipeline.test_dossier import files_of, refresh_lists, unpacked, verify

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stamp_is_renewed_in_time_and_the_dossier_proves_it(scene: Scene, tmp_path: Path, settings: Settings) -> None:
    soon = datetime.now(UTC) + timedelta(days=100)  # noqa: TID251  # the authorities stamp the real hour
    first = Authority(tmp_path / "first", valid_until=soon)
    second = Authority(tmp_path / "second", valid_until=soon + timedelta(days=100))
    third = Authority(tmp_path / "third", valid_until=soon + timedelta(days=2000))
    roots = tmp_path / "roots.pem"
    roots.write_bytes(b"".join(each.roots.read_bytes() for each in (first, second, third)))
    settings.FAITFOI_TSA_ROOTS = str(roots)
    with serving(first), serving(second), serving(third):
        settings.FAITFOI_TSA = first.url
        for number in ("F-1", "F-2", "F-3"):
            scene.send(file(number))
            witnessed()
            assert stamp_last_checkpoint() == 1
        fresh = unpacked(scene, "F-1", tmp_path / "fresh")
        assert verify_dossier(files_of(fresh)).lies == ()
        said = verify(fresh)
        assert (said.returncode, said.stderr) == (0, "")
        assert "la preuve d'ancienneté est celle du point de contrôle" in said.stdout

        assert renew_stamps() == 0  # no later certificate: an alarm, and nothing is kept
        assert (Alarm.objects.filter(cause=CAUSE).count(), StampRenewal.objects.count()) == (1, 0)
        settings.FAITFOI_TSA = second.url
        assert (renew_stamps(), Alarm.objects.filter(cause=CAUSE).count()) == (3, 0)
        assert renew_stamps(margin=timedelta(days=150)) == 0  # renewed for longer than that
        settings.FAITFOI_TSA = third.url
        assert renew_stamps(margin=timedelta(days=300)) == 3
        dossier = unpacked(scene, "F-2", tmp_path / "renewed")

    record = (dossier / "data/evidence.ers").read_bytes()
    found = check_evidence(
        record,
        {"data/checkpoint": (dossier / "data/checkpoint").read_bytes()},
        roots=load_roots((dossier / "data/horodatage/racines.pem").read_bytes()),
    )
    assert len(found.instants) == 3
    assert found.until > soon + timedelta(days=1900)
    assert verify_dossier(files_of(dossier)).lies == ()
    said = verify(dossier)
    assert (said.returncode, said.stderr) == (0, "")
    assert "les 2 renouvellements" in said.stdout

    # A record of its own checkpoint only: that of another dossier names itself, for both judges.
    (fresh / "data/evidence.ers").write_bytes(record)
    refresh_lists(fresh)
    assert "data/evidence.ers" in verify(fresh).stderr
    assert [lie.file for lie in verify_dossier(files_of(fresh)).lies] == ["data/evidence.ers"]
    chain = EvidenceRecord.parse(record).chains[0]
    (dossier / "data/evidence.ers").write_bytes(EvidenceRecord(chains=((chain[0], chain[2]),)).dump())
    refresh_lists(dossier)
    assert verify_dossier(files_of(dossier)).sound  # a renewal covers every token before it, so one may be left out

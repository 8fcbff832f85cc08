"""Time-stamps are renewed before their authority's certificate expires, and a dossier carries the record of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from faitfoi.evidence.dossier_check import verify_dossier
from faitfoi.evidence.ers import EvidenceRecord, Hash
from faitfoi.evidence.ers_check import check_evidence
from faitfoi.evidence.stamps import load_roots
from faitfoi.pipeline.renewing import CAUSE, HASH_CAUSE, HashUnknown, Renewals, renew, renew_stamps
from faitfoi.pipeline.stamping import stamp_last_checkpoint
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.records.models import Alarm, StampRenewal
from tests.evidence.tsa import Authority, serving
from tests.oracles.bouncycastle import bouncycastle
from tests.oracles.dss import dss_records
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


def test_a_hash_that_is_about_to_fall_is_left_for_another_and_the_dossier_proves_it(
    scene: Scene, tmp_path: Path, settings: Settings
) -> None:
    dossier, roots = aged(scene, tmp_path, settings)
    record = EvidenceRecord.parse((dossier / "data/evidence.ers").read_bytes())
    assert [[each.algorithm for each in chain] for chain in record.chains] == [
        [Hash.SHA512, Hash.SHA512],
        [Hash.SHA3_512, Hash.SHA3_512],
    ]
    found = check_evidence(
        record.dump(),
        {"data/checkpoint": (dossier / "data/checkpoint").read_bytes()},
        roots=load_roots(roots.read_bytes()),
    )
    assert (len(found.instants), found.algorithm) == (4, Hash.SHA3_512)
    assert verify_dossier(files_of(dossier)).lies == ()
    said = verify(dossier)
    assert (said.returncode, said.stderr) == (0, "")
    assert "les 3 renouvellements de la preuve d'ancienneté sont signés" in said.stdout
    # The script knows who signed each renewal: a byte of the last one's signature, and its root away, are named.
    whole = record.dump()
    (dossier / "data/evidence.ers").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refresh_lists(dossier)
    assert "data/evidence.ers a un renouvellement" in verify(dossier).stderr
    (dossier / "data/evidence.ers").write_bytes(whole)
    kept = (dossier / "data/horodatage/racines.pem").read_text()
    fewer = kept[: kept.rindex("-----BEGIN")]
    (dossier / "data/horodatage/racines.pem").write_text(fewer)
    refresh_lists(dossier)
    assert "ne mène pas à data/horodatage/racines.pem" in verify(dossier).stderr
    (dossier / "data/horodatage/racines.pem").write_text(kept)

    first, second = record.chains
    for forged in (
        EvidenceRecord(chains=(first[:1], second)),  # the chain that was hashed anew was a longer one
        EvidenceRecord(chains=(second,)),
        EvidenceRecord(chains=(first, (second[1],))),
    ):
        (dossier / "data/evidence.ers").write_bytes(forged.dump())
        refresh_lists(dossier)
        assert [lie.file for lie in verify_dossier(files_of(dossier)).lies] == ["data/evidence.ers"]


def aged(scene: Scene, folder: Path, settings: Settings) -> tuple[Path, Path]:
    """A dossier whose record was stamped anew, hashed anew, stamped anew; and the roots of its tokens."""
    soon = datetime.now(UTC) + timedelta(days=100)  # noqa: TID251  # the authorities stamp the real hour
    ends = (soon, soon + timedelta(days=1_000), soon + timedelta(days=2_000))
    authorities = [Authority(folder / f"tsa-{n}", valid_until=end) for n, end in enumerate(ends)]
    roots = folder / "roots.pem"
    roots.write_bytes(b"".join(each.roots.read_bytes() for each in authorities))
    settings.FAITFOI_TSA_ROOTS = str(roots)
    with serving(authorities[0]), serving(authorities[1]), serving(authorities[2]):
        settings.FAITFOI_TSA = authorities[0].url
        for number in ("F-1", "F-2", "F-3"):
            scene.send(file(number))
            witnessed()
            assert stamp_last_checkpoint() == 1
        settings.FAITFOI_TSA = authorities[1].url
        assert renew() == Renewals(stamped=3, hashed=0)
        settings.FAITFOI_EVIDENCE_HASH = "SHA3-512"
        authorities[1].down = True
        assert renew() == Renewals(stamped=0, hashed=0)
        assert "hachées de nouveau (sha3_512)" in Alarm.objects.get(cause=HASH_CAUSE).sentence
        authorities[1].down = False
        assert renew() == Renewals(stamped=0, hashed=3)
        assert renew() == Renewals(stamped=0, hashed=0)
        assert not Alarm.objects.filter(cause=HASH_CAUSE).exists()
        settings.FAITFOI_TSA = authorities[2].url
        assert renew(margin=timedelta(days=1_200)) == Renewals(stamped=3, hashed=0)
        return unpacked(scene, "F-2", folder / "aged"), roots


def test_a_hash_that_is_not_ours_is_told(settings: Settings) -> None:
    settings.FAITFOI_EVIDENCE_HASH = "md5"
    with pytest.raises(HashUnknown, match="sha512 ou sha3-512"):
        renew()


@pytest.mark.oracle
def test_bouncy_castle_and_eu_dss_judge_the_platform_s_own_records_as_we_do(
    scene: Scene, tmp_path: Path, settings: Settings
) -> None:
    dossier, _ = aged(scene, tmp_path, settings)
    checkpoint = (dossier / "data/checkpoint").read_bytes()
    record = EvidenceRecord.parse((dossier / "data/evidence.ers").read_bytes())
    first, second = record.chains
    told = {
        "first": (EvidenceRecord(chains=(first[:1],)), checkpoint),
        "stamped-again": (EvidenceRecord(chains=(first,)), checkpoint),
        "hashed-again": (EvidenceRecord(chains=(first, second[:1])), checkpoint),
        "whole": (record, checkpoint),
        "other-data": (record, checkpoint + b"x"),
        "other-past": (EvidenceRecord(chains=(first[:1], second)), checkpoint),
    }
    folders = []
    for name, (each, content) in told.items():
        folder = tmp_path / "judged" / name
        (folder / "objects").mkdir(parents=True)
        (folder / "record.ers").write_bytes(each.dump())
        (folder / "objects" / "checkpoint").write_bytes(content)
        folders.append(folder)
    castle = bouncycastle(folders)
    dss = dss_records(folders, roots=[tmp_path / f"tsa-{n}" / "root.pem" for n in range(3)])
    good = list(told)[:4]
    assert {name: castle[name] for name in good} == dict.fromkeys(good, "accepted")
    assert {name: dss[name] for name in good} == {name: f"accepted {n}" for n, name in enumerate(good, start=1)}
    for name in list(told)[4:]:
        assert castle[name].startswith("refused"), castle
        assert dss[name].startswith("refused"), dss

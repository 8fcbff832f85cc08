"""Bouncy Castle accepts our evidence records at every age, and refuses other data and forged renewals."""

from pathlib import Path

import pytest

from faitfoi.evidence.ers import EvidenceRecord
from tests.evidence.past_tsa import PastAuthority
from tests.evidence.records import GROUPS, START, YEARS, first_records, grow, hashed_again, renewed
from tests.oracles.bouncycastle import bouncycastle

pytestmark = pytest.mark.oracle


def laid_out(folder: Path, record: EvidenceRecord, objects: dict[str, bytes]) -> Path:
    (folder / "objects").mkdir(parents=True)
    (folder / "record.ers").write_bytes(record.dump())
    for name, content in objects.items():
        (folder / "objects" / name).write_bytes(content)
    return folder


def test_bouncy_castle_judges_our_records_as_we_do(tmp_path: Path) -> None:
    aged = grow()
    ages = {
        "first": aged.first,
        "stamped-again": aged.stamped_again,
        "stamped-twice": aged.stamped_twice,
        "hashed-again": aged.hashed_again,
    }
    good = [
        laid_out(tmp_path / f"{age}-{place}", records[place], GROUPS[place])
        for age, records in ages.items()
        for place in (0, 7, 20)
    ]
    forger = PastAuthority(START)
    others = renewed(first_records([[b"other", b"data"]], forger, at=START), forger, at=START + 4 * YEARS)
    other_past = hashed_again(aged.first[:1], [list(GROUPS[0].values())], forger, at=START + 4 * YEARS)
    forged = {
        "other-stamp": aged.first[0].with_new_stamp(others[0].chains[0][1]),
        "other-past": aged.stamped_twice[0].with_new_chain(other_past[0].chains[1][0]),
    }
    bad = [laid_out(tmp_path / name, record, GROUPS[0]) for name, record in forged.items()]
    bad += [laid_out(tmp_path / f"other-data-{age}", records[0], GROUPS[1]) for age, records in ages.items()]

    said = bouncycastle([*good, *bad])
    assert {name: said[name] for name in said if name in {path.name for path in good}} == {
        path.name: "accepted" for path in good
    }
    assert [path.name for path in bad if said[path.name] == "accepted"] == []
    assert len(said) == len(good) + len(bad)

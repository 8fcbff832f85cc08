"""Evidence records hold over the years; other data, late or forged renewals do not."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faitfoi.evidence.ers import ArchiveTimeStamp, EvidenceRecord, Hash, branch_of, climb, leaf_of, root_of
from faitfoi.evidence.ers_check import EvidenceRefused, check_evidence
from tests.evidence.past_tsa import PastAuthority
from tests.evidence.records import GROUPS, START, YEARS, Aged, first_records, grow, hashed_again, renewed


@pytest.fixture(scope="module")
def aged() -> Aged:
    return grow()


def test_a_record_holds_for_its_objects_at_every_age(aged: Aged) -> None:
    ages = (aged.first, aged.stamped_again, aged.stamped_twice, aged.hashed_again)
    for renewals, records in enumerate(ages):
        for group, record in zip(GROUPS, records, strict=True):
            found = check_evidence(record.dump(), group, roots=aged.roots)
            assert found.instants == tuple(START + 4 * n * YEARS for n in range(renewals + 1))
            assert found.until > found.instants[-1]
            assert found.algorithm is (Hash.SHA512 if renewals == 3 else Hash.SHA256)
            assert EvidenceRecord.parse(record.dump()) == record


def test_another_object_is_named(aged: Aged) -> None:
    for records in (aged.first, aged.stamped_twice, aged.hashed_again):
        changed = {**GROUPS[3], "entry-3.json": b"{4}"}
        with pytest.raises(EvidenceRefused, match="un autre fichier") as refused:
            check_evidence(records[3].dump(), changed, roots=aged.roots)
        assert refused.value.object == "entry-3.json"


def test_a_group_is_whole_or_nothing(aged: Aged) -> None:
    for records in (aged.first, aged.hashed_again):
        lacking = {"entry-3.json": GROUPS[3]["entry-3.json"]} | {"same again": GROUPS[3]["entry-3.json"]}
        with pytest.raises(EvidenceRefused, match="qui manquent"):
            check_evidence(records[3].dump(), lacking, roots=aged.roots)
        with pytest.raises(EvidenceRefused):
            check_evidence(records[3].dump(), {**GROUPS[3], "more": b"more"}, roots=aged.roots)


def test_a_forged_time_stamp_renewal_is_refused(aged: Aged) -> None:
    """A renewal of other tokens, put behind ours."""
    others = renewed(
        first_records([[b"other", b"data"]], forger := PastAuthority(START), at=START), forger, at=START + 4 * YEARS
    )
    forged = aged.first[0].with_new_stamp(others[0].chains[0][1])
    with pytest.raises(EvidenceRefused, match="celui de l’horodatage qui le précède"):
        check_evidence(forged.dump(), GROUPS[0], roots=[*aged.roots, forger.root])


def test_a_forged_hash_tree_renewal_is_refused(aged: Aged) -> None:
    """The same objects hashed anew, but with another past."""
    forger = PastAuthority(START + 12 * YEARS)
    other_past = hashed_again(aged.first[:1], [list(GROUPS[0].values())], forger, at=START + 12 * YEARS)
    forged = aged.stamped_twice[0].with_new_chain(other_past[0].chains[1][0])
    with pytest.raises(EvidenceRefused, match="un autre fichier"):
        check_evidence(forged.dump(), GROUPS[0], roots=[*aged.roots, forger.root])


def test_a_renewal_that_came_too_late_or_too_early_is_refused(aged: Aged) -> None:
    late = PastAuthority(START + 6 * YEARS)
    with pytest.raises(EvidenceRefused, match="après l’expiration"):
        check_evidence(
            renewed(aged.first, late, at=START + 6 * YEARS)[0].dump(), GROUPS[0], roots=[*aged.roots, late.root]
        )
    early = PastAuthority(START - YEARS)
    with pytest.raises(EvidenceRefused, match="daté d’avant"):
        check_evidence(
            renewed(aged.first, early, at=START - YEARS / 2)[0].dump(), GROUPS[0], roots=[*aged.roots, early.root]
        )


def test_a_token_that_leads_to_no_root_or_was_dated_outside_its_certificate_is_refused(aged: Aged) -> None:
    with pytest.raises(EvidenceRefused, match="ne tient pas"):
        check_evidence(aged.first[0].dump(), GROUPS[0], roots=aged.roots[1:])
    expired = PastAuthority(START)
    (record,) = first_records([list(GROUPS[0].values())], expired, at=START + 6 * YEARS)
    with pytest.raises(EvidenceRefused, match="ne tient pas"):
        check_evidence(record.dump(), GROUPS[0], roots=[expired.root])


def test_a_token_of_another_algorithm_than_the_record_says_is_refused(aged: Aged) -> None:
    (stamp,) = aged.first[0].chains[0]
    leaves = [leaf_of(group.values(), Hash.SHA512) for group in GROUPS]
    lying = dataclasses.replace(stamp, algorithm=Hash.SHA512, branch=branch_of(leaves, 0, Hash.SHA512))
    with pytest.raises(EvidenceRefused, match="ne tient pas"):
        check_evidence(EvidenceRecord(chains=((lying,),)).dump(), GROUPS[0], roots=aged.roots)


def test_one_object_alone_needs_no_tree() -> None:
    authority = PastAuthority(START)
    for content, count in ((b"alone", 1), (b"one of two", 2)):
        groups = [[content], [b"the other"]][:count]
        (record, *_) = first_records(groups, authority, at=START)
        assert bool(record.chains[0][0].branch) is (count == 2)
        assert check_evidence(record.dump(), {"a": content}, roots=[authority.root]).instants == (START,)
        with pytest.raises(EvidenceRefused):
            check_evidence(record.dump(), {"a": b"other"}, roots=[authority.root])
        with pytest.raises(EvidenceRefused):
            check_evidence(record.dump(), {"a": content, "b": b"more"}, roots=[authority.root])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=4), min_size=1, max_size=4), min_size=1, max_size=40), st.data())
def test_every_branch_leads_to_the_root(groups: list[list[bytes]], data: st.DataObject) -> None:
    algorithm = data.draw(st.sampled_from(Hash))
    leaves = [leaf_of(group, algorithm) for group in groups]
    place = data.draw(st.integers(0, len(groups) - 1))
    branch = branch_of(leaves, place, algorithm)
    assert set(leaves[place]) <= set(branch[0] if branch else leaves[place])
    assert (climb(branch, algorithm) if branch else leaves[place][0]) == root_of(leaves, algorithm)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_record_cut_or_changed_anywhere_is_refused(aged: Aged, data: st.DataObject) -> None:
    record = aged.hashed_again[5]
    whole = record.dump()
    # The last token, which no renewal covers yet, has a few bytes that nothing signs (the names of its algorithms).
    place = data.draw(st.integers(0, len(whole) - len(record.chains[-1][-1].token) - 1) | st.just(len(whole) - 9))
    with pytest.raises(EvidenceRefused):
        check_evidence(whole[:place], GROUPS[5], roots=aged.roots)
    changed = whole[:place] + bytes([whole[place] ^ (1 << data.draw(st.integers(0, 7)))]) + whole[place + 1 :]
    # Every byte stands in a list of digests, under the next renewal, or under the last signature.
    with pytest.raises(EvidenceRefused):
        check_evidence(changed, GROUPS[5], roots=aged.roots)


def test_what_is_no_record_is_refused() -> None:
    for data in (b"", b"\x30\x00", b"not DER", ArchiveTimeStamp(algorithm=Hash.SHA256, branch=(), token=b"").dump()):
        with pytest.raises(EvidenceRefused, match="RFC 4998"):
            check_evidence(data, {"a": b""}, roots=[])

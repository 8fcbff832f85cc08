"""Each kind of damage, planted, is named; a sound house is called sound."""

from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest

from faitfoi.evidence.fsck import Head, JournalLine, Kept, ProblemKind, Report, examine
from faitfoi.evidence.leaves import canonical, leaf_hash
from faitfoi.evidence.merkle import root
from faitfoi.evidence.seal import SealKey, seal
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.store import Digest, Pack, Place, Store
from tests.evidence.conftest import ALICE, AT, CHARLIE, plain_pdf


@dataclass(slots=True)
class House:
    """Two organisations' journal and objects, as tables and a store hold them."""

    root: Path
    store: Store
    lines: list[JournalLine]
    head: Head
    kept: list[Kept]
    certificates: dict[UUID, list[bytes]]

    def examine(self) -> Report:
        return examine(
            lines=self.lines,
            head=self.head,
            store=self.store,
            artefacts=self.kept,
            certificates=self.certificates,
            packs={place.pack for item in self.kept for place in item.places},
        )

    def found(self) -> set[ProblemKind]:
        report = self.examine()
        assert all(problem.sentence.endswith(".") for problem in report.problems)
        return {problem.kind for problem in report.problems}

    def path(self, item: Kept) -> Path:
        return self.root / item.places[0].pack


@pytest.fixture
def house(tmp_path: Path, key: SealKey, other_key: SealKey) -> House:
    store = Store(FolderShelf(tmp_path / "objects"))
    lines: list[JournalLine] = []
    kept: list[Kept] = []
    for number in range(6):
        organisation, owner = ((ALICE, key), (CHARLIE, other_key))[number % 2]
        for sealed, content in ((False, f"<Invoice>{number}</Invoice>".encode()), (True, plain_pdf(pages=number + 1))):
            pack = store.pack(organisation, [seal(content, owner, at=AT) if sealed else content], retention="invoice")
            digest = pack.objects[0].digest
            index = len(lines)
            entry = canonical(
                {"v": 1, "organisation": str(organisation), "type": "stored", "artefacts": [{"sha256": digest.sha256}]}
            )
            lines.append(JournalLine(index=index, entry=entry, leaf=leaf_hash(entry), organisation=organisation))
            kept.append(
                Kept(
                    organisation=organisation,
                    sha256=digest.sha256,
                    sha512=digest.sha512,
                    size=digest.size,
                    entry_index=index,
                    sealed=sealed,
                    places=(place_in(pack),),
                )
            )
    return House(
        root=tmp_path / "objects",
        store=store,
        lines=lines,
        head=Head(size=len(lines), root=root(line.leaf for line in lines)),
        kept=kept,
        certificates={ALICE: [other_key.certificate, key.certificate], CHARLIE: [other_key.certificate]},
    )


def test_a_sound_house_is_sound_and_counted(house: House) -> None:
    report = house.examine()
    assert report.sound
    assert (report.entries, report.objects, report.seals, report.unclaimed) == (12, 12, 6, 0)
    assert report.root == house.head.root


def test_an_object_no_row_names_is_counted_not_blamed(house: House) -> None:
    house.store.pack(ALICE, [b"left by a crash between store and database"], retention="invoice")
    assert house.examine().unclaimed == 1
    assert house.examine().sound


def test_progress_is_told_for_every_entry_and_object(house: House) -> None:
    told: list[tuple[str, int]] = []
    examine(
        lines=house.lines,
        head=house.head,
        store=house.store,
        artefacts=house.kept,
        certificates=house.certificates,
        packs=(),
        progress=lambda step, done: told.append((step, done)),
    )
    assert told == [("entries", n) for n in range(1, 13)] + [("objects", n) for n in range(1, 13)]


def test_an_entry_rewritten_in_the_database_is_named(house: House) -> None:
    house.lines[4] = replace(house.lines[4], entry=house.lines[4].entry.replace(b"stored", b"sto-ed"))
    report = house.examine()
    assert {problem.kind for problem in report.problems} == {ProblemKind.ENTRY_ALTERED, ProblemKind.ROOT_DIFFERS}
    assert "4" in {problem.object for problem in report.problems if problem.kind is ProblemKind.ENTRY_ALTERED}


def test_an_entry_rewritten_with_its_leaf_is_betrayed_by_the_root(house: House) -> None:
    entry = house.lines[4].entry.replace(b"stored", b"sto-ed")
    house.lines[4] = replace(house.lines[4], entry=entry, leaf=leaf_hash(entry))
    assert house.found() == {ProblemKind.ROOT_DIFFERS}


def test_a_leaf_rewritten_alone_is_named(house: House) -> None:
    house.lines[4] = replace(house.lines[4], leaf=bytes(32))
    assert house.found() == {ProblemKind.ENTRY_ALTERED}


def test_a_removed_entry_leaves_a_gap(house: House) -> None:
    del house.lines[4]
    assert house.found() == {
        ProblemKind.INDEX_GAP,
        ProblemKind.SIZE_DIFFERS,
        ProblemKind.ROOT_DIFFERS,
        ProblemKind.NOT_JOURNALLED,
    }


def test_a_cut_end_is_seen_against_the_head(house: House) -> None:
    del house.lines[-1]
    del house.kept[-1]
    assert house.found() == {ProblemKind.SIZE_DIFFERS, ProblemKind.ROOT_DIFFERS}


def test_an_entry_given_twice_is_seen(house: House) -> None:
    house.lines.insert(5, house.lines[4])
    assert ProblemKind.INDEX_GAP in house.found()


def test_an_entry_in_another_form_is_named(house: House) -> None:
    entry = house.lines[0].entry.replace(b",", b", ")
    house.lines[0] = replace(house.lines[0], entry=entry, leaf=leaf_hash(entry))
    house.head = Head(size=12, root=root(line.leaf for line in house.lines))
    assert house.found() == {ProblemKind.ENTRY_NOT_CANONICAL, ProblemKind.NOT_JOURNALLED}


def test_an_entry_moved_to_another_organisation_is_named(house: House) -> None:
    house.lines[0] = replace(house.lines[0], organisation=CHARLIE)
    assert house.found() == {ProblemKind.ENTRY_OF_ANOTHER, ProblemKind.NOT_JOURNALLED}


def test_a_removed_object_is_named(house: House) -> None:
    house.path(house.kept[3]).unlink()
    (problem,) = house.examine().problems
    assert (problem.kind, problem.object) == (ProblemKind.OBJECT_MISSING, house.kept[3].sha256)


@pytest.mark.parametrize("which", [2, 3], ids=["xml", "sealed PDF"])
def test_a_single_altered_bit_is_named(house: House, which: int) -> None:
    place = house.path(house.kept[which])
    place.chmod(0o640)
    content = bytearray(place.read_bytes())
    content[len(content) // 3] ^= 1
    place.write_bytes(content)
    (problem,) = house.examine().problems
    assert (problem.kind, problem.object) == (ProblemKind.OBJECT_ALTERED, house.kept[which].sha256)


@pytest.mark.parametrize("change", [{"sha512": "0" * 128}, {"size": 1}])
def test_a_second_digest_or_size_that_differs_is_named(house: House, change: dict[str, object]) -> None:
    house.kept[2] = replace(house.kept[2], **change)  # type: ignore[arg-type]
    assert house.found() == {ProblemKind.DIGEST_DIFFERS}


@pytest.mark.parametrize("index", [None, 1, 99])
def test_an_object_its_entry_does_not_name_is_named(house: House, index: int | None) -> None:
    house.kept[4] = replace(house.kept[4], entry_index=index)
    (problem,) = house.examine().problems
    assert (problem.kind, problem.object) == (ProblemKind.NOT_JOURNALLED, house.kept[4].sha256)


def test_a_seal_replaced_before_storing_is_named(house: House, other_key: SealKey) -> None:
    pack = house.store.pack(ALICE, [seal(plain_pdf(pages=9), other_key, at=AT)], retention="invoice")
    forged: Digest = pack.objects[0].digest
    house.kept[1] = replace(
        house.kept[1],
        organisation=ALICE,
        sha256=forged.sha256,
        sha512=forged.sha512,
        size=forged.size,
        places=(place_in(pack),),
    )
    house.certificates[ALICE] = [house.certificates[ALICE][1]]
    assert house.found() == {ProblemKind.SEAL_BROKEN, ProblemKind.NOT_JOURNALLED}


def test_an_unsealed_pdf_said_to_be_sealed_is_named(house: House) -> None:
    house.kept[2] = replace(house.kept[2], sealed=True)
    assert house.found() == {ProblemKind.SEAL_BROKEN}


def test_an_empty_house_is_sound(tmp_path: Path) -> None:
    report = examine(
        lines=[],
        head=Head(size=0, root=root([])),
        store=Store(FolderShelf(tmp_path / "none")),
        artefacts=[],
        certificates={},
        packs=(),
    )
    assert report.sound


def place_in(pack: Pack) -> Place:
    """Where the only object of a pack lies."""
    (placed,) = pack.objects
    return Place(sha256=placed.digest.sha256, pack=pack.name, offset=placed.offset, size=placed.digest.size)

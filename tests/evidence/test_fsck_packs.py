"""Whichever byte of whichever copy of a pack lies is named; several processes find what one finds."""

from dataclasses import replace
from pathlib import Path

import pytest

from faitfoi.evidence.fsck import Problem, ProblemKind
from faitfoi.evidence.fsck_packs import FEW, Expected, ExpectedPack, PackExaminers
from faitfoi.evidence.seal import SealKey, seal
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.store import Pack, Store
from tests.evidence.conftest import ALICE, AT, plain_pdf


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(FolderShelf(tmp_path / "first"), FolderShelf(tmp_path / "second"))


@pytest.fixture
def pack(store: Store, key: SealKey) -> ExpectedPack:
    """A pack of an XML and a sealed PDF."""
    return expected(store.pack(ALICE, [b"<Invoice/>", seal(plain_pdf(), key, at=AT)], retention="invoice"), sealed={1})


def expected(pack: Pack, *, sealed: set[int] | None = None) -> ExpectedPack:
    return ExpectedPack(
        organisation=pack.organisation,
        retention=pack.retention,
        sha256=pack.digest.sha256,
        sha512=pack.digest.sha512,
        size=pack.digest.size,
        objects=tuple(
            Expected(
                sha256=each.digest.sha256,
                sha512=each.digest.sha512,
                offset=each.offset,
                size=each.digest.size,
                sealed=number in (sealed or set()),
            )
            for number, each in enumerate(pack.objects)
        ),
    )


def examine(store: Store, *packs: ExpectedPack, certificates: list[bytes]) -> list[Problem]:
    roots = [str(shelf.root) for shelf in store.shelves if isinstance(shelf, FolderShelf)]
    with PackExaminers(tuple(roots)) as examiners:
        for pack in packs:
            examiners.give(pack, certificates=certificates)
        examiners.finish()
        found = examiners.problems
    assert all(problem.sentence.endswith(".") for problem in found)
    return found


def kinds(found: list[Problem]) -> set[ProblemKind]:
    return {problem.kind for problem in found}


def damage(store: Store, pack: ExpectedPack, place: int, *, copy: int = 0) -> None:
    shelf = store.shelves[copy]
    assert isinstance(shelf, FolderShelf)
    path = shelf.root / pack.name
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.chmod(0o640)
    path.write_bytes(content)


def test_sound_packs_are_sound(store: Store, pack: ExpectedPack, key: SealKey, other_key: SealKey) -> None:
    assert examine(store, pack, certificates=[other_key.certificate, key.certificate]) == []


@pytest.mark.parametrize("copy", [0, 1])
@pytest.mark.parametrize("which", [0, 1])
def test_a_single_altered_bit_is_named_with_its_copy(
    store: Store, pack: ExpectedPack, key: SealKey, which: int, copy: int
) -> None:
    damage(store, pack, pack.objects[which].offset + 3, copy=copy)
    found = examine(store, pack, certificates=[key.certificate])
    assert kinds(found) == {ProblemKind.PACK_ALTERED, ProblemKind.OBJECT_ALTERED}
    assert {problem.object for problem in found} == {pack.sha256, pack.objects[which].sha256}
    assert all(("première copie", "seconde copie")[copy] in problem.sentence for problem in found)


@pytest.mark.parametrize("copy", [0, 1])
def test_a_missing_pack_is_named_with_its_copy(store: Store, pack: ExpectedPack, key: SealKey, copy: int) -> None:
    store.shelves[copy].remove(pack.name)
    (problem,) = examine(store, pack, certificates=[key.certificate])
    assert (problem.kind, problem.object) == (ProblemKind.PACK_MISSING, pack.sha256)
    assert ("première copie", "seconde copie")[copy] in problem.sentence


def test_a_pack_cut_short_or_longer_is_named(store: Store, pack: ExpectedPack, key: SealKey) -> None:
    assert isinstance(store.first, FolderShelf)
    path = store.first.root / pack.name
    whole = path.read_bytes()
    path.chmod(0o640)
    path.write_bytes(whole[:-1])
    assert kinds(examine(store, pack, certificates=[key.certificate])) == {
        ProblemKind.PACK_ALTERED,
        ProblemKind.OBJECT_ALTERED,
    }
    path.write_bytes(whole + b"?")
    assert kinds(examine(store, pack, certificates=[key.certificate])) == {ProblemKind.PACK_ALTERED}


def test_a_second_digest_or_size_that_differs_is_named(store: Store, pack: ExpectedPack, key: SealKey) -> None:
    xml, pdf = pack.objects
    for lying in (
        replace(pack, sha512="0" * 128),
        replace(pack, size=1),
        replace(pack, objects=(replace(xml, sha512="0" * 128), pdf)),
    ):
        assert kinds(examine(store, lying, certificates=[key.certificate])) == {ProblemKind.DIGEST_DIFFERS}


def test_a_seal_of_another_or_none_is_named(store: Store, pack: ExpectedPack, key: SealKey, other_key: SealKey) -> None:
    assert kinds(examine(store, pack, certificates=[other_key.certificate])) == {ProblemKind.SEAL_BROKEN}
    xml, pdf = pack.objects
    claimed = replace(pack, objects=(replace(xml, sealed=True), pdf))
    found = examine(store, claimed, certificates=[key.certificate])
    assert [problem.object for problem in found] == [xml.sha256] * 2


def test_several_processes_find_what_one_finds(store: Store, key: SealKey) -> None:
    packs = [
        expected(store.pack(ALICE, [str(number).encode() * 500, b"<Invoice/>"], retention="invoice"))
        for number in range(2 * FEW)
    ]
    damage(store, packs[5], 2, copy=1)
    store.first.remove(packs[9].name)
    found = examine(store, *packs, certificates=[key.certificate])
    assert {(problem.kind, problem.object) for problem in found} == {
        (ProblemKind.PACK_ALTERED, packs[5].sha256),
        (ProblemKind.OBJECT_ALTERED, packs[5].objects[0].sha256),
        (ProblemKind.PACK_MISSING, packs[9].sha256),
    }

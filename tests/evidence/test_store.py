"""Packs are plain concatenations under their own digest, on one shelf or two, and a lying copy is mended."""

from hashlib import sha256, sha512
from pathlib import Path

import pytest

from faitfoi.evidence.shelf import FolderShelf, ObjectAltered, ObjectMissing
from faitfoi.evidence.store import MOST_BYTES, MOST_OBJECTS, Pack, Place, Store, pack_digest, pack_name, portions
from tests.evidence.conftest import ALICE, CHARLIE

CONTENTS = [b"facture", b"", b"<Invoice/>", b"%PDF-1.7 " * 1000]


@pytest.fixture
def first(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path / "second")


@pytest.fixture
def store(first: FolderShelf, second: FolderShelf) -> Store:
    return Store(first, second)


def test_a_pack_is_the_plain_concatenation_under_its_digest(store: Store, first: FolderShelf) -> None:
    pack = store.pack(ALICE, CONTENTS, retention="invoice")
    whole = b"".join(CONTENTS)
    assert (pack.digest.sha256, pack.digest.sha512) == (sha256(whole).hexdigest(), sha512(whole).hexdigest())
    assert pack.name == f"{ALICE}/invoice/{pack.digest.sha256[:2]}/{pack.digest.sha256[2:]}"
    assert pack_digest(pack.name) == pack.digest.sha256
    assert (first.root / pack.name).read_bytes() == whole
    for content, placed in zip(CONTENTS, pack.objects, strict=True):
        assert whole[placed.offset :][: placed.digest.size] == content
        assert (placed.digest.sha256, placed.digest.sha512) == (
            sha256(content).hexdigest(),
            sha512(content).hexdigest(),
        )


def test_each_object_is_read_back_verified(store: Store) -> None:
    pack = store.pack(ALICE, CONTENTS, retention="invoice")
    assert [store.read(place) for place in places(pack)] == CONTENTS


def test_the_same_content_twice_is_laid_once(store: Store) -> None:
    pack = store.pack(ALICE, [b"a", b"b", b"a"], retention="invoice")
    assert [placed.digest.size for placed in pack.objects] == [1, 1]


def test_the_same_pack_again_is_the_same_and_known_as_old(store: Store) -> None:
    pack = store.pack(ALICE, CONTENTS, retention="invoice")
    again = store.pack(ALICE, CONTENTS, retention="invoice")
    assert (pack.fresh, again.fresh) == (True, False)
    assert again.name == pack.name


def test_organisations_and_classes_lie_apart(store: Store, first: FolderShelf) -> None:
    packs = [
        store.pack(organisation, [b"a"], retention=retention)
        for organisation in (ALICE, CHARLIE)
        for retention in ("invoice", "received")
    ]
    assert len({pack.name for pack in packs}) == 4
    assert len(list(first.names(f"{CHARLIE}/"))) == 2


def test_portions_are_what_a_pack_takes() -> None:
    many = [str(number).encode() for number in range(2 * MOST_OBJECTS + 1)]
    assert [len(portion) for portion in portions(many)] == [MOST_OBJECTS, MOST_OBJECTS, 1]
    half = bytes(MOST_BYTES // 2)
    assert [len(portion) for portion in portions([half, half, b"x", bytes(MOST_BYTES + 1), b"y"])] == [2, 1, 1, 1]
    assert list(portions([])) == []


def test_more_than_a_pack_takes_is_refused(store: Store) -> None:
    for contents in ([], [str(number).encode() for number in range(MOST_OBJECTS + 1)], [bytes(MOST_BYTES), b"x"]):
        with pytest.raises(ValueError, match="do not go into one pack"):
            store.pack(ALICE, contents, retention="invoice")


def test_a_name_that_is_no_digest_or_class_is_refused() -> None:
    for retention, digest in (("../x", "a" * 64), ("invoice", "A" * 64), ("invoice", "ab/" + "c" * 61)):
        with pytest.raises(ValueError, match="is not a"):
            pack_name(ALICE, retention, digest)


@pytest.mark.parametrize("where", ["first", "second"])
def test_a_lying_copy_is_mended_from_the_other(
    store: Store, first: FolderShelf, second: FolderShelf, where: str
) -> None:
    pack = store.pack(ALICE, CONTENTS, retention="invoice")
    damage((first if where == "first" else second).root / pack.name)
    assert store.mend(pack.name) == (where,)
    assert first.get(pack.name) == second.get(pack.name) == b"".join(CONTENTS)
    assert store.mend(pack.name) == ()


def test_an_object_of_a_lying_pack_is_not_given(store: Store, first: FolderShelf) -> None:
    pack = store.pack(ALICE, CONTENTS, retention="invoice")
    damage(first.root / pack.name)
    *others, altered = places(pack)
    assert [store.read(place) for place in others] == CONTENTS[:-1]
    with pytest.raises(ObjectAltered, match="a changé depuis son dépôt"):
        store.read(altered)
    (first.root / pack.name).unlink()
    with pytest.raises(ObjectMissing):
        store.read(altered)


def test_when_every_copy_lies_nothing_is_mended(store: Store, first: FolderShelf, second: FolderShelf) -> None:
    pack = store.pack(ALICE, CONTENTS, retention="invoice")
    for shelf in (first, second):
        damage(shelf.root / pack.name)
    before = first.get(pack.name)
    with pytest.raises(ObjectAltered, match="Aucune copie"):
        store.mend(pack.name)
    assert first.get(pack.name) == before


def test_a_second_copy_that_does_not_give_back_what_it_took_acknowledges_nothing(first: FolderShelf) -> None:
    class Forgetful(FolderShelf):
        """A disk that answers before it has written, and then has something else."""

        def get(self, name: str, *, start: int = 0, size: int | None = None) -> bytes:
            return super().get(name, start=start, size=size)[:-1] + b"?"

    store = Store(first, Forgetful(first.root.parent / "second"))
    with pytest.raises(ObjectAltered, match="ne rend pas"):
        store.pack(ALICE, CONTENTS, retention="invoice")


def places(pack: Pack) -> list[Place]:
    return [
        Place(sha256=placed.digest.sha256, pack=pack.name, offset=placed.offset, size=placed.digest.size)
        for placed in pack.objects
    ]


def damage(path: Path) -> None:
    """Change one bit of the last object."""
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.chmod(0o640)
    path.write_bytes(content)

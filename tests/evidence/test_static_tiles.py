"""The journal as static files: the names of C2SP tlog-tiles, and files that lead to the root by another's tree too."""

import hashlib
from datetime import UTC, datetime

import pymerkle
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from faitfoi.evidence import merkle
from faitfoi.evidence.checkpoint import Checkpoint
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.note import KeyType, NoteRefused, Signer, write_note
from faitfoi.evidence.static_tiles import (
    Door,
    TilesDiffer,
    bundle,
    check_published,
    publish,
    read_bundle,
    tile_path,
)

LOG = Signer(name="journal.example", key=Ed25519PrivateKey.from_private_bytes(bytes(32)), kind=KeyType.LOG)
AT = datetime(2026, 11, 21, tzinfo=UTC)
ENTRIES = [f'{{"n":{number}}}'.encode() for number in range(70_000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


class Killed(Exception):
    """The process that publishes is no more."""


class Files:
    """A folder in memory; `dies_after` so many files."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.written: list[str] = []
        self.dies_after: int | None = None

    def write(self, name: str, content: bytes) -> None:
        if self.dies_after is not None and len(self.written) >= self.dies_after:
            raise Killed
        self.kept[name] = content
        self.written.append(name)

    def drop(self, name: str) -> None:
        for each in [each for each in self.kept if each.startswith(f"{name}/")]:
            del self.kept[each]

    @property
    def door(self) -> Door:
        return Door(read=self.kept.get, write=self.write, drop=self.drop)

    def grow(self, size: int) -> int:
        self.written.clear()
        return publish(note(size), lambda start, end: ENTRIES[start:end], self.door, root_at=root_at)


def root_at(size: int) -> bytes:
    return merkle.root(LEAVES[:size])


def note(size: int, root: bytes | None = None) -> bytes:
    text = Checkpoint(origin=LOG.name, size=size, root=root or merkle.root(LEAVES[:size])).text
    return write_note(text, [LOG.line(text, at=AT)])


def test_names_are_those_of_the_specification() -> None:
    # C2SP tlog-tiles, « Merkle Tree »: 1234067 is x001/x234/067; a tree of 70,000 has these partial tiles.
    assert tile_path(3, 1_234_067) == "tile/3/x001/x234/067"
    assert tile_path("entries", 67) == "tile/entries/067"
    assert tile_path(0, 1_000) == "tile/0/x001/000"
    assert tile_path(0, 273, width=112) == "tile/0/273.p/112"
    files = Files()
    files.grow(70_000)
    partial = {name for name in files.kept if ".p/" in name}
    assert partial == {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"}
    assert {f"tile/0/{n:03}" for n in range(273)} | {"tile/1/000"} < set(files.kept)
    assert all(len(files.kept[f"tile/0/{n:03}"]) == 8_192 for n in range(273))


def test_a_bundle_gives_the_length_of_each_entry_on_two_bytes() -> None:
    assert bundle([b"ab", b"", b"x" * 258]) == b"\0\2ab" + b"\0\0" + b"\1\2" + b"x" * 258
    assert read_bundle(bundle(ENTRIES[:256])) == ENTRIES[:256]
    for cut in (b"\0", b"\0\2a", b"\0\1ab"):
        with pytest.raises(ValueError, match="within an entry"):
            read_bundle(cut)
    with pytest.raises(OverflowError):
        bundle([bytes(65_536)])


@pytest.mark.parametrize("steps", [(1,), (5, 255, 256), (257, 300, 513, 1_000), (65_000, 66_000)])
def test_another_s_tree_has_the_signed_root_from_the_published_bytes(steps: tuple[int, ...]) -> None:
    files = Files()
    for size in steps:
        files.grow(size)
    size = int(files.kept["checkpoint"].split(b"\n")[1])
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for number in range(-(-size // 256)):
        width = min(256, size - 256 * number)
        data = files.kept[f"tile/entries/{number:03}" + ("" if width == 256 else f".p/{width}")]
        while data:  # read here by hand: not by what wrote it
            length = data[0] * 256 + data[1]
            theirs.append_entry(data[2 : 2 + length])
            data = data[2 + length :]
    assert theirs.get_size() == size
    assert files.kept["checkpoint"] == note(size, theirs.get_root())
    found = check_published(files.kept.get, LOG.verifier)
    assert (found.size, found.root, found.lies) == (size, theirs.get_root(), ())


def test_what_is_published_is_not_written_again() -> None:
    files = Files()
    assert files.grow(600) == 600
    assert files.grow(700) == 700 - 512
    assert "tile/0/000" not in files.written
    assert files.written[-1] == "checkpoint"  # last: who reads it finds all that it vouches for
    assert files.grow(700) == 0
    assert files.written == ["checkpoint"]
    files.grow(768)
    assert not [name for name in files.kept if name.startswith(("tile/0/002.p/", "tile/entries/002.p/"))]
    assert "tile/1/000.p/2" in files.kept  # not full yet: who knows the older checkpoint still reads it


def test_a_killed_publication_goes_on_where_it_was() -> None:
    files, whole = Files(), Files()
    files.grow(300)
    for more in (1, 2, 7, 12, 40):
        files.dies_after = more
        with pytest.raises(Killed):
            files.grow(70_000 if more == 40 else 5_000)
        assert check_published(files.kept.get, LOG.verifier).lies == ()  # the former checkpoint still stands
        assert int(files.kept["checkpoint"].split(b"\n")[1]) == 300
    files.dies_after = None
    assert files.grow(5_000) < 5_000 - 256 * 5
    whole.grow(5_000)
    assert check_published(files.kept.get, LOG.verifier).lies == ()
    assert {name: files.kept[name] for name in whole.kept} == whole.kept


def test_every_changed_file_is_named() -> None:
    files = Files()
    files.grow(1_000)
    for name in sorted(files.kept):
        if name == "checkpoint":
            continue
        before = files.kept[name]
        files.kept[name] = before[:-1] + bytes([before[-1] ^ 1])
        assert name in {lie for lie, _ in check_published(files.kept.get, LOG.verifier).lies}, name
        files.kept[name] = before[:-40]
        assert name in {lie for lie, _ in check_published(files.kept.get, LOG.verifier).lies}, name
        del files.kept[name]
        assert name in {lie for lie, _ in check_published(files.kept.get, LOG.verifier).lies}, name
        files.kept[name] = before
    assert check_published(files.kept.get, LOG.verifier).lies == ()


def test_a_checkpoint_of_another_root_or_of_nobody_is_refused() -> None:
    files = Files()
    files.grow(300)
    files.kept["checkpoint"] = note(300, hashlib.sha256(b"other").digest())
    assert [name for name, _ in check_published(files.kept.get, LOG.verifier).lies] == ["checkpoint"]
    other = Signer(name=LOG.name, key=Ed25519PrivateKey.from_private_bytes(b"1" * 32), kind=KeyType.LOG)
    with pytest.raises(NoteRefused):
        check_published(files.kept.get, other.verifier)
    with pytest.raises(NoteRefused):
        check_published(Files().kept.get, LOG.verifier)


def test_another_journal_is_never_published_over_this_one() -> None:
    files = Files()
    files.grow(1_000)
    before = dict(files.kept)
    with pytest.raises(TilesDiffer, match="1000 écritures et le journal n’en a que 900"):
        files.grow(900)
    others = [b"other " + entry for entry in ENTRIES[:1_100]]
    forked = note(1_100, merkle.root(leaf_hash(entry) for entry in others))
    with pytest.raises(TilesDiffer, match="ne sont pas celles du journal"):
        publish(
            forked,
            lambda start, end: others[start:end],
            files.door,
            root_at=lambda size: merkle.root(leaf_hash(entry) for entry in others[:size]),
        )
    assert files.kept == before
    with pytest.raises(TilesDiffer, match="racine que le journal a signée"):
        publish(note(1_100), lambda start, end: others[start:end], files.door, root_at=root_at)
    assert files.kept["checkpoint"] == before["checkpoint"]
    assert check_published(files.kept.get, LOG.verifier).lies == ()
    files.kept["tile/0/003.p/232"] = bytes(232 * 32)
    with pytest.raises(TilesDiffer, match="--check"):
        files.grow(1_100)

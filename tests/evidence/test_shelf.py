"""What the shelf answered for is there, whole, whatever was killed or full."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from faitfoi.evidence.shelf import ALTERED, TEMPORARY, FolderShelf, NoRoom, ObjectAltered, ObjectMissing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def shelf(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path / "shelf")


def test_what_was_put_is_got_back_whole_or_in_part(shelf: FolderShelf) -> None:
    assert shelf.put("a/b", b"facture")
    assert shelf.get("a/b") == b"facture"
    assert shelf.get("a/b", start=2, size=3) == b"ctu"
    assert shelf.get("a/b", start=5, size=30) == b"re"


def test_putting_the_same_again_changes_nothing(shelf: FolderShelf) -> None:
    shelf.put("a", b"facture")
    before = (shelf.root / "a").stat()
    assert not shelf.put("a", b"facture")
    after = (shelf.root / "a").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_other_bytes_under_a_name_are_refused(shelf: FolderShelf) -> None:
    shelf.put("a", b"facture")
    with pytest.raises(ObjectAltered):
        shelf.put("a", b"factice")
    assert shelf.get("a") == b"facture"


def test_names_come_in_order_and_by_their_beginning(shelf: FolderShelf) -> None:
    names = ["journal/000-001.jsonl", "a/b/c", "a/b.c", "a/b/d", "ab/x"]
    for name in names:
        shelf.put(name, b"x")
    assert list(shelf.names()) == sorted(names)
    assert list(shelf.names("a/b")) == ["a/b.c", "a/b/c", "a/b/d"]
    assert list(shelf.names("journal/")) == ["journal/000-001.jsonl"]
    assert list(shelf.names("none/")) == []


@pytest.mark.parametrize("name", ["", "../x", "/etc/passwd", "a//b", "a/", ".tmp/x", "a/../b", "a/.b", "é", "a\n"])
def test_a_name_that_is_none_reaches_no_file(shelf: FolderShelf, name: str) -> None:
    for ask in (shelf.get, shelf.written, shelf.remove):
        with pytest.raises(ValueError, match="not a name"):
            ask(name)


def test_what_is_removed_is_missing_then(shelf: FolderShelf) -> None:
    shelf.put("a/b", b"x")
    shelf.remove("a/b")
    shelf.remove("a/b")
    for ask in (shelf.get, shelf.written):
        with pytest.raises(ObjectMissing):
            ask("a/b")


def test_mending_keeps_the_lying_bytes_aside(shelf: FolderShelf) -> None:
    shelf.put("a/b", b"facture")
    damage(shelf.root / "a/b", b"factice")
    shelf.mend("a/b", b"facture")
    assert shelf.get("a/b") == b"facture"
    assert [path.read_bytes() for path in (shelf.root / ALTERED).iterdir()] == [b"factice"]
    assert list(shelf.names()) == ["a/b"]


def test_what_is_held_is_not_removed_before_it_is_let_go(shelf: FolderShelf) -> None:
    shelf.put("a/b", b"x")
    shelf.hold("a/b", held=True)
    with pytest.raises(PermissionError, match="gelé"):
        shelf.remove("a/b")
    shelf.hold("a/b", held=False)
    shelf.remove("a/b")
    assert list(shelf.names()) == []


def test_only_old_leftovers_are_swept(shelf: FolderShelf) -> None:
    shelf.put("a", b"facture")
    folder = shelf.root / TEMPORARY
    for name, age in (("old", timedelta(hours=2)), ("young", timedelta(minutes=1))):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, times=((NOW - age).timestamp(),) * 2)
    assert shelf.sweep(before=NOW - timedelta(hours=1)) == 1
    assert [left.name for left in folder.iterdir()] == ["young"]
    assert shelf.get("a") == b"facture"


def test_several_processes_put_the_same_things_at_once(shelf: FolderShelf) -> None:
    with ProcessPoolExecutor(max_workers=4) as pool:
        rounds = list(pool.map(put_many, [shelf.root] * 4))
    names = list(shelf.names())
    assert rounds == [names] * 4
    assert all(shelf.get(name) for name in names)
    assert list((shelf.root / TEMPORARY).iterdir()) == []


def test_a_write_that_is_cut_leaves_nothing_half_done(shelf: FolderShelf) -> None:
    shelf.put("before", b"before")
    content = b"x" * 200_000
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel cuts the write in the middle, as on a full disk, and Python ignores its signal.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            shelf.put("large", content)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG
    assert list(shelf.names()) == ["before"]
    assert list((shelf.root / TEMPORARY).iterdir()) == []
    assert shelf.put("large", content)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB, which only root can mount."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_is_really_full_leaves_nothing_half_done(small_disk: Path) -> None:
    shelf = FolderShelf(small_disk / "shelf")
    with pytest.raises(OSError, match="No space left"):
        fill(shelf)
    names = list(shelf.names())
    assert names
    assert all(len(shelf.get(name)) == 8_000 for name in names)
    assert list((shelf.root / TEMPORARY).iterdir()) == []


def test_nothing_more_is_taken_before_the_reserve_is_touched(small_disk: Path) -> None:
    shelf = FolderShelf(small_disk / "shelf", reserve=100_000)
    with pytest.raises(NoRoom) as caught:
        fill(shelf)
    assert caught.value.errno == errno.ENOSPC
    assert "Faites de la place" in str(caught.value)
    disk = os.statvfs(small_disk)
    assert disk.f_bavail * disk.f_frsize >= 100_000
    kept = next(shelf.names())
    assert not shelf.put(kept, shelf.get(kept))  # what is there already takes no room


def test_a_shelf_without_reserve_asks_nothing_of_its_disk(shelf: FolderShelf) -> None:
    shelf.refuse_when_full(10**18)


def test_a_killed_writer_leaves_nothing_torn(shelf: FolderShelf) -> None:
    program = dedent("""
        import sys
        from pathlib import Path
        from faitfoi.evidence.shelf import FolderShelf
        shelf, number = FolderShelf(Path(sys.argv[1])), 0
        while True:
            number += 1
            shelf.put(f"a/{number}", str(number).encode() * 40_000)
            print(f"a/{number}", flush=True)
    """)
    answered: list[str] = []
    for kill in range(6):
        writer = subprocess.Popen([sys.executable, "-c", program, shelf.root], stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        # Each round gets further than the one before, whose names it puts again.
        answered.extend(writer.stdout.readline().strip() for _ in range(3 + 7 * kill))
        writer.send_signal(signal.SIGKILL)
        answered.extend(line.strip() for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n"))
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
    there = set(shelf.names())
    assert set(answered) <= there
    for name in there:
        assert shelf.get(name) == name.removeprefix("a/").encode() * 40_000


def fill(shelf: FolderShelf) -> None:
    for number in range(10, 50):
        shelf.put(f"a/{number}", str(number).encode() * 4_000)


def put_many(root: Path) -> list[str]:
    for number in range(10, 50):
        FolderShelf(root).put(f"a/{number}", f"facture {number}".encode() * 500)
    return list(FolderShelf(root).names())


def damage(path: Path, content: bytes) -> None:
    path.chmod(0o640)
    path.write_bytes(content)

"""What the store answered for is there, whole, whatever was killed or full."""

import errno
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from pathlib import Path
from textwrap import dedent

import pytest

from faitfoi.evidence.store import ObjectAltered, ObjectMissing, Store
from tests.evidence.conftest import ALICE, CHARLIE


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "objects")


def test_what_was_put_is_got_back_under_its_digest(store: Store) -> None:
    digest = store.put(ALICE, b"facture")
    assert (digest.sha256, digest.sha512, digest.size) == (
        sha256(b"facture").hexdigest(),
        sha512(b"facture").hexdigest(),
        7,
    )
    assert store.get(ALICE, digest.sha256) == b"facture"
    assert store.has(ALICE, digest.sha256)


def test_putting_the_same_content_again_changes_nothing(store: Store) -> None:
    first = store.put(ALICE, b"facture")
    place = place_of(store, first.sha256)
    before = place.stat()
    assert store.put(ALICE, b"facture") == first
    assert (place.stat().st_ino, place.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(store.each(ALICE)) == [first.sha256]


def test_an_organisation_does_not_see_the_objects_of_another(store: Store) -> None:
    digest = store.put(ALICE, b"facture")
    assert not store.has(CHARLIE, digest.sha256)
    assert list(store.each(CHARLIE)) == []
    with pytest.raises(ObjectMissing, match="n’est pas dans le coffre"):
        store.get(CHARLIE, digest.sha256)
    assert list(store.organisations()) == [ALICE]


def test_each_object_is_listed_once_in_order(store: Store) -> None:
    names = sorted(store.put(ALICE, str(number).encode()).sha256 for number in range(60))
    assert list(store.each(ALICE)) == names


def test_an_altered_object_is_neither_given_nor_overwritten(store: Store) -> None:
    digest = store.put(ALICE, b"facture")
    place = place_of(store, digest.sha256)
    place.chmod(0o640)
    place.write_bytes(b"factice")
    with pytest.raises(ObjectAltered, match="a changé depuis son dépôt"):
        store.get(ALICE, digest.sha256)
    with pytest.raises(ObjectAltered):
        store.put(ALICE, b"facture")
    assert place.read_bytes() == b"factice"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65, "ab/" + "c" * 61])
def test_a_name_that_is_no_digest_reaches_no_file(store: Store, name: str) -> None:
    for ask in (store.get, store.has):
        with pytest.raises(ValueError, match="not a SHA-256"):
            ask(ALICE, name)


def test_only_old_leftovers_are_swept(store: Store) -> None:
    digest = store.put(ALICE, b"facture")
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    folder = store.root / str(ALICE) / "tmp"
    for name, age in (("old", timedelta(hours=2)), ("young", timedelta(minutes=1))):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, times=((now - age).timestamp(),) * 2)
    assert store.sweep(before=now - timedelta(hours=1)) == 1
    assert [left.name for left in folder.iterdir()] == ["young"]
    assert store.has(ALICE, digest.sha256)


def test_several_processes_put_the_same_things_at_once(store: Store) -> None:
    with ProcessPoolExecutor(max_workers=4) as pool:
        rounds = list(pool.map(put_many, [store.root] * 4))
    assert rounds[0] == rounds[1] == rounds[2] == rounds[3]
    assert list(store.each(ALICE)) == sorted(rounds[0])
    assert all(store.get(ALICE, name) for name in rounds[0])
    assert list((store.root / str(ALICE) / "tmp").iterdir()) == []


def test_a_full_disk_leaves_nothing_half_done(store: Store) -> None:
    kept = store.put(ALICE, b"before")
    content = b"x" * 200_000
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel cuts the write in the middle, as on a full disk, and Python ignores its signal.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            store.put(ALICE, content)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG
    assert list(store.each(ALICE)) == [kept.sha256]
    assert list((store.root / str(ALICE) / "tmp").iterdir()) == []
    assert store.get(ALICE, store.put(ALICE, content).sha256) == content


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_is_really_full_leaves_nothing_half_done(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], check=False, capture_output=True
    ).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        store = Store(disk / "objects")
        stored: list[str] = []
        with pytest.raises(OSError, match="No space left"):
            stored.extend(store.put(ALICE, str(number).encode() * 8_000).sha256 for number in range(40))
        assert stored
        assert list(store.each(ALICE)) == sorted(stored)
        assert all(store.get(ALICE, name) for name in stored)
        assert list((store.root / str(ALICE) / "tmp").iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_killed_writer_leaves_no_torn_object(store: Store) -> None:
    program = dedent("""
        import sys
        from pathlib import Path
        from uuid import UUID
        from faitfoi.evidence.store import Store
        store, number = Store(Path(sys.argv[1])), 0
        while True:
            number += 1
            print(store.put(UUID(sys.argv[2]), str(number).encode() * 40_000).sha256, flush=True)
    """)
    answered: list[str] = []
    for kill in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", program, store.root, str(ALICE)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout
        # Each round gets further than the one before, whose objects it puts again.
        answered.extend(writer.stdout.readline().strip() for _ in range(3 + 7 * kill))
        writer.send_signal(signal.SIGKILL)
        answered.extend(line.strip() for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n"))
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
    there = set(store.each(ALICE))
    assert set(answered) <= there
    for name in there:
        assert sha256(store.get(ALICE, name)).hexdigest() == name


def put_many(root: Path) -> list[str]:
    return [Store(root).put(ALICE, f"facture {number}".encode() * 500).sha256 for number in range(40)]


def place_of(store: Store, name: str) -> Path:
    return store.root / str(ALICE) / name[:2] / name[2:]

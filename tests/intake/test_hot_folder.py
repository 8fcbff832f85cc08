"""The watched folder: each file once, whole, and nothing lost by a stop at any step."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faitfoi.intake import caps, hot_folder
from faitfoi.intake.caps import TooMuch, check_batch, check_file
from faitfoi.intake.hot_folder import (
    Claimed,
    FolderUnusable,
    Memory,
    Outcome,
    ReadyFile,
    claim,
    prepare,
    read_claimed,
    recover,
    scan,
    settle,
)

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = START + timedelta(seconds=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def rested(folder: Path, *, wait: timedelta = timedelta(seconds=3)) -> tuple[ReadyFile, ...]:
    memory = Memory()
    assert scan(folder, memory, now=START) == ()
    return scan(folder, memory, now=START + wait)


def names(files: tuple[ReadyFile, ...]) -> list[str]:
    return [file.path.name for file in files]


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def claimed_one(folder: Path, content: bytes = b"<Invoice/>", name: str = "f.xml") -> Claimed:
    (folder / name).write_bytes(content)
    (file,) = rested(folder)
    claimed = claim(file)
    assert claimed is not None
    return claimed


def test_a_file_is_ready_when_it_has_rested(folder: Path) -> None:
    (folder / "F-2026-117.xml").write_bytes(b"<Invoice/>")
    memory = Memory()
    assert scan(folder, memory, now=START) == ()
    assert scan(folder, memory, now=START + timedelta(seconds=1)) == ()
    assert names(scan(folder, memory, now=LATER)) == ["F-2026-117.xml"]


def test_a_file_still_growing_is_left_alone_even_when_its_size_or_date_does_not_show_it(folder: Path) -> None:
    """Complaint G60."""
    path = folder / "f.xml"
    path.write_bytes(b"<Invoi")
    status = path.stat()
    memory = Memory()
    scan(folder, memory, now=START)
    path.write_bytes(b"<Invoice>")
    assert scan(folder, memory, now=LATER) == ()
    path.write_bytes(b"<Invo!ce>")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert scan(folder, memory, now=LATER + timedelta(seconds=3)) == ()
    assert names(scan(folder, memory, now=LATER + timedelta(seconds=6))) == ["f.xml"]


def test_unfinished_names_hidden_files_folders_links_and_pipes_are_left_alone(folder: Path) -> None:
    for name in ("a.pdf.part", "b.TMP", "c.crdownload", ".cache", "~$f.docx", "f.xml~", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
    (folder / "sous-dossier").mkdir()
    (folder / "vrai.xml").write_bytes(b"x")
    (folder / "lien.xml").symlink_to("/etc/hostname")
    (folder / "mort.xml").symlink_to("nulle-part")
    os.mkfifo(folder / "tube.xml")
    assert names(rested(folder)) == ["vrai.xml"]


def test_rename_in_is_seen_under_the_final_name_only(folder: Path) -> None:
    """Complaint G60."""
    (folder / "f.xml.part").write_bytes(b"<Invoice/>")
    memory = Memory()
    scan(folder, memory, now=START)
    (folder / "f.xml.part").rename(folder / "f.xml")
    scan(folder, memory, now=LATER)
    assert names(scan(folder, memory, now=LATER + timedelta(seconds=2))) == ["f.xml"]


def test_the_same_file_copied_five_times_is_recognised(folder: Path) -> None:
    """Complaint G60."""
    for rank in range(5):
        (folder / f"copie {rank}.xml").write_bytes(b"<Invoice/>")
    files = rested(folder)
    assert len({file.sha256 for file in files}) == 1
    assert [file.same_as for file in files] == ["", *["copie 0.xml"] * 4]


def test_a_claimed_file_is_in_hand_and_nowhere_else(folder: Path) -> None:
    claimed = claimed_one(folder)
    assert tree(folder) == [f"en-cours/{claimed.path.name}"]
    assert claimed.name == "f.xml"
    assert read_claimed(claimed) == b"<Invoice/>"


def test_two_workers_claim_a_file_once(folder: Path) -> None:
    (folder / "f.xml").write_bytes(b"<Invoice/>")
    (file,) = rested(folder)
    assert claim(file) is not None
    assert claim(file) is None


def test_a_file_changed_between_rest_and_claim_goes_back(folder: Path) -> None:
    (folder / "f.xml").write_bytes(b"<Invoice/>")
    (file,) = rested(folder)
    (folder / "f.xml").write_bytes(b"<Invoice>more")
    assert claim(file) is None
    assert tree(folder) == ["f.xml"]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_settled_file_has_its_sentence_beside_it(folder: Path, outcome: Outcome) -> None:
    target = settle(claimed_one(folder), outcome, "Facture F-2026-117 : le numéro manque.\nAjoutez-le.")
    assert target == folder / outcome.value / "f.xml"
    assert target.read_bytes() == b"<Invoice/>"
    assert (folder / outcome.value / "f.xml.txt").read_text() == "Facture F-2026-117 : le numéro manque. Ajoutez-le.\n"
    assert len(tree(folder)) == 2


def test_an_earlier_file_of_the_same_name_is_kept(folder: Path) -> None:
    settle(claimed_one(folder, b"one"), Outcome.DONE, "Prise en compte.")
    second = settle(claimed_one(folder, b"two"), Outcome.DONE, "Prise en compte.")
    third = settle(claimed_one(folder, b"one"), Outcome.DONE, "Déjà faite.")
    assert (folder / "faits" / "f.xml").read_bytes() == b"one"
    assert second.read_bytes() == b"two"
    assert third.name == "f.xml"
    assert len(tree(folder)) == 4


def test_settling_twice_is_settling_once(folder: Path) -> None:
    claimed = claimed_one(folder)
    assert settle(claimed, Outcome.DONE, "ok") == settle(claimed, Outcome.DONE, "ok")


class PlugPulled(BaseException):
    pass


@pytest.mark.parametrize("steps", range(12))
def test_a_stop_at_any_step_loses_nothing_and_the_next_start_finishes(
    folder: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "f.xml").write_bytes(b"<Invoice/>")
    (file,) = rested(folder)
    left = steps

    def pull_at(name: str) -> None:
        real = getattr(os, name)

        def step(*args: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise PlugPulled
            return real(*args, **more)

        monkeypatch.setattr(os, name, step)

    for name in ("rename", "replace", "fsync", "open"):
        pull_at(name)
    try:
        claimed = claim(file)
        assert claimed is not None
        settle(claimed, Outcome.DONE, "Prise en compte.")
    except PlugPulled:
        pass
    monkeypatch.undo()

    found = recover(folder)
    assert len(found) <= 1
    again = [claimed for ready in rested(folder) if (claimed := claim(ready))]
    for claimed in (*found, *again):
        settle(claimed, Outcome.DONE, "Prise en compte.")
    assert tree(folder) == ["faits/f.xml", "faits/f.xml.txt"]
    assert (folder / "faits" / "f.xml").read_bytes() == b"<Invoice/>"


def test_what_changed_in_hand_while_we_were_stopped_comes_to_rest_again(folder: Path) -> None:
    claimed = claimed_one(folder)
    claimed.path.write_bytes(b"<Invoice>longer")
    (folder / "f.xml").write_bytes(b"another of that name")
    assert recover(folder) == ()
    contents = sorted(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert contents == [b"<Invoice>longer", b"another of that name"]


def test_too_big_is_refused_with_its_size_and_empty_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "gros.pdf").open("wb") as file:
        file.truncate(caps.MAX_FILE_BYTES + 1_500_000)
    (folder / "vide.pdf").touch()
    (big,) = rested(folder)
    assert big.sha256 == ""
    assert "gros.pdf pèse 21,4 Mo, plus que les 20 Mo acceptés" in big.refusal
    big, empty = rested(folder, wait=timedelta(minutes=6))
    assert "vide.pdf est vide" in empty.refusal
    for each in (big, empty):
        claimed = claim(each)
        assert claimed is not None
        with pytest.raises(TooMuch):
            read_claimed(claimed)
        settle(claimed, Outcome.REFUSED, each.refusal)
    assert tree(folder) == ["refuses/gros.pdf", "refuses/gros.pdf.txt", "refuses/vide.pdf", "refuses/vide.pdf.txt"]


def test_a_file_closed_to_us_is_refused_and_put_away() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder)
        for each in (folder, folder / "en-cours", folder / "refuses"):
            each.chmod(0o777)
        (folder / "f.xml").write_bytes(b"<Invoice/>")
        (folder / "f.xml").chmod(0)
        with not_as_root():
            (file,) = rested(folder)
            assert "vérifiez ses droits" in file.refusal
            claimed = claim(file)
            assert claimed is not None
            with pytest.raises(TooMuch, match="vérifiez ses droits") as caught:
                read_claimed(claimed)
            settle(claimed, Outcome.REFUSED, str(caught.value))
        assert tree(folder) == ["refuses/f.xml", "refuses/f.xml.txt"]


@contextmanager
def not_as_root() -> Iterator[None]:
    """Give up root's right to read everything, when we have it, for as long as it lasts."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@settings(max_examples=40, deadline=None)
@given(name=st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_any_name_a_disk_can_bear_goes_through(name: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("watched")
    prepare(folder)
    path = folder / os.fsdecode(name)
    if path.exists():
        return
    path.write_bytes(b"x")
    memory = Memory()
    scan(folder, memory, now=START)
    for file in scan(folder, memory, now=LATER):
        claimed = claim(file)
        assert claimed is not None
        assert recover(folder)[0].sha256 == claimed.sha256
        settle(claimed, Outcome.REFUSED, f"Le fichier {claimed.name} est illisible.")
        assert not path.exists()


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FolderUnusable, match="n’existe pas"):
        prepare(tmp_path / "absent")
    with pytest.raises(FolderUnusable, match="n’est plus accessible"):
        scan(tmp_path / "absent", Memory(), now=START)
    (tmp_path / "ailleurs").mkdir()
    (tmp_path / hot_folder.IN_HAND).symlink_to(tmp_path / "ailleurs")
    with pytest.raises(FolderUnusable, match="lien"):
        prepare(tmp_path)


def test_caps_speak_french_and_name_the_remedy() -> None:
    check_file("f.pdf", 1)
    check_batch(1, 1)
    with pytest.raises(TooMuch, match="Envoyez-les en plusieurs lots"):
        check_batch(caps.MAX_BATCH_FILES + 1, 1)
    with pytest.raises(TooMuch, match="Envoyez-le en plusieurs lots"):
        check_batch(1, caps.MAX_BATCH_BYTES + 1)
    with pytest.raises(TooMuch, match="au moins une facture"):
        check_batch(0, 0)

"""A folder of invoices: every core, a bar, Ctrl-C that says what was done, and a run taken up where it was."""

import json
import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from faitfoi.cli.library_desk import Question, answers
from tests.cli.commands import PROGRAM, ask
from tests.waiting import PATIENCE, wait_for

MANY = 2_000


@pytest.fixture
def folder(inbox: Path, wrong: Path, tmp_path: Path) -> Path:
    """Two good invoices, one wrong, one file that is none, and what must not be looked at."""
    made = tmp_path / "folder"
    (made / "2026" / "11").mkdir(parents=True)
    (made / ".hidden").mkdir()
    shutil.copy(inbox / "TV-2026-0402.xml", made / "2026")
    shutil.copy(inbox / "TV-2026-0401.pdf", made / "2026" / "11" / "a.pdf")
    shutil.copy(wrong, made / "wrong.xml")
    (made / "README.txt").write_text("These are invoices.")
    (made / ".hidden" / "secret.xml").write_text("<a/>")
    os.mkfifo(made / "pipe")
    return made


def test_a_folder_is_read_at_any_depth_in_order(folder: Path) -> None:
    done = ask("check", "--json", folder)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 2
    assert [str(Path(row["file"]).relative_to(folder)) for row in rows] == [
        "README.txt",
        "wrong.xml",
        "2026/TV-2026-0402.xml",
        "2026/11/a.pdf",
    ]
    assert [row["valid"] for row in rows] == [False, False, True, True]


def test_people_see_what_is_wrong_and_the_sums(folder: Path) -> None:
    done = ask("check", folder)
    assert "a.pdf" not in done.stdout
    assert "BR-CO-10" in done.stdout
    assert "4 fichiers en" in done.stdout
    assert "2 valides, 1 non valide, 1 illisible." in done.stdout
    assert "a.pdf" in ask("check", "--all", folder).stdout


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    done = ask("check", tmp_path)
    assert done.exit_code == 2
    assert "Aucun fichier" in done.stderr


def test_a_second_run_takes_up_what_the_report_holds(folder: Path, tmp_path: Path) -> None:
    report = folder / "report.jsonl"  # in the folder itself: it is no invoice
    first = ask("check", "--json", folder, "--report", report)
    lines = report.read_text().splitlines()
    assert len(lines) == 4
    with report.open("a") as torn:
        torn.write('{"file": "half a li')
    shutil.copy(folder / "2026" / "TV-2026-0402.xml", folder / "wrong.xml")  # mended since
    second = ask("check", folder, "--report", report)
    assert first.exit_code == 2
    assert "3 valides, 0 non valide, 1 illisible." in second.stdout
    assert "repris du compte rendu : 3." in second.stdout
    added = report.read_text().splitlines()[len(lines) :]
    assert [Path(json.loads(line)["file"]).name for line in added] == ["wrong.xml"]
    assert "repris" not in ask("check", "--no-br-fr", folder, "--report", report).stdout  # another question


def test_a_file_that_is_no_report_stays_as_it_is(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("Do not lose me")
    done = ask("check", folder, "--report", other)
    assert done.exit_code == 2
    assert "n’est pas un compte rendu" in done.stderr
    assert other.read_text() == "Do not lose me"


def test_ctrl_c_says_what_was_done_and_the_next_run_goes_on(inbox: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(MANY):
        (many / f"{number:04}.xml").hardlink_to(inbox / "TV-2026-0402.xml")
    report = tmp_path / "report.jsonl"
    command = [*PROGRAM, "check", "--json", str(many), "--report", str(report), "--jobs", "1"]
    # Nobody reads what it says until it is interrupted, so that it cannot come to the end before.
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, pipesize=4096
    )
    wait_for(lambda: report.exists() and report.stat().st_size > 0, "the first answer")
    os.killpg(running.pid, signal.SIGINT)  # as the terminal does: the children hear it too
    _, complaint = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert b"Traceback" not in complaint
    assert "Interrompu :" in complaint.decode()
    assert "La même commande reprendra" in complaint.decode()
    done = len(report.read_text().splitlines())
    assert 0 < done < MANY
    again = ask("check", many, "--report", report)
    assert again.exit_code == 0
    assert f"repris du compte rendu : {done}." in again.stdout


def test_a_terminal_sees_a_bar_on_the_standard_error_alone(folder: Path) -> None:
    parent, child = pty.openpty()
    running = subprocess.Popen([*PROGRAM, "check", "--json", str(folder)], stdout=subprocess.PIPE, stderr=child)
    os.close(child)
    assert running.stdout is not None
    told = running.stdout.read()
    seen = b""
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:  # the other end is closed
            break
        seen += part
    os.close(parent)
    running.wait()
    assert "Fichiers jugés" in seen.decode()
    assert [json.loads(line)["valid"] for line in told.splitlines()] == [False, False, True, True]
    assert b"\x1b" not in told


def test_names_that_are_no_text_and_names_that_give_orders_are_shown_harmless(inbox: Path, tmp_path: Path) -> None:
    for name in (b"\xff.xml", b"\x1b[31mred.xml"):
        shutil.copy(inbox / "TV-2026-0402.xml", os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    for extra in ({}, {"PYTHONIOENCODING": "ascii"}):
        environment = {**os.environ, **extra}
        shown, told = (
            subprocess.run([*PROGRAM, "check", option, tmp_path], capture_output=True, env=environment, check=False)
            for option in ("--all", "--json")
        )
        assert (shown.returncode, told.returncode) == (0, 0), shown.stderr + told.stderr
        assert b"\x1b" not in shown.stdout
        names = {os.fsencode(json.loads(line)["file"]).rpartition(b"/")[2] for line in told.stdout.splitlines()}
        assert names == {b"\xff.xml", b"\x1b[31mred.xml"}


def test_children_end_with_the_run(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*.xml"))
    before = _children()
    answered = answers(files, Question(), jobs=2)
    next(answered)
    assert _children() - before
    answered.close()
    assert not _children() - before


def _children() -> set[str]:
    threads = Path("/proc/self/task").glob("*/children")
    return {child for thread in threads for child in thread.read_text().split()}


@pytest.mark.parametrize("command", ["check", "compare"])
def test_an_empty_name_is_refused_rather_than_read_as_the_current_folder(command: str) -> None:
    answer = ask(command, "")

    assert answer.exit_code == 2
    assert "nom vide" in " ".join(answer.output.split())

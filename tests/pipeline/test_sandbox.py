"""Hostile files cost one child at most; the batch goes on, and nothing of ours is within the child's reach."""

import fcntl
import io
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pikepdf
import pytest

from faitfoi.einvoice.facturx_safety import MAX_STREAM_BYTES
from faitfoi.einvoice.reading import Format, Unreadable
from faitfoi.pipeline.sandbox import HEADER, Sandbox
from tests.einvoice.hostile import HEAVY
from tests.pipeline.cast import Scene, file, invoice
from tests.waiting import PATIENCE, wait_for

MEBIBYTE = 1024 * 1024
GOOD = file("F-1")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        made.read(GOOD)  # there is a child
        yield made


def child_of(sandbox: Sandbox) -> int:
    assert sandbox._child is not None
    return sandbox._child.pid


def pdf(change: str) -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    if change == "script":
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
        document.Root.OpenAction = script
    elif change == "bomb":
        packed = zlib.compress(bytes(MAX_STREAM_BYTES + 1), 9)
        document.Root.Bomb = pikepdf.Stream(document, packed)
        document.Root.Bomb.stream_dict.Filter = pikepdf.Name.FlateDecode
    out = io.BytesIO()
    if change == "encrypted":
        document.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    else:
        document.save(out, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return out.getvalue()


HOSTILE = {
    "a PDF that runs a script": pdf("script"),
    "a PDF that swells": pdf("bomb"),
    "an encrypted PDF": pdf("encrypted"),
    "a PDF without invoice": pdf("plain"),
    "a truncated PDF": pdf("plain")[:300],
    "a DOCTYPE": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "an outer entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "a billion laughs": b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>',
    "a deep JSON": b'{"a":' * 100_000,
    "a long number": b'{"number":' + b"9" * 1_000_000 + b"}",
    "noise": os.urandom(5000),
    "nothing to read": b"\x00" * 5000,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(500),
}


@pytest.mark.django_db
def test_hostile_files_are_refused_lines_and_the_batch_goes_on(scene: Scene) -> None:
    batch = scene.send(*HOSTILE.values(), GOOD)
    lines = scene.lines(batch)

    assert [line.outcome for line in lines] == ["refused"] * len(HOSTILE) + ["ready"]
    for name, line in zip(HOSTILE, lines, strict=False):
        assert line.reason.rstrip().endswith((".", "»")), name
        assert "Traceback" not in line.reason
        assert "error" not in line.reason.lower(), name
    counts = scene.counts(batch)
    assert (counts.refused, counts.sent) == (len(HOSTILE), 1)


def test_a_child_killed_in_the_middle_costs_the_good_file_nothing(sandbox: Sandbox) -> None:
    for deadly in (signal.SIGKILL, signal.SIGTERM):
        first = child_of(sandbox)
        os.kill(first, signal.SIGSTOP)  # it is in the middle of something
        killer = threading.Thread(target=end_when_asked, args=(sandbox, deadly))
        killer.start()
        reading = sandbox.read(GOOD)
        killer.join()
        assert reading.format is Format.JSON
        assert reading.invoice.number == "F-1"
        assert child_of(sandbox) != first


def end_when_asked(sandbox: Sandbox, how: signal.Signals) -> None:
    """End a stopped child once it has been asked something, so that it ends in the middle of that."""
    child = sandbox._child
    assert child is not None
    assert child.stdin is not None
    wait_for(lambda: unread(child.stdin) > 0, "a question")
    os.kill(child.pid, how)
    os.kill(child.pid, signal.SIGCONT)  # a stopped process takes most signals only when it goes on


def unread(pipe: IO[bytes] | None) -> int:
    """How many bytes lie in a pipe."""
    assert pipe is not None
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


def test_a_child_killed_between_two_files_is_replaced(sandbox: Sandbox) -> None:
    first = child_of(sandbox)
    os.kill(first, signal.SIGKILL)
    assert sandbox.read(GOOD).invoice.number == "F-1"
    assert child_of(sandbox) != first


def test_a_file_is_given_two_children_and_no_more() -> None:
    over, ended = threading.Event(), set()

    def kill_all(sandbox: Sandbox) -> None:
        while not over.is_set():
            wait_for(lambda: over.is_set() or is_new(sandbox._child), "another child", every=0.002)
            child = sandbox._child
            if is_new(child) and child is not None:
                ended.add(child.pid)
                child.kill()

    def is_new(child: "subprocess.Popen[bytes] | None") -> bool:
        return child is not None and child.returncode is None and child.pid not in ended

    with Sandbox() as sandbox:
        killer = threading.Thread(target=kill_all, args=(sandbox,))
        killer.start()
        with pytest.raises(Unreadable):
            sandbox.read(GOOD)
        over.set()
        killer.join()
        assert len(ended) == 2
        assert sandbox.read(GOOD).invoice.number == "F-1"


def test_an_interrupt_is_not_for_the_child(sandbox: Sandbox) -> None:
    before = child_of(sandbox)
    os.kill(before, signal.SIGINT)
    assert sandbox.read(GOOD).invoice.number == "F-1"
    assert child_of(sandbox) == before


def test_a_child_that_does_not_answer_is_given_up() -> None:
    with Sandbox() as sandbox:
        sandbox.read(GOOD)
        os.kill(child_of(sandbox), signal.SIGSTOP)
        sandbox._seconds, whole = 1.0, sandbox._seconds
        with pytest.raises(Unreadable, match="épuisé le temps"):
            sandbox.read(GOOD)
        sandbox._seconds = whole  # the next child begins, which takes what it takes
        assert sandbox.read(GOOD).invoice.number == "F-1"


def test_a_file_that_wants_too_much_memory_is_refused_and_the_next_is_read() -> None:
    with Sandbox(memory=400 * MEBIBYTE) as sandbox:
        assert sandbox.read(GOOD).invoice.number == "F-1"
        with pytest.raises(Unreadable):
            sandbox.read(b"<a>" + b"<a/>x" * (4 * MEBIBYTE) + b"</a>")
        assert sandbox.read(GOOD).invoice.number == "F-1"
        limits = Path(f"/proc/{child_of(sandbox)}/limits").read_text()
    told = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert told["Max address space"] == [str(400 * MEBIBYTE)] * 2
    assert told["Max file size"] == ["0", "0"]
    assert told["Max core file size"] == ["0", "0"]


def test_a_file_that_burns_the_processor_ends_its_child() -> None:
    """Without any help of the parent: the kernel itself stops a child whose file costs too much."""
    child = subprocess.Popen(
        [sys.executable, "-m", "faitfoi.pipeline.sandbox_child", "0", str(1536 * MEBIBYTE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/",
    )
    words = json.dumps({"do": "check"}).encode()
    burning = HEAVY["20,000 empty lines"]()
    told, _ = child.communicate(HEADER.pack(len(words), len(burning)) + words + burning, timeout=PATIENCE)
    assert told == b""
    assert child.returncode == -signal.SIGXCPU


def test_a_child_whose_parent_is_killed_ends(sandbox: Sandbox) -> None:
    """Also when it is killed at once: the pipe closes, and there is nothing more to read."""
    code = (
        "import os, sys, time\n"
        "from faitfoi.pipeline.sandbox import Sandbox\n"
        f"sandbox = Sandbox(); sandbox.read({GOOD!r})\n"
        "print(sandbox._child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_for(lambda: not _alive(pid), "its end")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_child_sees_no_secret_and_no_connection_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAITFOI_SECRET_KEY", "ne le dites à personne")
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret@/base")
    with Sandbox() as sandbox:
        sandbox.read(GOOD)
        place = Path(f"/proc/{child_of(sandbox)}")
        environment = dict(line.split("=", 1) for line in (place / "environ").read_text().split("\x00") if line)
        handles = {handle.name: str(handle.readlink()) for handle in (place / "fd").iterdir()}
        assert str((place / "cwd").readlink()) == "/"
    assert set(environment) <= {"PATH", "PYTHONPATH", "LC_CTYPE"}
    assert set(handles) == {"0", "1", "2"}
    assert handles["0"].startswith("pipe:")
    assert handles["1"].startswith("pipe:")


@pytest.mark.parametrize("nonsense", [b"", b"\x00" * 5, struct.pack("!IQ", 2**31, 0), HEADER.pack(3, 0) + b"{{{"])
def test_a_child_that_answers_nonsense_is_not_believed(nonsense: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that took the child over can write what it likes on the pipe: the worst it gets is its own refusal."""
    sandbox = Sandbox()
    code = f"import sys; sys.stdin.buffer.read(1); sys.stdout.buffer.write({nonsense!r})"
    sandbox._child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with sandbox:
        with pytest.raises(Unreadable):
            sandbox.read(GOOD)
        assert sandbox.read(GOOD).invoice.number == "F-1"


def test_what_the_child_reads_is_what_was_written() -> None:
    with Sandbox() as sandbox:
        reading = sandbox.read(json.dumps({**invoice("F-7"), "payment_terms": "Échéance « 30 j »"}).encode())
    assert reading.invoice.payment_terms == "Échéance « 30 j »"
    assert reading.xml == b""
    assert reading.pdf is None

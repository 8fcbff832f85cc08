"""Hostile files are parsed in one long-lived child process with memory and time limits, never in ours.

The parent trusts nothing of the child but bytes and JSON; a child that dies, hangs or answers nonsense costs one
file its reading, and the next file gets a new child. A child that somebody else has ended costs nothing: the file is
read once more by the next. Needs no Django: the command line's library commands use it too.
"""

import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.pdfa import Conformity, NotPdfA, PdfAClaim
from faitfoi.einvoice.reading import Format, Reading, Unreadable, refuse_oversize
from faitfoi.evidence.pdf_stamp import Stamp
from faitfoi.evidence.seal_judge import Verdict, verdict_from

HEADER = struct.Struct("!IQ")  # length of the JSON, length of the bytes
SECONDS = 30.0
MEMORY = 1536 * 1024 * 1024  # bytes of address space, with room for the libraries themselves
ENDED_BY_OTHERS = frozenset({-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT})
"""How a child ends that the system stops (a service's end, a lack of memory elsewhere), never by its file alone."""
GRACE = 5.0  # seconds for a dying child to be gone
MOST_ANSWERED = 256 * 1024 * 1024


class Judge(StrEnum):
    """Who judges what the child has read."""

    NOBODY = "nobody"
    OURS = "ours"
    OFFICIAL = "official"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the child said: a JSON object and bytes."""

    facts: Mapping[str, Any]
    payload: bytes


class Sandbox:
    """A door to the child. One per process is enough: calls wait for each other."""

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY, official: bool = False) -> None:
        """`official` starts a child that may run the official judge: its machine only accepts another kind of limit."""
        self._seconds = seconds
        self._memory = memory
        self._official = official
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, data: bytes) -> Reading:
        """Read an invoice (see `einvoice.reading.read`). Raises Unreadable, also when the file exhausts its limits."""
        return self._reading({"do": "read"}, data)

    def check(self, data: bytes) -> Reading:
        """Read an invoice and judge it there (see `einvoice.checking.check_received`): its `findings` are all.

        Raises Unreadable, also when the file exhausts its limits.
        """
        return self._reading({"do": "check"}, data)

    def extract(self, pdf: bytes) -> bytes:
        """Return the XML embedded in a PDF, byte for byte. Raises Unreadable."""
        return self._ask({"do": "extract"}, pdf).payload

    def attached(self, pdf: bytes, name: str) -> bytes:
        """Return the file of that name inside a PDF (see `einvoice.attached`). Raises Unreadable."""
        return self._ask({"do": "attached", "name": name}, pdf).payload

    def report(
        self, data: bytes, *, judge: Judge, br_fr: bool | None = None, language: str = "fr", xml: bool = False
    ) -> tuple[dict[str, Any], bytes]:
        """Read and judge a document in the child: its report (see `einvoice.reports`), and its XML when asked for.

        `OFFICIAL` wants a sandbox made for it, and tells nothing of what the reader finds. Raises Unreadable.
        """
        question = {"do": "report", "judge": judge.value, "br_fr": br_fr, "language": language, "xml": xml}
        answer = self._ask(question, data)
        return dict(answer.facts), answer.payload

    def compare(self, xml: bytes, *, br_fr: bool | None = None) -> dict[str, Any]:
        """Both verdicts on a CII or UBL (see `einvoice.reports.comparison`), in an official sandbox.

        Raises Unreadable.
        """
        return dict(self._ask({"do": "compare", "br_fr": br_fr}, xml).facts)

    def replace(self, pdf: bytes, xml: bytes, *, at: datetime, specification: str) -> bytes:
        """Return an unsigned Factur-X with `xml` in place of its own (see `einvoice.facturx.replace`).

        Raises Unreadable.
        """
        question = {"do": "replace", "pdf": len(pdf), "at": at.isoformat(), "specification": specification}
        return self._ask(question, pdf + xml).payload

    def look_into(self, pdf: bytes) -> Conformity:
        """Return why a PDF is not a PDF/A (see `einvoice.pdfa.look_into`). Raises Unreadable."""
        facts = self._ask({"do": "look_into"}, pdf).facts
        part, level = facts["claim"] or (0, "")
        return Conformity(
            claim=PdfAClaim(part=int(part), level=str(level)) if part else None,
            signed=bool(facts["signed"]),
            findings=tuple(finding_from(item) for item in facts["findings"]),
        )

    def attach(self, pdf: bytes, xml: bytes, *, at: datetime, specification: str, wrap: bool = False) -> bytes:
        """Return a Factur-X made of a PDF/A (see `einvoice.facturx.attach`), or of pages wrapped first on demand.

        Raises NotPdfA with every reason (those that `einvoice.pdfa_wrap.wrap` cannot mend when wrapping), Unreadable.
        """
        question = {"do": "attach", "pdf": len(pdf), "at": at.isoformat(), "specification": specification, "wrap": wrap}
        return self._ask(question, pdf + xml).payload

    def lay_out(self, pdf: bytes, room: int, at: datetime, stamp: Stamp | None = None) -> tuple[bytes, bytes]:
        """Return what surrounds a seal (see `evidence.pdf_update.lay_out`). Raises Unreadable."""
        drawn = asdict(stamp) if stamp is not None else None
        answer = self._ask({"do": "lay_out", "room": room, "at": at.isoformat(), "stamp": drawn}, pdf)
        before = int(answer.facts["before"])
        return answer.payload[:before], answer.payload[before:]

    def judge_signatures(self, pdf: bytes) -> Verdict:
        """Judge the signatures of a PDF, whoever made them (see `evidence.seal_judge`). Raises Unreadable."""
        return verdict_from(self._ask({"do": "judge_signatures"}, pdf).facts)

    def picture(self, pdf: bytes, *, page: int, width: int) -> tuple[bytes, int]:
        """Return one page (from 1) as PNG, `width` pixels wide, and how many pages there are. Raises Unreadable."""
        answer = self._ask({"do": "picture", "page": page, "width": width}, pdf)
        return answer.payload, int(answer.facts["pages"])

    def close(self) -> None:
        """End the child."""
        with self._turn:
            self._end()

    def _reading(self, question: Mapping[str, object], data: bytes) -> Reading:
        answer = self._ask(question, data)
        facts = answer.facts
        return Reading(
            invoice=from_json(json.dumps(facts["invoice"]).encode()),
            format=Format(facts["format"]),
            profile=str(facts["profile"]),
            xml=answer.payload,
            pdf=data if facts["pdf"] else None,
            signed=bool(facts["signed"]),
            findings=tuple(finding_from(item) for item in facts["findings"]),
        )

    def _ask(self, question: Mapping[str, object], payload: bytes) -> Answer:
        refuse_oversize(payload)  # before the child holds a second copy of it
        with self._turn:
            try:
                answer = self._exchange_again_if_ended(question, payload)
            except (OSError, EOFError, ValueError, struct.error) as error:
                self._end()
                raise Unreadable(
                    "Ce fichier a épuisé le temps ou la mémoire accordés à la lecture, ou l’a fait échouer : "
                    "il est abîmé, ou fabriqué pour nuire. Demandez-en un autre à son émetteur."
                ) from error
        if "not_pdfa" in answer.facts:
            found = tuple(finding_from(item) for item in answer.facts["not_pdfa"])
            raise NotPdfA(found, wrapping=bool(question.get("wrap")))
        if "refused" in answer.facts:
            raise Unreadable(str(answer.facts["refused"]))
        return answer

    def _exchange_again_if_ended(self, question: Mapping[str, object], payload: bytes) -> Answer:
        """Ask; once more when the child was ended from outside, for a good invoice must not pay for that."""
        try:
            return self._exchange(question, payload)
        except EOFError:
            if self._how_it_ended() not in ENDED_BY_OTHERS:
                raise
            self._end()
            return self._exchange(question, payload)

    def _how_it_ended(self) -> int | None:
        assert self._child is not None  # noqa: S101  # it has just been asked
        try:
            return self._child.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:
            return None

    def _exchange(self, question: Mapping[str, object], payload: bytes) -> Answer:
        child = self._running()
        assert child.stdin is not None  # noqa: S101  # opened as a pipe just below
        assert child.stdout is not None  # noqa: S101
        words = json.dumps(question).encode()
        deadline = time.monotonic() + self._seconds
        sender = threading.Thread(target=_write, args=(child, HEADER.pack(len(words), len(payload)), words, payload))
        sender.start()
        try:
            head = _read(child.stdout.fileno(), HEADER.size, deadline)
            json_size, payload_size = HEADER.unpack(head)
            if json_size + payload_size > MOST_ANSWERED:
                raise ValueError("the answer is too large")
            facts = json.loads(_read(child.stdout.fileno(), json_size, deadline))
            return Answer(facts=facts, payload=_read(child.stdout.fileno(), payload_size, deadline))
        finally:
            if sender.is_alive():
                sender.join(timeout=max(0.0, deadline - time.monotonic()))
                if sender.is_alive():
                    child.kill()
                    sender.join()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._end()
            environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
            self._child = subprocess.Popen(
                [sys.executable, "-m", "faitfoi.pipeline.sandbox_child", *self._limits()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,  # no secret of ours reaches the child
                cwd="/",
                close_fds=True,
                process_group=0,  # Ctrl-C is for the parent, which lets the file in hand be finished
            )
        return self._child

    def _limits(self) -> tuple[str, ...]:
        return (str(int(self._seconds)), str(self._memory), *(("official",) if self._official else ()))

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    _close(pipe)
            self._child = None


_OPTIONAL = tuple(field.name for field in fields(Finding) if field.default == "")


def finding_from(item: Mapping[str, Any]) -> Finding:
    """Rebuild a finding from its JSON; raises KeyError or ValueError when it is not one."""
    return Finding(
        rule=str(item["rule"]),
        severity=Severity(item["severity"]),
        message=str(item["message"]),
        **{name: str(item.get(name, "")) for name in _OPTIONAL},
    )


def finding_to(finding: Finding) -> dict[str, str]:
    """Return a finding as JSON values; what is empty is left out, but for the term."""
    told = {name: value for name in _OPTIONAL if (value := getattr(finding, name))}
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "term": finding.term,
        "message": finding.message,
        **told,
    }


def _write(child: subprocess.Popen[bytes], *parts: bytes) -> None:
    assert child.stdin is not None  # noqa: S101
    try:
        for part in parts:
            child.stdin.write(part)
        child.stdin.flush()
    except (BrokenPipeError, ValueError):
        return  # the child died: the reading side says so


def _read(descriptor: int, size: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while size:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError("the child does not answer")
            part = os.read(descriptor, min(size, 1 << 20))
            if not part:
                raise EOFError("the child died")
            parts.append(part)
            size -= len(part)
    return b"".join(parts)


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return

"""The child of `pipeline.sandbox`: reads hostile files under limits, answers in JSON and bytes."""

import json
import logging
import os
import resource
import signal
import sys
import warnings
from datetime import datetime
from typing import Any, BinaryIO

from faitfoi.einvoice.attached import attached
from faitfoi.einvoice.checking import check, check_received, french_rules, xml_of
from faitfoi.einvoice.facturx import SignedPdf, attach, extract, replace
from faitfoi.einvoice.facturx_safety import bound_qpdf
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.pdfa import NotPdfA, look_into
from faitfoi.einvoice.pdfa_wrap import wrap
from faitfoi.einvoice.reading import Format, Reading, Unreadable, read
from faitfoi.einvoice.reports import comparison, report
from faitfoi.evidence.pdf_stamp import Place, Stamp
from faitfoi.evidence.pdf_update import SealRefused, lay_out
from faitfoi.evidence.seal_judge import CannotJudge, judge_signatures
from faitfoi.pipeline.sandbox import HEADER, Judge, finding_to

MOST_PIXELS = 2400


def main() -> None:
    """Answer until the parent closes the pipe."""
    seconds, memory = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which may still finish the file in hand
    if sys.argv[3:] == ["official"]:
        # Its virtual machine reserves 32 GB of addresses that it never uses: what is written to is limited instead.
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where it prints a page for each document that stops a sheet
    else:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    bound_qpdf()
    # pikepdf remarks on damage in English, on the terminal of who runs a command.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr  # nothing a library prints may look like an answer
    while head := incoming.read(HEADER.size):
        json_size, payload_size = HEADER.unpack(head)
        question = json.loads(incoming.read(json_size))
        payload = incoming.read(payload_size)
        _allow(seconds)
        try:
            facts, answer = _answer(question, payload)
        except NotPdfA as error:
            facts, answer = {"not_pdfa": [finding_to(finding) for finding in error.findings]}, b""
        except Unreadable as error:
            facts, answer = {"refused": error.reason}, b""
        except (SignedPdf, SealRefused, CannotJudge) as error:
            facts, answer = {"refused": str(error)}, b""
        except MemoryError:
            facts, answer = {"refused": "Ce fichier demande plus de mémoire que la lecture n’en accorde."}, b""
        _send(outgoing, facts, answer)


def _answer(question: dict[str, Any], payload: bytes) -> tuple[dict[str, object], bytes]:
    match question["do"]:
        case "read":
            reading = read(payload)
            return _facts(reading, reading.findings), reading.xml
        case "check":
            reading = read(payload)
            return _facts(reading, check_received(reading)), reading.xml
        case "report":
            return _report(question, payload)
        case "compare":
            return _compare(payload, br_fr=question["br_fr"])
        case "extract":
            return {}, extract(payload)
        case "attached":
            return {}, attached(payload, str(question["name"]))
        case "look_into":
            look = look_into(payload)
            claim = [look.claim.part, look.claim.level] if look.claim is not None else None
            findings = [finding_to(finding) for finding in look.findings]
            return {"claim": claim, "signed": look.signed, "findings": findings}, b""
        case "attach" | "replace":
            cut = int(question["pdf"])
            at = datetime.fromisoformat(question["at"])
            pdf = wrap(payload[:cut], at=at) if question.get("wrap") else payload[:cut]
            put = attach if question["do"] == "attach" else replace
            return {}, put(pdf, payload[cut:], at=at, specification=str(question["specification"]))
        case "lay_out":
            drawn = question["stamp"]
            stamp = Stamp(content=drawn["content"], place=Place(**drawn["place"])) if drawn else None
            before, after = lay_out(payload, int(question["room"]), datetime.fromisoformat(question["at"]), stamp)
            return {"before": len(before)}, before + after
        case "judge_signatures":
            return judge_signatures(payload).facts(), b""
        case "picture":
            return _picture(payload, page=int(question["page"]), width=min(int(question["width"]), MOST_PIXELS))
        case unknown:
            raise ValueError(f"no such question: {unknown}")


def _facts(reading: Reading, findings: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "invoice": to_json(reading.invoice),
        "format": reading.format.value,
        "profile": reading.profile,
        "pdf": reading.pdf is not None,
        "signed": reading.signed,
        "findings": [finding_to(finding) for finding in findings],
    }


def _report(question: dict[str, Any], payload: bytes) -> tuple[dict[str, object], bytes]:
    reading = read(payload)
    official = question["judge"] == Judge.OFFICIAL
    findings = reading.findings
    if question["judge"] != Judge.NOBODY:
        findings = check(reading, official=official, br_fr=question["br_fr"]).findings
    told = findings[len(reading.findings) :] if official else findings
    return report(reading, told, language=question["language"]), xml_of(reading) if question["xml"] else b""


def _compare(payload: bytes, *, br_fr: bool | None) -> tuple[dict[str, object], bytes]:
    from faitfoi.einvoice.rules.agreement import compare  # loads the official judge

    reading = read(payload)
    applied, _ = french_rules(reading.invoice, br_fr=br_fr)
    kind = (reading.format, reading.profile, applied)
    if kind not in _warm:
        compare(reading, br_fr=applied)  # loads rules, compiles sheets: done once, it is no part of a judgement's time
        _warm.add(kind)
    return comparison(compare(reading, br_fr=applied)), b""


_warm: set[tuple[Format, str, bool]] = set()


def _picture(pdf: bytes, *, page: int, width: int) -> tuple[dict[str, object], bytes]:
    """Draw one page; pypdfium2 is of the server extra, so it is imported only when a page is asked for."""
    import io

    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(pdf)
        if not 1 <= page <= len(document):
            raise Unreadable(f"Ce document n’a pas de page {page}.")
        sheet = document[page - 1]
        points = max(1.0, sheet.get_width())
        if sheet.get_height() / points > 10:
            raise Unreadable("Cette page est trop longue pour être montrée.")
        image = sheet.render(scale=width / points, may_draw_forms=True).to_pil()
    except pypdfium2.PdfiumError as error:
        raise Unreadable("Cette page ne se laisse pas dessiner.") from error
    out = io.BytesIO()
    image.convert("RGB").quantize(128).save(out, "PNG")
    return {"pages": len(document)}, out.getvalue()


def _allow(seconds: int) -> None:
    """Give the next file `seconds` of processor time from here."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _send(outgoing: BinaryIO, facts: dict[str, object], payload: bytes) -> None:
    words = json.dumps(facts, ensure_ascii=False).encode()
    outgoing.write(HEADER.pack(len(words), len(payload)) + words)
    outgoing.write(payload)
    outgoing.flush()


if __name__ == "__main__":
    main()

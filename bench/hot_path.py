"""Time the hot path, from an invoice's data to its sealed and stored page, beside its peer on the same invoices.

    make bench                        # three rounds of 15 invoices of 12 lines
    make bench ARGS="40 --lines 30"

Prints milliseconds per invoice and per step, and keeps them in build/bench.json under "hot_path". The peer
(../shared/bench/peer_pipeline.py) and ours take turns, with this same Python and the same type of key; the fastest
round of each counts, for others on the machine can only slow one down. The XML that the peer embeds must say what ours
says, or nothing is compared. Without it, our own figures are printed alone.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pikepdf
from measure import RESULTS, ROOT, SHARED, keep
from rich.console import Console
from rich.table import Table
from sample_invoices import sample_invoice

from faitfoi.einvoice import page
from faitfoi.einvoice.cii import read_cii, write_cii
from faitfoi.einvoice.findings import Finding, is_valid
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.official import check_schema
from faitfoi.einvoice.rules import Family, check_rules
from faitfoi.einvoice.xml import parse_xml
from faitfoi.evidence.leaves import canonical, leaf_hash
from faitfoi.evidence.merkle import Frontier
from faitfoi.evidence.seal import SealKey, create_key, load_key, seal
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.store import Store

PEER = SHARED / "bench" / "peer_pipeline.py"
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ORGANISATION = UUID("01980000-0000-7000-8000-00000000a11c")
# Ours, and what the peer calls the same work.
STEPS = {
    "data to CII": ("cii", ("cii",)),
    "checks (EN 16931, BR-FR)": ("check", ("check",)),
    "page, XML attached": ("page", ("render", "embed")),
    "seal": ("seal", ("seal",)),
    "store": ("store", ("store",)),
    "journal leaf": ("journal", ()),
}

Result = TypeVar("Result")
Spent = dict[str, float]


class Clock:
    """Adds up the seconds spent in each step."""

    def __init__(self) -> None:
        self.spent: Spent = defaultdict(float)

    def timed(self, step: str, call: Callable[..., Result]) -> Callable[..., Result]:
        """The same call, whose time is added to `step`."""

        def clocked(*arguments: object, **named: object) -> Result:
            start = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.spent[step] += time.perf_counter() - start

        return clocked


def main() -> None:
    """Run ours, the peer, ours again; print the table and keep the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("count", type=int, nargs="?", default=15, help="invoices of a round (15)")
    arguments.add_argument("--rounds", type=int, default=3, help="rounds of each (3)")
    arguments.add_argument("--lines", type=int, default=12, help="lines of each invoice (12)")
    asked = arguments.parse_args()
    console = Console(highlight=False)
    ours: list[Spent] = []
    peer: list[Spent] = []
    RESULTS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=RESULTS.parent) as folder:
        create_key(Path(folder) / "key", organisation="CUMA des Trois Vallées", at=AT, secret=b"bench")
        key = load_key(Path(folder) / "key", secret=b"bench")
        for turn in range(asked.rounds):
            ours.append(time_ours(asked.count, lines=asked.lines, key=key, folder=Path(folder) / f"ours-{turn}"))
            theirs, why_not = time_peer(asked.count, lines=asked.lines, folder=Path(folder) / f"peer-{turn}")
            if why_not:
                break
            peer.append(theirs)
    figures = summary(best(ours), best(peer) if peer else {})
    show(console, figures, compared=bool(peer), of=f"{asked.rounds} rounds of {asked.count}, {asked.lines} lines")
    if why_not:
        console.print(why_not)
    keep({"hot_path": figures})
    console.print(f"Kept in {RESULTS.relative_to(ROOT)}.")


def best(rounds: list[Spent]) -> Spent:
    """The fastest round."""
    return min(rounds, key=lambda spent: spent["total"])


def time_ours(count: int, *, lines: int, key: SealKey, folder: Path) -> Spent:
    """Milliseconds per invoice of each step, and `total`; the first invoice warms up and is not counted."""
    clock, store, frontier = Clock(), Store(FolderShelf(folder)), Frontier()
    # As after a store's first hundreds of objects: each of its folders is made, and its name flushed, only once.
    for prefix in range(256):
        (folder / str(ORGANISATION) / f"{prefix:02x}").mkdir(parents=True)
    compile_pdf = page.compile_pdf
    page.compile_pdf = clock.timed("typst", compile_pdf)
    try:
        one(sample_invoice(0, lines=lines), clock=clock, key=key, store=store, frontier=frontier)
        clock.spent.clear()
        start = time.perf_counter()
        for number in range(1, count + 1):
            invoice = sample_invoice(number, lines=lines)
            sealed = one(invoice, clock=clock, key=key, store=store, frontier=frontier)
        total = time.perf_counter() - start
    finally:
        page.compile_pdf = compile_pdf
    if (
        check_seal(sealed, [key.certificate]) is not SealState.INTACT
        or len(list(store.first.names(f"{ORGANISATION}/"))) != count + 1
    ):
        sys.exit("The last seal does not hold, or an invoice is missing from the store: there is nothing to time.")
    return {step: 1000 * seconds / count for step, seconds in {**clock.spent, "total": total}.items()}


def one(invoice: Invoice, *, clock: Clock, key: SealKey, store: Store, frontier: Frontier) -> bytes:
    """One invoice all the way; the sealed PDF."""
    xml = clock.timed("cii", write_cii)(invoice)
    findings = clock.timed("check", check)(invoice, xml)
    if not is_valid(findings):
        sys.exit(f"The rules refuse {invoice.number}: {', '.join(finding.rule for finding in findings)}.")
    pdf = clock.timed("page", page.render_page)(invoice, look=page.Look(), created=AT, xml=xml)
    sealed = clock.timed("seal", seal)(pdf, key, at=AT)
    pack = clock.timed("store", store.pack)(ORGANISATION, [sealed], retention="invoice")
    entry = {"v": 1, "organisation": str(ORGANISATION), "type": "stored", "sha256": pack.digest.sha256}
    clock.timed("journal", lambda: frontier.append(leaf_hash(canonical(entry))))()
    return sealed


def check(invoice: Invoice, xml: bytes) -> tuple[Finding, ...]:
    """Our rules on the model, and the official schema on what was written of it, as the peer has its own checked."""
    rules = check_rules(invoice, families=(Family.EN16931, Family.FRENCH))
    return (*check_schema(parse_xml(xml)), *rules)


def time_peer(count: int, *, lines: int, folder: Path) -> tuple[Spent, str]:
    """The peer's milliseconds per invoice of each step, and `total`; or nothing, and the reason why."""
    if not PEER.is_file():
        return {}, f"The peer is not here ({PEER}): only our own figures are shown."
    if importlib.util.find_spec("weasyprint") is None:
        return {}, "The peer's packages are not installed: run « make bench », which installs them."
    command = [sys.executable, str(PEER), str(count), str(folder), "--lines", str(lines)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        return {}, f"The peer failed, so only our own figures are shown:\n{said.stderr[-800:]}"
    answer = json.loads(said.stdout.splitlines()[-1])
    if answer["failed_rules"]:
        sys.exit(f"The peer's invoices break rules that ours keep: {answer['failed_rules']}.")
    if different := differences(folder, count=count, lines=lines):
        sys.exit(f"The peer's invoices are not ours: {', '.join(different)}. Nothing can be compared.")
    return {**answer["ms"], "total": answer["ms_per_invoice"]}, ""


def differences(folder: Path, *, count: int, lines: int) -> list[str]:
    """The numbers of the invoices that the peer's PDFs and our data do not tell alike."""
    theirs = {}
    for path in folder.glob("*.pdf"):
        with pikepdf.open(BytesIO(path.read_bytes())) as document:
            xml = document.attachments["factur-x.xml"].get_file().read_bytes()
        invoice, _ = read_cii(parse_xml(xml))
        theirs[invoice.number] = invoice
    wanted = (sample_invoice(number, lines=lines) for number in range(count + 1))
    return [invoice.number for invoice in wanted if told(theirs.get(invoice.number)) != told(invoice)]


def told(invoice: Invoice | None) -> dict[str, object] | None:
    """What an invoice says, whatever the decimals its amounts are written with."""
    if invoice is None:
        return None
    parts = ("issue_date", "due_date", "notes", "seller", "buyer", "payment", "totals", "vat_breakdown", "lines")
    return {part: getattr(invoice, part) for part in parts}


def summary(ours: Spent, peer: Spent) -> dict[str, Any]:
    """The figures as build/bench.json keeps them, in milliseconds per invoice."""
    steps = {
        name: {
            "ours_ms": round(ours[mine], 3),
            "peer_ms": round(sum(peer[each] for each in theirs), 3) if peer and theirs else None,
        }
        for name, (mine, theirs) in STEPS.items()
    }
    return {
        "ours_ms": round(ours["total"], 2),
        "peer_ms": round(peer["total"], 2) if peer else None,
        "ratio": round(peer["total"] / ours["total"], 2) if peer else None,
        # The peer does not flush what it stores: this leaves the disk, and who else uses it, out of the comparison.
        "ratio_without_store": round((peer["total"] - peer["store"]) / (ours["total"] - ours["store"]), 2)
        if peer
        else None,
        "typst_ms": round(ours["typst"], 2),
        "of_typst": round(ours["total"] / ours["typst"], 2),
        "steps": steps,
    }


def show(console: Console, figures: dict[str, Any], *, compared: bool, of: str) -> None:
    """The table of the run."""
    table = Table(title=f"the hot path, ms per invoice (P-256; fastest of {of})")
    for column in ("step", "ours", "peer", "times faster"):
        table.add_column(column, justify="left" if column == "step" else "right")
    steps = figures["steps"]
    for name, step in [*steps.items(), ("all", figures)]:
        mine, theirs = step["ours_ms"], step["peer_ms"]
        table.add_row(
            name,
            f"{mine:.2f}",
            "–" if theirs is None else f"{theirs:.2f}",
            "–" if theirs is None else f"{theirs / mine:.1f}",
            end_section=name == list(steps)[-1],
        )
    console.print(table)
    console.print(
        f"Bare Typst compile of the same pages: {figures['typst_ms']:.2f} ms; "
        f"the whole path takes {figures['of_typst']} times that."
    )
    if compared:
        console.print(
            f"The peer takes {figures['ratio']} times as long; without the store, which only ours flushes, "
            f"{figures['ratio_without_store']} times."
        )


if __name__ == "__main__":
    main()

"""Time our seals beside what OpenSSL's own signature takes in the same turns: `make bench`, or `python bench/seals.py`.

A seal is the whole of it: the PDF read, the update laid out, the digest, the signature, the CMS. The floor is the bare
signature of the same key as `openssl speed` measures it, on the same core and in the same run.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measure import RESULTS, ROOT, keep, stop
from rich.console import Console
from rich.table import Table
from sample_invoices import sample_invoice

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.page import Look, render_page
from faitfoi.evidence.keys import Algorithm
from faitfoi.evidence.seal import SealKey, create_key, load_key, seal
from faitfoi.evidence.seal_check import SealState, check_seal

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NAMES = {"RSA-3072": "seal_rsa3072", "P-256": "seal_p256"}
WANTED = {"RSA-3072": 400, "P-256": 550}
OPENSSL = {"RSA-3072": "rsa3072", "P-256": "ecdsap256"}


def main() -> None:
    """Time both kinds of keys, print the table, keep the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    arguments.add_argument("--seconds", type=float, default=1.0, help="seconds of a turn (1)")
    asked = arguments.parse_args()
    # One core, as the goals are said: what OpenSSL and we do then takes turns on the same one.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    data = sample_invoice(1, lines=12)
    page = render_page(data, look=Look(), created=AT, xml=write_cii(data))
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for algorithm in get_args(Algorithm):
            place = Path(folder) / algorithm
            create_key(place, organisation="CUMA des Trois Vallées", at=AT, secret=b"bench", algorithm=algorithm)
            key = load_key(place, secret=b"bench")
            figures[NAMES[algorithm]] = timed(page, key, algorithm, rounds=asked.rounds, seconds=asked.seconds)
    show(figures, size=len(page))
    keep(figures)


def timed(page: bytes, key: SealKey, algorithm: Algorithm, *, rounds: int, seconds: float) -> dict[str, float]:
    """Seals and bare signatures a second, the best turn of each."""
    sealed = seal(page, key, at=AT)
    if check_seal(sealed, [key.certificate]) is not SealState.INTACT:
        stop("A seal that was timed does not hold.")
    seals = floor = 0.0
    for _ in range(rounds):
        floor = max(floor, signatures_of_openssl(OPENSSL[algorithm]))
        # Processor time, as `openssl speed` counts: what others do on this core is not of the seal.
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds:
            seal(page, key, at=AT)
            count += 1
        seals = max(seals, count / spent)
    return {
        "per_second": round(seals, 1),
        "openssl_per_second": round(floor, 1),
        "ratio_of_time": round(floor / seals, 2),
        "milliseconds_beside_the_signature": round(1000 / seals - 1000 / floor, 3),
        "wanted_per_second": WANTED[algorithm],
    }


def signatures_of_openssl(name: str) -> float:
    """Bare signatures a second, by `openssl speed`."""
    said = subprocess.run(["openssl", "speed", "-seconds", "1", name], capture_output=True, text=True, check=True)
    numbers = re.findall(r"(\d+\.\d)\s+\d+\.\d\s*$", said.stdout, re.M)
    if not numbers:
        stop("openssl speed said nothing that can be read.")
    return float(numbers[-1])


def show(figures: dict[str, object], *, size: int) -> None:
    """Print the table."""
    console = Console(highlight=False)
    table = Table(title=f"Seals a second on one core, page of {size // 1024} kB", title_justify="left")
    for heading in ("", "seals", "openssl speed", "time, ours / floor", "wanted"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, told in figures.items():
        assert isinstance(told, dict)
        table.add_row(
            name,
            f"{told['per_second']:.0f}",
            f"{told['openssl_per_second']:.0f}",
            f"{told['ratio_of_time']:.2f}",
            f"≥ {told['wanted_per_second']}",
        )
    console.print(table)
    console.print(f"Kept in {RESULTS.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()

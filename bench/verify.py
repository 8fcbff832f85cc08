"""Time the verification of one dossier: in process, by verify.sh, and the floor that no check with openssl goes under.

    make bench                              # after the library
    .venv/bin/python bench/verify.py

The dossier has a page of three lines, its seal, four entries among 300, two witnesses and a time-stamp. The floor, in
the same run: one `sha256sum` over its files, and one openssl for each signature there is (the log's, each witness's,
the seal's, the token's). Figures are kept in build/bench.json as `verify`; the goal is 300 ms.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from measure import RESULTS, ROOT, fastest, keep
from rich.console import Console

sys.path.insert(0, str(ROOT))

from tests.evidence.conftest import make_key  # the maker of dossiers is the tests'
from tests.evidence.made_dossier import make, shell
from tests.evidence.tsa import Authority, serving

from faitfoi.evidence.dossier_check import verify_dossier

GOAL_MS = 300
FLOOR = """
set -e
sha256sum --quiet -c manifest-sha256.txt
for key in data/cles/journal.pem data/cles/temoin.pem data/cles/temoin-2.pem; do
  openssl pkeyutl -verify -pubin -inkey $key -rawin -in data/checkpoint -sigfile ../signature >/dev/null 2>&1 || :
done
openssl cms -verify -binary -inform DER -in ../seal.cms -content ../covered -CAfile data/certificats/cachet.pem \
  -certfile data/certificats/cachet.pem -partial_chain -purpose any -no_check_time -cades >/dev/null 2>&1
openssl ts -verify -token_in -in data/horodatage/horloge.example.tst -data data/checkpoint \
  -CAfile data/horodatage/racines.pem >/dev/null 2>&1
"""


def main() -> None:
    """Time all three, print them, keep them."""
    RESULTS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=RESULTS.parent) as place:
        root = Path(place)
        with serving(Authority(root / "tsa")) as authority:
            made = make(make_key(root / "key"), authority=authority, witnesses=2)
        folder = made.unpack(root)
        lay_out_the_seal(made.files["data/facture.pdf"], root)

        def by_script() -> None:
            assert shell(folder).returncode == 0

        def floor() -> None:
            subprocess.run(["sh", "-c", FLOOR], cwd=folder, check=True)

        def in_process() -> None:
            assert verify_dossier(made.files).sound

        times = fastest({"in_process": in_process, "script": by_script, "floor": floor}, seconds=20)
    figures = {
        "in_process_ms": round(times["in_process"], 1),
        "script_ms": round(times["script"], 1),
        "floor_ms": round(times["floor"], 1),
        "in_process_of_floor": round(times["in_process"] / times["floor"], 2),
        "script_of_floor": round(times["script"] / times["floor"], 2),
        "goal_ms": GOAL_MS,
    }
    keep({"verify": figures})
    Console(highlight=False).print(
        f"verify: {figures['in_process_ms']} ms in process, {figures['script_ms']} ms by verify.sh "
        f"(goal {GOAL_MS} ms); sha256sum and openssl alone: {figures['floor_ms']} ms. "
        f"Of that, ours takes {figures['in_process_of_floor']} times, the script {figures['script_of_floor']} times."
    )


def lay_out_the_seal(pdf: bytes, folder: Path) -> None:
    """The CMS of the last seal and what it covers, as openssl wants them; and a signature of the right size."""
    start = pdf.rindex(b"/Contents<") + len(b"/Contents") if b"/Contents<" in pdf else pdf.rindex(b"/Contents <") + 10
    end = pdf.index(b">", start) + 1
    (folder / "seal.cms").write_bytes(bytes.fromhex(pdf[start + 1 : end - 1].decode()))
    (folder / "covered").write_bytes(pdf[:start] + pdf[end:])
    (folder / "signature").write_bytes(bytes(64))


if __name__ == "__main__":
    main()

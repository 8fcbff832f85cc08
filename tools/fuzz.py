"""Feed spoilt files to everything that reads, judges and writes, and report whatever is not a refusal in words.

    tools/fuzz.py --seconds 600 --seed 1        file number N of a seed is always the same
    tools/fuzz.py --only 1234 --seed 1          that one again
    tools/fuzz.py --file build/fuzz/1-1234.bin  a file that was kept

A child does the work, so that a crash of a C library costs one child, as it does in `pipeline.sandbox`; it is counted
and its file kept. Exit 1 when there was an exception, a file that takes more than 2 seconds of processor time, or
more than 300 MB.
"""

import argparse
import json
import logging
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from faitfoi.einvoice.facturx_safety import bound_qpdf  # noqa: E402
from faitfoi.einvoice.xml import Unreadable  # noqa: E402
from tools.fuzz_mutations import Spoil, noise, spoil_bytes, spoil_json, spoil_pdf, spoil_xml  # noqa: E402
from tools.fuzz_seeds import seeds  # noqa: E402
from tools.fuzz_targets import exercise  # noqa: E402

FOLDER = ROOT / "build" / "fuzz"
SECONDS = 2.0
MEMORY = 300 * 1024  # kilobytes, as getrusage counts
HANGS = 30
MOST_SHOWN = 20
ADDRESSES = 1536 * 1024 * 1024

WAYS: dict[str, tuple[tuple[Spoil, int], ...]] = {
    "xml": ((spoil_xml, 6), (spoil_bytes, 4), (noise, 1)),
    "json": ((spoil_json, 6), (spoil_bytes, 4), (noise, 1)),
    "pdf": ((spoil_pdf, 6), (spoil_bytes, 4), (noise, 1)),
}
KINDS = (("xml", 5), ("json", 2), ("pdf", 5))


def main() -> int:
    """Run what the arguments ask for."""
    options = _arguments()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if options.file is not None:
        print(exercise(options.file.read_bytes()))
        return 0
    if options.only is not None:
        kind, data = made(options.only, options.seed, seeds())
        path = FOLDER / f"{options.seed}-{options.only}.bin"
        path.write_bytes(data)
        print(f"{path}: {kind}, {len(data)} bytes")
        print(exercise(data))
        return 0
    if options.child:
        return _child(options.seed, options.first, options.until)
    return _watch(options.seed, options.seconds)


def made(number: int, seed: int, sources: dict[str, list[bytes]]) -> tuple[str, bytes]:
    """File `number` of a seed: its kind and its bytes."""
    chance = random.Random(f"{seed}:{number}")  # noqa: S311  # to be found again, not to be secret
    kind = chance.choices([name for name, _ in KINDS], [weight for _, weight in KINDS])[0]
    ways = WAYS[kind]
    spoil = chance.choices([way for way, _ in ways], [weight for _, weight in ways])[0]
    source = chance.choice(sources[kind])
    try:
        return f"{kind} {spoil.__name__}", spoil(source, chance)
    except Exception:  # noqa: BLE001  # nothing of ours: a source, or what was made of it, does not hold as a tree
        return f"{kind} spoil_bytes", spoil_bytes(source, chance)


def _child(seed: int, first: int, until: float) -> int:
    """Exercise file after file, telling each beginning and each outcome, one JSON a line."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bound_qpdf()
    logging.disable(logging.CRITICAL)  # pikepdf remarks on every damage
    warnings.simplefilter("ignore")
    sources = seeds()
    current = FOLDER / "current.bin"
    number = first
    while time.time() < until:
        _tell({"begun": number, "kind": "being made"})
        kind, data = made(number, seed, sources)
        current.write_bytes(data)
        _tell({"begun": number, "kind": kind})
        signal.alarm(HANGS)  # its default ends the child: the parent sees it
        before, weight = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome, trace = _outcome(data)
        spent, after = time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        signal.alarm(0)
        if not trace and spent > SECONDS:
            outcome, trace = "slow", f"{spent:.1f} s of processor time"
        if not trace and after > MEMORY and after > weight:
            outcome, trace = "heavy", f"{after // 1024} MB"
        if trace:
            current.rename(FOLDER / f"{seed}-{number}.bin")
        _tell({"done": number, "outcome": outcome, "trace": trace})
        if after > MEMORY:
            return 0  # a fresh child weighs the next files rightly
        number += 1
    return 0


def _outcome(data: bytes) -> tuple[str, str]:
    try:
        return exercise(data), ""
    except Unreadable as error:
        return "Unreadable, of what we wrote", traceback.format_exc(limit=-4) + error.reason
    except MemoryError:
        return "heavy", "out of memory"
    except Exception as error:  # noqa: BLE001  # whatever escapes is what is looked for
        return type(error).__name__, traceback.format_exc(limit=-6)


def _tell(facts: dict[str, object]) -> None:
    print(json.dumps(facts), flush=True)


def _watch(seed: int, seconds: float) -> int:
    outcomes: Counter[str] = Counter()
    failures: dict[str, list[str]] = {}
    first, began, until = 0, time.time(), time.time() + seconds
    shown, kind = began, ""
    try:
        while time.time() < until:
            command = [sys.executable, __file__, "--child", "--seed", str(seed), "--first", str(first)]
            with subprocess.Popen([*command, "--until", str(until)], stdout=subprocess.PIPE, text=True) as child:
                assert child.stdout is not None  # noqa: S101  # opened as a pipe
                for line in child.stdout:
                    facts = json.loads(line)
                    if "begun" in facts:
                        first, kind = facts["begun"], facts["kind"]
                        continue
                    first += 1
                    outcomes[facts["outcome"]] += 1
                    if facts["trace"]:
                        _keep(failures, f"{seed}-{facts['done']}", kind, facts["outcome"], facts["trace"])
                    if time.time() - shown > 10:
                        shown = time.time()
                        _progress(outcomes, failures, shown - began, seconds)
            if child.returncode > 0:
                return child.returncode  # a fault of this tool: it has said which
            if child.returncode < 0:
                name = signal.Signals(-child.returncode).name
                outcomes[f"crash {name}"] += 1
                if kind != "being made":
                    (FOLDER / "current.bin").rename(FOLDER / f"{seed}-{first}.bin")
                    print(f"{name} ended the child on build/fuzz/{seed}-{first}.bin ({kind})", flush=True)
                if child.returncode == -signal.SIGALRM:
                    _keep(failures, f"{seed}-{first}", kind, "hang", f"more than {HANGS} s")
                first += 1
    except KeyboardInterrupt:
        print("Stopped.")
    _progress(outcomes, failures, time.time() - began, seconds)
    return _report(failures, seed)


def _keep(failures: dict[str, list[str]], name: str, kind: str, outcome: str, trace: str) -> None:
    """One failure for each place in the code; the other files that lead there are only counted."""
    place = "\n".join(line for line in trace.splitlines() if line.lstrip().startswith("File "))[-300:] or outcome
    known = failures.setdefault(f"{outcome} {place}", [])
    known.append(name)
    if len(known) == 1:
        print(f"\n{outcome} on build/fuzz/{name}.bin ({kind})\n{trace}", flush=True)


def _progress(outcomes: Counter[str], failures: dict[str, list[str]], spent: float, seconds: float) -> None:
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common(8))
    print(f"{spent:4.0f} of {seconds:.0f} s: {outcomes.total()} files ({told}); {len(failures)} faults", flush=True)


def _report(failures: dict[str, list[str]], seed: int) -> int:
    for names in list(failures.values())[:MOST_SHOWN]:
        number = names[0].split("-")[1]
        print(f"{len(names)} × as tools/fuzz.py --seed {seed} --only {number}: build/fuzz/{names[0]}.bin")
    print("Faults were found." if failures else f"Nothing but refusals in words (seed {seed}).")
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

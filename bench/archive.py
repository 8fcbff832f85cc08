"""Time the archive: sealing and keeping on two cores, and `fsck` beside `sha256sum` on the same bytes.

    make bench, or python bench/archive.py [documents]

`archive_path`: each document is sealed (P-256), packed with its original twenty at a time, flushed to the disk; its
entries are hashed into the tree, each round of 500 is mirrored as a segment, signed, witnessed, and time-stamped by one
token. The tables are left out: `journal_batch` times them. Its floor is the bare signature, as `openssl speed` measures
it. `fsck` then recomputes packs, objects, seals, entries and tree from the bytes that this has written.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measure import RESULTS, ROOT, keep, stop

from faitfoi.evidence.checkpoint import Checkpoint
from faitfoi.evidence.fsck import Entries, Head, JournalLine, Tree
from faitfoi.evidence.fsck_packs import Expected, ExpectedPack, PackExaminers
from faitfoi.evidence.leaves import canonical, leaf_hash
from faitfoi.evidence.merkle import Frontier
from faitfoi.evidence.note import KeyType, Signer, write_note
from faitfoi.evidence.seal import SealKey, create_key, load_key, seal
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.stamps import ask_stamp, load_roots
from faitfoi.evidence.store import Pack, Store
from faitfoi.evidence.tiles import TiledTree, complete_rows
from faitfoi.evidence.witness import request
from faitfoi.evidence.witness_wire import NearWitness, open_witness

if TYPE_CHECKING:
    from tests.evidence.tsa import Authority

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ORGANISATION = UUID("01980000-0000-7000-8000-00000000a11c")
CHUNK = 20
STAMPED = 500
WANTED_PER_SECOND = 500
WANTED_RATIO = 1.5

_room: dict[str, object] = {}


def main() -> None:
    """Fill an archive, examine it, print and keep both figures."""
    # Only where they are needed: each process that `fsck` starts reads this file again.
    from seals import signatures_of_openssl
    from tests.evidence.tsa import Authority, serving

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("documents", type=int, nargs="?", default=4000, help="documents to keep (4000)")
    asked = arguments.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=RESULTS.parent) as name:
        folder = Path(name)
        create_key(folder / "key", organisation="CUMA des Trois Vallées", at=AT, secret=b"bench")
        authority = Authority(folder / "tsa")
        with serving(authority):
            journal = Journal(folder, authority)
            spent, octets = filled(journal, folder, documents=asked.documents)
        floor = signatures_of_openssl("ecdsap256")
        figures = {
            "archive_path": {
                "documents_per_second": round(asked.documents / spent, 1),
                "documents": asked.documents,
                "kilobytes_per_document": round(octets / asked.documents / 1000, 1),
                "openssl_per_second_and_core": round(floor, 1),
                "ratio_of_time": round(2 * floor * spent / asked.documents, 2),
                "wanted_per_second": WANTED_PER_SECOND,
            },
            "fsck": examined(journal, folder),
        }
    show(figures)
    keep(figures)


class Journal:
    """Entries, tree, log and witness as the platform has them, without its tables."""

    def __init__(self, folder: Path, authority: "Authority") -> None:
        self.shelf = FolderShelf(folder / "store")
        self.lines: list[JournalLine] = []
        self.leaves: list[bytes] = []
        self.nodes: dict[int, list[bytes]] = {}
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.frontier = Frontier()
        self.packs: list[ExpectedPack] = []
        self._authority, self._roots = authority, load_roots(authority.roots.read_bytes())
        self._log = Signer(name="bench.example/log", key=Ed25519PrivateKey.generate(), kind=KeyType.LOG)
        keys = secrets.token_bytes(32)
        vkeys = (self._log.verifier.vkey,)
        self._witness = NearWitness(witness=open_witness(folder / "memory", name="temoin", key=keys, logs=vkeys))
        self._mirrored = 0

    def write(self, **facts: object) -> None:
        """Hash one entry into the tree."""
        body = canonical({"v": 1, "organisation": str(ORGANISATION), **facts})
        leaf = leaf_hash(body)
        self.lines.append(JournalLine(index=self.frontier.size, entry=body, leaf=leaf, organisation=ORGANISATION))
        self.leaves.append(leaf)
        self.frontier.append(leaf)

    def close_round(self) -> None:
        """Mirror what is new, sign the head, have it witnessed and time-stamped."""
        size = self.frontier.size
        new = self.lines[self._mirrored :]
        segment = "".join(json.dumps({"index": line.index, "body": line.entry.decode()}) + "\n" for line in new)
        self.shelf.put(f"journal/{self._mirrored:012}-{size - 1:012}.jsonl", segment.encode())
        before = 256 * len(self.nodes.get(1, []))
        for level, position, node in complete_rows(before, size, self.row):
            self.nodes.setdefault(level, []).append(node)
            self.tiles[level, position] = node
        head = Checkpoint(origin=self._log.name, size=size, root=self.frontier.root())
        note = write_note(head.text, [self._log.line(head.text, at=AT)])
        proof = TiledTree(size, self.row).consistency(self._mirrored)
        answer = self._witness.ask(request(old=self._mirrored, proof=proof, checkpoint=note), at=AT)
        if answer.status != 200:
            stop(f"The witness refuses: {answer.status} {answer.body.decode()}.")
        ask_stamp(note + answer.body, url=self._authority.url, roots=self._roots, now=datetime.now(tz=UTC))  # noqa: TID251
        self._mirrored = size

    def row(self, level: int, number: int) -> list[bytes]:
        """A row of the tree, as `evidence.tiles` asks for it."""
        of_level = self.leaves if level == 0 else self.nodes.get(level, [])
        return of_level[number * 256 : (number + 1) * 256]


def filled(journal: Journal, folder: Path, *, documents: int) -> tuple[float, int]:
    """Seal and keep so many documents; the seconds that it took, and the octets kept."""
    octets = 0
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=_open, initargs=(folder,)) as pool:
        list(pool.map(_sealed_and_kept, range(4)))  # what is loaded once is not of the path
        start = time.perf_counter()
        done = 0
        for pack, facts in pool.map(_sealed_and_kept, range(4, 4 + documents // CHUNK)):
            octets += pack.digest.size
            done += CHUNK
            journal.packs.append(expected(pack))
            journal.write(
                type="objects_kept",
                pack=pack.digest.sha256,
                sha512=pack.digest.sha512,
                size=pack.digest.size,
                objects=[f"{p.digest.sha256} {p.digest.sha512} {p.offset} {p.digest.size}" for p in pack.objects],
            )
            for fact in facts:
                journal.write(type="document_sealed", **fact)
            if done % STAMPED == 0:
                journal.close_round()
        spent = time.perf_counter() - start
    return spent, octets


def _open(folder: Path) -> None:
    """Make a process ready: its key, its shelf, and a page to seal."""
    from sample_invoices import sample_invoice

    from faitfoi.einvoice.cii import write_cii
    from faitfoi.einvoice.page import Look, render_page

    data = sample_invoice(1, lines=12)
    xml = write_cii(data)
    _room.update(
        key=load_key(folder / "key", secret=b"bench"),
        store=Store(FolderShelf(folder / "store")),
        xml=xml,
        page=render_page(data, look=Look(), created=AT, xml=xml),
    )


def _sealed_and_kept(chunk: int) -> tuple[Pack, list[dict[str, str]]]:
    """Seal a chunk of documents and make them durable with their originals."""
    key, store, xml, page = (_room[name] for name in ("key", "store", "xml", "page"))
    assert isinstance(key, SealKey)
    assert isinstance(store, Store)
    assert isinstance(xml, bytes)
    assert isinstance(page, bytes)
    contents: list[bytes] = []
    for number in range(CHUNK):
        contents += [xml + f"<!-- {chunk} {number} -->".encode(), seal(page, key, at=AT)]
    pack = store.pack(ORGANISATION, contents, retention="invoice")
    digests = [placed.digest for placed in pack.objects]
    facts = [
        {
            "sha256_original": original.sha256,
            "sha512_original": original.sha512,
            "sha256_legal": legal.sha256,
            "sha512_legal": legal.sha512,
        }
        for original, legal in zip(digests[::2], digests[1::2], strict=True)
    ]
    return pack, facts


def expected(pack: Pack) -> ExpectedPack:
    """What the journal says of a pack: every other object is a sealed PDF."""
    objects = tuple(
        Expected(
            sha256=each.digest.sha256,
            sha512=each.digest.sha512,
            offset=each.offset,
            size=each.digest.size,
            sealed=number % 2 == 1,
        )
        for number, each in enumerate(pack.objects)
    )
    return ExpectedPack(
        organisation=pack.organisation,
        retention=pack.retention,
        sha256=pack.digest.sha256,
        sha512=pack.digest.sha512,
        size=pack.digest.size,
        objects=objects,
    )


def examined(journal: Journal, folder: Path) -> dict[str, float]:
    """Seconds of `sha256sum` and of ours on the same bytes, the best of turns of each."""
    files = [journal.shelf.root / name for name in journal.shelf.names()]
    certificate = load_key(folder / "key", secret=b"bench").certificate
    floor = ours = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(["sha256sum", *map(str, files)], stdout=subprocess.DEVNULL, check=True)
        floor = min(floor, time.perf_counter() - start)
        start = time.perf_counter()
        problems = list(problems_of(journal, folder, certificate))
        ours = min(ours, time.perf_counter() - start)
        if problems:
            stop(f"fsck finds fault with what was just written: {problems[0]}.")
    return {
        "megabytes": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "seconds": round(ours, 3),
        "sha256sum_seconds": round(floor, 3),
        "ratio_of_time": round(ours / floor, 2),
        "wanted_ratio": WANTED_RATIO,
        "cores": os.cpu_count() or 0,
    }


def problems_of(journal: Journal, folder: Path, certificate: bytes) -> Iterator[object]:
    """Recompute everything, as `pipeline.examination` does with the rows of the tables."""
    entries = Entries()
    with PackExaminers((str(folder / "store"),)) as packs:
        for pack in journal.packs:
            packs.give(pack, certificates=[certificate])
        for line in journal.lines:
            entries.examine(line)
        tree = Tree(entries=entries, tiles=journal.tiles)
        for _ in tree.grow(enumerate(journal.leaves)):
            pass
        tree.close(Head(size=len(journal.leaves), root=journal.frontier.root()))
        packs.finish()
        yield from (*entries.problems, *tree.problems, *packs.problems)


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print both figures."""
    from rich.console import Console

    path, fsck = figures["archive_path"], figures["fsck"]
    console = Console(highlight=False)
    console.print(
        f"Seal, keep, journal, checkpoint: {path['documents_per_second']:.0f} documents/s on two cores "
        f"({path['kilobytes_per_document']:.0f} kB each), wanted ≥ {WANTED_PER_SECOND}; "
        f"{path['ratio_of_time']:.1f} × the bare signature."
    )
    console.print(
        f"fsck of {fsck['megabytes']:.0f} MB: {fsck['seconds']:.2f} s, sha256sum {fsck['sha256sum_seconds']:.2f} s: "
        f"{fsck['ratio_of_time']:.2f} ×, wanted ≤ {WANTED_RATIO}."
    )
    console.print(f"Kept in {RESULTS.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()

"""Time the archive: sealing and keeping on two cores, and `fsck` beside `sha256sum` on the same bytes.

    make bench, or python bench/archive.py [documents]

`archive_path`, on the embedded PostgreSQL and by the platform's own functions: each document is sealed (P-256), packed
with its original twenty at a time, flushed to the disk; one transaction claims the pack and writes the entries. After
each 500 the journal is numbered, mirrored, signed, witnessed, and time-stamped by one token. Its floor is the bare
signature, as `openssl speed` measures it. The rows of documents are left out: `pipeline.prepare` writes them.
`fsck` then recomputes packs, objects, seals, entries and tree from the bytes that this has written.
"""

import argparse
import os
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

from measure import RESULTS, ROOT, keep, stop

from faitfoi.evidence.fsck import Entries, Head, JournalLine, Tree
from faitfoi.evidence.fsck_packs import Expected, ExpectedPack, PackExaminers
from faitfoi.evidence.store import Pack

if TYPE_CHECKING:
    from faitfoi.database import embedded

POSTGRES = ROOT / "build" / "bench-postgres"
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

    from faitfoi.database import embedded
    from faitfoi.evidence.seal import create_key

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("documents", type=int, nargs="?", default=4000, help="documents to keep (4000)")
    asked = arguments.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    running = embedded.start(POSTGRES, say=lambda _: None)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=RESULTS.parent) as name:
            folder = Path(name)
            create_key(folder / "key", organisation="CUMA des Trois Vallées", at=AT, secret=b"bench")
            authority = Authority(folder / "tsa")
            with serving(authority):
                _open_platform(running, folder, tsa=authority.url, roots=authority.roots)
                spent, packs = filled(folder, documents=asked.documents)
            figures = _figures(spent, packs, folder, asked.documents, floor=signatures_of_openssl("ecdsap256"))
    finally:
        from django.db import connections

        connections.close_all()
        embedded.stop(POSTGRES)
    show(figures)
    keep(figures)


def _figures(
    spent: float, packs: list[ExpectedPack], folder: Path, documents: int, *, floor: float
) -> dict[str, dict[str, float]]:
    octets = sum(pack.size for pack in packs)
    return {
        "archive_path": {
            "documents_per_second": round(documents / spent, 1),
            "documents": documents,
            "kilobytes_per_document": round(octets / documents / 1000, 1),
            "openssl_per_second_and_core": round(floor, 1),
            "ratio_of_time": round(2 * floor * spent / documents, 2),
            "wanted_per_second": WANTED_PER_SECOND,
        },
        "fsck": examined(packs, folder),
    }


def _open_platform(running: "embedded.Running", folder: Path, *, tsa: str, roots: Path) -> None:
    """Migrate an empty database, with an organisation, whose shelf and witness are in a folder of this run."""
    from faitfoi.database import roles

    roles.drop_database(running.superuser_url, "bench_archive")
    roles.create_database(running.superuser_url, "bench_archive")
    os.environ |= {
        "DATABASE_URL": roles.on_database(running.app_url, "bench_archive"),
        "FAITFOI_OWNER_URL": roles.on_database(running.owner_url, "bench_archive"),
        "FAITFOI_HOME": str(folder / "home"),
        "FAITFOI_TSA": tsa,
        "FAITFOI_TSA_ROOTS": str(roots),
        "DJANGO_SETTINGS_MODULE": "faitfoi.web.settings",
    }
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", database="owner", verbosity=0)
    from faitfoi.accounts.models import Organisation
    from faitfoi.accounts.tenancy import acting_for

    made = Organisation(id=ORGANISATION, slug="bench", name="CUMA des Trois Vallées", siren="000000018")
    with acting_for(made.id):
        made.save(force_insert=True)


def filled(folder: Path, *, documents: int) -> tuple[float, list[ExpectedPack]]:
    """Seal and keep so many documents; the seconds that it took, and the packs."""
    from django.db import connections

    from faitfoi.pipeline.witnessing import witnessed

    witnessed()  # its keys and folders are made once
    connections.close_all()
    packs: list[ExpectedPack] = []
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=_open, initargs=(folder,)) as pool:
        warm = [
            expected(pack) for pack in pool.map(_sealed_and_kept, range(4))
        ]  # what is loaded once is not of the path
        _close_round()
        start = time.perf_counter()
        for pack in pool.map(_sealed_and_kept, range(4, 4 + documents // CHUNK)):
            packs.append(expected(pack))
            if len(packs) * CHUNK % STAMPED == 0:
                _close_round()
        if len(packs) * CHUNK % STAMPED:
            _close_round()
        spent = time.perf_counter() - start
    return spent, [*warm, *packs]


def _close_round() -> None:
    """Number what is committed, mirror it, have the head signed, witnessed and time-stamped."""
    from faitfoi.pipeline.stamping import stamp_last_checkpoint
    from faitfoi.pipeline.witnessing import witnessed
    from faitfoi.records.models import Checkpoint, CheckpointStamp

    size = witnessed()
    stamp_last_checkpoint()
    if not CheckpointStamp.objects.filter(checkpoint=Checkpoint.objects.get(size=size)).exists():
        stop(f"The checkpoint of {size} entries has no time-stamp.")


def _open(folder: Path) -> None:
    """Make a process ready: its key, the platform's settings, and a page to seal."""
    import django
    from sample_invoices import sample_invoice

    from faitfoi.einvoice.cii import write_cii
    from faitfoi.einvoice.page import Look, render_page
    from faitfoi.evidence.seal import load_key

    django.setup()
    data = sample_invoice(1, lines=12)
    xml = write_cii(data)
    page = render_page(data, look=Look(), created=AT, xml=xml)
    _room.update(key=load_key(folder / "key", secret=b"bench"), xml=xml, page=page)


def _sealed_and_kept(chunk: int) -> Pack:
    """Seal a chunk of documents, make them durable with their originals, and write it all down in one transaction."""
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.evidence.seal import SealKey, seal
    from faitfoi.pipeline import archive
    from faitfoi.records.journal import Draft, write_entries

    key, xml, page = (_room[name] for name in ("key", "xml", "page"))
    assert isinstance(key, SealKey)
    assert isinstance(xml, bytes)
    assert isinstance(page, bytes)
    contents: list[bytes] = []
    for number in range(CHUNK):
        contents += [xml + f"<!-- {chunk} {number} -->".encode(), seal(page, key, at=AT)]
    pack = archive.pack(ORGANISATION, contents)
    digests = [placed.digest for placed in pack.objects]
    drafts = [
        Draft(
            kind="document_sealed",
            facts={
                "sha256_original": original.sha256,
                "sha512_original": original.sha512,
                "sha256_legal": legal.sha256,
                "sha512_legal": legal.sha512,
            },
        )
        for original, legal in zip(digests[::2], digests[1::2], strict=True)
    ]
    with acting_for(ORGANISATION):
        archive.claim(pack, actor="bench")
        write_entries(drafts, actor="bench")
    return pack


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


def examined(packs: list[ExpectedPack], folder: Path) -> dict[str, float]:
    """Seconds of `sha256sum` and of ours on the same bytes, the best of turns of each."""
    from faitfoi.evidence.seal import load_key

    store = folder / "home" / "store"
    files = [each for each in store.rglob("*") if each.is_file()]
    certificate = load_key(folder / "key", secret=b"bench").certificate
    floor = ours = floor_processor = ours_processor = float("inf")
    for _ in range(3):
        start, used = time.perf_counter(), _processor_seconds()
        subprocess.run(["sha256sum", *map(str, files)], stdout=subprocess.DEVNULL, check=True)
        floor = min(floor, time.perf_counter() - start)
        floor_processor = min(floor_processor, _processor_seconds() - used)
        start, used = time.perf_counter(), _processor_seconds()
        problems = list(problems_of(packs, store, certificate))
        ours = min(ours, time.perf_counter() - start)
        ours_processor = min(ours_processor, _processor_seconds() - used)
        if problems:
            stop(f"fsck finds fault with what was just written: {problems[0]}.")
    return {
        "megabytes": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "seconds": round(ours, 3),
        "sha256sum_seconds": round(floor, 3),
        "ratio_of_time": round(ours / floor, 2),
        "processor_seconds": round(ours_processor, 3),
        "sha256sum_processor_seconds": round(floor_processor, 3),
        "wanted_ratio": WANTED_RATIO,
        "cores": os.cpu_count() or 0,
    }


def _processor_seconds() -> float:
    """What this process and those it has waited for have used: other people's work does not count in it."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def problems_of(packs: list[ExpectedPack], store: Path, certificate: bytes) -> Iterator[object]:
    """Recompute everything, as `pipeline.examination` does; the entries are read from the tables, the packs given."""
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.records.models import JournalEntry, JournalHead, JournalLeaf, JournalNode

    entries = Entries()
    with PackExaminers((str(store),)) as examiners:
        for pack in packs:
            examiners.give(pack, certificates=[certificate])
        numbered = JournalLeaf.objects.order_by("index").values_list("index", "entry_id", "leaf")
        leaves = [(index, entry_id, bytes(leaf)) for index, entry_id, leaf in numbered if index is not None]
        with acting_for(ORGANISATION):
            bodies = dict(JournalEntry.objects.order_by().values_list("id", "body"))
        for index, entry_id, leaf in leaves:
            line = JournalLine(index=index, entry=bodies[entry_id].encode(), leaf=leaf, organisation=ORGANISATION)
            entries.examine(line)
        nodes = JournalNode.objects.values_list("level", "position", "node")
        tree = Tree(entries=entries, tiles={(level, position): bytes(node) for level, position, node in nodes})
        for _ in tree.grow((index, leaf) for index, _, leaf in leaves):
            pass
        head = JournalHead.objects.latest("size")
        tree.close(Head(size=head.size, root=bytes(head.root)))
        examiners.finish()
        yield from (*entries.problems, *tree.problems, *examiners.problems)


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

"""Time the journal on the embedded PostgreSQL: single appends, batches, and the proof of one entry among a million.

    python bench/journal.py                 # also part of `make bench`

An append is a whole transaction of one entry, durable when it is counted. The floors are taken in the same run: the
same transaction around one bare INSERT of as many bytes, planned once too, a raw COPY of the same bytes, and the bare
reading of three rows of the tree.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measure import ROOT, keep, stop
from rich.console import Console
from rich.table import Table

from faitfoi.database import embedded, roles

FOLDER = ROOT / "build" / "bench-postgres"
LEAVES = 1_000_000
_joined: list[UUID] = []
ACT: dict[str, Any] = {"delivery": "01a200ea-bf90-729f-8f43-210ac81ebaa6", "source": "sending", "target": "accepted"}


def main() -> None:
    """Open a database of our own, time, print the table, keep the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    arguments.add_argument("--seconds", type=float, default=1.0, help="seconds of a turn of single appends (1)")
    asked = arguments.parse_args()
    running = embedded.start(FOLDER, say=lambda _: None)
    try:
        _open(running)
        figures: dict[str, dict[str, float]] = {
            "journal_single": single(rounds=asked.rounds, seconds=asked.seconds),
            "journal_batch": batch(rounds=asked.rounds),
            "proof": proof(rounds=200),
        }
    finally:
        from django.db import connections

        connections.close_all()
        embedded.stop(FOLDER)
    show(figures)
    keep(figures)


def _open(running: embedded.Running) -> None:
    """Migrate an empty database, served by the application's own role."""
    roles.drop_database(running.superuser_url, "bench")
    roles.create_database(running.superuser_url, "bench")
    os.environ["DATABASE_URL"] = roles.on_database(running.app_url, "bench")
    os.environ["FAITFOI_OWNER_URL"] = roles.on_database(running.owner_url, "bench")
    os.environ["FAITFOI_HOME"] = str(ROOT / "build" / "bench-home")
    os.environ["DJANGO_SETTINGS_MODULE"] = "faitfoi.web.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", database="owner", verbosity=0)


def single(*, rounds: int, seconds: float) -> dict[str, float]:
    """Appends a second, each in a transaction of its own, and bare transactions of one INSERT of the same bytes."""
    from django.db import connection

    from faitfoi.accounts.tenancy import acting_for, run_prepared

    organisation = _organisation()
    body = "x" * 330
    _bare_table()

    def ours() -> None:
        _append(organisation)

    def floor() -> None:
        with acting_for(organisation):
            run_prepared("INSERT INTO bare (id, body) VALUES (%s, %s)", [uuid4(), body])

    figures = _rates({"per_second": ours, "floor_per_second": floor}, rounds=rounds, seconds=seconds)
    connection.close()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=_join, initargs=(organisation,)) as pool:
        both = max(sum(pool.map(_appends, [seconds, seconds])) / seconds for _ in range(rounds))
    return figures | {"two_connections_per_second": both}


def _append(organisation: UUID) -> None:
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.records.journal import write_entry

    with acting_for(organisation):
        write_entry("stage_moved", actor="worker:1", **ACT)


def _join(organisation: UUID) -> None:
    """Make another process ready to append."""
    import django

    django.setup()
    _append(organisation)
    _joined.append(organisation)


def _appends(seconds: float) -> int:
    """How many appends this process's own connection makes in that time."""
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        _append(_joined[0])
        done += 1
    return done


def batch(*, rounds: int, size: int = 5_000) -> dict[str, float]:
    """Entries a second in batches of `size`, and rows a second of a raw COPY of the same bytes; numbering beside."""
    from django.db import connection, transaction

    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.records.journal import Draft, sequence, write_entries
    from faitfoi.records.models import JournalEntry

    organisation = _organisation()
    while sequence():
        pass
    best = {"per_second": 0.0, "floor_per_second": 0.0, "numbered_per_second": 0.0}
    for _ in range(rounds):
        start = time.perf_counter()
        with acting_for(organisation):
            ids = write_entries([Draft(kind="stage_moved", facts=ACT) for _ in range(size)], actor="worker:1")
        best["per_second"] = max(best["per_second"], size / (time.perf_counter() - start))
        start = time.perf_counter()
        if sequence() != size:
            stop("The sequencer did not number the batch.")
        best["numbered_per_second"] = max(best["numbered_per_second"], size / (time.perf_counter() - start))
        with acting_for(organisation):
            bodies = list(JournalEntry.objects.filter(id__in=ids).values_list("id", "body"))
        start = time.perf_counter()
        with (
            transaction.atomic(),
            connection.cursor() as cursor,
            cursor.copy("COPY bare (id, body) FROM STDIN") as copy,
        ):
            for row in bodies:
                copy.write_row(row)
        best["floor_per_second"] = max(best["floor_per_second"], size / (time.perf_counter() - start))
    return best | {"ratio": best["floor_per_second"] / best["per_second"]}


def proof(*, rounds: int) -> dict[str, float]:
    """Milliseconds of the proof of one entry among a million, its hashes, and of the bare reading of three rows."""
    from django.db import connections

    from faitfoi.evidence.merkle import verify_inclusion
    from faitfoi.evidence.tiles import TiledTree, complete_rows
    from faitfoi.records.journal import row
    from faitfoi.records.models import JournalNode

    with connections["owner"].cursor() as cursor:
        cursor.execute("TRUNCATE records_journalleaf, records_journalnode")
        cursor.execute(
            "INSERT INTO records_journalleaf (entry_id, organisation_id, leaf, index) "
            "SELECT gen_random_uuid(), gen_random_uuid(), sha256(int8send(n)), n FROM generate_series(0, %s - 1) AS n",
            [LEAVES],
        )
        cursor.execute("ANALYZE records_journalleaf")
    for level, position, node in complete_rows(0, LEAVES, row):
        JournalNode.objects.create(level=level, position=position, node=node)
    head = TiledTree(LEAVES, row).root()
    chosen = random.Random(1)
    times: list[float] = []
    floors: list[float] = []
    most = 0
    for _ in range(rounds):
        index = chosen.randrange(LEAVES)
        start = time.perf_counter()
        path = TiledTree(LEAVES, row).inclusion(index)
        times.append(time.perf_counter() - start)
        most = max(most, len(path))
        leaf = row(0, index // 256)[index % 256]
        if not verify_inclusion(leaf, index=index, size=LEAVES, proof=path, head=head):
            stop("A proof does not verify.")
        start = time.perf_counter()
        for level in range(3):
            row(level, index >> (8 * (level + 1)))
        floors.append(time.perf_counter() - start)
    times.sort()
    floors.sort()
    middle, bare = 1000 * times[len(times) // 2], 1000 * floors[len(floors) // 2]
    return {"ms": middle, "worst_ms": 1000 * times[-1], "floor_ms": bare, "hashes": most, "ratio": middle / bare}


def _organisation() -> UUID:
    from faitfoi.accounts.models import Organisation
    from faitfoi.accounts.tenancy import acting_for

    made = Organisation(slug=f"bench-{uuid4().hex[:8]}", name="CUMA des Trois Vallées", siren="000000018")
    with acting_for(made.id):
        made.save(force_insert=True)
    return made.id


def _bare_table() -> None:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, body text)")


def _rates(calls: dict[str, Callable[[], None]], *, rounds: int, seconds: float) -> dict[str, float]:
    best = dict.fromkeys(calls, 0.0)
    for _ in range(rounds):
        for name, call in calls.items():
            done, start = 0, time.perf_counter()
            while (spent := time.perf_counter() - start) < seconds:
                call()
                done += 1
            best[name] = max(best[name], done / spent)
    return best | {"ratio": best["floor_per_second"] / best["per_second"]}


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print what was measured beside what is wanted."""
    table = Table(title="Journal, embedded PostgreSQL, this machine", title_justify="left")
    for heading in ("what", "ours", "wanted", "floor", "floor / ours"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    one, many, proof = figures["journal_single"], figures["journal_batch"], figures["proof"]
    for name, told, wanted in (("single appends /s", one, "2,000"), ("in batches /s", many, "30,000")):
        ours, floor = f"{told['per_second']:,.0f}", f"{told['floor_per_second']:,.0f}"
        table.add_row(name, ours, wanted, floor, f"{told['ratio']:.1f}")
    table.add_row("single appends /s, two connections", f"{one['two_connections_per_second']:,.0f}", "", "", "")
    table.add_row("numbered /s", f"{many['numbered_per_second']:,.0f}", "", "", "")
    table.add_row(
        f"proof among 10⁶ ({proof['hashes']:.0f} hashes), ms",
        f"{proof['ms']:.1f}",
        "5",
        f"{proof['floor_ms']:.1f}",
        f"1/{proof['ratio']:.1f}",
    )
    Console().print(table)


if __name__ == "__main__":
    main()

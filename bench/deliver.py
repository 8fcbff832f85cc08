"""Time whole batches through workers: prepared, sealed, routed and delivered to simulators, by one worker and by two.

    make bench DOCUMENTS_B=10000            # or: python bench/deliver.py [documents], 10,000 by default

Four documents in five leave by e-mail, one by Chorus Pro, to the simulators of this program, on the embedded
PostgreSQL. `deliver_10000` is one worker: documents a second, the share of its time that was not work (fetching jobs,
writing their end down, being woken), and its memory after a quarter, at the most and at the end. `workers_2` is as many
documents by two workers. Simulators are part of what the cores do: their processor time is told apart. It says on the
way how far it is; interrupted, it stops its workers, its simulators and its database, and keeps no figures.
"""

import argparse
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from measure import RESULTS, ROOT, keep, stop

if TYPE_CHECKING:
    from tests.pipeline.cast import Scene

    from faitfoi.database import embedded

POSTGRES = ROOT / "build" / "bench-postgres"
TOLD_EVERY = 10.0
"""Seconds between two words on how far it is."""
LOOKS_EVERY = 2.0
"""Seconds between two looks at what is left: the end itself is told by the workers."""
PROMPT = 0.0005
"""Seconds after which the simulators' threads let each other speak (5 ms otherwise): they stand for several hosts."""
PUBLIC = 5
"""One document in so many goes to a public buyer."""
WANTED_QUEUE = 0.05
WANTED_TWO = 1.7


def main() -> None:
    """Send both batches, print and keep the figures; `--worker` is one of the workers that this starts."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("documents", type=int, nargs="?", default=10_000, help="documents of each batch (10,000)")
    arguments.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.worker:
        work_and_tell()
        return
    from faitfoi.database import embedded

    RESULTS.parent.mkdir(exist_ok=True)
    running = embedded.start(POSTGRES, say=lambda _: None)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=RESULTS.parent) as name:
            scene = _open_platform(running, Path(name))
            try:
                one = sent(scene, "A", asked.documents, workers=1)
                two = sent(scene, "B", asked.documents, workers=2)
            finally:
                scene.smtp.stop()
                scene.chorus.stop()
    except KeyboardInterrupt:
        stop("Interrupted.")
    finally:
        from django.db import connections

        connections.close_all()
        embedded.stop(POSTGRES)
    figures = {
        "deliver_10000": {**one, "wanted_queue_share": WANTED_QUEUE},
        "workers_2": {
            **two,
            "times_one_worker": round(two["documents_per_second"] / one["documents_per_second"], 2),
            "wanted_times_one_worker": WANTED_TWO,
        },
    }
    show(figures)
    keep(figures)


def _open_platform(running: "embedded.Running", folder: Path) -> "Scene":
    """Migrate an empty database, with an organisation, its customers and both channels."""
    from faitfoi.database import roles

    roles.drop_database(running.superuser_url, "bench_deliver")
    roles.create_database(running.superuser_url, "bench_deliver")
    os.environ |= {
        "DATABASE_URL": roles.on_database(running.app_url, "bench_deliver"),
        "FAITFOI_OWNER_URL": roles.on_database(running.owner_url, "bench_deliver"),
        "FAITFOI_HOME": str(folder / "home"),
        "DJANGO_SETTINGS_MODULE": "faitfoi.web.settings",
    }
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", database="owner", verbosity=0)
    from tests.pipeline.cast import Scene

    from faitfoi.accounts.models import Organisation
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.simulators.chorus import ChorusSimulator
    from faitfoi.simulators.smtp import SmtpSimulator

    made = Organisation(
        slug="bench", name="CUMA des Trois Vallées", siren="000000018", siret="00000001800018", demonstration=True
    )
    with acting_for(made.id):
        made.save(force_insert=True)
    sys.setswitchinterval(PROMPT)
    relay, portal = SmtpSimulator(), ChorusSimulator()
    relay.start()
    portal.start()
    scene = Scene(organisation=made, smtp=relay, chorus=portal)
    scene.set_up()
    return scene


def sent(scene: "Scene", series: str, documents: int, *, workers: int) -> dict[str, Any]:
    """Hand a batch over, have it done by so many workers, and see that every document has left."""
    from tests.pipeline.cast import FARMER, TOWN, file

    scene.hand_over(*(file(f"{series}-{n}", FARMER if n % PUBLIC else TOWN) for n in range(1, documents + 1)))
    used, database = time.process_time(), _database_processor()
    command = [sys.executable, str(Path(__file__).resolve()), "--worker"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
    try:
        _wait_for_the_last(scene, series, started, documents=documents)
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
    used, database = time.process_time() - used, _database_processor() - database
    told = [json.loads(process.communicate(timeout=60)[0].splitlines()[-1]) for process in started]
    left = _have_left(scene, series)
    if left != documents:
        stop(f"{left} documents of {documents} have left.")
    spent = max(each["end"] for each in told) - min(each["start"] for each in told)
    worked, busy = sum(each["worked"] for each in told), sum(each["end"] - each["start"] for each in told)
    return {
        "documents_per_second": round(documents / spent, 1),
        "documents": documents,
        "queue_share": round(1 - worked / busy, 3),
        "processor_ms_per_document": round(1000 * sum(each["processor"] for each in told) / documents, 1),
        "other_side_processor_ms_per_document": round(1000 * used / documents, 1),
        "database_processor_ms_per_document": round(1000 * database / documents, 1),
        "megabytes_after_a_quarter": [each["megabytes"][len(each["megabytes"]) // 4] for each in told],
        "megabytes_at_most": [max(each["megabytes"]) for each in told],
        "megabytes_at_the_end": [each["megabytes"][-1] for each in told],
    }


def _database_processor() -> float:
    """Seconds of processor that the server and its processes, those that have ended too, have used so far."""
    from faitfoi.database import embedded

    server, spent = embedded.status(POSTGRES).pid, 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue  # it has just ended
        fields = rest.split()
        if server in {int(name.split()[0]), int(fields[1])}:
            # Its own time, and that of its children who have ended (proc(5): utime, stime, cutime, cstime).
            spent += sum(int(each) for each in fields[11:15])
    return spent / os.sysconf("SC_CLK_TCK")


def _have_left(scene: "Scene", series: str) -> int:
    """How many documents of a series have left."""
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.records.models import Delivery
    from faitfoi.records.stages import Stage

    gone = [Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED]
    with acting_for(scene.organisation.id):
        return Delivery.objects.filter(document__number__startswith=f"{series}-", stage__in=gone).count()


def _wait_for_the_last(scene: "Scene", series: str, workers: list["subprocess.Popen[str]"], *, documents: int) -> None:
    """Look now and then, on one connection: what looks takes processor time from what is timed."""
    from faitfoi.pipeline.worker import jobs_left

    said = began = time.monotonic()
    while jobs_left():
        if time.monotonic() - said > TOLD_EVERY:
            said = time.monotonic()
            sys.stderr.write(
                f"{len(workers)} at work: {_have_left(scene, series)} of {documents}, {said - began:.0f} s\n"
            )
        if any(process.poll() is not None for process in workers):
            stop("A worker has ended by itself.")
        time.sleep(LOOKS_EVERY)


def work_and_tell() -> None:
    """Work as `faitfoi worker` does until asked to stop, then tell what the time went to."""
    import django

    django.setup()
    from faitfoi.pipeline import jobs
    from faitfoi.pipeline.worker import work

    spans: list[tuple[float, float]] = []
    processor: list[float] = []
    megabytes: list[float] = []

    def timed(function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def call(*given: object, **named: object) -> object:
            start = time.monotonic()
            processor.append(time.process_time())
            try:
                return function(*given, **named)
            finally:
                spans.append((start, time.monotonic()))
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                megabytes.append(round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1))

        return call

    taken: list[Any] = [jobs.prepare, jobs.deliver]
    for task in taken:
        task.func = timed(task.func)
    work(queues=["journey"])
    told = {
        "start": min(start for start, _ in spans),
        "end": max(end for _, end in spans),
        "worked": sum(end - start for start, end in spans),
        "processor": time.process_time() - processor[0],
        "megabytes": megabytes,
    }
    sys.stdout.write(json.dumps(told) + "\n")


def show(figures: dict[str, dict[str, Any]]) -> None:
    """Print both."""
    from rich.console import Console

    one, two = figures["deliver_10000"], figures["workers_2"]
    console = Console(highlight=False)
    console.print(
        f"{one['documents']} documents prepared and delivered by one worker: {one['documents_per_second']:.0f}/s, "
        f"{100 * one['queue_share']:.1f} % of its time in the queue (wanted < {100 * WANTED_QUEUE:.0f} %), "
        f"{one['megabytes_after_a_quarter'][0]:.0f} MB after a quarter, "
        f"{one['megabytes_at_the_end'][0]:.0f} at the end."
    )
    console.print(
        f"By two: {two['documents_per_second']:.0f}/s, {two['times_one_worker']:.2f} times one (≥ {WANTED_TWO} wanted)."
    )
    console.print(
        f"Processor for each document: workers {two['processor_ms_per_document']:.1f} ms, "
        f"simulators {two['other_side_processor_ms_per_document']:.1f}, "
        f"PostgreSQL {two['database_processor_ms_per_document']:.1f}."
    )


if __name__ == "__main__":
    main()

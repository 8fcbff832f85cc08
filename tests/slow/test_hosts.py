"""Three hosts at work, one killed and one cut off for a minute: leases and deadlines keep each delivery single.

And when a document itself comes late, after its lease has run out and another host has asked about it.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from faitfoi.accounts.models import ChannelKey
from faitfoi.cli.supervisor import control, free_port
from faitfoi.pipeline.questions import STOPPED
from tests.pipeline.cast import FARMER, SILENT, TOWN, file
from tests.slow.fleet import Fleet
from tests.slow.hosts import GATE, Held, Hosts, cannot_make_hosts, inside, start_tcp_database
from tests.slow.installation import Installation
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow]

HOSTS = ("one", "two", "three")
HOST_TWO = 12
FILES = 90
FEW = 12
MINUTE = 60.0
LONG = 2.0
"""Seconds that an answer takes while hosts are lost: less than is waited for, and nearly all of a worker's time."""
IN_DOUBT = frozenset({"to_find", "unknown"})
ARRIVED = frozenset({"sent", "accepted", "delivered"})


class Company(Installation):
    """An installation on a PostgreSQL that hosts reach by TCP, with a plateforme agréée as third channel."""

    database = ""
    held = Path()
    afnor = (0, 0)

    def reach_platform(self) -> None:
        """Start the plateforme agréée, set it up, and have one customer reached by it."""
        self.afnor = free_port(), free_port()
        port, control_port = self.afnor
        self.fleet.start("afnor", ["simulate", "afnor", "--port", f"{port}", "--control-port", f"{control_port}"])
        base = f"http://127.0.0.1:{port}"
        values = {
            "api_url": f"{base}/flow-service",
            "directory_url": f"{base}/directory-service",
            "token_url": f"{base}/auth/token",
            "client_id": "essai",
            "client_secret": "essai",
            "timeout": "3",
        }
        key = ChannelKey.PLATEFORME_AGREEE.value
        self.run("channel", "set", key, *(f"{name}={value}" for name, value in values.items()))
        said = f"reference;name;nature;siren;channel\n{SILENT.reference};{SILENT.name};taxable;{SILENT.siren};{key}\n"
        self.run("customers", "import", "-", said=said)

    def rows(self, words: str) -> list[Any]:
        """Ask the database, as its superuser."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(words.encode()).fetchall()

    def count(self, words: str) -> int:
        """Count rows."""
        return int(self.rows(f"SELECT count(*) FROM {words}")[0][0])

    def books(self) -> Counter[str]:
        """Return what the other sides have taken, by the name that it has there."""
        mails, numbers = self.arrived()
        platform: Any = json.loads(control(f"http://127.0.0.1:{self.afnor[1]}", "records"))
        tracked = [str(each["tracking"]) for each in platform["deposits"]]
        return Counter([*(mail.strip("<>").partition("@")[0] for mail in mails), *numbers, *tracked])

    def others(self) -> tuple[int, int, int]:
        """Return the ports where documents are handed over: relay, Chorus Pro, plateforme agréée."""
        return self.ports[0], self.ports[2], self.afnor[0]

    def at_rest(self, files: int) -> bool:
        """Whether every line has its delivery, and none is to send or being sent."""
        return self.count("records_delivery WHERE stage NOT IN ('routed', 'sending')") == files

    def pass_time(self) -> None:
        """Have both platforms integrate what they took."""
        for port in (self.ports[3], self.afnor[1]):
            control(f"http://127.0.0.1:{port}", "advance", json.dumps({"seconds": 3600}).encode())

    def ask(self) -> None:
        """Have every question asked once more, now."""
        words = "UPDATE records_delivery SET next_question_at = now(), questions_asked = 0 WHERE stage = 'to_find'"
        self.rows(f"{words} RETURNING id")
        unasked = "records_delivery WHERE stage = 'to_find' AND questions_asked = 0"
        wait_for(lambda: self.count(unasked) == 0, "every question asked")

    def slow_down(self) -> None:
        """Have each other side keep its answers for `LONG`, once it has taken what it was sent, until `hurry`.

        A worker is then in the middle of a call whenever one looks, and the batch has no end that it could reach.
        """
        for port in self.controls():
            fault = {"kind": "slow", "seconds": LONG, "times": None}
            control(f"http://127.0.0.1:{port}", "fault", json.dumps(fault).encode())

    def hurry(self) -> None:
        """Have each other side answer at once again."""
        for port in self.controls():
            control(f"http://127.0.0.1:{port}", "calm", b"{}")

    def controls(self) -> tuple[int, int, int]:
        """Return the ports where the other sides are told what to do."""
        return self.ports[1], self.ports[3], self.afnor[1]

    def next_arrival(self) -> None:
        """Wait until one more document has arrived somewhere."""
        before = self.books().total()
        wait_for(lambda: self.books().total() > before, "one more arrival")


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Three hosts, where this machine allows them."""
    reason = cannot_make_hosts()
    if reason:
        pytest.skip(reason)
    with Hosts(HOSTS) as made:
        yield made


@pytest.fixture
def company(hosts: Hosts, tmp_path: Path) -> Iterator[Company]:  # the database listens on their bridge
    """The database, the three other sides, and the batch's files in `inbox`; nobody works yet."""
    database = start_tcp_database(tmp_path / "postgres")
    try:
        made = Company(tmp_path, app_url=database.app_url, owner_url=database.owner_url)
        made.database, made.held = database.superuser_url, tmp_path / "held"
        made.held.mkdir()
        with made:
            made.settle_in()
            made.reach_platform()
            yield made
    finally:
        database.stop()


@pytest.fixture
def workers(company: Company, tmp_path: Path) -> Iterator[Fleet]:
    """What will run on the hosts: for now, the way from each of them to the other sides."""
    ports = [f"{port}" for port in company.others()]
    (tmp_path / "hosts").mkdir()
    with Fleet(tmp_path / "hosts", environment=company.environment) as fleet:
        fleet.start("gate", [GATE, "127.0.0.1", f"{company.held}", *ports], module="tests.slow.hosts")
        for name in HOSTS:
            way = ["127.0.0.1", GATE, "", *ports]
            fleet.start(f"way-{name}", way, module="tests.slow.hosts", before=inside(name))
        yield fleet


def hand_over(company: Company, workers: Fleet, inbox: Path, *, files: int) -> None:
    """Give a batch of all three channels, while the worker of host two alone is there."""
    inbox.mkdir()
    for n in range(files):
        (inbox / f"H-{n:03d}.json").write_bytes(file(f"H-{n:03d}", (FARMER, TOWN, SILENT)[n % 3]))
    workers.start("two", ["worker"], before=inside("two"))
    wait_for(lambda: company.count("procrastinate_workers") == 1, "a worker")
    workers.start("send", ["send", str(inbox)])
    wait_for(lambda: company.count("records_batchline") == files, "the batch")
    workers.kill("send")


def test_a_host_killed_and_a_host_cut_off_lose_nothing_and_double_nothing(
    hosts: Hosts, company: Company, workers: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company.slow_down()
    hand_over(company, workers, tmp_path / "inbox", files=FILES)
    wait_for(lambda: company.books().total() >= 3, "the first arrivals")
    hosts.cut_off("two")  # its call has been taken and has no answer yet
    cut = time.monotonic()
    workers.start("three", ["worker"], before=inside("three"))
    workers.start("one", ["worker"], before=inside("one"))
    company.next_arrival()
    while not killed_in_a_call(company, workers):
        workers.start("one", ["worker"], before=inside("one"))
    company.hurry()
    time.sleep(max(0.0, cut + MINUTE - time.monotonic()))
    meanwhile = company.books().total()
    hosts.join("two")
    wait_for(lambda: company.at_rest(FILES), "the end of the batch")
    company.pass_time()
    company.ask()
    assert workers.alive("two"), workers.log("two").read_text()[-3000:]
    stages = reckon(company, files=FILES)
    doubted = company.count(f"records_attempt WHERE detail = '{STOPPED}'")
    assert doubted >= 1, "nobody was in the middle of a call"
    with capsys.disabled():
        print(f"\nhosts: {FILES} documents, {stages}, {doubted} calls cut, {meanwhile} taken when host two came back")


def test_a_document_that_comes_after_it_was_asked_about_is_found_and_not_doubled(
    hosts: Hosts, company: Company, workers: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = Held(company.held)
    held.hold(HOST_TWO)
    hand_over(company, workers, tmp_path / "inbox", files=FEW)
    wait_for(lambda: all(held.count(port) for port in company.others()), "a document held on each way")
    hosts.cut_off("two")  # in the middle of the last of these calls
    workers.start("one", ["worker"], before=inside("one"))
    wait_for(lambda: company.at_rest(FEW), "the end of the batch, but for what is held")
    company.ask()
    before = company.books()
    assert reckon(company, files=FEW).get("unknown", 0) >= 1, "no mail was held"
    late = FEW - before.total()
    assert late >= len(company.others())
    assert company.count(f"records_attempt WHERE detail = '{STOPPED}'") >= 1, "nobody was in the middle of a call"

    held.let_through()
    hosts.join("two")
    wait_for(lambda: company.books().total() - before.total() >= late, "what was held")
    company.pass_time()
    company.ask()
    wait_for(lambda: company.count("records_delivery WHERE stage = 'to_find' AND channel <> 'email'") == 0, "found")
    stages = reckon(company, files=FEW)
    mails = company.count("records_delivery WHERE stage = 'unknown' AND channel = 'email'")
    assert stages.get("unknown", 0) == mails >= 1  # nobody can be asked: a person decides
    with capsys.disabled():
        print(f"\nlate: {FEW} documents, {late} came after they had been asked about: {stages}")


def killed_in_a_call(company: Company, workers: Fleet) -> bool:
    """Kill the worker of host one once it has begun a call; whether that call had no answer yet.

    Its number stands in its attempts: what it leaves open, nobody but the sweeper can close.
    """
    mine = f"records_attempt WHERE worker LIKE '%:{workers.pid('one')}'"
    wait_for(lambda: company.count(f"{mine} AND outcome = 'claimed'") > 0, "a call of host one")
    workers.kill("one")
    return company.count(f"{mine} AND (outcome = 'claimed' OR detail = '{STOPPED}')") > 0


def reckon(company: Company, *, files: int) -> dict[str, int]:
    """Hold our books against the other sides' own, and count the stages."""
    books, stages, ours = company.books(), Counter[str](), set[str]()
    assert [name for name, times in books.items() if times > 1] == []
    words = "SELECT d.channel, d.stage, d.message_ref, o.number FROM records_delivery d"
    for channel, stage, reference, number in company.rows(f"{words} JOIN records_document o ON o.id = d.document_id"):
        stages[stage] += 1
        name = number if channel == ChannelKey.CHORUS_PRO else reference
        ours.add(name)
        arrived = books[name] > 0
        if stage in IN_DOUBT:
            assert not arrived or channel == ChannelKey.EMAIL, f"{number} was not found"
        else:
            assert stage in ARRIVED, f"{number} ended as {stage}"
            assert arrived, f"{number} is called {stage} and has not arrived"
    assert stages.total() == files
    ours.update(token for (token,) in company.rows("SELECT token FROM records_returncheck"))  # of the day's own trial
    assert [name for name, times in books.items() if times and name not in ours] == []
    return dict(stages)

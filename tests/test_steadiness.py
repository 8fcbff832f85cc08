"""No verdict of a test depends on the machine: how fast it is, how busy, how many cores it has, which day it is there.

What a test waits for is a condition (`tests.waiting`), what it bounds is work (`tests.work`), and what it hurries is
never its own side. What must be otherwise stands in `ALLOWED`, each with its reason.
"""

import ast
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.test_promises import ROOT, tracked
from tests.waiting import PATIENCE

ALLOWED = {
    ("tests/waiting.py", "sleep"): "the one place that waits",
    ("tests/waiting.py", "clock"): "the patience after which a test hangs",
    ("tests/work.py", "clock"): "processor time, turned into that of one machine",
    ("tests/slow/test_crashes.py", "sleep"): "kills at moments that dice choose: every moment must do",
    (
        "tests/slow/test_crashes.py",
        "clock",
    ): "told beside the figures, and how long a kill is put off: neither is judged",
    ("tests/slow/test_crashes.py", "dice"): "another seed each time, printed, so that a failure can be repeated",
    ("tests/slow/test_hosts.py", "sleep"): "a host is cut off for a minute at least, which no event tells",
    ("tests/slow/test_hosts.py", "clock"): "when that minute began",
    ("tests/slow/hosts.py", "sleep"): "carries bytes in another process; looks whether it may let them through",
    ("tests/slow/test_folder.py", "cores"): "each is to be at work, however many there are",
    ("tests/channels/test_smtp_pool.py", "clock"): "our own client is told an instant: patience away",
    ("tests/web/test_mail_proofs.py", "clock"): "a provider signs the second of its call, which must be of now",
    ("tests/einvoice/test_reading.py", "clock"): "a measure that is shown on demand, and judged by nobody",
    ("tests/intake/test_returns.py", "patience"): "waits in vain where all is well; on a slow machine as on a fast one",
    ("tests/pipeline/typist.py", "timer"): "ends, out of patience, a typist that hangs",
    ("tests/pipeline/test_restoring.py", "sleep"): "a kill a moment after the first change: every moment must do",
}
CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns"}
PATIENT = {"wait", "join", "result", "settimeout", "set_default_timeout", "communicate"}
HURRIED = 2.0
"""Seconds that our side of a call to a simulator has at least: less is too short for a machine that is busy."""


def found(source: str) -> Iterator[tuple[int, str]]:
    """Tell the lines of a test that would make it depend on its machine, and in which way."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr="sleep") | ast.Name(id="sleep"):
                yield node.lineno, "sleep"
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in CLOCKS:
                yield node.lineno, "clock"
            case ast.Attribute(value=ast.Name(id="time"), attr="time"):
                yield node.lineno, "clock"
            case ast.Attribute(attr="Timer") | ast.Name(id="Timer"):
                yield node.lineno, "timer"
            case ast.Attribute(attr="cpu_count") | ast.Attribute(attr="sched_getaffinity"):
                yield node.lineno, "cores"
            case ast.Call():
                yield from ((node.lineno, what) for what in _call(node))


def _call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {word.arg: word.value for word in call.keywords if word.arg}
    first = call.args[0] if call.args and name in PATIENT else None
    for value in (first, given.get("timeout")):
        if isinstance(value, ast.Constant) and isinstance(value.value, int | float) and value.value < PATIENCE:
            yield "patience"
    for value in (given.get("timeout"), given.get("deadline_seconds")):
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and _seconds(value.value) < HURRIED:
            yield "hurry"
    deadline = given.get("deadline")
    if name == "settings" and deadline is not None and not (isinstance(deadline, ast.Constant) and not deadline.value):
        yield "deadline"
    of_random = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "random"
    if of_random and (name != "Random" or not call.args):
        yield "dice"


def _seconds(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return HURRIED  # nonsense that a test hands over on purpose


def test_no_test_depends_on_the_machine() -> None:
    depends = {
        (str(path.relative_to(ROOT)), what): line
        for path in tracked("tests/*.py", "tests/**/*.py")
        for line, what in found(path.read_text(encoding="utf-8"))
    }
    assert {each: line for each, line in depends.items() if each not in ALLOWED} == {}
    assert set(ALLOWED) <= set(depends), "no longer needed"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("time.sleep(2)", "sleep"),
        ("await asyncio.sleep(0.1)", "sleep"),
        ("began = time.monotonic()", "clock"),
        ("stamp = int(time.time())", "clock"),
        ("threading.Timer(0.2, release.set).start()", "timer"),
        ("jobs = os.cpu_count()", "cores"),
        ("process.wait(timeout=10)", "patience"),
        ("arrived.wait(5)", "patience"),
        ("thread.join(5)", "patience"),
        ("run(command, timeout=60)", "patience"),
        ('channel(timeout="0.5")', "hurry"),
        ("settings(deadline=200)", "deadline"),
        ("random.Random()", "dice"),
        ("random.choice(ways)", "dice"),
    ],
)
def test_what_depends_on_the_machine_is_caught(line: str, what: str) -> None:
    assert [each for _, each in found(line)] == [what]


def test_random_examples_have_all_the_time_they_need() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check

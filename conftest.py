"""For every test of the project: where `CI` is set, a judge or a browser that is missing fails the test.

On a person's machine such a test is skipped with its reason; in continuous integration a skip would be a silent hole.
"""

import os
from collections.abc import Iterator

import pytest

NEVER_SKIPPED_IN_CI = ("oracle", "browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn the skip of a test marked `oracle` or `browser` into a failure where `CI` is set."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    marked = any(item.get_closest_marker(mark) for mark in NEVER_SKIPPED_IN_CI)
    if report.skipped and marked and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: must run where CI is set. {reason}"
    return report  # type: ignore[return-value]

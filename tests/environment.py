"""Loaded before everything else (`-p tests.environment`): the tests have a home and a secret of their own."""

import os
import signal
from pathlib import Path

from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
os.environ["FAITFOI_HOME"] = str(ROOT / "build" / "test-home" / os.environ.get("PYTEST_XDIST_WORKER", "main"))
os.environ["FAITFOI_SECRET_KEY"] = "tests only"
os.environ["FAITFOI_TODAY"] = "2026-11-21"
os.environ["DATABASE_URL"] = "postgresql:///replaced-by-the-fixture"

# A shell that runs the tests in its background has them ignore Ctrl-C, and all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Random examples are judged by what they show, never by how long this machine takes to show it. What Hypothesis itself
# sets where `CI` is (the same examples each time) stays.
settings.register_profile("steady", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

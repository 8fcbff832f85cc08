"""The same stage as the pipeline's tests: real database, real simulators, two channels."""

from tests.pipeline.conftest import portal, relay, scene

__all__ = ["portal", "relay", "scene"]

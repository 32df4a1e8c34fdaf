"""The recorded run, and a real Prometheus that has scraped it."""

from collections.abc import Iterator

import pytest

from examples.demo.prometheus_server import Prometheus
from tests.dashboards import prometheus_server, recorded_run
from tests.dashboards.recorded_load import Event

Recorded = tuple[list[str], list[Event]]


@pytest.fixture(scope="session")
def recorded() -> Recorded:
    """The samples, and what the operator has written."""
    return recorded_run.run()


@pytest.fixture(scope="session")
def prometheus(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A server with these samples."""
    with prometheus_server.running(tmp_path_factory.mktemp("prometheus"), recorded[0]) as server:
        yield server

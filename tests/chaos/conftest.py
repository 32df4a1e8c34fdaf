"""One scene for all faults, and what must hold after each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from devcluster import toolchain
from tests.chaos.faulty_proxy import FaultyProxy
from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import Plane
from tests.chaos.scene import GROWTH, MOST, Scene, running
from tests.rabbitmq_node import RabbitMQNode
from tests.told_figures import Say, sayer


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("chaos")
    node = RabbitMQNode()
    try:
        node.start()
        with running(Plane(folder), node, helm=toolchain.programs()["helm"], folder=folder) as scene:
            yield scene
    finally:
        node.close()


@pytest.fixture(scope="module")
def operator(scene: Scene) -> Iterator[OperatorProcess]:
    """One process for the tests of a file, directly at the API server."""
    with scene.operator() as process:
        process.until_ready()
        process.until_leading()
        yield process


@pytest.fixture(scope="module")
def proxy(scene: Scene) -> Iterator[FaultyProxy]:
    """A way to the API server that gives errors."""
    with FaultyProxy(plane=scene.plane) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def behind_proxy(scene: Scene, proxy: FaultyProxy) -> Iterator[OperatorProcess]:
    """One process for the tests of a file, behind the proxy."""
    with scene.operator(proxy=proxy) as process:
        process.until_ready()
        process.until_leading()
        yield process


@pytest.fixture(autouse=True)
def _holds(scene: Scene) -> Iterator[None]:
    """All is well before a test and after it, no number was written that no queue wanted, and nothing has leaked."""
    if scene.operators:
        scene.until_well(within=45)
    began = len(scene.plane.events())
    before = {process: (process.process.pid, process.figures()) for process in scene.operators if process.leading}
    yield
    scene.let_rest(*(member for member in scene.idle if member.wanted))
    if scene.operators:
        scene.until_well(within=45)
    assert [] == scene.unwanted(since=began)
    for process in scene.operators:
        assert [] == process.sick
        after = process.figures()
        assert all(after[name] <= most for name, most in MOST.items()), after
        pid, figures = before.get(process, (0, {}))
        if pid == process.process.pid and process.leading:
            grown = {name: after[name] - figures[name] for name in GROWTH}
            assert all(grown[name] <= most for name, most in GROWTH.items()), f"{figures} -> {after}"


@pytest.fixture
def say(record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]) -> Say:
    """Tell a figure, on the terminal and in the report."""
    return sayer(record_property=record_property, capsys=capsys, on_terminal=1, in_report=1)

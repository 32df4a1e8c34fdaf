"""A real API server, with RBAC, for the tests of everything that talks to one. Nothing else of a cluster is needed."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.adapters.kubernetes.access import Access
from tests.adapters.kubernetes.door import Door
from tests.adapters.kubernetes.queueconsumers import definition, install
from tests.e2e.hpa.control_plane import ControlPlane

USERS = ("operator", "other-controller")


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """etcd and an API server: one for the run, so a test uses namespaces of its own."""
    running = ControlPlane(tmp_path_factory.mktemp("control-plane"), authorization="RBAC", users=USERS)
    try:
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def crd(plane: ControlPlane) -> None:
    """QueueConsumers can be made."""
    install(plane, definition())


@pytest.fixture
async def admin(plane: ControlPlane) -> AsyncIterator[Access]:
    """May do everything."""
    async with Access(plane=plane, user="admin") as access:
        yield access


@pytest.fixture
async def operator(plane: ControlPlane) -> AsyncIterator[Access]:
    """May do what a test grants."""
    async with Access(plane=plane, user="operator") as access:
        yield access


@pytest.fixture
async def door(plane: ControlPlane) -> AsyncIterator[Door]:
    """A way to the API server that can be shut."""
    async with Door(plane.port) as opened:
        yield opened

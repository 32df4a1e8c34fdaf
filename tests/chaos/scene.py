"""The scene of all faults: an API server, a broker, ten QueueConsumers, and the operator's processes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.chaos.faulty_proxy import FaultyProxy
from tests.chaos.members import SECRET, Member
from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import Plane, until
from tests.chaos.writes import Writes
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

LEASE: Final = "queueconsumer-operator"
SHOP: Final = "shop"
BANK: Final = "bank"
"""Of two namespaces each has a Secret of its own."""
HEALED_WITHIN: Final = 20.0
GROWTH: Final = {"MiB": 30, "files": 12, "threads": 3}
"""By how much a leader may have grown after a fault. An HTTP connection that is kept open counts as a file."""
MOST: Final = {"MiB": 150, "files": 80, "threads": 12}
"""That any process may have."""


class Scene:
    """Made once for all tests; each leaves it as it has found it."""

    def __init__(self, plane: Plane, node: RabbitMQNode, folder: Path) -> None:
        self.plane = plane
        self.folder = folder
        self.vhosts = {SHOP: node.new_vhost(), BANK: node.new_vhost()}
        self.busy = self._member("busy")
        self.busy_set = self._member("busy-set", kind="StatefulSet")
        # At three replicas without a message: only a window that begins anew keeps it there.
        window = {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 3600}}}
        self.kept = self._member("kept", before=3, spec=window, keeps=True)
        self.original = self._member("original", before=2, spec={"restoreReplicasOnDelete": "Original"})
        self.bank_busy = self._member("bank-busy", namespace=BANK)
        self.bank_idle = self._member("bank-idle", namespace=BANK)
        self.idle = [self._member(f"idle-{number}") for number in range(4)]
        self.members = [
            self.busy, self.busy_set, self.kept, self.original, self.bank_busy, self.bank_idle, *self.idle,
        ]  # fmt: skip
        self._turns = itertools.cycle(self.idle)
        self.operators: list[OperatorProcess] = []

    def make(self) -> None:
        """Make everything but the operator."""
        for namespace in (SHOP, BANK):
            self.plane.namespace(namespace)
            self.make_secret(namespace)
        for member in self.members:
            member.create()
        self.load()

    def load(self) -> None:
        """Give those that are to be busy their work."""
        self.busy.publish(52)
        self.busy_set.publish(31)
        self.original.publish(41)
        self.bank_busy.publish(25)

    def secret(self, namespace: str) -> str:
        """Its path."""
        return f"/api/v1/namespaces/{namespace}/secrets/{SECRET}"

    def make_secret(self, namespace: str) -> None:
        """Make the Secret of a namespace."""
        vhost: Vhost = self.vhosts[namespace]
        data = {
            "host": vhost.host,
            "port": str(vhost.port),
            "username": vhost.username,
            "password": vhost.password,
            "vhost": vhost.vhost,
            "management_uri": vhost.management_uri,
        }
        path = f"/api/v1/namespaces/{namespace}/secrets"
        assert self.plane.call("POST", path, {"metadata": {"name": SECRET}, "stringData": data})

    @contextmanager
    def operator(
        self,
        user: str = "one",
        *,
        proxy: FaultyProxy | None = None,
        **process: Any,
    ) -> Iterator[OperatorProcess]:
        """Run the operator for the block, directly at the API server or by way of a proxy.

        `process` is as `OperatorProcess` has it.
        """
        kubeconfig = self.plane.kubeconfig(user, port=proxy.port if proxy else None)
        with OperatorProcess(user=user, kubeconfig=kubeconfig, folder=self.folder, **process) as started:
            self.operators.append(started)
            try:
                yield started
            finally:
                self.operators.remove(started)

    def next_idle(self) -> Member:
        """One whose queue is empty and whose target is at zero, another one each time."""
        for _ in self.idle:
            member = next(self._turns)
            if member.wanted == 0:
                return member
        raise AssertionError("all are awake")

    def wake(self) -> Member:
        """Publish messages into a queue whose target is at zero."""
        member = self.next_idle()
        assert 0 == member.replicas
        member.publish(9)
        return member

    def let_rest(self, *members: Member) -> None:
        """Empty queues that were filled for a test."""
        for member in members:
            member.purge()

    def until_well(self, *, within: float = HEALED_WITHIN) -> float:
        """Wait until all is as it should be; seconds."""
        return until(lambda: not self.wrong(), within=within, what=lambda: "; ".join(self.wrong()))

    def wrong(self) -> list[str]:
        """What is not as it should be."""
        return [wrong for member in self.members if (wrong := member.wrong)]

    def writes(self, *, since: int = 0) -> Writes:
        """What was written of replicas, from an entry of the log on."""
        return Writes(self.plane.events(), since=since)

    def unwanted(self, *, since: int = 0) -> list[str]:
        """Numbers that were written and that no queue wanted then."""
        members = {(member.namespace, member.name): member for member in self.members}
        return [
            f"{write.name}: {write.replicas} by {write.by} at {time.strftime('%H:%M:%S', time.localtime(write.at))}"
            for write in self.writes(since=since).scales
            if (write.namespace, write.name) in members
            and not members[write.namespace, write.name].could_want(write.replicas, at=write.at)
        ]

    def _member(
        self, name: str, *, namespace: str = SHOP, kind: str = "Deployment", before: int = 0,
        spec: dict[str, Any] | None = None, keeps: bool = False,
    ) -> Member:  # fmt: skip
        return Member(
            plane=self.plane, vhost=self.vhosts[namespace], namespace=namespace, name=name, kind=kind,
            before=before, spec=spec or {}, keeps=keeps,
        )  # fmt: skip


@contextmanager
def running(plane: Plane, node: RabbitMQNode, *, helm: Path, folder: Path) -> Iterator[Scene]:
    """Have the scene for the block."""
    with ExitStack() as stack:
        stack.callback(plane.close)
        plane.start()
        plane.install(helm)
        plane.free_lease(LEASE)
        scene = Scene(plane, node, folder)
        scene.make()
        yield scene

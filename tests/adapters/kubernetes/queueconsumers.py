"""QueueConsumers at a real API server, and an operator that serves them as the watch shows them.

It reads, decides, and writes scales, statuses, finalizers and events as it does in a cluster. Only what the queues hold
is the test's, and the time, because a status is written by the clock.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import yaml

from qc_operator.brokers import QueueSource
from qc_operator.cluster.deletion_costs import DeletionCosts
from qc_operator.cluster.events import Events
from qc_operator.cluster.finalizers import Finalizers
from qc_operator.cluster.kinds import Kinds
from qc_operator.cluster.pods import PodLists
from qc_operator.cluster.rivals import Rivals
from qc_operator.cluster.scale import Scales
from qc_operator.cluster.status import Statuses
from qc_operator.cluster.target_watch import TargetWatch
from qc_operator.metrics import Metrics
from qc_operator.reconciler import Reconciler
from qc_operator.settings import StatusSettings
from qc_operator.surroundings import Surroundings
from tests.adapters.kubernetes.access import PATIENCE, Access
from tests.behaviour.conftest import FakeClock, FakeFeed
from tests.e2e.hpa.control_plane import ControlPlane
from tests.unit.operator.conftest import body, entries, known

CRD: Final = Path(__file__).parents[3] / "crds" / "queueconsumers.queueconsumer.dev.yaml"
DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEFINITION: Final = f"{DEFINITIONS}/queueconsumers.queueconsumer.dev"
EVERYWHERE: Final = "/apis/queueconsumer.dev/v1alpha1/queueconsumers"


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition of this checkout."""
    read: dict[str, Any] = yaml.safe_load(CRD.read_text())
    return read


def schema(version: dict[str, Any], part: str) -> dict[str, Any]:
    """The schema of the spec or the status in one version of a definition, to be changed."""
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"][part]
    return found


def install(plane: ControlPlane, wanted: dict[str, Any]) -> None:
    """Have the API server serve QueueConsumers by this definition, and wait until it does."""
    there = plane.call("GET", DEFINITION)
    if there is None:
        assert plane.call("POST", DEFINITIONS, wanted)
    else:
        version = there["metadata"]["resourceVersion"]
        assert plane.call("PUT", DEFINITION, wanted | {"metadata": wanted["metadata"] | {"resourceVersion": version}})
    # What is published is in force.
    word = json.dumps(schema(wanted["spec"]["versions"][0], "spec")["description"])
    published = "/openapi/v3/apis/queueconsumer.dev/v1alpha1"
    plane._until(lambda: word in json.dumps(plane.call("GET", published)), what="the definition is in force")
    plane._until(lambda: plane.call("GET", EVERYWHERE) is not None, what="QueueConsumers are served")


@contextmanager
def another_definition(plane: ControlPlane, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Have another definition in force meanwhile: one of an older version, or of a newer one."""
    other = definition()
    (version,) = other["spec"]["versions"]
    change(version)
    # By this word it is seen to be in force.
    schema(version, "spec")["description"] = f"Another one: {change.__name__}."
    install(plane, other)
    try:
        yield
    finally:
        install(plane, definition())


def path(namespace: str, name: str = "receipts") -> str:
    return f"/apis/queueconsumer.dev/v1alpha1/namespaces/{namespace}/queueconsumers/{name}"


def _queue(name: str) -> dict[str, Any]:
    return {"name": name, "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}}


def manifest(name: str = "receipts", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "queueconsumer.dev/v1alpha1",
        "kind": "QueueConsumer",
        "metadata": {"name": name},
        "spec": body(**{"scaleTargetRef": {"name": name}, "queues": [_queue(name)]} | spec),
    }


async def create(access: Access, namespace: str, name: str = "receipts", **spec: Any) -> dict[str, Any]:
    return await access.create(path(namespace, "").rstrip("/"), manifest(name, **spec))


class Operator:
    """One process that leads. `see` shows it an object as the watch does; `messages` is a reading of its queue."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.clock = FakeClock()
        self.metrics = Metrics()
        self.feeds: dict[str, FakeFeed] = {}
        telling = asyncio.Semaphore(16)
        kinds = Kinds(api=access.api)
        self._watch = TargetWatch(api=access.api, kinds=kinds)
        self._rivals = Rivals(api=access.api, changed=lambda target: self.reconciler.contested(target))  # noqa: PLW0108 - made below
        self.reconciler = Reconciler(
            surroundings=Surroundings(
                feeds=self,
                scales=Scales(api=access.api, kinds=kinds),
                targets=self._watch,
                rivals=self._rivals,
                pods=PodLists(
                    api=access.api,
                    monotonic=self.clock.monotonic,
                    utcnow=self.clock.utcnow,
                    count_error=lambda _: None,
                ),
                costs=DeletionCosts(api=access.api),
                statuses=Statuses(api=access.api, at_once=telling),
                finalizers=Finalizers(api=access.api),
                events=Events(
                    api=access.api, identity="test/operator", at_once=telling, monotonic=self.clock.monotonic
                ),
                metrics=self.metrics,
                clock=self.clock,
                settings=StatusSettings(),
            )
        )

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._rivals.run())
        self.reconciler.lead()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reconciler.follow()
        await self._watch.close()
        self._watching.cancel()
        await asyncio.wait([self._watching])

    def open(
        self,
        *,
        namespace: str,
        secret: str,
        vhost: str | None,
        queues: Sequence[QueueSource],
        notify: Callable[[], None],
    ) -> FakeFeed:
        """Read an object's queues: empty ones, until the test says otherwise."""
        assert (secret, vhost) == ("rabbitmq", None)
        feed = FakeFeed(notify=notify, entries=entries(known(ready=0, unacknowledged=0, at=self.clock.now)))
        self.feeds[f"{namespace}/{queues[0].name}"] = feed
        return feed

    async def see(self, namespace: str, name: str = "receipts") -> dict[str, Any]:
        """Show it the object as it is now; returns that."""
        shown = await self.access.api.get(path(namespace, name))
        self.reconciler.seen(copy.deepcopy(shown))
        return shown

    def messages(self, namespace: str, ready: int, *, name: str = "receipts", after: float = 0.0) -> None:
        """Let time pass, and a reading of an object's queue come in."""
        self.clock.now += after
        feed = self.feeds[f"{namespace}/{name}"]
        feed.entries = entries(known(ready=ready, unacknowledged=0, at=self.clock.now))
        feed.notify()

    async def shows(self, namespace: str, said: Callable[[dict[str, Any]], object], *, name: str = "receipts") -> Any:
        """Wait until an object at the API server is so; returns it."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not said(shown := await self.access.api.get(path(namespace, name))):
            assert asyncio.get_running_loop().time() < deadline, shown.get("status")
            await asyncio.sleep(0.02)
        return shown


def condition(shown: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """One condition of an object, or an empty one."""
    found = [one for one in shown.get("status", {}).get("conditions", ()) if one["type"] == kind]
    return dict(found[0]) if found else {}

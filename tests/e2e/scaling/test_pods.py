"""What the operator reads of a target's pods on a real cluster, with its own ServiceAccount, and how often.

No queue takes part: the replicas are written here, and turns are taken a few times a second as readings of queues would
have them taken.
"""

import asyncio
import json
import ssl
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import yaml

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.pods import PodLists
from qc_operator.cluster.scale import Scales
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling.pods import Pods
from qc_operator.target import Target
from qc_operator.target_pods import TargetPods
from tests.e2e.conftest import SYSTEM, Command, delete_namespace

pytestmark = pytest.mark.cluster

NAMESPACE = "qc-e2e-pods"
STRANGER = "default"
"""A ServiceAccount without rights."""
SERVER = ["python", "-m", "http.server", "8080"]


@pytest.fixture(scope="module")
def namespace(operator: str, kubectl: Command) -> Iterator[str]:
    """A namespace of its own, with the operator and its rights beside it."""
    del operator
    delete_namespace(kubectl, NAMESPACE)
    kubectl("create", "namespace", NAMESPACE)
    yield NAMESPACE
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@dataclass
class Reading:
    """A `PodLists` that counts."""

    lists: PodLists
    count: int = 0

    async def read(self, *, namespace: str, selector: str) -> Pods:
        self.count += 1
        return await self.lists.read(namespace=namespace, selector=selector)


@dataclass
class Followed:
    """A Deployment, and a `Target` as an autoscaler has it."""

    name: str
    kubectl: Command
    scales: Scales
    reading: Reading
    woken: int = 0
    seen: list[Pods] = field(default_factory=list)
    """What was known, each once."""

    def __post_init__(self) -> None:
        self.pods = TargetPods(reader=self.reading, namespace=NAMESPACE, notify=self._wake)
        ref = ScaleTargetRef(name=self.name)
        self.target = Target(scales=self.scales, namespace=NAMESPACE, ref=ref, max_age=5.0, pods=self.pods)

    def _wake(self) -> None:
        self.woken += 1

    async def ask(self, replicas: int) -> None:
        """Write the number of replicas as turns do, which read the scale again after a conflict."""
        for _ in range(20):
            now = time.monotonic()
            try:
                await self.target.ask(replicas, known=await self.target.scale(now=now), now=now)
            except ApiError as error:
                if not error.conflict:
                    raise
            else:
                return
        pytest.fail("somebody else writes the scale again and again")

    async def turn(self) -> Pods | None:
        now = time.monotonic()
        await self.target.scale(now=now)
        pods = self.target.pods(now=now)
        if pods is not None and (not self.seen or pods is not self.seen[-1]):
            self.seen.append(pods)
        return pods

    async def until(self, condition: Callable[[Pods], bool], *, within: float, what: str) -> Pods:
        """Take turns until what is known of the pods meets the condition."""
        deadline = time.monotonic() + within
        while True:
            pods = await self.turn()
            if pods is not None and condition(pods):
                return pods
            if time.monotonic() > deadline:
                listed = self.kubectl("-n", NAMESPACE, "get", "pods", "-o", "wide")
                pytest.fail(f"not within {within} s: {what}. Known: {pods}; {self.pods.problem}\n{listed}")
            await asyncio.sleep(0.2)

    async def proves(self) -> Pods:
        """Take turns until the pods have been ready for half a minute and are looked at for the last time."""
        before = self.reading.count
        pods = await self.until(lambda _: self.reading.count > before and self.woken > before, within=40, what="a look")
        assert before + 1 == self.reading.count
        return pods

    async def rests(self, *, seconds: float) -> None:
        """Take turns for so long: not one of them reads pods."""
        before = self.reading.count
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.turn()
            await asyncio.sleep(0.2)
        assert before == self.reading.count

    def listed(self) -> list[dict[str, Any]]:
        """All its pods as the administrator sees them."""
        found = self.kubectl("-n", NAMESPACE, "get", "pods", "-l", f"app={self.name}", "-o", "json")
        return list(json.loads(found)["items"])


def deployment(name: str, *, replicas: int, command: list[str], ready_after: int = 0, **pod: Any) -> dict[str, Any]:
    """A Deployment; its pods are Ready so many seconds after their container has started to serve."""
    container: dict[str, Any] = {
        "name": "consumer",
        "image": "localhost/queueconsumer/consumer:dev",
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "resources": pod.pop("resources", {"requests": {"cpu": "1m"}}),
    }
    if ready_after:
        container["readinessProbe"] = {
            "httpGet": {"path": "/", "port": 8080},
            "initialDelaySeconds": ready_after,
            "periodSeconds": 1,
        }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": [name]}]},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]} | pod,
            },
        },
    }


def api_of(kubectl: Command, *, namespace: str, account: str) -> tuple[KubernetesApi, aiohttp.ClientSession]:
    """The API as a ServiceAccount has it."""
    (entry,) = json.loads(kubectl("config", "view", "--minify", "--flatten", "--raw", "-o", "json"))["clusters"]
    authority = b64decode(entry["cluster"]["certificate-authority-data"]).decode()
    token = kubectl("-n", namespace, "create", "token", account).strip()
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=authority)),
        headers={"Authorization": f"Bearer {token}"},
    )
    api = KubernetesApi()
    api.bind(session=session, server=entry["cluster"]["server"])
    return api, session


def lists(api: KubernetesApi) -> PodLists:
    return PodLists(api=api, monotonic=time.monotonic, utcnow=lambda: datetime.now(UTC))


@pytest.fixture
async def follow(
    namespace: str, operator: str, kubectl: Command
) -> AsyncIterator[Callable[[dict[str, Any]], Followed]]:
    """Creates Deployments and follows them; they are gone after the test."""
    api, session = api_of(kubectl, namespace=SYSTEM, account=operator)
    made: list[Followed] = []

    def make(manifest: dict[str, Any]) -> Followed:
        kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
        name = manifest["metadata"]["name"]
        made.append(Followed(name=name, kubectl=kubectl, scales=Scales(api=api), reading=Reading(lists(api))))
        return made[-1]

    async with session:
        yield make
        for followed in made:
            followed.pods.close()
            kubectl("-n", namespace, "delete", "deployment", followed.name, "--wait=false")
            kubectl("-n", namespace, "delete", "pod", "-l", f"app={followed.name}", "--force", "--grace-period=0")


Follow = Callable[[dict[str, Any]], Followed]


async def test_pods_that_start_slowly_are_followed_until_they_are_ready(follow: Follow) -> None:
    slow = follow(deployment("slow", replicas=0, command=SERVER, ready_after=6))
    await slow.rests(seconds=7)
    assert 0 == slow.reading.count

    begin = time.monotonic()
    await slow.ask(3)
    starting = await slow.until(lambda pods: len(pods.starting) == 3, within=30, what="three pods start")
    # Kubernetes tells whole seconds, and the server's clock is known to one.
    assert begin - 2 <= starting.starting[0] <= starting.starting[-1] <= starting.at
    assert 0 == starting.ready

    pods = await slow.until(lambda pods: pods.ready == 3, within=90, what="three pods are ready")
    took = time.monotonic() - begin
    assert ((), 0) == (pods.starting, pods.unschedulable)
    assert 3 == len(pods.started)
    for started in pods.started:
        assert begin - 2 <= started.created
        assert started.ready <= pods.at
        assert 5 <= started.ready - started.created <= took + 2
    assert slow.reading.count <= took / 2 + 2
    assert slow.reading.count == slow.woken
    # The scale's own count of pods is read up to 5 s later, and is no news.
    await slow.rests(seconds=12)
    await slow.proves()
    await slow.rests(seconds=15)


async def test_a_start_of_the_operator_learns_the_starts_of_pods_that_run(follow: Follow) -> None:
    calm = follow(deployment("calm", replicas=2, command=SERVER, ready_after=2))
    await calm.until(lambda pods: pods.ready == 2, within=90, what="two pods are ready")

    again = Followed(name="calm", kubectl=calm.kubectl, scales=calm.scales, reading=Reading(calm.reading.lists))
    pods = await again.until(lambda pods: pods.ready == 2, within=5, what="a new process knows them")
    again.pods.close()

    assert 1 == again.reading.count
    assert [round(s.ready - s.created) for s in calm.seen[-1].started] == [
        round(s.ready - s.created) for s in pods.started
    ]


async def test_pods_that_no_node_takes_are_told_in_the_schedulers_words(follow: Follow) -> None:
    huge = follow(deployment("huge", replicas=0, command=SERVER, resources={"requests": {"cpu": "1000"}}))
    await huge.turn()
    await huge.ask(2)

    pods = await huge.until(lambda pods: pods.unschedulable == 2, within=30, what="two pods find no node")

    assert "Insufficient cpu" in pods.why_unschedulable
    assert (0, (), ()) == (pods.ready, pods.starting, pods.started)


async def test_pods_that_crash_again_and_again_start_for_ever(follow: Follow) -> None:
    broken = follow(deployment("broken", replicas=0, command=["python", "-c", "raise SystemExit(3)"]))
    await broken.turn()
    await broken.ask(1)

    def crashed_twice(pods: Pods) -> bool:
        statuses = [status for pod in broken.listed() for status in pod["status"].get("containerStatuses", [])]
        return len(pods.starting) == 1 and any(status["restartCount"] >= 2 for status in statuses)

    pods = await broken.until(crashed_twice, within=90, what="a pod that has crashed twice")

    # Without a readinessProbe it is ready for a moment each time, which is no start.
    assert (0, 0, ()) == (pods.ready, pods.unschedulable, pods.started)
    oldest = {created for seen in broken.seen if seen.starting for created in seen.starting}
    assert max(oldest) - min(oldest) <= 2


async def test_pods_that_are_being_deleted_count_no_more(follow: Follow) -> None:
    # A shell as PID 1 ignores SIGTERM, so they take all of their grace period.
    command = ["sh", "-c", "trap '' TERM; python -m http.server 8080 & wait; sleep 60"]
    going = follow(deployment("going", replicas=3, command=command, ready_after=1, terminationGracePeriodSeconds=25))
    await going.until(lambda pods: pods.ready == 3, within=90, what="three pods are ready")

    await going.ask(1)
    pods = await going.until(lambda pods: pods.ready == 1, within=20, what="one pod is ready")

    assert 1 == len(pods.started)
    assert 3 == len([pod for pod in going.listed() if pod["status"]["phase"] == "Running"])
    await going.proves()
    await going.rests(seconds=8)


async def test_a_scale_up_by_somebody_else_is_followed_too(follow: Follow, kubectl: Command) -> None:
    shared = follow(deployment("shared", replicas=2, command=SERVER, ready_after=8))
    first = await shared.until(lambda pods: pods.ready == 2, within=90, what="two pods are ready")
    await shared.rests(seconds=6)

    kubectl("-n", NAMESPACE, "scale", "deployment", "shared", "--replicas=3")
    await shared.until(lambda pods: len(pods.starting) == 1, within=20, what="a third pod starts")
    pods = await shared.until(lambda pods: pods.ready == 3, within=90, what="three pods are ready")

    assert pods.started[0].created > first.started[0].created
    assert [s.ready - s.created for s in first.started] == [s.ready - s.created for s in pods.started[1:]]
    await shared.rests(seconds=8)


async def test_without_the_right_to_list_pods_that_is_told(
    follow: Follow, kubectl: Command, caplog: pytest.LogCaptureFixture
) -> None:
    shy = follow(deployment("shy", replicas=1, command=SERVER))
    api, session = api_of(kubectl, namespace=NAMESPACE, account=STRANGER)
    async with session:
        reading = Reading(lists(api))
        stranger = Followed(name="shy", kubectl=kubectl, scales=shy.scales, reading=reading)
        for _ in range(20):
            assert await stranger.turn() is None
            await asyncio.sleep(0.2)
        stranger.pods.close()

    assert 1 == reading.count
    assert f"may not list pods in namespace {NAMESPACE}" in (stranger.pods.problem or "")
    assert 1 == len(caplog.records)
    assert f'cannot list resource "pods" in API group "" in the namespace "{NAMESPACE}"' in caplog.messages[0]


def test_the_operator_may_list_and_patch_pods_and_do_nothing_else_with_them(operator: str, kubectl: Command) -> None:
    who = f"--as=system:serviceaccount:{SYSTEM}:{operator}"
    allowed = kubectl("auth", "can-i", "--list", who, "-n", NAMESPACE).splitlines()

    (pods,) = [line for line in allowed if line.split()[0] in {"pods", "pods.*"} or line.startswith("pods/")]
    assert ["pods", "[]", "[]", "[list patch]"] == pods.split(maxsplit=3)

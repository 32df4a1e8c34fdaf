"""What a decision needs of a target's pods, out of what the API server says of them.

The recording is the answer of a real API server (Kubernetes 1.36), with pods in every state that is told apart here.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.pods import PodLists
from qc_operator.scaling.pods import Pods, StartedPod

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
FORBIDDEN = ApiError(status=403, reason="Forbidden", message='cannot list resource "pods"')


def wall(seconds: float) -> str:
    """A time so many seconds before noon, as the API writes it."""
    return (NOON - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(kind: str, *, status: str, ago: float = 0, **more: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": wall(ago)} | more


def pod(
    *conditions: dict[str, Any], created: float = 60, node: str = "n1", phase: str = "Running", restarts: int = 0
) -> dict[str, Any]:
    """A pod that was created so many seconds before noon."""
    return {
        "metadata": {"name": "receipts-1", "creationTimestamp": wall(created), "managedFields": [{"time": wall(0)}]},
        "spec": {"containers": [{"name": "consumer"}]} | ({"nodeName": node} if node else {}),
        "status": {
            "phase": phase,
            "conditions": list(conditions),
            "containerStatuses": [{"name": "consumer", "restartCount": restarts}],
        },
    }


def ready(*, created: float, took: float, restarts: int = 0) -> dict[str, Any]:
    return pod(condition("Ready", status="True", ago=created - took), created=created, restarts=restarts)


def starting(*, created: float) -> dict[str, Any]:
    return pod(condition("Ready", status="False", ago=created, reason="ContainersNotReady"), created=created)


def unschedulable(message: str) -> dict[str, Any]:
    found = condition("PodScheduled", status="False", reason="Unschedulable", message=message)
    return pod(found, node="", phase="Pending")


class FakeApi:
    """Answers at noon, which is 1000 on the monotonic clock, with one page after the other."""

    def __init__(self, *pages: list[dict[str, Any]] | ApiError | bytes, date: str | None = None) -> None:
        self.pages = list(pages)
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.now = 1000.0
        self.wall = NOON
        self.date = format_datetime(NOON, usegmt=True) if date is None else date
        self.takes = 0.0

    async def get_bytes(self, path: str) -> tuple[bytes, str]:
        parts = urlsplit(path)
        self.paths.append(parts.path)
        self.asked.append({name: value for name, (value,) in parse_qs(parts.query).items()})
        await asyncio.sleep(0)
        self.now += self.takes
        page = self.pages.pop(0)
        if isinstance(page, ApiError):
            raise page
        if isinstance(page, bytes):
            return page, self.date
        more = {"continue": f"page {len(self.asked)}"} if self.pages else {}
        return json.dumps({"kind": "PodList", "metadata": {"resourceVersion": "7"} | more, "items": page}).encode(), (
            self.date
        )

    def lists(self, **more: Any) -> PodLists:
        return PodLists(api=self, monotonic=lambda: self.now, utcnow=lambda: self.wall, **more)

    async def read(self) -> Pods:
        return await self.lists().read(namespace="shop", selector="app=receipts")


async def read(*pods: dict[str, Any]) -> Pods:
    return await FakeApi(list(pods)).read()


async def test_pods_are_asked_for_by_selector_from_the_cache() -> None:
    api = FakeApi([])

    pods = await api.lists().read(namespace="shop", selector="app=receipts,tier in (a,b)")

    assert Pods(ready=0, at=1000.0) == pods
    assert ["/api/v1/namespaces/shop/pods"] == api.paths
    assert [{"labelSelector": "app=receipts,tier in (a,b)", "limit": "500", "resourceVersion": "0"}] == api.asked


async def test_an_empty_selector_is_never_sent() -> None:
    api = FakeApi([])

    with pytest.raises(ValueError, match="no selector"):
        await api.lists().read(namespace="shop", selector="")
    assert [] == api.asked


async def test_ready_pods_tell_how_long_they_took_to_start() -> None:
    pods = await read(ready(created=200, took=9), ready(created=100, took=7), ready(created=300, took=12))

    assert 3 == pods.ready
    assert [(900.0, 907.0), (800.0, 809.0), (700.0, 712.0)] == [(pod.created, pod.ready) for pod in pods.started]
    assert 907.0 == pods.last_ready_at
    assert ((), 0, "") == (pods.starting, pods.unschedulable, pods.why_unschedulable)


async def test_the_sixteen_that_became_ready_last_are_told_youngest_first() -> None:
    pages = [
        [ready(created=300 - 10 * n, took=5) for n in range(0, 20, 2)],
        [ready(created=300 - 10 * n, took=5) for n in range(1, 20, 2)],
    ]
    pods = await FakeApi(*pages).read()

    assert 20 == pods.ready
    assert [895.0 - 10 * n for n in range(16)] == [started.ready for started in pods.started]


async def test_starting_pods_tell_when_they_were_created_oldest_first() -> None:
    pods = await read(starting(created=3), starting(created=40), pod(created=8, phase="Pending"))

    assert (960.0, 992.0, 997.0) == pods.starting
    assert (0, ()) == (pods.ready, pods.started)


async def test_a_pod_that_no_node_takes_is_unschedulable_in_the_words_of_the_scheduler() -> None:
    pods = await read(unschedulable("0/1 nodes are available: 1 Insufficient cpu."), unschedulable("other words"))

    assert (2, "0/1 nodes are available: 1 Insufficient cpu.") == (pods.unschedulable, pods.why_unschedulable)
    assert (0, ()) == (pods.ready, pods.starting)


async def test_a_pod_is_in_one_number_only() -> None:
    both = unschedulable("no node") | {"spec": {"nodeName": "n1"}}

    pods = await read(both)

    assert (1, ()) == (pods.unschedulable, pods.starting)


async def test_the_schedulers_words_are_kept_in_bounds() -> None:
    assert 512 == len((await read(unschedulable("x" * 5000))).why_unschedulable)


@pytest.mark.parametrize(
    "waiting",
    [
        pytest.param(pod(node="", phase="Pending"), id="not looked at by the scheduler"),
        pytest.param(
            pod(condition("PodScheduled", status="False", reason="SchedulingGated"), node="", phase="Pending"),
            id="held by a scheduling gate",
        ),
    ],
)
async def test_a_pod_that_merely_waits_for_a_node_is_in_no_number(waiting: dict[str, Any]) -> None:
    assert Pods(ready=0, at=1000.0) == await read(waiting)


@pytest.mark.parametrize(
    "going",
    [
        pytest.param(ready(created=90, took=5), id="ready"),
        pytest.param(starting(created=90), id="starting"),
        pytest.param(unschedulable("nowhere"), id="unschedulable"),
    ],
)
async def test_a_pod_that_is_being_deleted_is_in_no_number(going: dict[str, Any]) -> None:
    going = going | {"metadata": going["metadata"] | {"deletionTimestamp": wall(1)}}

    assert Pods(ready=0, at=1000.0) == await read(going)


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
async def test_a_pod_that_has_ended_is_in_no_number(phase: str) -> None:
    ended = pod(condition("Ready", status="False", reason="PodFailed"), phase=phase)

    assert Pods(ready=0, at=1000.0) == await read(ended)


async def test_a_pod_that_was_started_again_is_ready_and_says_nothing_about_a_start() -> None:
    pods = await read(ready(created=800, took=20, restarts=1))

    assert (1, ()) == (pods.ready, pods.started)
    assert 220.0 == pods.last_ready_at


@pytest.mark.parametrize(("took", "starts"), [(900, 1), (901, 0)])
async def test_a_pod_that_was_ready_long_after_its_creation_has_become_ready_again(took: float, starts: int) -> None:
    pods = await read(ready(created=5000, took=took))

    assert (1, starts) == (pods.ready, len(pods.started))


async def test_a_node_whose_clock_is_behind_makes_no_negative_time() -> None:
    pods = await read(ready(created=50, took=-3))

    assert (StartedPod(created=947.0, ready=947.0),) == pods.started


async def test_a_node_whose_clock_is_ahead_gives_a_pod_the_same_time_in_each_answer() -> None:
    api = FakeApi([ready(created=4, took=9)], date=format_datetime(NOON, usegmt=True))
    lists = api.lists()
    first = await lists.read(namespace="shop", selector="app=receipts")
    api.now, api.pages = 1002.0, [[ready(created=4, took=9)]]
    api.date = format_datetime(NOON + timedelta(seconds=2), usegmt=True)
    second = await lists.read(namespace="shop", selector="app=receipts")

    assert (StartedPod(created=996.0, ready=1005.0),) == first.started == second.started


async def test_no_pod_was_created_after_it_was_asked_for() -> None:
    assert (1000.0,) == (await read(starting(created=-20))).starting


async def test_fields_that_are_null_or_missing_are_not_known() -> None:
    bare = {"metadata": {"creationTimestamp": None}, "spec": {"nodeName": "n1"}, "status": {}}
    half = {
        "metadata": {},
        "spec": {"nodeName": "n1"},
        "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": None}]},
    }

    assert Pods(ready=1, at=1000.0) == await read(bare, half)


async def test_a_list_without_items_is_empty() -> None:
    assert Pods(ready=0, at=1000.0) == await FakeApi(b'{"metadata":{},"items":null}').read()


async def test_pages_are_read_to_the_end_and_added_up() -> None:
    api = FakeApi([starting(created=3), unschedulable("no")], [ready(created=60, took=5)], [ready(created=50, took=5)])

    pods = await api.read()

    assert (2, (997.0,), 1) == (pods.ready, pods.starting, pods.unschedulable)
    first, *others = api.asked
    assert "continue" not in first
    # The API server refuses a page that names both.
    assert [("page 1", None), ("page 2", None)] == [(a["continue"], a.get("resourceVersion")) for a in others]


async def test_they_are_as_old_as_the_question_and_times_count_from_the_answer() -> None:
    api = FakeApi([starting(created=30)])
    api.takes = 4.0

    pods = await api.read()

    assert 1000.0 == pods.at
    assert (974.0,) == pods.starting


async def test_the_clock_of_the_server_counts_not_that_of_this_machine() -> None:
    api = FakeApi([starting(created=30)])
    api.wall = NOON + timedelta(hours=1)

    assert (970.0,) == (await api.read()).starting


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2026 12:00:00 GMT"])
async def test_without_the_servers_clock_that_of_this_machine_counts(date: str) -> None:
    api = FakeApi([starting(created=30)], date=date)
    api.wall = NOON + timedelta(seconds=10)

    assert (960.0,) == (await api.read()).starting


async def test_a_pod_keeps_its_times_from_one_answer_to_the_next() -> None:
    api = FakeApi()
    lists, seen = api.lists(), []
    # The Date header has whole seconds, which the times of answers meet anywhere.
    for later in (0.9, 1.1, 3.4, 5.9):
        api.now = 1000.0 + later
        api.date = format_datetime(NOON + timedelta(seconds=int(later)), usegmt=True)
        api.pages = [[starting(created=30)]]
        (created,) = (await lists.read(namespace="shop", selector="app=receipts")).starting
        seen.append(created)

    # The second answer contradicts the first by 0.8 s, and from then on nothing moves.
    assert [970.9, 970.1, 970.1, 970.1] == pytest.approx(seen)


async def test_a_server_whose_clock_was_set_back_is_followed() -> None:
    api = FakeApi([starting(created=30)])
    lists = api.lists()
    await lists.read(namespace="shop", selector="app=receipts")
    api.date = format_datetime(NOON - timedelta(minutes=5), usegmt=True)
    api.pages = [[starting(created=330)]]

    assert (970.0,) == (await lists.read(namespace="shop", selector="app=receipts")).starting


@pytest.mark.parametrize("body", [b"", b"the server is starting", b'{"metadata":{},"items":[{"metadata":{}}]}'])
async def test_an_answer_that_is_no_list_of_pods_is_a_trouble_that_passes(body: bytes) -> None:
    with pytest.raises(ApiError) as raised:
        await FakeApi(body).read()

    assert ("Unreadable", True) == (raised.value.reason, raised.value.passing)


async def test_a_lack_of_rights_is_logged_once_for_a_namespace_and_its_end_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    api, errors = FakeApi(), list[str]()
    lists = api.lists(count_error=errors.append)
    for namespace in ("shop", "shop", "bank", "shop"):
        api.pages = [FORBIDDEN]
        with pytest.raises(ApiError):
            await lists.read(namespace=namespace, selector="app=receipts")
    for _ in range(2):
        api.pages = [[]]
        await lists.read(namespace="shop", selector="app=receipts")

    assert [
        ("WARNING", 'pods of namespace shop may not be listed: cannot list resource "pods"'),
        ("WARNING", 'pods of namespace bank may not be listed: cannot list resource "pods"'),
        ("INFO", "pods of namespace shop may be listed"),
    ] == [(record.levelname, record.getMessage()) for record in caplog.records]
    assert ["Forbidden"] * 4 == errors


async def test_few_lists_are_under_way_at_a_time() -> None:
    under_way, most, gate = 0, 0, asyncio.Event()

    class Slow(FakeApi):
        async def get_bytes(self, path: str) -> tuple[bytes, str]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await gate.wait()
            under_way -= 1
            return await super().get_bytes(path)

    api = Slow()
    lists = api.lists()
    api.pages = [[] for _ in range(9)]
    reading = [asyncio.create_task(lists.read(namespace="shop", selector="app=receipts")) for _ in range(9)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert 2 == most

    gate.set()
    await asyncio.wait(reading)
    assert 2 == most


async def test_the_answer_of_a_real_server_is_read() -> None:
    recorded = json.loads((Path(__file__).parent / "recorded_pods.json").read_bytes())
    # 42 and 43 s old: two that are ready, one that is ready after its container was started again, one whose probe
    # fails, one that crashes, one without its image; one that no node takes and one that is held back; one that is
    # being deleted, one that has failed and one that is done.
    assert 11 == len(recorded["body"]["items"])

    pods = await FakeApi(json.dumps(recorded["body"]).encode(), date=recorded["date"]).read()

    assert pods == Pods(
        ready=3,
        starting=(957.0, 958.0, 958.0),
        unschedulable=1,
        why_unschedulable=(
            "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are "
            "available: 1 Preemption is not helpful for scheduling."
        ),
        started=(StartedPod(created=957.0, ready=963.0), StartedPod(created=957.0, ready=962.0)),
        last_ready_at=963.0,
        at=1000.0,
    )

"""When a step down waits for its pods to be told apart, and when it does not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from qc_operator import scale_in
from qc_operator.brokers import Feed
from qc_operator.brokers.management import ManagementError
from qc_operator.cluster import Scale
from qc_operator.cluster.client import ApiError
from qc_operator.resource import ScaleTargetRef
from qc_operator.scale_in import ScaleIn
from qc_operator.scaling.deletion_costs import READY, Candidate, Changes
from qc_operator.scaling.holdings import Holding
from qc_operator.scaling.observation import Depth, EntryObservation, Unavailable
from tests.unit.operator.conftest import entries, known, queue

HOSTS = {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.3"}


@dataclass
class FakeCosts:
    """Three pods, a, b and c."""

    trouble: Exception | None = None
    refusal: Exception | None = None
    reads: int = 0
    written: list[Changes] = field(default_factory=list)

    async def read(self, *, namespace: str, selector: str) -> tuple[Candidate, ...]:
        assert ("shop", "app=receipts") == (namespace, selector)
        self.reads += 1
        if self.trouble:
            raise self.trouble
        return tuple(Candidate(name=name, stage=READY, owner="rs", addresses=(HOSTS[name],)) for name in "abc")

    async def write(self, *, namespace: str, pods: Sequence[Candidate], changes: Changes) -> None:
        if self.refusal:
            raise self.refusal
        assert namespace == "shop"
        assert changes.keys() <= {pod.name for pod in pods}
        self.written.append(changes)


@dataclass
class FakeHolders:
    """A feed whose broker knows who holds messages, once the test lets it say so."""

    holdings_now: list[Holding] = field(default_factory=list)
    trouble: Exception | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    enough: bool | None = None

    async def holdings(self, told_by_hosts: Callable[[Sequence[str]], bool]) -> tuple[Holding, ...]:
        self.asked += 1
        self.enough = told_by_hosts([holding.host for holding in self.holdings_now])
        await self.open.wait()
        if self.trouble:
            raise self.trouble
        return tuple(self.holdings_now)


class Rehearsal:
    """A step down, asked for at times of the test's choice."""

    def __init__(self, *, kind: str = "Deployment") -> None:
        self.costs = FakeCosts()
        self.feed = FakeHolders(holdings_now=[Holding(unacknowledged=1, host=HOSTS[name]) for name in "bc"])
        self.told = asyncio.Event()
        self.scale_in = ScaleIn(
            costs=self.costs,
            namespace="shop",
            ref=ScaleTargetRef(name="receipts", kind=kind),
            notify=self.told.set,
        )
        self.seen = entries(known(ready=0, unacknowledged=2, at=1000.0))

    def ready(
        self, replicas: int, *, current: int = 3, now: float = 1000.0, selector: str = "app=receipts",
        seen: tuple[EntryObservation, ...] | None = None,
    ) -> bool:  # fmt: skip
        return self.scale_in.ready(
            scale=Scale(replicas=current, running=current, resource_version="1", selector=selector),
            replicas=replicas,
            entries=self.seen if seen is None else seen,
            feed=cast(Feed, self.feed),
            now=now,
        )

    async def prepared(self) -> None:
        self.feed.open.set()
        async with asyncio.timeout(5):
            await self.told.wait()
        self.told.clear()


@pytest.fixture
async def step() -> AsyncIterator[Rehearsal]:
    made = Rehearsal()
    yield made
    made.scale_in.close()


async def test_a_step_down_waits_until_the_idle_pod_stands_out(step: Rehearsal) -> None:
    assert not step.ready(2)
    assert not step.ready(2, now=1000.3)

    await step.prepared()

    assert step.ready(2, now=1000.4)
    assert [{"a": -2}] == step.costs.written
    assert step.feed.enough
    assert step.scale_in.problem is None


async def test_it_is_prepared_once_however_often_it_is_asked_for(step: Rehearsal) -> None:
    for moment in range(5):
        step.ready(2, now=1000.0 + moment / 10)
    await step.prepared()
    assert step.ready(2, now=1001.0)
    assert step.ready(2, now=1002.0)

    assert (1, 1) == (step.costs.reads, step.feed.asked)


@pytest.mark.parametrize("replicas", [0, 3, 4])
async def test_nothing_else_waits_or_costs_anything(step: Rehearsal, replicas: int) -> None:
    assert step.ready(replicas)
    await asyncio.sleep(0)

    assert (0, 0) == (step.costs.reads, step.feed.asked)


async def test_where_nobody_holds_messages_nothing_waits(step: Rehearsal) -> None:
    assert step.ready(2, seen=entries(known(ready=7, unacknowledged=0, at=1000.0)))
    assert step.ready(2, seen=entries(queue(Depth(ready=0, consumers=3, at=1000.0), Unavailable(message="no API"))))
    assert step.ready(2, selector="")


async def test_the_pods_of_a_stateful_set_go_in_their_own_order() -> None:
    assert Rehearsal(kind="StatefulSet").ready(2)


async def test_a_step_up_never_waits_and_ends_the_preparation(step: Rehearsal) -> None:
    assert not step.ready(2)

    assert step.ready(5, now=1000.1)
    step.feed.open.set()
    for _ in range(20):
        await asyncio.sleep(0)

    assert [] == step.costs.written
    assert not step.told.is_set()


async def test_a_step_down_waits_a_second_and_a_half_at_most(
    step: Rehearsal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scale_in, "WITHIN", 0.05)
    caplog.set_level(logging.INFO, "qc_operator.scale_in")
    assert not step.ready(2)

    async with asyncio.timeout(5):
        await step.told.wait()

    assert step.ready(2, now=1000.05)
    assert [] == step.costs.written
    assert ["Deployment shop/receipts goes down without idle pods going first: that was not done within 0.05 s"] == [
        record.message for record in caplog.records
    ]


async def test_a_decision_that_changes_does_not_wait_longer(step: Rehearsal) -> None:
    assert not step.ready(2)
    assert not step.ready(1, now=1001.0)

    assert step.ready(2, now=1001.6)


async def test_another_step_is_prepared_for_itself(step: Rehearsal) -> None:
    assert not step.ready(2)
    await step.prepared()
    assert step.ready(2, now=1000.1)
    assert step.ready(2, current=2, now=1000.2)

    assert not step.ready(1, current=2, now=1003.0)
    await step.prepared()

    assert step.ready(1, current=2, now=1003.1)
    assert 2 == step.feed.asked


async def test_a_step_that_could_not_be_written_for_long_is_prepared_anew(step: Rehearsal) -> None:
    assert not step.ready(2)
    await step.prepared()
    assert step.ready(2, now=1010.0)

    assert not step.ready(2, now=1010.1)


HIDDEN = ManagementError("ConsumersHidden", "it needs the tag `monitoring`")
FORBIDDEN = ApiError(status=403, reason="Forbidden", message='cannot patch resource "pods"')


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (HIDDEN, "it is not known which pods hold messages: it needs the tag `monitoring`"),
        (ApiError(status=503, reason="x", message="etcd"), "the deletion costs of pods were not read or written: etcd"),
    ],
)
async def test_a_step_is_taken_whatever_fails_and_the_reason_told_once(
    step: Rehearsal, trouble: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "qc_operator.scale_in")
    step.feed.trouble = trouble if isinstance(trouble, ManagementError) else None
    step.costs.trouble = trouble if isinstance(trouble, ApiError) else None
    for current in (3, 2):
        assert not step.ready(1, current=current)
        await step.prepared()
        assert step.ready(1, current=current)
        assert step.ready(current, current=current)

    assert told == step.scale_in.problem
    assert 1 == len(caplog.records)


async def test_without_the_right_to_patch_pods_it_says_what_to_grant_and_is_not_tried_again_soon(
    step: Rehearsal,
) -> None:
    step.costs.refusal = FORBIDDEN
    assert not step.ready(2)
    await step.prepared()

    assert step.ready(2, now=1000.1)
    assert step.ready(1, current=2, now=1500.0)
    assert str(step.scale_in.problem).endswith(
        'cannot patch resource "pods"; grant the operator\'s ServiceAccount list and patch on pods, as the chart does'
    )
    assert 1 == step.costs.reads
    assert not step.ready(1, current=2, now=1600.1)


async def test_a_mistake_of_ours_keeps_no_target_from_its_step(
    step: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    step.costs.trouble = KeyError("oops")
    assert not step.ready(2)
    await step.prepared()

    assert step.ready(2, now=1000.1)
    assert "a step down of Deployment shop/receipts was not prepared" in caplog.text


async def test_few_pods_are_written_to_before_one_step(step: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale_in, "MOST_WRITES", 1)
    assert not step.ready(1)
    await step.prepared()

    assert [{"a": -2}] == step.costs.written


async def test_a_closed_target_prepares_nothing(step: Rehearsal) -> None:
    step.scale_in.close()

    assert step.ready(2)
    assert 0 == step.costs.reads

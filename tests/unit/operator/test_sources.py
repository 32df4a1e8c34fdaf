"""Whom the slow lane asks first, and how one that fails is left alone without the other."""

from __future__ import annotations

from typing import cast

import pytest

from qc_operator.brokers.breaker import TOLERATED
from qc_operator.brokers.management import ManagementApi
from qc_operator.brokers.node_metrics import NodeMetrics
from qc_operator.brokers.queue_facts import FactsBook
from qc_operator.brokers.sources import Sources
from qc_operator.brokers.totals_sources import ApiSource, MetricsSource
from qc_operator.settings import ReadingSettings

NOW, MANY = 1000.0, 100
SETTINGS = ReadingSettings(metrics_above=MANY, retry_first=5.0, retry_most=60.0)


class Scene:
    """Two sources that nobody asks: what counts is what they were told last."""

    def __init__(self, *, metrics: bool = True, begun: bool = True) -> None:
        facts = FactsBook()
        self.api = ApiSource(api=cast(ManagementApi, None), facts=facts)
        self.metrics = MetricsSource(metrics=cast(NodeMetrics, None), facts=facts)
        self.sources = Sources(api=self.api, metrics=self.metrics if metrics else None, facts=facts, settings=SETTINGS)
        if begun:
            self.sources.in_order([])

    @property
    def order(self) -> list[str]:
        return ["api" if source is self.api else "metrics" for source in self.sources.in_order([])]


def test_without_metrics_there_is_only_the_api() -> None:
    scene = Scene(metrics=False)
    scene.api.in_vhost = MANY + 1

    assert ["api"] == scene.order


@pytest.mark.parametrize(
    ("by_api", "by_metrics", "order"),
    [
        (None, None, ["api", "metrics"]),
        (MANY, None, ["api", "metrics"]),
        (MANY + 1, None, ["metrics", "api"]),
        (None, MANY + 1, ["metrics", "api"]),
    ],
)
def test_the_nodes_are_asked_first_about_many_queues(
    by_api: int | None, by_metrics: int | None, order: list[str]
) -> None:
    scene = Scene()
    scene.api.in_vhost, scene.metrics.in_vhost = by_api, by_metrics

    assert order == scene.order


def test_the_api_is_asked_first_in_the_turn_that_all_facts_are_asked_for() -> None:
    scene = Scene(begun=False)
    scene.api.in_vhost = MANY + 1

    assert [["api", "metrics"], ["metrics", "api"]] == [scene.order, scene.order]


def test_the_nodes_are_asked_first_while_a_stuck_queue_holds_up_the_list() -> None:
    scene = Scene()
    scene.api.list_stuck = True

    assert ["metrics", "api"] == scene.order


def test_queues_of_which_facts_are_wanted_are_asked_of_the_api() -> None:
    """The nodes' metrics do not tell a queue's arguments."""
    scene = Scene()
    scene.api.in_vhost = MANY + 1

    assert scene.api is scene.sources.in_order(["new"])[0]


def test_who_fails_again_and_again_is_left_alone_and_the_other_is_not() -> None:
    scene = Scene()
    for _ in range(TOLERATED):
        assert scene.sources.api_answers(now=NOW)
        scene.sources.breaker(scene.api).failed(now=NOW)

    assert (False, 0.0, 0) == (
        scene.sources.api_answers(now=NOW), scene.sources.pause(now=NOW), scene.sources.failures,
    )  # fmt: skip
    assert scene.sources.api_answers(now=NOW + 5.0)
    for _ in range(TOLERATED):
        scene.sources.breaker(scene.metrics).failed(now=NOW)
    assert TOLERATED == scene.sources.failures
    assert 3.7 < scene.sources.pause(now=NOW) <= 5.0


@pytest.mark.parametrize(("metrics", "left_alone"), [(True, True), (False, False)])
def test_the_api_s_other_failures_count_where_the_totals_come_from_elsewhere(
    *, metrics: bool, left_alone: bool
) -> None:
    """Without the nodes' metrics the totals fail as well, and are counted there."""
    scene = Scene(metrics=metrics)
    for _ in range(TOLERATED):
        scene.sources.api_failed(now=NOW)

    assert left_alone is not scene.sources.api_answers(now=NOW)

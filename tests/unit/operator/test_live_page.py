"""What the live page says of its process follows from the settings and from the election."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from qc_operator.elector import Elector
from qc_operator.live_page import live_page, show
from qc_operator.page.server import Operator
from qc_operator.settings import ServingSettings, Settings
from qc_operator.sharding import Shard
from tests.unit.operator.elections import Store, given_back, running, until

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
SETTINGS = Settings(page_port=8081, name="scaler", pod="scaler-1", pod_namespace="ops")


@pytest.fixture
def store() -> Store:
    return given_back()


def operator(settings: Settings = SETTINGS, *, elector: Elector | None = None) -> Operator:
    page = live_page(settings, elector=elector, utcnow=lambda: NOW)
    assert page is not None
    return page._operator


def hosts(settings: Settings) -> set[str]:
    page = live_page(settings, elector=None, utcnow=lambda: NOW)
    assert page is not None
    return set(page._hosts)


def test_without_a_port_there_is_no_page() -> None:
    assert live_page(replace(SETTINGS, page_port=0), elector=None, utcnow=lambda: NOW) is None


def test_it_names_the_installation_the_pod_and_where_to_reach_it() -> None:
    told = operator()

    assert ("scaler", "scaler-1", "ops", 8081) == (told.name, told.pod, told.namespace, told.port)


def test_it_may_be_asked_for_by_the_service_s_names_and_those_of_the_settings() -> None:
    names = {"scaler", "scaler.ops", "scaler.ops.svc", "scaler.ops.svc.cluster.local"}

    assert names | {"queues.example.com"} == hosts(replace(SETTINGS, page_hosts=("queues.example.com",)))
    # There is no Service, and `scaler` may be anybody's.
    assert set() == hosts(replace(SETTINGS, pod_namespace=""))


async def test_a_port_that_is_taken_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    page = live_page(SETTINGS, elector=None, utcnow=lambda: NOW)
    assert page is not None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        await show(page, port=port, host="127.0.0.1")
        await page.close()

    (said,) = caplog.messages
    assert said.startswith(f"the live page is not served, because port {port} cannot be listened at: ")
    assert said.endswith("; name another one with QC_PAGE_PORT (page.port of the chart)")


def test_outside_a_cluster_the_process_goes_by_the_installation_s_name() -> None:
    assert "scaler" == operator(replace(SETTINGS, pod="")).pod


@pytest.mark.parametrize(("shard", "said"), [("1/1", ""), ("2/3", "2/3")])
def test_a_shard_is_named_where_there_are_others(shard: str, said: str) -> None:
    serving = ServingSettings(shard=Shard.parse(shard))

    assert said == operator(replace(SETTINGS, serving=serving)).shard


def test_who_needs_no_lease_leads() -> None:
    told = operator()

    assert (True, "", "") == (told.leading(), told.leader(), told.lease)


async def test_with_shards_the_lease_is_that_of_its_own(store: Store) -> None:
    """It is how the leader is found when this pod is gone."""
    async with running(store, "scaler-1_4f2a") as (elector, _):
        serving = ServingSettings(shard=Shard.parse("2/3"))

        assert "scaler-2-of-3" == operator(replace(SETTINGS, serving=serving), elector=elector).lease


async def test_it_follows_the_election_and_names_the_pod_that_leads(store: Store) -> None:
    """A Lease's holder is a pod, an underscore and a random word."""
    async with running(store, "scaler-1_4f2a") as (first, _):
        told = operator(elector=first)
        await until(lambda: first.leading)
        assert (True, "scaler-1", "scaler") == (told.leading(), told.leader(), told.lease)
        async with running(store, "scaler-2_99aa") as (second, _):
            standing_by = operator(replace(SETTINGS, pod="scaler-2"), elector=second)
            await until(lambda: second.holder != "")

            assert (False, "scaler-1") == (standing_by.leading(), standing_by.leader())


def test_the_page_goes_by_the_wall_s_time_it_is_given() -> None:
    page = live_page(SETTINGS, elector=None, utcnow=lambda: NOW)
    assert page is not None

    assert NOW.timestamp() == page._facts()["now"]

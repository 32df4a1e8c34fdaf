"""Events are counted when they repeat, limited in number, and kept for an API server that is away."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from qc_operator.cluster import events as module
from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.events import Events
from qc_operator.registry import Known, read
from tests.unit.operator.api_script import refusal
from tests.unit.operator.conftest import body

EVENTS = "/apis/events.k8s.io/v1/namespaces/shop/events"


@dataclass
class EventApi:
    """An API server that keeps events; `troubles` are what becomes of the next writes, one each."""

    now: float = 1000.0
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    troubles: list[ApiError | None] = field(default_factory=list)
    away: bool = False
    lost: int = 0
    """So many of the next answers are lost: what was asked for has been done."""
    asked: list[str] = field(default_factory=list)
    dropped: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()
        self.under_test = Events(
            api=cast("KubernetesApi", self),  # as much of it as events need
            identity="queueconsumer-system/operator-0",
            at_once=asyncio.Semaphore(2),
            monotonic=lambda: self.now,
            count_dropped=self._drop,
        )

    def _drop(self) -> None:
        self.dropped += 1

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        assert path == EVENTS
        name = body["metadata"]["name"]
        await self._asked("POST")
        if name in self.events:
            raise refusal(409, "AlreadyExists")
        self.events[name] = dict(body)
        self._answer()
        return {}

    async def merge_patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        folder, _, name = path.rpartition("/")
        assert folder == EVENTS
        await self._asked("PATCH")
        if name not in self.events:
            raise refusal(404, "NotFound")
        self.events[name] |= body
        self._answer()
        return {}

    async def _asked(self, method: str) -> None:
        self.asked.append(method)
        await self.open.wait()
        if self.away:
            raise refusal(0, "Unreachable")
        if self.troubles and (trouble := self.troubles.pop(0)) is not None:
            raise trouble

    def _answer(self) -> None:
        if self.lost:
            self.lost -= 1
            raise refusal(0, "Unreachable")

    async def tell(
        self, *, about: Known, note: str = "0 -> 5 replicas", reason: str = "ScaledUp", warning: bool = False
    ) -> None:
        at = datetime(2026, 11, 27, tzinfo=UTC) + timedelta(seconds=self.now)
        await self.under_test.post(about=about, warning=warning, reason=reason, action="Scale", note=note, at=at)

    @property
    def counts(self) -> list[int]:
        """How often each event is said to have happened, in the order of the first time."""
        return [event.get("series", {}).get("count", 1) for event in self.events.values()]

    @property
    def notes(self) -> list[str]:
        return [event["note"] for event in self.events.values()]


def object_(name: str = "receipts", *, uid: str = "1", **spec: Any) -> Known:
    return read({"metadata": {"namespace": "shop", "name": name, "uid": uid}, "spec": body(**spec)})


ABOUT = object_()


@pytest.fixture
async def api() -> EventApi:
    return EventApi()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow upon one another without a pause."""
    monkeypatch.setattr(module, "AGAIN", 0.0)


async def settle() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def test_an_event_names_the_object_the_target_and_the_process(api: EventApi) -> None:
    await api.tell(about=ABOUT)

    ((name, event),) = api.events.items()
    assert re.fullmatch("receipts\\.[0-9a-f]{16}", name)
    assert ("Normal", "ScaledUp", "Scale", "0 -> 5 replicas", "2026-11-27T00:16:40.000000Z") == tuple(
        event[key] for key in ("type", "reason", "action", "note", "eventTime")
    )
    assert {
        "apiVersion": "queueconsumer.dev/v1alpha1",
        "kind": "QueueConsumer",
        "namespace": "shop",
        "name": "receipts",
        "uid": "1",
    } == event["regarding"]
    assert {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "receipts"} == event["related"]
    assert ("queueconsumer.dev/operator", "queueconsumer-system.operator-0") == (
        event["reportingController"],
        event["reportingInstance"],
    )
    assert "series" not in event


async def test_an_object_whose_spec_cannot_be_read_has_no_target(api: EventApi) -> None:
    await api.tell(about=read({"metadata": {"namespace": "shop", "name": "receipts", "uid": "1"}, "spec": {}}))

    (event,) = api.events.values()
    assert "related" not in event


@pytest.mark.parametrize(
    ("name", "begins"),
    [("a" * 253, "a" * 236 + "."), ("a" * 235 + "-b", "a" * 235 + "."), ("a" * 234 + ".-b", "a" * 234 + ".")],
    ids=["cut", "cut at a dash", "cut at a dot and a dash"],
)
async def test_a_long_name_is_cut_where_a_name_may_end(api: EventApi, name: str, begins: str) -> None:
    await api.tell(about=object_(name))

    ((made, event),) = api.events.items()
    assert made.startswith(begins)
    assert len(made) <= 253
    assert name == event["regarding"]["name"]


@pytest.mark.parametrize(
    ("note", "posted"),
    [("x" * 1024, "x" * 1024), ("x" * 1025, "x" * 1024), ("ü" * 600, "ü" * 512), ("x" + "€" * 600, "x" + "€" * 341)],
    ids=["just fits", "one too many", "two bytes each", "not through the middle of a character"],
)
async def test_a_note_has_as_many_bytes_as_the_api_server_takes(api: EventApi, note: str, posted: str) -> None:
    await api.tell(about=ABOUT, note=note)

    assert [posted] == api.notes


# Series


async def test_the_second_and_the_third_time_are_counted(api: EventApi) -> None:
    for _ in range(3):
        await api.tell(about=ABOUT)
        api.now += 60

    (event,) = api.events.values()
    assert {"count": 3, "lastObservedTime": "2026-11-27T00:18:40.000000Z"} == event["series"]
    assert "2026-11-27T00:16:40.000000Z" == event["eventTime"]
    assert ["POST", "PATCH", "PATCH"] == api.asked


@pytest.mark.parametrize(("later", "counts"), [(360.0, [2]), (360.1, [1, 1])])
async def test_a_series_ends_six_minutes_after_its_last(api: EventApi, later: float, counts: list[int]) -> None:
    await api.tell(about=ABOUT)
    api.now += later
    await api.tell(about=ABOUT)

    assert counts == api.counts


async def test_each_of_a_series_prolongs_it(api: EventApi) -> None:
    for _ in range(4):
        await api.tell(about=ABOUT)
        api.now += 300

    assert [4] == api.counts


async def test_what_differs_is_another_event(api: EventApi) -> None:
    await api.tell(about=ABOUT)
    await api.tell(about=ABOUT, note="5 -> 7 replicas")
    await api.tell(about=ABOUT, reason="Activated")
    await api.tell(about=ABOUT, warning=True)
    await api.tell(about=object_(uid="2"))
    await api.tell(about=object_(scaleTargetRef={"name": "other"}))

    assert [1] * 6 == api.counts


async def test_a_series_whose_first_was_deleted_begins_anew(api: EventApi) -> None:
    await api.tell(about=ABOUT)
    api.events.clear()
    await api.tell(about=ABOUT)
    await api.tell(about=ABOUT)

    assert [2] == api.counts
    assert ["POST", "PATCH", "POST", "PATCH"] == api.asked


async def test_of_many_series_the_oldest_is_forgotten(api: EventApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERIES_MOST", 2)
    for uid in ("1", "2", "1", "3", "1", "2"):
        await api.tell(about=object_(uid=uid))

    assert [3, 1, 1, 1] == api.counts


# One too many


async def test_25_at_once_then_one_in_five_minutes(api: EventApi) -> None:
    for number in range(27):
        await api.tell(about=ABOUT, note=str(number))
    assert (25, 2) == (len(api.events), api.dropped)

    api.now += 299
    await api.tell(about=ABOUT, note="too early")
    api.now += 1
    await api.tell(about=ABOUT, note="refilled")
    await api.tell(about=ABOUT, note="one more")

    assert (26, "refilled", 4) == (len(api.events), api.notes[-1], api.dropped)


async def test_one_more_of_a_series_counts_too(api: EventApi) -> None:
    for _ in range(30):
        await api.tell(about=ABOUT)

    assert ([25], 25) == (api.counts, len(api.asked))


async def test_an_object_that_talks_too_much_silences_no_other(api: EventApi) -> None:
    for number in range(30):
        await api.tell(about=ABOUT, note=str(number))
    await api.tell(about=object_(uid="2"), note="another's")

    assert "another's" == api.notes[-1]


# An API server that fails


@pytest.mark.parametrize("status", [400, 403, 404, 422])
async def test_what_is_refused_is_forgotten_and_never_raises(api: EventApi, status: int) -> None:
    api.troubles = [refusal(status, "No")]
    await api.tell(about=ABOUT, note="refused")
    await api.tell(about=ABOUT, note="taken")
    await settle()

    assert (["taken"], 2) == (api.notes, len(api.asked))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("status", [0, 429, 500, 503])
async def test_what_cannot_be_taken_now_is_posted_later(api: EventApi, status: int) -> None:
    api.troubles = [refusal(status, "Away")] * 3
    await api.tell(about=ABOUT)
    await settle()

    (event,) = api.events.values()
    assert "2026-11-27T00:16:40.000000Z" == event["eventTime"]
    assert 4 == len(api.asked)


async def test_nobody_waits_for_an_api_server_that_is_away(api: EventApi) -> None:
    api.away = True
    await api.tell(about=ABOUT, note="first")
    for number in range(100):
        await api.tell(about=object_(uid=str(number)), note=str(number))

    assert 1 == len(api.asked)


@pytest.mark.usefixtures("at_once")
async def test_what_was_kept_comes_in_its_order(api: EventApi) -> None:
    api.away = True
    for number in range(10):
        await api.tell(about=ABOUT, note=str(number))
    await settle()
    assert [] == api.notes
    api.away = False
    await settle()

    assert [str(number) for number in range(10)] == api.notes


@pytest.mark.usefixtures("at_once")
async def test_one_that_is_refused_again_and_again_holds_up_no_other(api: EventApi) -> None:
    api.troubles = [refusal(500, "InternalError"), refusal(500, "InternalError")]
    await api.tell(about=ABOUT, note="a webhook fails")
    await api.tell(about=ABOUT, note="fine")
    await settle()

    assert ["fine", "a webhook fails"] == api.notes


@pytest.mark.usefixtures("at_once")
async def test_of_too_many_kept_the_oldest_go(api: EventApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_MOST", 3)
    api.away = True
    for number in range(5):
        await api.tell(about=ABOUT, note=str(number))
    api.away = False
    await settle()

    assert (["2", "3", "4"], 2) == (api.notes, api.dropped)


@pytest.mark.usefixtures("at_once")
async def test_what_was_kept_for_too_long_is_dropped(api: EventApi) -> None:
    api.away = True
    await api.tell(about=ABOUT, note="old")
    api.now += 800
    await api.tell(about=ABOUT, note="new")
    api.now += 101
    api.away = False
    await settle()

    assert (["new"], 1) == (api.notes, api.dropped)


@pytest.mark.usefixtures("at_once")
async def test_an_answer_that_was_lost_makes_no_second_event(api: EventApi) -> None:
    api.lost = 1
    await api.tell(about=ABOUT)
    await settle()
    await api.tell(about=ABOUT)

    assert [2] == api.counts
    assert ["POST", "POST", "PATCH"] == api.asked


@pytest.mark.usefixtures("at_once")
async def test_an_answer_to_one_more_of_a_series_that_was_lost_counts_once(api: EventApi) -> None:
    await api.tell(about=ABOUT)
    api.lost = 1
    await api.tell(about=ABOUT)
    await settle()

    assert [2] == api.counts


@pytest.mark.usefixtures("at_once")
async def test_who_no_longer_leads_leaves_the_telling_to_the_one_who_does(api: EventApi) -> None:
    api.troubles = [refusal(0, "NotLeading")]
    await api.tell(about=ABOUT)
    await settle()

    assert ({}, ["POST"]) == (api.events, api.asked)


async def test_only_so_many_are_under_way_at_once(api: EventApi) -> None:
    api.open.clear()
    telling = [asyncio.create_task(api.tell(about=object_(uid=str(number)))) for number in range(5)]
    await settle()
    assert 2 == len(api.asked)
    api.open.set()
    await asyncio.gather(*telling)

    assert 5 == len(api.events)

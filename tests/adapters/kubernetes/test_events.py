"""Events as a real API server takes them, and as people see them."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qc_operator.cluster import events as module
from qc_operator.cluster.events import Events
from qc_operator.registry import Known, read
from tests.adapters.kubernetes.access import Access
from tests.adapters.kubernetes.door import Door
from tests.adapters.kubernetes.queueconsumers import create
from tests.e2e.hpa.control_plane import ControlPlane

pytestmark = pytest.mark.usefixtures("crd")


class Teller:
    """Posts events about objects with the rights that the chart gives, on a clock that the test moves."""

    def __init__(self, access: Access) -> None:
        self.now = 0.0
        self.dropped = 0
        self.events = Events(
            api=access.api,
            identity=f"queueconsumer-system/{'operator-' * 20}0",
            at_once=asyncio.Semaphore(4),
            monotonic=lambda: self.now,
            count_dropped=self._drop,
        )

    def _drop(self) -> None:
        self.dropped += 1

    async def tell(self, about: Known, *, note: str = "0 -> 5 replicas", reason: str = "ScaledUp") -> None:
        await self.events.post(
            about=about,
            warning=reason != "ScaledUp",
            reason=reason,
            action="Scale",
            note=note,
            at=datetime.now(UTC),
        )


@pytest.fixture
async def teller(operator: Access, admin: Access) -> AsyncIterator[Teller]:
    await admin.grant("operator", "telling", ("events.k8s.io", "events", "create,patch"))
    yield Teller(operator)
    await admin.revoke("telling")


async def posted(admin: Access, namespace: str) -> list[dict[str, Any]]:
    """The events of a namespace, oldest first."""
    answer = await admin.api.get(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")
    return sorted(answer["items"], key=lambda event: event["eventTime"])


async def test_an_event_names_both_objects_and_is_counted(admin: Access, teller: Teller) -> None:
    shop = await admin.namespace("events-named")
    about = read(await create(admin, shop))
    for _ in range(3):
        await teller.tell(about)

    (event,) = await posted(admin, shop)
    assert ("QueueConsumer", shop, "receipts", about.uid) == tuple(
        event["regarding"][key] for key in ("kind", "namespace", "name", "uid")
    )
    assert {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": shop, "name": "receipts"} == event["related"]
    assert ("queueconsumer.dev/operator", 3, "0 -> 5 replicas") == (
        event["reportingController"],
        event["series"]["count"],
        event["note"],
    )


async def test_one_more_of_a_series_that_was_deleted_is_a_new_one(admin: Access, teller: Teller) -> None:
    shop = await admin.namespace("events-deleted")
    about = read(await create(admin, shop))
    await teller.tell(about)
    (first,) = await posted(admin, shop)
    await admin.delete(f"/apis/events.k8s.io/v1/namespaces/{shop}/events/{first['metadata']['name']}")
    await teller.tell(about)
    await teller.tell(about)

    (event,) = await posted(admin, shop)
    assert first["metadata"]["name"] != event["metadata"]["name"]
    assert 2 == event["series"]["count"]


async def test_a_series_ends_after_six_minutes(admin: Access, teller: Teller) -> None:
    shop = await admin.namespace("events-later")
    about = read(await create(admin, shop))
    await teller.tell(about)
    teller.now += 361
    await teller.tell(about)

    assert [None, None] == [event.get("series") for event in await posted(admin, shop)]


@pytest.mark.parametrize(
    "name",
    ["a" * 253, "a" * 235 + "-" + "b" * 17, "a" * 235 + "." + "b" * 17],
    ids=["longest", "cut at a dash", "cut at a dot"],
)
async def test_a_name_of_any_length_is_taken(admin: Access, teller: Teller, name: str) -> None:
    shop = await admin.namespace(f"events-name-{ord(name[235])}")
    about = read(await create(admin, shop, name, scaleTargetRef={"name": "receipts"}, queues=[_queue()]))
    await teller.tell(about)

    (event,) = await posted(admin, shop)
    assert name == event["regarding"]["name"]


def _queue() -> dict[str, Any]:
    return {"name": "receipts", "lag": {"scaleUpAbove": 20}}


@pytest.mark.parametrize(
    ("case", "note", "length"),
    [("ascii", "x" * 5000, 1024), ("umlauts", "ü" * 5000, 512), ("signs", "xx" + "€" * 5000, 342)],
)
async def test_a_note_of_any_length_is_taken(admin: Access, teller: Teller, case: str, note: str, length: int) -> None:
    shop = await admin.namespace(f"events-note-{case}")
    await teller.tell(read(await create(admin, shop)), note=note)

    assert [note[:length]] == [event["note"] for event in await posted(admin, shop)]


async def test_a_flapping_object_does_not_fill_the_api_server(admin: Access, teller: Teller) -> None:
    shop = await admin.namespace("events-flapping")
    about = read(await create(admin, shop))
    for number in range(40):
        await teller.tell(about, note=str(number))

    assert [str(number) for number in range(25)] == [event["note"] for event in await posted(admin, shop)]
    assert 15 == teller.dropped


async def test_who_may_not_post_goes_on(admin: Access, operator: Access) -> None:
    shop = await admin.namespace("events-forbidden")
    teller = Teller(operator)
    await teller.tell(read(await create(admin, shop)))

    assert ["POST /apis/events.k8s.io/v1/namespaces/events-forbidden/events"] == operator.requests
    assert [] == await posted(admin, shop)


async def test_nobody_is_held_up_while_the_api_server_is_away_and_nothing_is_lost(
    admin: Access, operator: Access, teller: Teller, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.2)
    shop = await admin.namespace("events-away")
    about = read(await create(admin, shop))
    operator.go_through(door.port)
    await teller.tell(about, note="before")
    await door.shut()
    async with asyncio.timeout(1.0):
        for number in range(10):
            await teller.tell(about, note=str(number))
    door.open()
    async with asyncio.timeout(10.0):
        while len(found := await posted(admin, shop)) < 11:  # noqa: ASYNC110 - nothing here that could be set
            await asyncio.sleep(0.05)

    assert ["before", *map(str, range(10))] == [event["note"] for event in found]


async def test_people_see_them(plane: ControlPlane, admin: Access, teller: Teller, tmp_path: Path) -> None:
    shop = await admin.namespace("events-seen")
    about = read(await create(admin, shop))
    await teller.tell(about)
    await teller.tell(about)
    await teller.tell(about, reason="QueueMissing", note="no queue 'receipts'")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(plane._kubeconfig()))

    def kubectl(*arguments: str) -> str:
        command = (str(plane.program("kubectl")), f"--kubeconfig={kubeconfig}", "-n", shop, *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    described = await asyncio.to_thread(kubectl, "describe", "queueconsumer", "receipts")
    listed = await asyncio.to_thread(kubectl, "events", "--for", "queueconsumer/receipts")

    events = [line.split() for line in described.partition("Events:")[2].splitlines()]
    (counted,) = [line for line in events if "ScaledUp" in line]
    assert "(x2" in counted, described
    assert ["queueconsumer.dev/operator", "0", "->", "5", "replicas"] == counted[-5:]
    (warned,) = [line for line in events if "QueueMissing" in line]
    assert "Warning" == warned[0]
    assert {"QueueMissing", "ScaledUp"} <= set(listed.split())

"""Who looks on is sent all rows once and then what changes, and what was missed when a connection was lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.page_course import condition, known
from qc_operator.page import stream
from qc_operator.page.board import Board
from qc_operator.page.replay import KEPT
from qc_operator.page.row import Row
from qc_operator.page.stream import AT_ONCE, VIEWERS, CrowdedError, Stream
from qc_operator.page.viewer import SLICE, WAITING, Viewer, slices
from qc_operator.registry import Key
from qc_operator.reporting import Change

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
NEVER = 3600.0


class Scene:
    """A board and its stream, whose ticks come only when the test has something happen."""

    def __init__(self, *, every: float = NEVER) -> None:
        self.board = Board(utcnow=lambda: NOW)
        self.stream = Stream(board=self.board, operator=lambda: {"leading": True}, every=every)
        self.aborted: list[Viewer] = []

    def tell(self, name: str, *, ready: int = 0, change: Change | None = None) -> None:
        status: dict[str, Any] = {
            "conditions": [condition("Ready", "True", "Scaling", "well", since="2026-11-27T06:00:00Z")],
            "queues": [{"name": name, "state": "Read", "ready": ready, "unacknowledged": 0}],
        }
        if change:
            told = {"time": "2026-11-27T06:00:00Z", "from": change.before, "to": change.after, "reason": "WokeUp"}
            status["history"] = [{**told, "message": "12 messages"}]
        self.board.told(known("shop", name), status=status, change=change, now=NOW)

    async def update(self, *, always: bool) -> None:
        """What happens every 3 s."""
        await self.stream._update(self.board.touched(), always=always)

    async def look(self, after: str = "") -> Viewer:
        viewer = await self.stream.attach(after=after, abort=lambda: self.aborted.append(viewer))
        return viewer


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.stream.close()


def waiting(viewer: Viewer) -> list[tuple[str, str, dict[str, Any]]]:
    """What is to be sent to a viewer: id, kind and data of each event."""
    events = []
    while viewer._events:
        lines = b"".join(viewer._events.popleft()).decode().splitlines()
        assert ["id: ", "event: ", "data: ", ""] == [lines[0][:4], lines[1][:7], lines[2][:6], lines[3]]
        events.append((lines[0][4:], lines[1][7:], json.loads(lines[2][6:])))
    return events


async def ticks() -> None:
    """Let an update be made that was asked for: they gather for a tenth of a second."""
    await asyncio.sleep(0.2)


async def test_a_viewer_begins_with_all_rows(scene: Scene) -> None:
    scene.tell("orders", ready=5)
    scene.tell("mails")
    ((_, kind, data),) = waiting(await scene.look())

    assert ("all", ["mails", "orders"], {"idle": 2}) == (
        kind,
        sorted(row["name"] for row in data["rows"]),
        data["operator"]["counts"],
    )


async def test_then_only_what_has_changed_is_sent(scene: Scene) -> None:
    scene.tell("orders", ready=5)
    scene.tell("mails")
    viewer = await scene.look()
    waiting(viewer)
    scene.tell("orders", ready=6)
    scene.tell("mails")
    await scene.update(always=False)
    ((_, kind, data),) = waiting(viewer)

    assert ("update", [("orders", 6)], []) == (
        kind,
        [(row["name"], row["ready"]) for row in data["rows"]],
        data["scalings"],
    )


async def test_a_change_of_replicas_is_sent_at_once(scene: Scene) -> None:
    viewer = await scene.look()
    waiting(viewer)
    scene.tell("orders", ready=12, change=Change(before=0, after=1))
    await ticks()
    ((_, _, data),) = waiting(viewer)

    assert [("orders", 0, 1, "12 messages")] == [
        (each["name"], each["from"], each["to"], each["message"]) for each in data["scalings"]
    ]
    assert ["orders"] == [row["name"] for row in data["rows"]]


async def test_a_change_that_leaves_the_row_as_it_is_is_sent_at_once_as_well(scene: Scene) -> None:
    """Times are told to the second, so of two changes in one the second may leave no trace in the row."""
    viewer = await scene.look()
    for _ in range(2):
        waiting(viewer)
        scene.tell("orders", change=Change(before=0, after=1))
        await ticks()
    ((_, _, data),) = waiting(viewer)

    assert ([], 1) == (data["rows"], len(data["scalings"]))


async def test_what_else_has_changed_waits_for_its_turn(scene: Scene) -> None:
    viewer = await scene.look()
    waiting(viewer)
    scene.tell("mails", ready=3)
    scene.tell("orders", change=Change(before=0, after=1))
    await ticks()
    ((_, _, at_once),) = waiting(viewer)
    await scene.update(always=True)
    ((_, _, later),) = waiting(viewer)

    assert (["orders"], ["mails"]) == ([row["name"] for row in at_once["rows"]], [row["name"] for row in later["rows"]])


async def test_each_change_is_sent_once(scene: Scene) -> None:
    scene.tell("old", change=Change(before=3, after=0))
    viewer = await scene.look()
    ((_, _, begun),) = waiting(viewer)
    for name in ("orders", "mails"):
        scene.tell(name, change=Change(before=0, after=1))
        await ticks()
    await scene.update(always=True)

    assert ["old"] == [each["name"] for each in begun["scalings"]]
    assert [["orders"], ["mails"], []] == [
        [each["name"] for each in data["scalings"]] for _, _, data in waiting(viewer)
    ]


async def test_what_was_done_before_is_sent_to_who_looks_on_as_its_object_is_taken_up(scene: Scene) -> None:
    """As when the pod that somebody looks at begins to lead."""
    viewer = await scene.look()
    scene.tell("orders", change=Change(before=0, after=1))
    await ticks()
    waiting(viewer)
    before = {"time": "2026-11-27T05:00:00Z", "from": 4, "to": 3, "reason": "Idle", "message": "no messages"}
    scene.board.told(known("shop", "mails"), status={"history": [before]}, change=None, now=NOW)
    await scene.update(always=True)
    ((_, _, data),) = waiting(viewer)

    assert [("mails", "2026-11-27T05:00:00Z", 3)] == [
        (each["name"], each["time"], each["to"]) for each in data["scalings"]
    ]


async def test_what_is_gone_is_told(scene: Scene) -> None:
    scene.tell("orders")
    viewer = await scene.look()
    waiting(viewer)
    scene.board.gone(known("shop", "orders").key)
    await scene.update(always=False)
    ((_, _, data),) = waiting(viewer)

    assert ([["shop", "orders"]], [], {}) == (data["gone"], data["rows"], data["operator"]["counts"])


async def test_who_comes_back_is_sent_what_was_missed(scene: Scene) -> None:
    scene.tell("orders", ready=0)
    viewer = await scene.look()
    ((last, _, _),) = waiting(viewer)
    scene.stream.detach(viewer)
    for ready in (1, 2, 3):
        scene.tell("orders", ready=ready)
        await scene.update(always=False)
    events = waiting(await scene.look(after=last))

    assert [("update", 1), ("update", 2), ("update", 3)] == [
        (kind, data["rows"][0]["ready"]) for _, kind, data in events
    ]
    assert len({event_id for event_id, _, _ in events}) == 3


@pytest.mark.parametrize("after", ["", "deadbeef-1", "nonsense", "-", "x-9999999999"])
async def test_who_comes_with_an_id_of_another_process_is_sent_all(scene: Scene, after: str) -> None:
    scene.tell("orders")
    await scene.look()

    assert ["all"] == [kind for _, kind, _ in waiting(await scene.look(after=after))]


async def test_who_was_away_too_long_is_sent_all(scene: Scene) -> None:
    viewer = await scene.look()
    ((last, _, _),) = waiting(viewer)
    scene.stream.detach(viewer)
    for _ in range(KEPT + 1):
        await scene.update(always=True)

    assert ["all"] == [kind for _, kind, _ in waiting(await scene.look(after=last))]
    assert KEPT == len(scene.stream._replay)


async def test_who_does_not_read_is_let_go_and_holds_up_nobody(scene: Scene) -> None:
    slow, quick = await scene.look(), await scene.look()
    seen = 0
    for _ in range(WAITING + 5):
        await scene.update(always=True)
        seen += len(waiting(quick))

    assert (True, [slow], 0) == (slow.gone, scene.aborted, len(slow._events))
    assert (False, WAITING + 5 + 1) == (quick.gone, seen)


async def test_no_more_than_so_many_look_on(scene: Scene) -> None:
    viewers = [await scene.look() for _ in range(VIEWERS)]
    with pytest.raises(CrowdedError):
        await scene.look()
    scene.stream.detach(viewers[0])

    await scene.look()


async def test_no_more_look_on_though_all_come_at_once(scene: Scene) -> None:
    """Each waits for the rows, and meanwhile there seems to be room for all of them."""
    async with scene.stream._updating:
        coming = [asyncio.create_task(scene.look()) for _ in range(VIEWERS + 3)]
        await asyncio.sleep(0)
    came = await asyncio.gather(*coming, return_exceptions=True)

    assert [CrowdedError] * 3 == [type(each) for each in came if isinstance(each, BaseException)]
    assert VIEWERS == scene.stream.viewers


async def test_all_rows_are_held_once_however_many_are_sent_them(scene: Scene) -> None:
    """They take 6 MB of ten thousand objects, and who does not read holds them for a minute."""
    for name in ("orders", "mails"):
        scene.tell(name)
    first, second = await scene.look(), await scene.look()
    (one,), (other,) = (list(viewer._events) for viewer in (first, second))
    rows = [piece for piece in one if piece.startswith(b'{"namespace"')]

    assert 2 == len(rows)
    assert [True, True] == [any(piece is row for piece in other) for row in rows]


async def test_an_event_is_written_a_little_at_a_time(scene: Scene) -> None:
    """What is written in one go is copied for each who does not read."""
    event = [b"a" * 10, b"b" * (3 * SLICE), *[b"c"] * SLICE, b"d"]
    viewer = await scene.look()
    waiting(viewer)
    viewer.put(*event)
    written = []
    async for part in viewer.events():
        written.append(part)
        if part.endswith(b"d"):
            viewer.close()

    assert (b"".join(event), True) == (b"".join(written), all(len(part) < 2 * SLICE for part in written))
    assert [] == list(slices([]))


async def test_others_get_a_turn_while_rows_are_made(scene: Scene) -> None:
    """A row with its curve may take ten times as long as another, so rows are not what is counted."""
    turns = 0

    async def decide() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def slow() -> Iterator[tuple[Key, Row | None]]:
        for number in range(10):
            time.sleep(AT_ONCE * 1.5)
            yield Key("shop", f"orders-{number}"), None

    deciding = asyncio.create_task(decide())
    await scene.stream._update(slow(), always=False)
    deciding.cancel()

    assert 9 == turns


async def test_who_comes_while_the_last_update_is_made_is_shown_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task that makes it ends then, and forgets all that was shown."""
    monkeypatch.setattr(stream, "KEPT", 1)
    scene = Scene(every=0.01)
    scene.tell("orders")
    scene.stream.detach(await scene.look())
    task = scene.stream._task
    assert task is not None
    async with scene.stream._updating:
        async with asyncio.timeout(30):
            while not scene.stream._updating._waiters:  # noqa: ASYNC110 - the task is to wait there
                await asyncio.sleep(0.01)
        reading = asyncio.create_task(scene.stream.rows())
        looking = asyncio.create_task(scene.look())
        await asyncio.sleep(0)
    viewer, rows = await looking, await reading

    assert task.done()
    assert (["orders"], ["orders"]) == (
        [row.name for row, _ in rows],
        [row["name"] for row in waiting(viewer)[0][2]["rows"]],
    )
    scene.tell("orders", ready=7)
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while not told:
            told += [row for _, _, data in waiting(viewer) for row in data["rows"]]
            await asyncio.sleep(0.01)
    assert 7 == told[0]["ready"]
    await scene.stream.close()


async def test_while_nobody_looks_nothing_is_put_into_words() -> None:
    scene = Scene(every=0.001)
    scene.tell("orders")
    await ticks()
    assert not scene.stream._shown
    scene.stream.detach(await scene.look())
    assert scene.stream._shown
    assert scene.stream._task is not None
    await asyncio.wait({scene.stream._task}, timeout=10)

    assert (0, 0) == (len(scene.stream._shown), len(scene.stream._replay))
    # Objects come and go, each with a name of its own.
    scene.tell("mails", change=Change(before=0, after=1))
    scene.board.gone(known("shop", "mails").key)
    assert (0, 0) == (len(scene.board._touched), len(scene.board._scaled))


async def test_an_event_ends_a_stream_that_is_closed(scene: Scene) -> None:
    viewer = await scene.look()
    told = [event async for event in _all_of(viewer, scene)]

    assert 1 == len(told)


async def _all_of(viewer: Viewer, scene: Scene) -> AsyncIterator[bytes]:
    async for event in viewer.events():
        yield event
        await scene.stream.close()

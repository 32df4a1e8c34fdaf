"""Lists and watches over all that an API server may answer: they never end, and what they tell stays true."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import msgspec
import pytest

from qc_operator.cluster.list_watch import ListWatch
from qc_operator.cluster.reflector import METADATA_ONLY, Metadata, Reflector, Resource
from qc_operator.registry import Key
from tests.unit.operator.api_script import Answer, ApiScript, bookmark, error, event, item, page, refusal

PATH = "/apis/apps/v1/deployments"


class Spec(msgspec.Struct):
    replicas: int = 1


class Shown(msgspec.Struct):
    metadata: Metadata
    spec: Spec | None = None


class World:
    """One list and watch, whose pauses take no time and are noted."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.pauses: list[float] = []
        self.states: list[bool] = []
        self.breaks: set[str] = set()

    async def run(self, *answers: Answer, group: str = "") -> ApiScript:
        """Until all answers have been given."""
        self.api = ApiScript(list(answers))
        self.watch = ListWatch(
            api=self.api,
            path=PATH,
            type=Shown,
            changed=self._changed,
            deleted=self._deleted,
            told=lambda: self.states.append(self.watch.synced),
            group=group,
            sleep=self._sleep,
        )
        task = asyncio.create_task(self.watch.run())
        await asyncio.wait_for(self.api.told.wait(), 5)
        self.done = task
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert 0 == self.api.open
        return self.api

    def _changed(self, shown: Shown) -> None:
        if shown.metadata.name in self.breaks:
            raise RuntimeError("a mistake of ours")
        self.words.append(f"{shown.metadata.name}={shown.spec.replicas if shown.spec else '?'}")

    def _deleted(self, key: Key) -> None:
        self.words.append(f"-{key.namespace}/{key.name}")

    async def _sleep(self, seconds: float) -> None:
        if seconds:
            self.pauses.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def world() -> World:
    return World()


def versions(api: ApiScript) -> list[str]:
    """What each watch goes on from, and `list` for each page."""
    return [asked.get("resourceVersion", "list") for asked in api.asked]


async def test_a_list_is_followed_from_page_to_page_and_names_no_version(world: World) -> None:
    api = await world.run(page(item("a"), version=9, more="next"), page(item("b"), version=9), [])

    assert [{"limit": "500"}, {"limit": "500", "continue": "next"}] == api.asked[:2]
    assert ["a=?", "b=?"] == world.words
    assert "true" == api.asked[2]["allowWatchBookmarks"]
    assert 300 <= int(api.asked[2]["timeoutSeconds"]) < 360
    assert [True] == world.states[:1]


async def test_a_watch_that_the_server_ends_goes_on_at_once_from_the_last_version(world: World) -> None:
    api = await world.run(
        page(item("a"), version=5),
        [event("MODIFIED", item("a", version=6, spec={"replicas": 3}))],
        [event("ADDED", item("b", version=8)), b"", event("DELETED", item("a", version=9))],
        [bookmark(20)],
    )

    assert ["list", "5", "6", "9", "20"] == versions(api)
    assert ["a=?", "a=3", "b=?", "-shop/a"] == world.words
    assert [] == world.pauses


async def test_a_watch_that_breaks_goes_on_from_the_last_version_after_a_pause(world: World) -> None:
    api = await world.run(page(version=5), [event("ADDED", item("a", version=6)), refusal(0)], [bookmark(7)])

    assert ["list", "5", "6", "7"] == versions(api)
    assert 1 == len(world.pauses)
    assert 0.8 <= world.pauses[0] <= 1.2
    assert all(world.states)


async def test_a_watch_that_shows_nothing_and_ends_at_once_is_not_begun_again_at_once(world: World) -> None:
    await world.run(page(version=5), [], [], [], [bookmark(6)], [], [bookmark(7)])

    for pause, usual in zip(world.pauses, [1, 2, 4, 1], strict=True):
        assert 0.8 * usual <= pause <= 1.2 * usual


@pytest.mark.parametrize("gone", [refusal(410, "Expired"), [error(410, "Expired")]], ids=["answer", "event"])
async def test_a_version_that_is_too_old_has_everything_listed_and_what_is_gone_told(
    world: World, gone: Answer
) -> None:
    api = await world.run(
        page(item("a"), item("b"), item("c", uid="first"), version=5),
        gone,
        page(item("a"), item("c", uid="second"), item("d"), version=9),
        [bookmark(10)],
    )

    assert ["list", "5", "list", "9", "10"] == versions(api)
    assert ["a=?", "-shop/c", "c=?", "d=?", "-shop/b"] == world.words[3:]
    assert all(world.states)
    assert world.watch.refusal is None


async def test_a_list_that_expires_between_two_pages_is_begun_again_and_forgets_nothing(world: World) -> None:
    await world.run(
        page(item("a"), version=5, more="next"),
        refusal(410, "Expired"),
        page(item("b"), version=7),
        [bookmark(8)],
    )

    assert ["a=?", "b=?", "-shop/a"] == world.words
    assert world.watch.refusal is None


async def test_an_error_in_the_watch_has_everything_listed_later(world: World) -> None:
    api = await world.run(
        page(version=5), [error(500, "InternalError", retryAfterSeconds=7)], page(version=6), [bookmark(7)]
    )

    assert ["list", "5", "list", "6", "7"] == versions(api)
    assert [7.0] == world.pauses


async def test_pauses_grow_to_half_a_minute_and_end_when_it_works(world: World) -> None:
    await world.run(
        *[refusal(503)] * 8, page(version=5), [bookmark(6)], refusal(500), [bookmark(7)],
    )  # fmt: skip

    for pause, usual in zip(world.pauses, [1, 2, 4, 8, 16, 30, 30, 30, 1], strict=True):
        assert 0.8 * usual <= pause <= 1.2 * usual
    assert [False] * 8 + [True] * 2 == world.states[:10]


async def test_a_server_that_does_not_answer_is_tried_every_few_seconds(world: World) -> None:
    await world.run(*[refusal(0)] * 20, page(version=5), [bookmark(6)])

    assert 20 == len(world.pauses)
    assert max(world.pauses) <= 6.0
    assert min(world.pauses[3:]) >= 4.0


async def test_a_server_that_asks_for_patience_is_given_it_within_reason(world: World) -> None:
    await world.run(refusal(429, retry_after=17.0), refusal(429, retry_after=86_400.0), page(version=5), [bookmark(6)])

    assert [17.0, 120.0] == world.pauses


async def test_a_right_that_is_taken_away_and_given_back(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await world.run(page(item("a"), version=5), refusal(403), refusal(403), [bookmark(6)])

    # What was told may be out of date while the watch is forbidden.
    assert [True, False, False, True] == world.states
    assert world.watch.refusal is None
    assert ["a=?"] == world.words
    assert [f"{PATH} is not watched: the server said 403", f"{PATH}: watched again"] == caplog.messages


async def test_credentials_that_have_expired_are_a_trouble_that_passes(world: World) -> None:
    await world.run(page(item("a"), version=5), refusal(401), refusal(401), [bookmark(6)])

    assert all(world.states)


async def test_a_kind_that_is_taken_away_takes_its_objects_with_it(world: World) -> None:
    await world.run(page(item("a"), item("b"), version=5), refusal(404), refusal(404))

    assert ["-shop/a", "-shop/b"] == world.words[2:]
    assert not world.watch.synced
    assert world.watch.refusal is not None
    assert world.watch.refusal.not_found


ABSENT, PRESENT = refusal(404), b'{"kind": "APIGroup"}'


@pytest.mark.parametrize(
    ("group", "pauses"),
    [
        pytest.param([ABSENT], [1, 2, 4, 8, 16, 32, 60, 60], id="no-such-group-is-looked-for-once-a-minute"),
        pytest.param([PRESENT], [1, 2, 4, 5, 5, 5, 5, 5], id="a-group-without-the-kind-every-five-seconds"),
        pytest.param([refusal(403)], [1, 2, 4, 5, 5, 5, 5, 5], id="nor-less-where-the-group-may-not-be-seen"),
        pytest.param([], [1, 2, 4, 5, 5, 5, 5, 5], id="nor-in-the-core-group-which-is-always-there"),
    ],
)
async def test_a_kind_that_is_not_served_is_looked_for_by_what_is_known_of_its_group(
    world: World, group: list[Answer], pauses: list[float]
) -> None:
    answers: list[Answer] = [refusal(404), *group] * 8
    api = await world.run(*answers, group="/apis/apps" if group else "")

    assert 8 * [PATH, "/apis/apps"][: 1 + len(group)] + [PATH] == api.paths
    for pause, usual in zip(world.pauses, pauses, strict=True):
        assert 0.8 * usual <= pause <= 1.2 * usual


async def test_a_group_that_comes_has_its_kind_looked_for_every_few_seconds_until_it_is_there(world: World) -> None:
    absent: list[Answer] = [refusal(404), ABSENT]
    present: list[Answer] = [refusal(404), PRESENT]
    await world.run(*absent * 8, *present * 2, page(item("a"), version=5), [bookmark(6)], group="/apis/apps")

    for pause in world.pauses[8:]:
        assert 4.0 <= pause <= 6.0
    assert 10 == len(world.pauses)
    assert ["a=?"] == world.words
    assert world.watch.synced


async def test_an_event_that_cannot_be_read_is_logged_once_and_has_everything_listed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    odd = event("MODIFIED", item("a", version=6, spec={"replicas": "three"}))
    api = await world.run(
        page(item("a"), version=5), [odd], page(item("a", version=6), version=7), [b"{nonsense"], page(version=8),
        [bookmark(9)],
    )  # fmt: skip

    assert ["list", "5", "list", "7", "list", "8", "9"] == versions(api)
    assert 2 == len(world.pauses)
    assert 2 == sum("cannot be read" in message for message in caplog.messages)
    assert world.watch.refusal is None
    assert world.watch.synced


async def test_a_list_that_cannot_be_read_is_a_problem(world: World) -> None:
    await world.run(b"<html>", b"[]")

    assert world.watch.refusal is not None
    assert "Unreadable" == world.watch.refusal.reason
    assert [False, False] == world.states


async def test_an_object_that_cannot_be_read_does_not_hide_the_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.run(page(item("odd", spec={"replicas": "three"}), item("a"), version=5), [bookmark(6)])

    assert ["a=?"] == world.words
    assert 1 == sum("is passed over" in message for message in caplog.messages)
    assert world.watch.synced


async def test_a_mistake_in_taking_in_a_change_ends_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.breaks.add("a")
    await world.run(page(item("a"), item("b"), version=5), [event("ADDED", item("c", version=6))])

    assert ["b=?", "c=?"] == world.words
    assert [f"{PATH}: a change was not taken in"] == caplog.messages


@pytest.fixture
async def start() -> AsyncIterator[Callable[[Awaitable[None]], None]]:
    tasks: list[asyncio.Task[None]] = []

    def begin(running: Awaitable[None]) -> None:
        tasks.append(asyncio.ensure_future(running))

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def reflector(api: ApiScript, **how: object) -> Reflector[Shown]:
    resource = Resource(base="/apis/apps/v1", plural="deployments")
    return Reflector(
        api=api, resource=resource, type=Shown, changed=lambda _: None, deleted=lambda _: None,
        **how,  # type: ignore[arg-type]
    )  # fmt: skip


async def test_it_is_synced_once_every_namespace_is(start: Callable[[Awaitable[None]], None]) -> None:
    api = ApiScript([refusal(403), page(version=1)])
    made = reflector(api, namespaces=["one", "two"])
    start(made.run())
    await api.told.wait()

    assert not made.synced
    assert (
        "the operator may not watch deployments in namespace one: the server said 403; grant its ServiceAccount list "
        "and watch on deployments (API group apps) in namespace one"
    ) == made.problem


async def test_the_metadata_alone_can_be_asked_for(start: Callable[[Awaitable[None]], None]) -> None:
    api = ApiScript([page(version=1)])
    start(reflector(api, metadata_only=True, label_selector="team=a").run())
    await api.told.wait()

    assert list(METADATA_ONLY) == api.accepted
    assert ["team=a", "team=a"] == [asked["labelSelector"] for asked in api.asked]


def test_a_resource_is_named_as_paths_and_roles_name_it() -> None:
    assert "/api/v1/namespaces" == Resource(base="/api/v1", plural="namespaces").path()
    assert "namespaces" == Resource(base="/api/v1", plural="namespaces").rights_in
    assert "" == Resource(base="/api/v1", plural="namespaces").group
    rollouts = Resource(base="/apis/argoproj.io/v1alpha1", plural="rollouts")
    assert "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts" == rollouts.path("shop")
    assert "rollouts (API group argoproj.io)" == rollouts.rights_in
    assert "/apis/argoproj.io" == rollouts.group

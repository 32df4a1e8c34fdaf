"""One collection of objects as the API server shows it: listed in pages, then watched from there, for ever.

The protocol is that of Kubernetes API concepts, "Efficient detection of changes", with the rules of client-go's
reflector:
* A watch goes on from the last resourceVersion seen. The server ends it after some minutes, which is no trouble.
  Bookmarks, one every minute or two, keep that version young while nothing happens, and prove that the connection
  lives.
* 410 says that the version is too old to go on from: everything is listed again, and what is gone is told as deleted.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final, Generic, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from qc_operator.cluster import list_pages
from qc_operator.cluster.client import ApiError
from qc_operator.cluster.list_pages import pages
from qc_operator.cluster.told_objects import ToldObjects
from qc_operator.cluster.watch_event import Bare, Event, Status, Watched
from qc_operator.cluster.watch_trouble import UnreadableError, WatchTrouble
from qc_operator.registry import Key

WATCH_SECONDS: Final = 300
"""After which the server is asked to end a watch, and up to a fifth more so that not all begin anew at once."""
SILENCE: Final = 90.0
"""Seconds without an event or a bookmark after which a connection is not trusted any more and a new one is made. Where
the next bookmark would have come later that costs one request."""
SHORT: Final = 1.0
"""Seconds; a watch that ends sooner and has shown nothing is a failure, or it would be begun again at once for ever."""

log = logging.getLogger(__name__)
T = TypeVar("T", bound=Watched)


class Api(list_pages.Api, Protocol):
    """What is needed of the Kubernetes API."""

    def stream(
        self, path: str, *, silence: float, accept: str = ""
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The lines of an answer that goes on. Raises `ApiError`."""


class ListWatch(Generic[T]):
    """Tells the objects of one path, `changed` and `deleted`, and by `told` that its own state may have changed.

    `group` is where the API server tells of the resource's API group, such as `/apis/keda.sh`. Where there is no such
    resource it is asked for, and the resource is looked for more seldom while there is no such group either.
    """

    def __init__(
        self,
        *,
        api: Api,
        path: str,
        type: type[T],  # noqa: A002 - what it is
        changed: Callable[[T], None],
        deleted: Callable[[Key], None],
        told: Callable[[], None],
        group: str = "",
        label_selector: str = "",
        accept: tuple[str, str] = ("", ""),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api, self._path, self._group = api, path, group
        self._objects = ToldObjects(path=path, changed=changed, deleted=deleted)
        self._told = told
        self._selection = {"labelSelector": label_selector} if label_selector else {}
        self._accept_list, self._accept_watch = accept
        self._sleep = sleep
        self._decode: Callable[[bytes | msgspec.Raw], T] = msgspec.json.Decoder(type).decode
        self._version = ""
        self._listed = False
        self._odd = False
        """Whether an object of this list could not be read, which is said once."""
        self._trouble = WatchTrouble(path)

    @property
    def synced(self) -> bool:
        """Whether what was told is what the API server shows; a trouble that passes does not end that."""
        return self._listed and self.refusal is None

    @property
    def current(self) -> bool:
        """Whether it is `synced`, and nothing is known to be in the way of what comes next."""
        return self._listed and self._trouble.none and bool(self._version)

    @property
    def refusal(self) -> ApiError | None:
        """What a person has to mend, or that there is no such resource; None while all is well, or may be again."""
        return self._trouble.refusal

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                pause = await self._watch()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the watch of everything
                pause = self._failed(error, group_absent=await self._is_group_absent(error))
            await self._sleep(pause)

    async def _is_group_absent(self, error: Exception) -> bool:
        """Whether the resource was not found because the API server serves nothing of its group."""
        if not (self._group and isinstance(error, ApiError) and error.not_found):
            return False
        try:
            await self._api.get_bytes(self._group)
        except Exception as refusal:  # noqa: BLE001 - as above; what is not known is looked for as often as ever
            return isinstance(refusal, ApiError) and refusal.not_found
        return False

    async def _list(self) -> None:
        listed: set[Key] = set()
        version = ""
        async for page in pages(api=self._api, path=self._path, selection=self._selection, accept=self._accept_list):
            for item in page.items or ():
                self._take_listed(item, listed)
            version = page.metadata.resource_version
        self._objects.keep(listed)
        self._version, self._listed = version, True
        self._odd = False
        self._well()

    def _take_listed(self, item: msgspec.Raw, listed: set[Key]) -> None:
        try:
            listed.add(self._objects.show(self._decode(item)))
        except msgspec.DecodeError as error:
            # The others are not to suffer for it. It was never told, or is told as deleted.
            if not self._odd:
                self._odd = True
                log.warning("an object of %s cannot be read and is passed over: %s", self._path, error)

    async def _watch(self) -> float:
        """Watch until the server ends it. Returns the seconds to wait before the next one begins."""
        query = self._selection | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(WATCH_SECONDS + random.randrange(WATCH_SECONDS // 5)),  # noqa: S311 - not a secret
        }
        seen, began = False, asyncio.get_running_loop().time()
        path = f"{self._path}?{urlencode(query)}"
        async with self._api.stream(path, silence=SILENCE, accept=self._accept_watch) as lines:
            self._well()
            async for line in lines:
                if line:
                    self._take_event(line)
                    self._trouble.progress()
                    seen = True
        if seen or asyncio.get_running_loop().time() - began > SHORT:
            self._trouble.progress()
            return 0.0
        return self._trouble.again()

    def _take_event(self, line: bytes) -> None:
        try:
            event = msgspec.json.decode(line, type=Event)
            if event.type in {"ADDED", "MODIFIED"}:
                shown = self._decode(event.object)
                self._objects.show(shown)
                self._version = shown.metadata.resource_version
                return
            if event.type == "ERROR":
                status = msgspec.json.decode(event.object, type=Status)
                # As client-go does: what the server could not go on with, it may not go on with next time.
                self._version = ""
                raise status.error()
            bare = msgspec.json.decode(event.object, type=Bare)
        except msgspec.DecodeError as error:
            raise UnreadableError(f"an event of {self._path} cannot be read: {error}") from None
        if event.type == "DELETED":
            self._objects.drop(Key(bare.metadata.namespace, bare.metadata.name))
        self._version = bare.metadata.resource_version

    def _well(self) -> None:
        self._trouble.over()
        self._told()

    def _failed(self, error: Exception, *, group_absent: bool) -> float:
        """Take in a failure. Returns the seconds to wait."""
        if not isinstance(error, ApiError) or error.status == HTTPStatus.GONE:
            self._version = ""
        pause = self._trouble.failed(error, group_absent=group_absent)
        if isinstance(error, ApiError) and error.not_found:
            # There is no such resource any more, and so no object of it.
            self._version, self._listed = "", False
            self._objects.keep()
        self._told()
        return pause

"""What kopf does for us: its settings, and one handler that delegates.

kopf watches and nothing else. A low-level event handler keeps no annotations and no finalizer on the objects, so they
can be deleted while the operator is away, and it costs no API writes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import aiohttp
import kopf

from qc_operator.login import session_for_kopf
from qc_operator.registry import Key
from qc_operator.resource import GROUP, PLURAL, VERSION


class NothingKept(kopf.DiffBaseStorage):
    """No essence of an object is kept, or compared: kopf would make a deep copy of each one that it is shown.

    Only handlers of changes want it, of which we have none. With 10,000 objects the echo of our own statuses cost a
    quarter of the watch's time.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing is compared."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Nothing is kept."""


class Patience:
    """Pauses in seconds between tries of a request that fails, without an end: kopf exits when they are used up.

    It takes anything that can be iterated again.
    """

    FIRST = (1, 1, 2, 3)
    THEN = 5

    def __iter__(self) -> Iterator[float]:
        """The pauses of one request."""
        yield from self.FIRST
        yield from itertools.repeat(self.THEN)


def registry(
    *,
    seen: Callable[[Mapping[str, Any]], None],
    gone: Callable[[Key, str], None],
    agent: str,
    trace: aiohttp.TraceConfig,
) -> kopf.OperatorRegistry:
    """Our handlers. `seen` gets each object as the watch shows it, `gone` the key and uid of one that was deleted.

    `agent` is the User-Agent of the requests that kopf makes for it, and `trace` looks at them.
    """
    made = kopf.OperatorRegistry()

    @kopf.on.startup(registry=made)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        _configure(settings)

    @kopf.on.login(registry=made)
    async def login(**kwargs: Any) -> kopf.AiohttpSession:
        return session_for_kopf(agent=agent, trace=trace, **kwargs)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=made)
    async def changed(event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]
        metadata = body["metadata"]
        if event["type"] == "DELETED":
            gone(Key(metadata["namespace"], metadata["name"]), metadata["uid"])
        else:
            seen(body)

    return made


def _configure(settings: kopf.OperatorSettings) -> None:
    # A foreign peering object called "default" must not be able to pause us.
    settings.peering.standalone = True
    # Our ServiceAccount may not list CRDs and namespaces, and need not.
    settings.scanning.disabled = True
    # kopf's own events would repeat ours without their reasons.
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = NothingKept()
    settings.networking.error_backoffs = Patience()
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 30
    # Its own 0.1 s would list everything ten times a second while the API server answers each watch with 410.
    settings.watching.reconnect_backoff = 1.0
    # It would kill the process ten minutes after the watch has ended, which is begun again long before.
    settings.process.ultimate_exiting_timeout = None

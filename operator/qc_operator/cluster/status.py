"""Writing the status subresource of a QueueConsumer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.registry import Key
from qc_operator.resource import GROUP, PLURAL, VERSION


class Statuses:
    """Writes statuses, only so many at once."""

    def __init__(self, *, api: KubernetesApi, at_once: asyncio.Semaphore) -> None:
        self._api = api
        self._at_once = at_once

    async def write(self, *, key: Key, uid: str, status: Callable[[], Mapping[str, Any]], urgent: bool = False) -> None:
        """Replace the whole status of an object. Raises `ApiError`; `not_found` when it is gone.

        `status` is called when its turn has come: with thousands in line, as after a start, another one would be due
        soon for much of what was not known yet when it was put there. What is `urgent` does not stand in line.
        Another object under its name is another matter: its uid is tested first.
        By RFC 6902, whose `add` replaces what is there: a merge patch (RFC 7386) would keep every field, at any depth,
        that is there and is not given any more, such as what was learned of other queues.
        """
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{key.namespace}/{PLURAL}/{key.name}"
        async with contextlib.nullcontext() if urgent else self._at_once:
            patch: list[dict[str, Any]] = [
                {"op": "test", "path": "/metadata/uid", "value": uid},
                {"op": "add", "path": "/status", "value": dict(status())},
            ]
            try:
                await self._api.json_patch(f"{path}/status", patch)
            except ApiError as error:
                # A test that fails and a status that the schema refuses have the same answer.
                if error.status == HTTPStatus.UNPROCESSABLE_ENTITY and await self._is_another(path, uid=uid):
                    raise ApiError(status=404, reason="NotFound", message=f"{key} was created anew") from None
                raise

    async def _is_another(self, path: str, *, uid: str) -> bool:
        metadata = (await self._api.get(path))["metadata"]
        return bool(metadata["uid"] != uid)

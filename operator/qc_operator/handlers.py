"""The only module that knows kopf: its settings, the login, and one handler that delegates.

kopf watches and nothing else. A low-level event handler keeps no annotations and no finalizer on the objects, so they
can be deleted while the operator is away, and it costs no API writes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import aiohttp
import kopf

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.reconciler import Reconciler
from qc_operator.registry import Key
from qc_operator.resource import GROUP, PLURAL, VERSION

TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
TOKEN_MAX_AGE = 60.0
"""Seconds after which the ServiceAccount's token is read again; the kubelet renews it at 80 % of its hour."""

RESOURCE_RETRY = 2.0
"""Seconds between two looks for the CRD at start-up."""

log = logging.getLogger(__name__)


def register(*, registry: kopf.OperatorRegistry, reconciler: Reconciler, api: KubernetesApi) -> None:
    """Add our handlers to a registry of kopf's."""

    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        _configure(settings)

    @kopf.on.login(registry=registry)
    async def login(**kwargs: Any) -> kopf.AiohttpSession:
        return _login(api, **kwargs)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def changed(event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]
        metadata = body["metadata"]
        if event["type"] == "DELETED":
            reconciler.gone(Key(metadata["namespace"], metadata["name"]), uid=metadata["uid"])
        else:
            reconciler.seen(body)


def _configure(settings: kopf.OperatorSettings) -> None:
    # A foreign peering object called "default" must not be able to pause us.
    settings.peering.standalone = True
    # Our ServiceAccount may not list CRDs and namespaces, and need not.
    settings.scanning.disabled = True
    # kopf's own events would repeat ours without their reasons.
    settings.posting.enabled = False
    # kopf exits when the API server fails for longer than all of these together: about four minutes.
    settings.networking.error_backoffs = (1, 1, 2, 3, 5, 8, 13, 21, 30, 30, 30, 30, 30, 30)
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 30


async def wait_for_resource(api: KubernetesApi) -> None:
    """Wait until the API server serves QueueConsumers: kopf looks once, at its start, and never again."""
    context = _login(api, logger=log, settings=kopf.OperatorSettings())
    async with context.aiohttp_session:
        while True:
            try:
                await api.get(f"/apis/{GROUP}/{VERSION}")
            except ApiError as error:
                log.warning("the API server serves no %s.%s yet: apply the CRD (%s)", PLURAL, GROUP, error)
                await asyncio.sleep(RESOURCE_RETRY)
            else:
                return


def _login(api: KubernetesApi, **kwargs: Any) -> kopf.AiohttpSession:
    """Open the one HTTP session that kopf and our own client share."""
    info = kopf.login_with_service_account(**kwargs) or kopf.login_via_client(**kwargs)
    if info is None:
        raise kopf.PermanentError("neither in a cluster nor is there a kubeconfig (variable KUBECONFIG)")
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        middlewares=(_FreshToken(),) if TOKEN.exists() else (),
    )
    api.bind(session=session, server=info.server)
    return kopf.AiohttpSession(server=info.server, default_namespace=info.default_namespace, aiohttp_session=session)


class _FreshToken:
    """Puts the ServiceAccount's current token into each request: bound tokens expire within the hour."""

    def __init__(self) -> None:
        self._token = ""
        self._read_at = float("-inf")

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Set the header and pass the request on."""
        if time.monotonic() - self._read_at > TOKEN_MAX_AGE:
            self._token = TOKEN.read_text().strip()  # noqa: ASYNC240 - a tmpfs file of 1 KiB, once a minute
            self._read_at = time.monotonic()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return await handler(request)

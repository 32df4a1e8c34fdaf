"""Who we are at the API server, by kopf's means: the pod's ServiceAccount, or a kubeconfig.

Our own requests go over a session of their own, because kopf closes its own when its watch ends, and the Lease must be
renewed all the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import aiohttp
import kopf

from qc_operator import VERSION
from qc_operator.cluster.client import KubernetesApi

TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
TOKEN_MAX_AGE = 60.0
"""Seconds after which the ServiceAccount's token is read again; the kubelet renews it at 80 % of its hour."""

AGAIN = 10.0
"""Seconds between two logins at least."""

log = logging.getLogger(__name__)


def user_agent(process: str) -> str:
    """What requests are signed with, so that an audit log tells processes apart (RFC 9110, section 10.1.5)."""
    return f"queueconsumer-operator/{VERSION} ({process})"


async def log_in(api: KubernetesApi, *, agent: str) -> None:
    """Give the API a session of its own. Raises `kopf.PermanentError` where nothing says who we are."""
    info = _credentials(logger=log, settings=kopf.OperatorSettings())
    before = api.bind(session=_session(info, agent=agent), server=info.server)
    if before is not None:
        await before.close()


async def keep_logged_in(api: KubernetesApi, *, agent: str) -> None:
    """Log in again whenever the credentials have expired, as those of a kubeconfig may, until cancelled."""
    while True:
        await api.unauthorized.wait()
        try:
            await log_in(api, agent=agent)
            log.info("logged in again")
        except Exception:
            log.exception("not logged in again")
        await asyncio.sleep(AGAIN)
        api.unauthorized.clear()


def session_for_kopf(*, agent: str, trace: aiohttp.TraceConfig, **kwargs: Any) -> kopf.AiohttpSession:
    """What kopf's login handler returns: asked for at its start, and when the API server refuses the old credentials.

    `trace` looks at its requests. Raises `kopf.PermanentError`.
    """
    info = _credentials(**kwargs)
    session = _session(info, trace, agent=agent)
    return kopf.AiohttpSession(server=info.server, default_namespace=info.default_namespace, aiohttp_session=session)


def _credentials(**kwargs: Any) -> kopf.ConnectionInfo:
    info = kopf.login_with_service_account(**kwargs) or kopf.login_via_client(**kwargs)
    if info is None:
        raise kopf.PermanentError("neither in a cluster nor is there a kubeconfig (variable KUBECONFIG)")
    return info


def _session(info: kopf.ConnectionInfo, *traces: aiohttp.TraceConfig, agent: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers={**info.as_http_headers(), "User-Agent": agent},
        middlewares=(_FreshToken(),) if TOKEN.exists() else (),
        trace_configs=list(traces),
    )


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

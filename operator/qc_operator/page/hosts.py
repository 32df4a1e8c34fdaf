"""By which names the page may be asked for, so that no web site can read it through somebody's browser.

A site may have its own name resolve to 127.0.0.1 once it was loaded (DNS rebinding), which is where `kubectl
port-forward` has the page. To the browser both are one origin then, so no header of an answer keeps the site from
reading it. What gives it away is the request's `Host`, which no script can set (Fetch standard, "forbidden
request-header"): it has the site's name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from qc_operator.page.answers import refusal

MISDIRECTED: Final = 421
"""RFC 9110, section 15.5.20: the request is not for this server."""
LONGEST: Final = 253
"""Characters of a name in the DNS."""


def service_names(name: str, *, namespace: str) -> tuple[str, ...]:
    """The names of a Service inside of its cluster, whose domain is taken to be `cluster.local`; none outside of one.

    `NAME.NAMESPACE.svc.` with any end would not do: somebody may own such a domain.
    """
    if not namespace:
        return ()
    return tuple(
        f"{name}{end}" for end in ("", *(f".{namespace}{rest}" for rest in ("", ".svc", ".svc.cluster.local")))
    )


def only_for(names: Iterable[str]) -> Middleware:
    """Refuse what is asked of any other host than these, this machine, and an address by number."""
    allowed = frozenset(name.lower() for name in names)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = host_of(request.headers.get(hdrs.HOST, ""))
        if answers(host, names=allowed):
            return await handler(request)
        return refusal(
            request,
            f"this page is not to be asked for as {host[:LONGEST]!r}: go by an address such as 127.0.0.1, or, if that "
            "name is one of yours, add it to QC_PAGE_HOSTS (page.hosts of the chart)",
            status=MISDIRECTED,
        )

    return check


def answers(host: str, *, names: Collection[str]) -> bool:
    """Whether a host can be nobody else's: RFC 6761, section 6.3, has `localhost` and all under it be this machine."""
    return host in names or host == "localhost" or host.endswith(".localhost") or _is_address(host)


def host_of(header: str) -> str:
    """The name or the address in a `Host` header, without the port and in small letters; empty where there is none."""
    try:
        return (urlsplit(f"//{header}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    """A site is of a name: one that is loaded from an address is of whoever has that address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""What each answer of the page says about itself: what a browser may do with it, which is next to nothing."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from qc_operator.exposition import wants_gzip

POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Content Security Policy Level 3. Scripts run only with the number that this very answer has, nothing is fetched from
elsewhere, and no text can be made to be HTML (Trusted Types)."""

NOTHING: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": NOTHING,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "queueconsumer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


async def guard(_: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on every answer, also on those that aiohttp makes of errors."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # aiohttp's own has its version and Python's.
    response.headers[hdrs.SERVER] = HEADERS[hdrs.SERVER]


def json(request: web.Request, value: Any, *, status: int = 200) -> web.Response:
    """A value as JSON, compressed for who takes that."""
    response = web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        # All rows of a thousand objects take 10 ms, in which decisions go on.
        zlib_executor_size=16_384,
    )
    compress(request, response)
    return response


def compress(request: web.Request, response: web.Response) -> None:
    """Have it compressed for who takes that; aiohttp's own choice takes `gzip;q=0` for a wish."""
    if wants_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        response.enable_compression(web.ContentCoding.gzip)


def refusal(request: web.Request, error: str, *, status: int, **facts: str) -> web.Response:
    """A sentence that says why there is no answer."""
    return json(request, {"error": error, **facts}, status=status)

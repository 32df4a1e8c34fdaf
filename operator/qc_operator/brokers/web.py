"""HTTP with whoever a Secret names: anybody who may write a Secret decides who answers, and with what."""

from __future__ import annotations

import aiohttp

from qc_operator.brokers.host_names import Resolver

LONGEST_ANSWER = 1 << 26
"""Bytes. The management API's list of 5,000 queues has 1 to 2 MB, so this is enough for 200,000."""


class AnswerError(Exception):
    """An answer that is not read to its end. The message goes on after "answered"."""


def open_session() -> aiohttp.ClientSession:
    """Open the session that all brokers and token issuers are asked over. To be called in a running event loop.

    It unpacks nothing: compressed, a megabyte may stand for a gigabyte. Cookies are not kept: whoever gives them may
    not follow anybody around. The number of connections has no limit: each reader asks for one thing after the other
    or for a few at a time, so their number bounds it, and with aiohttp's 100 for all hosts, or with any for one, the
    vhosts behind an API that hangs would take them from the others.
    """
    return aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0, resolver=Resolver()),
    )


async def read_answer(response: aiohttp.ClientResponse, *, most: int | None = None) -> bytes:
    """Read at most this many bytes, or `LONGEST_ANSWER`. Raises `AnswerError`, and what aiohttp raises."""
    most = LONGEST_ANSWER if most is None else most
    packed = response.headers.get("Content-Encoding", "identity").lower()
    if packed != "identity":
        # Whoever is asked for identity and has nothing else answers with 406 (RFC 9110, section 12.5.3).
        raise AnswerError("with packed content, which was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise AnswerError(f"with more than {most} bytes")
    return bytes(body)

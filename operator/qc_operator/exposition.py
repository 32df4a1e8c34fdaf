"""A scrape of /metrics: which format, which names, and the text in pieces between which the event loop goes on.

The formats are Prometheus' text format 0.0.4 and OpenMetrics 1.0 (openmetrics.io), chosen by the Accept header.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics_text

from qc_operator.object_series import ObjectSeries

OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT: Final = CONTENT_TYPE_PLAIN_0_0_4

GZIP_LEVEL: Final = 1
"""Of ten thousand objects: 47 MB become 3.3 MB in 0.08 s. Level 6 takes four times as long for 2.3 MB."""
_GZIP: Final = 16 + zlib.MAX_WBITS
"""zlib's window bits for a gzip header and trailer."""
HELD: Final = 0.005
"""Seconds for which a scrape holds the event loop at a time. The whole text of 10,000 objects takes 0.6 s. Given back
after each piece of it, which takes less than a millisecond, it took 8 s among all that goes on: Prometheus gives up
after 10."""
_SENT: Final = 65_536
"""Bytes that are sent at once."""


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header prefers OpenMetrics 1.0 (RFC 9110, section 12.5.1); without one it is the text format.

    Prometheus asks for several versions, each with its weight. One that is not ours is not offered.
    """
    weights = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for media, given in _choices(accept):
        if media not in weights or (media != "text/plain" and given.get("version", "1.0.0").split(".")[0] != "1"):
            continue
        weights[media] = max(weights[media], _weight(given.get("q", "1")))
    return weights["application/openmetrics-text"] > 0 and (
        weights["application/openmetrics-text"] >= weights["text/plain"]
    )


def wants_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header names gzip and does not refuse it (RFC 9110, section 12.5.3)."""
    weights = {coding.lower(): _weight(given.get("q", "1")) for coding, given in _choices(accept_encoding)}
    return weights.get("gzip", 0.0) > 0 and weights["gzip"] >= weights.get("identity", 0.0)


def _choices(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """What a header offers, each with its parameters."""
    for part in header.split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        yield name, dict(each.replace(" ", "").partition("=")[::2] for each in parameters)


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


async def scraped(
    *, objects: ObjectSeries, process: CollectorRegistry, openmetrics: bool, names: Collection[str] = ()
) -> AsyncIterator[bytes]:
    """The text in pieces. `names` are those of samples, as in `?name[]=`; all without any."""
    wanted, since = frozenset(names), time.perf_counter()
    for piece in objects.pieces(openmetrics=openmetrics, names=wanted):
        yield piece
        if time.perf_counter() - since > HELD:
            await asyncio.sleep(0)
            since = time.perf_counter()
    chosen = process.restricted_registry(wanted) if wanted else process
    # Some 300 series, and 3 ms.
    text: bytes = openmetrics_text.generate_latest(chosen) if openmetrics else generate_latest(chosen)  # type: ignore[no-untyped-call] # it has no types
    yield text


async def packed(pieces: AsyncIterator[bytes], *, gzip: bool) -> AsyncIterator[bytes]:
    """The same in pieces that are worth sending, compressed or not."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP) if gzip else None
    waiting: list[bytes] = []
    size = 0
    async for piece in pieces:
        each = piece if compressor is None else compressor.compress(piece)
        waiting.append(each)
        size += len(each)
        if size >= _SENT:
            yield b"".join(waiting)
            waiting, size = [], 0
    if compressor is not None:
        waiting.append(compressor.flush())
    yield b"".join(waiting)

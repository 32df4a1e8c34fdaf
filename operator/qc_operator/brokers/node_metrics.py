"""Totals from the nodes' Prometheus endpoints, for vhosts with thousands of queues or without a management API.

A node tells of the queues that it leads, and of no others, so every node is asked: the host of `metrics_uri` is a
headless Service, resolved anew each time. 5,000 queues cost the broker 20 to 50 ms this way, and 160 to 290 ms over the
management API; the counts are up to 5 s old (`collect_statistics_interval`, and a quorum queue's tick).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from qc_operator.brokers import trouble
from qc_operator.brokers.credentials import Credentials, LoginError
from qc_operator.brokers.host_names import HOST_NAMES
from qc_operator.brokers.login import Login
from qc_operator.brokers.metrics_text import NodeAnswer, is_rabbitmq, parse
from qc_operator.brokers.tls import tls_problem
from qc_operator.brokers.web import AnswerError, read_answer

MOST_AGE: Final = 5.0
"""Seconds by which the counts may be older than the answer."""


class NodeMetricsError(Exception):
    """No node has told anything. `reason` is a CamelCase word, the message a sentence without secrets."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """What all nodes tell together."""

    counts: dict[str, tuple[int, int]]
    types: dict[str, str]
    lost: str | None
    """Which nodes did not answer, and why: the queues that nobody tells of may be theirs."""


class NodeMetrics:
    """The endpoints of all nodes of one broker, asked for the queues of one vhost."""

    def __init__(
        self, *, uri: str, credentials: Credentials, login: Login, session: aiohttp.ClientSession, within: float
    ) -> None:
        self._url = URL(uri.rstrip("/").removesuffix("/metrics"))
        self._vhost = credentials.vhost
        self._login = login
        self._session = session
        self._within = within
        self._with_login = False

    @property
    def where(self) -> str:
        """The address, for sentences."""
        return f"metrics of {self._url}"

    async def read(self, *, with_types: bool) -> NodeReport:
        """Ask every node. Raises `NodeMetricsError` when none answers."""
        addresses = await self._addresses()
        answers = await asyncio.gather(*(self._ask(address, with_types=with_types) for address in addresses))
        failures: list[NodeMetricsError] = []
        counts: dict[str, tuple[int, int]] = {}
        types: dict[str, str] = {}
        for answer in answers:
            if isinstance(answer, NodeMetricsError):
                failures.append(answer)
                continue
            types |= answer.types
            _merge(counts, answer.counts)
        if len(failures) == len(addresses):
            raise failures[0]
        return NodeReport(
            counts=counts,
            types=types,
            lost="; ".join(str(failure) for failure in failures) or None,
        )

    async def _addresses(self) -> list[str]:
        try:
            found = await HOST_NAMES.addresses(self._url.host or "", self._url.port or 0, within=self._within)
        except TimeoutError as error:
            raise NodeMetricsError("MetricsUnreachable", f"{self.where}: {error}") from None
        except OSError as error:
            raise NodeMetricsError("MetricsUnreachable", f"{self.where}: {trouble.of_the_network(error)}") from None
        return sorted({str(address[0]) for *_, address in found})

    async def _ask(self, address: str, *, with_types: bool) -> NodeAnswer | NodeMetricsError:
        """Ask one node; an error is a value here, because the others are asked at the same time."""
        where = f"{self.where} at {address}"
        try:
            status, body = await self._get(address)
            if status == HTTPStatus.UNAUTHORIZED and not self._with_login:
                # The endpoint is open unless `prometheus.authentication.enabled`; the login is not shown unasked.
                self._with_login = True
                status, body = await self._get(address)
        except LoginError as error:
            return NodeMetricsError("MetricsRefused", f"{where} were not asked: {error}")
        except TimeoutError:
            return NodeMetricsError("MetricsUnreachable", f"{where}: no answer within {self._within:g} s")
        except (aiohttp.ClientError, OSError) as error:
            problem = tls_problem(error) or trouble.of_http(error)
            return NodeMetricsError("MetricsUnreachable", f"{where} cannot be reached: {problem}")
        except AnswerError as error:
            return NodeMetricsError("MetricsFailed", f"{where} were answered {error}")
        return self._understood(status, body, where=where, with_types=with_types)

    def _understood(self, status: int, body: bytes, *, where: str, with_types: bool) -> NodeAnswer | NodeMetricsError:
        if status != HTTPStatus.OK:
            return NodeMetricsError("MetricsFailed", f"{where}: HTTP status {status}")
        if not is_rabbitmq(body):
            return NodeMetricsError("MetricsFailed", f"{where} are not those of RabbitMQ's plugin rabbitmq_prometheus")
        return parse(body, vhost=self._vhost, with_types=with_types)

    async def _get(self, address: str) -> tuple[int, bytes]:
        host = self._url.host or ""
        literal = f"[{address}]" if ":" in address else address
        path = f"{self._url.raw_path.rstrip('/')}/metrics/detailed"
        query = f"family=queue_coarse_metrics&vhost={quote(self._vhost, safe='')}"
        headers = {"Host": self._url.raw_authority, "Accept-Encoding": "identity"}
        authorization = await self._login.authorization() if self._with_login else None
        if authorization is not None:
            headers["Authorization"] = authorization
        async with self._session.get(
            URL(f"{self._url.scheme}://{literal}:{self._url.port}{path}?{query}", encoded=True),
            headers=headers,
            allow_redirects=False,
            ssl=self._login.http_tls(),
            server_hostname=self._login.server_name(host) if self._url.scheme == "https" else None,
            timeout=aiohttp.ClientTimeout(total=self._within),
        ) as response:
            return response.status, await read_answer(response)


def _merge(into: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]) -> None:
    """Add a node's counts. While a leader moves two nodes may tell of its queue: the larger counts are believed."""
    for name in into.keys() & other.keys():
        (ready, unacknowledged), (more, others) = into[name], other[name]
        other[name] = max(ready, more), max(unacknowledged, others)
    into.update(other)

"""Which queues a vhost has, for patterns: from the broker's own records, which name those without a leader, too.

The list with totals leaves such queues out, and so do the nodes' metrics: a pattern that followed either would take a
queue that nobody can count for one that is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from math import inf

from qc_operator.brokers.breaker import TOLERATED
from qc_operator.brokers.management import ManagementApi, ManagementError
from qc_operator.brokers.queue_facts import FactsBook
from qc_operator.brokers.queue_list import named
from qc_operator.scaling.observation import EMPTY_LIST, Unavailable, Unknown
from qc_operator.scaling.readings import NOT_READ_YET
from qc_operator.scaling.trust import TOTALS_MAX_AGE


class Directory:
    """The names of all queues of a vhost, as the management API listed them last."""

    def __init__(self, *, api: ManagementApi, facts: FactsBook) -> None:
        self._api = api
        self._facts = facts
        self._names: frozenset[str] | None = None
        self._at = -inf
        self._failures = 0
        self._problem: Unknown | Unavailable = Unknown(
            cause=NOT_READ_YET, message="the queues have not been listed yet", at=-inf
        )

    def names(self) -> frozenset[str] | Unknown | Unavailable:
        """All names; why they are not known otherwise. A list that is too old is not known."""
        if self._names is not None and asyncio.get_running_loop().time() - self._at <= TOTALS_MAX_AGE:
            return self._names
        return self._problem

    async def read(self, watched: Collection[str]) -> None:
        """List the queues. Raises `ManagementError`."""
        asked_at = asyncio.get_running_loop().time()
        rows = await named(self._api)
        self._failures = 0
        self._facts.learn(rows, watched=watched, complete=True)
        # An import of definitions may bring a line break into a name; AMQP strips it, so nobody can name that queue.
        names = frozenset(row.name for row in rows if {"\r", "\n"}.isdisjoint(row.name))
        self._names, self._at = names or None, asked_at
        if self._names is None:
            message = f"{self._api.where} knows of no queue in the vhost, which may be a matter of permissions"
            self._problem = Unknown(cause=EMPTY_LIST, message=message, at=asked_at)
        else:
            message = f"{self._api.where} has not listed the queues for {TOTALS_MAX_AGE:.0f} s"
            self._problem = Unknown(cause="NotListed", message=message, at=asked_at)

    def failed(self, error: ManagementError, *, given: bool) -> None:
        """Put down why the queues were not listed; `given` says whether there is a management API at all."""
        self._failures += 1
        at = asyncio.get_running_loop().time()
        if given:
            self._problem = Unknown(cause=error.reason, message=str(error), at=at)
        elif self._failures >= TOLERATED:
            # Not sooner: a broker that starts serves AMQP a few seconds before its management API.
            self._problem = Unavailable(message=str(error))

"""The totals that are known, or why there are none: which answers and failures of the slow lane are believed."""

from __future__ import annotations

from math import inf

from qc_operator.brokers.breaker import TOLERATED
from qc_operator.brokers.management import ManagementError
from qc_operator.brokers.node_metrics import NodeMetricsError
from qc_operator.brokers.snapshot import Snapshot
from qc_operator.scaling.observation import EMPTY_LIST, TotalsReading, Unavailable, Unknown
from qc_operator.scaling.readings import NOT_READ_YET
from qc_operator.scaling.trust import TOTALS_MAX_AGE


class LatestTotals:
    """The last snapshot of a vhost that was good."""

    def __init__(self, *, given: bool) -> None:
        self._given = given
        """Whether there must be totals: the Secret names a source, or one has answered before."""
        self._snapshot: Snapshot | None = None
        self._problem: Unknown | Unavailable = Unknown(
            cause=NOT_READ_YET, message="no reading of the totals yet", at=-inf
        )
        """Why there is no snapshot."""

    def of(self, queue: str) -> TotalsReading:
        """What is known of one queue. A queue that the answer leaves out is unknown, never empty."""
        return self._problem if self._snapshot is None else self._snapshot.of(queue)

    def take(self, snapshot: Snapshot) -> bool:
        """Believe an answer, unless it says that there is nothing at all; whether it is believed."""
        self._given = True  # By now its absence would be a failure, whether the Secret names it or not.
        if snapshot.empty:
            message = f"{snapshot.source} knows of no queue in the vhost, which may be a matter of permissions"
            self.lose(Unknown(cause=EMPTY_LIST, message=message, at=snapshot.at))
            return False
        self._snapshot = snapshot
        return True

    def fail(self, error: ManagementError | NodeMetricsError, *, failures: int, asked_at: float) -> None:
        """Put down why there are no totals, after so many failures in a row.

        One time-out is not yet a reason to forget those of a moment ago.
        """
        if self._given:
            old = self._snapshot is None or asked_at - self._snapshot.at > TOTALS_MAX_AGE
            if old or failures >= TOLERATED or (isinstance(error, ManagementError) and error.refused):
                self.lose(Unknown(cause=error.reason, message=str(error), at=asked_at))
        elif failures >= TOLERATED:
            # Not sooner: a broker that starts serves AMQP a few seconds before its management API.
            self._problem = Unavailable(message=str(error))

    def lose(self, why: Unknown) -> None:
        """Forget what was known."""
        self._snapshot = None
        self._problem = why

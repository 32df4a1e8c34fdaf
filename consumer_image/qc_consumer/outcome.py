"""What becomes of a delivery after its handler: decided here, carried out by the consumer."""

from dataclasses import dataclass
from typing import Literal

from qc_consumer.errors import Reject, Retry, Undecodable
from qc_consumer.retry import Backoff

Kind = Literal["acked", "retried", "dead_lettered"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The decision about one delivery."""

    kind: Kind
    reason: str = ""
    """Why it is a dead letter: rejected, undecodable, attempts_exhausted or retry_queue_unusable."""
    error: BaseException | None = None
    delay: int | None = None
    """Milliseconds until the next attempt."""

    @property
    def acked(self) -> bool:
        """Whether the handler did its work."""
        return self.kind == "acked"

    @property
    def retried(self) -> bool:
        """Whether the message will be delivered again after `delay`."""
        return self.kind == "retried"

    @property
    def dead_lettered(self) -> bool:
        """Whether the message goes to the dead letters."""
        return self.kind == "dead_lettered"


def judge(error: BaseException | None, *, attempt: int, backoff: Backoff | None) -> Outcome:
    """Decide what follows from what the handler raised; without a back-off nothing is tried again."""
    if error is None:
        return Outcome(kind="acked")
    if isinstance(error, Reject):
        return Outcome(kind="dead_lettered", reason="rejected", error=error)
    if isinstance(error, Undecodable):
        return Outcome(kind="dead_lettered", reason="undecodable", error=error)
    after = error.after if isinstance(error, Retry) else None
    delay = backoff.delay(attempt, after) if backoff else None
    if delay is None:
        return Outcome(kind="dead_lettered", reason="attempts_exhausted", error=error)
    return Outcome(kind="retried", error=error, delay=delay)

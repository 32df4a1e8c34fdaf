"""What the guards remember, packed: it is needed every 5 s only, and one operator has ten thousand of it."""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling.downstream_limit import DownstreamLimit
from qc_operator.scaling.stuck_consumers import Progress
from qc_operator.scaling.trial import Trial
from qc_operator.scaling.undecided import DECIDED, Undecided


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What the guards have made of the counters so far."""

    progress: tuple[Progress | None, ...] = ()
    """What has come of the messages of each entry."""
    trial: Trial | None = None
    limit: DownstreamLimit | None = None


_DECODER: Final = msgspec.msgpack.Decoder(Seen)
_ENCODER: Final = msgspec.msgpack.Encoder()


class GuardMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards have seen, for one QueueConsumer. Times are seconds of the operator's monotonic clock."""

    counters_at: float = 0.0
    """The sum of the times at which counters were read: another one than before means that there is news."""
    pods_at: float | None = None
    """When the pods were read first, or last while some found no node; None after a start, until they are read."""
    unschedulable_since: float | None = None
    """Since when pods have found no node; None while all do."""
    stuck: int = 0
    """The entries whose consumers are stuck, as bits."""
    limited: int = 0
    """The entries that the last step brought nothing for, as bits."""
    undecided: Undecided = DECIDED
    """What is known of a throughput while it is not known whether more replicas bring anything."""
    packed: bytes = _ENCODER.encode(Seen())
    """The rest as MessagePack: it is some 0.5 KiB; as objects it would be 2 KiB."""

    @property
    def seen(self) -> Seen:
        """The rest."""
        return _DECODER.decode(self.packed)


NOTHING_GUARDED: Final = GuardMemory()


def packed(seen: Seen) -> bytes:
    """For `GuardMemory.packed`."""
    return _ENCODER.encode(seen)

"""Remembers what was done lately, for the case that the acknowledgement did not arrive.

A connection may break between the end of a handler and its acknowledgement; the broker then delivers the message
again. If it comes back to this process it is acknowledged without running the handler a second time. The idea is
NServiceBus's; the memory is bounded and local, so it is a saving and no promise.
"""

from collections import OrderedDict

from qc_consumer.delivery import Delivery

CAPACITY = 1000


class RecentlyDone:
    """The last message ids and attempts that are done with."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._keys: OrderedDict[tuple[str, int], None] = OrderedDict()

    def add(self, delivery: Delivery) -> None:
        """Remember the delivery; without a message id there is nothing to know it by."""
        if delivery.message_id:
            self._keys[delivery.message_id, delivery.attempt] = None
            if len(self._keys) > self._capacity:
                self._keys.popitem(last=False)

    def knows(self, delivery: Delivery) -> bool:
        """Whether the delivery is one of them, come back.

        Only if the broker marks it as redelivered: the same id published anew (a replay) is meant to run. The
        attempt is part of the key, since a message that comes back from a retry queue is meant to run, too.
        """
        return delivery.redelivered and (delivery.message_id or "", delivery.attempt) in self._keys

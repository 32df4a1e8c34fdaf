"""What was done for which order: each once, however often it is handed in.

A message may be delivered twice: a consumer that dies after its work and before its acknowledgement
leaves it to the next one. So both the mail server and the invoice store keep one entry per order,
and count the repetitions.
"""

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The first time that an order was handed in."""

    content: bytes
    waited_seconds: float | None
    """From the message's publishing to the work done; None when the message does not say."""


@dataclass
class Ledger:
    """Entries by order id; safe for use by several threads."""

    _entries: dict[str, Entry] = field(default_factory=dict)
    _repeated: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, order_id: str, *, content: bytes, enqueued_at: float | None, now: float) -> bool:
        """Keep the content if it is the first for this order; True if it was.

        Args:
            order_id: whose receipt or invoice it is.
            content: the mail or the invoice.
            enqueued_at: when the message was published, in seconds since 1970, by the publisher's clock.
            now: seconds since 1970, by this machine's clock.

        """
        # Two machines' clocks may differ by some milliseconds; a negative wait would say nothing.
        waited = None if enqueued_at is None else max(0.0, now - enqueued_at)
        with self._lock:
            if order_id in self._entries:
                self._repeated[order_id] = self._repeated.get(order_id, 0) + 1
                return False
            self._entries[order_id] = Entry(content=content, waited_seconds=waited)
            return True

    def content(self, order_id: str) -> bytes | None:
        """Find the mail or invoice of this order; None if there is none."""
        with self._lock:
            entry = self._entries.get(order_id)
        return None if entry is None else entry.content

    def order_ids(self) -> list[str]:
        """List every order that has its entry, in the order of arrival."""
        with self._lock:
            return list(self._entries)

    def stats(self) -> dict[str, object]:
        """Count for /stats: orders, repetitions (and of which orders), longest wait in seconds."""
        with self._lock:
            waits = [entry.waited_seconds for entry in self._entries.values() if entry.waited_seconds is not None]
            return {
                "orders": len(self._entries),
                "repeated": sum(self._repeated.values()),
                "repeatedOrders": sorted(self._repeated)[:100],
                "longestWaitSeconds": round(max(waits), 3) if waits else None,
            }

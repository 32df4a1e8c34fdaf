"""Which orders were placed, and which the broker has confirmed: what everything else is checked against."""

import threading
from dataclasses import dataclass, field


@dataclass
class OrderBook:
    """Orders by id, safe for use by several threads.

    An order counts as *confirmed* once the broker has taken responsibility for it: from then on it must
    get its receipt and its invoice. One whose publishing failed may or may not have arrived, and is *failed*.
    """

    run: str
    """Part of every id: those of an earlier run must never be counted as this one's."""
    _placed: int = 0
    _confirmed: list[str] = field(default_factory=list)
    _failed: dict[str, str] = field(default_factory=dict)
    _first_confirmed_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self) -> str:
        """Open an order; its id."""
        with self._lock:
            self._placed += 1
            return f"{self.run}-{self._placed:06d}"

    def confirm(self, order_id: str, *, now: float) -> None:
        """Note that the broker has confirmed the order, at `now` seconds since 1970."""
        with self._lock:
            self._confirmed.append(order_id)
            if self._first_confirmed_at is None:
                self._first_confirmed_at = now

    def fail(self, order_id: str, *, error: str) -> None:
        """Note that the order could not be published, or that nobody knows."""
        with self._lock:
            self._failed[order_id] = error

    def order_ids(self) -> dict[str, list[str]]:
        """For /orders: the ids confirmed and failed."""
        with self._lock:
            return {"confirmed": list(self._confirmed), "failed": list(self._failed)}

    def stats(self) -> dict[str, object]:
        """For /stats."""
        with self._lock:
            errors = list(self._failed.values())
            return {
                "run": self.run,
                "placed": self._placed,
                "confirmed": len(self._confirmed),
                "failed": len(self._failed),
                "inFlight": self._placed - len(self._confirmed) - len(self._failed),
                "lastError": errors[-1] if errors else None,
                "firstConfirmedAt": self._first_confirmed_at,
            }

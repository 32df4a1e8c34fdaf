"""Two queues whose load is simulated, with replicas that follow it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

TURN: Final = 10
"""Seconds between two decisions."""
PER_REPLICA: Final = 20
DOWN_WINDOW: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change of replicas that the operator has written."""

    at: int
    name: str
    direction: str
    reason: str
    before: int
    after: int


@dataclass(slots=True, kw_only=True)
class Consumer:
    """A queue with its replicas: scaled up at once by its lag, down when a minute asks for less."""

    name: str
    random: Random
    most: int
    backlog: float = 0.0
    replicas: int = 0
    wanted: int = 0
    answers: list[int] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("published", "acked", "missed", "known"), 0.0)
    )
    burst_until: int = 0

    def turn(self, now: int) -> Event | None:
        """Let TURN seconds go by, and decide."""
        if self.random.random() < TURN / 1500:
            self.burst_until = now + self.random.randint(60, 240)
        daily = 1 + math.sin(now / 2400 + len(self.name))
        arrivals = TURN * (daily * 3 + (40 if now < self.burst_until else 0)) * (0 if daily < 0.2 else 1)
        done = min(self.backlog + arrivals, self.replicas * 4.0 * TURN)
        self.backlog += arrivals - done
        self.counts["published"] += arrivals
        self.counts["acked"] += done
        self.counts["known"] += TURN
        self.counts["missed"] += TURN if self.wait > 30 else 0
        self.wanted = math.ceil(self.backlog / PER_REPLICA)
        self.answers = [*self.answers, min(self.wanted, self.most)][-DOWN_WINDOW // TURN :]
        answer = self.answers[-1] if self.answers[-1] > self.replicas else min(self.replicas, max(self.answers))
        if answer == self.replicas:
            return None
        before, self.replicas = self.replicas, answer
        up = answer > before
        reason = (
            ("WokeUp" if before == 0 else "BacklogAboveTarget")
            if up
            else "Idle"
            if answer == 0
            else "BacklogBelowTarget"
        )
        time = datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.history = [{"time": time, "from": before, "to": answer, "reason": reason}, *self.history][:20]
        return Event(
            at=now, name=self.name, direction="up" if up else "down", reason=reason, before=before, after=answer
        )

    @property
    def wait(self) -> float:
        """Seconds until a message that arrives now is taken."""
        return self.backlog / max(self.replicas * 4.0, 1.0)

"""How long consumers may hold messages and acknowledge none before they count as stuck."""

from __future__ import annotations

from typing import Final

from qc_operator.scaling.rates import Rates
from qc_operator.spec_targets import MOST_SECONDS

SERVICE_TIMES: Final = 10.0
"""Silence lasts so many service times.

With one replica and exponential service times, 1 of 22,000 messages takes longer than that (e^-10); with n replicas
that work it is e^-10n.
"""

LEAST_SILENCE: Final = 60.0
"""Seconds of silence at least: the broker's statistics are up to 10 s old, and a pause of the garbage collector or a
time-out of what the consumer calls (30 s in many clients) is no reason yet."""

MOST_SILENCE: Final = 3600.0
"""Seconds of silence after which consumers count as stuck whose service time is long, but for `SLOW_SERVICE_TIMES`.

RabbitMQ closes by itself the channel of a consumer that takes 1800 s for a message (rabbitmq.com, "Consumers":
delivery acknowledgement timeout, 30 minutes by default).
"""

SLOW_SERVICE_TIMES: Final = 3.0
"""Service times that silence lasts in any case."""

UNKNOWN_SERVICE: Final = 60.0
"""Seconds that a message is taken to need while nothing is known of it."""

START_MOST: Final = 3600.0
"""Seconds of start-up that are added at most."""

MOST_PATIENCE: Final = SLOW_SERVICE_TIMES * MOST_SECONDS + START_MOST
"""The longest silence, in seconds: that of messages which take a day."""


def patience(*, rates: Rates, seconds_per_message: float | None, start_seconds: float) -> float:
    """Seconds without an acknowledgement after which consumers count as stuck.

    A throughput that is only a lower bound says that a message needs no longer than so: it counts where it is less than
    what is assumed of an unknown one. New pods need their start-up time on top.
    """
    service = seconds_per_message
    throughput = rates.throughput
    if throughput is not None and throughput > 0.0:
        if rates.throughput_from != "lowerBound":
            service = 1.0 / throughput
        elif service is None:
            service = min(1.0 / throughput, UNKNOWN_SERVICE)
    if service is None:
        service = UNKNOWN_SERVICE
    service = min(service, MOST_SECONDS)
    silence = min(SERVICE_TIMES * service, max(MOST_SILENCE, SLOW_SERVICE_TIMES * service))
    return max(LEAST_SILENCE, silence) + min(max(0.0, start_seconds), START_MOST)

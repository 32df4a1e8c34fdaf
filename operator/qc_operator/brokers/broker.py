"""One broker, as the readers of its vhosts share it."""

from __future__ import annotations

from dataclasses import dataclass

from qc_operator.brokers.alarms import Alarms
from qc_operator.brokers.login import Login
from qc_operator.brokers.pace import BrokerPace


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """What they have in common, whatever their vhosts."""

    login: Login
    pace: BrokerPace
    alarms: Alarms

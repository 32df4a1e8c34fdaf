"""What the bench of faults makes of readings, and what it can be asked for."""

import pytest

from bench.faults_list import FAULTS
from bench.faults_scene import _words
from qc_operator.scaling.observation import Depth, DepthReading, Missing, QueueObservation, Unknown
from tests.adapters.operator.keeper import REPLICAS

NOBODY = Unknown(cause="BrokerUnreachable", message="connection refused", at=0.0)


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Depth(ready=REPLICAS, consumers=0, at=0.0), None),
        (Depth(ready=0, consumers=0, at=0.0), "0 messages"),
        (Missing(message="no queue", at=0.0), "QueueMissing"),
        (NOBODY, "BrokerUnreachable"),
    ],
)
def test_a_reading_is_called_by_what_is_told_of_it(reading: DepthReading, words: str | None) -> None:
    assert words == _words(QueueObservation(name="orders", vhost="/", depth=reading, totals=NOBODY))


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_a_fault_lasts_long_enough_to_be_told() -> None:
    # A declare is given up after 2 s.
    assert all(fault.lasts > 2.0 for fault in FAULTS)

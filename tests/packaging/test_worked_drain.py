"""The worked example of `drain` in docs/decisions.md is what the function answers."""

from __future__ import annotations

import pytest

from qc_operator.scaling.drain import drain
from tests.packaging.documents import DOCS, table
from tests.unit.operator.situations import situation, waiting

PAGE = DOCS / "decisions.md"


@pytest.mark.parametrize("row", table(PAGE, "drain"), ids=lambda row: f"{row[0]}-messages-{row[1]}-replicas")
def test_the_example_is_what_is_answered(row: list[str]) -> None:
    ready, replicas, wanted = (int(cell) for cell in row[:3])

    demand = drain(
        situation(
            waiting(ready),
            target={"drain": {"withinSeconds": 600}},
            current=replicas,
            arrivals=40.0,
            acknowledgements=40.0,
            throughput=5.0,
            start_seconds=10.0,
        )
    )

    assert demand is not None
    assert (wanted, True) == (demand.replicas, demand.complete)

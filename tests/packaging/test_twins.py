"""Files that producer and consumer both have.

Neither may import the other, so that each can be installed alone; what both need exists twice and must stay equal.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["endpoint.py", "identifiers.py"])
def test_the_copies_differ_in_the_name_of_their_package_only(name: str) -> None:
    producers = (ROOT / "producer" / "qc_producer" / name).read_text()
    consumers = (ROOT / "consumer_image" / "qc_consumer" / name).read_text()

    assert producers.replace("qc_producer", "qc_consumer") == consumers

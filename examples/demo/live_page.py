"""The operator's live page in the browser of whoever watches the demo."""

import contextlib
import time
from collections.abc import Iterator

from .cluster import Cluster
from .leader import Leader
from .loopback import fetch
from .port_forward import PortForward

PORT = 8081
"""`page.port` of the chart."""
ANSWER_SECONDS = 20.0
"""The Lease may be free for some seconds after the operator's pods are ready."""


@contextlib.contextmanager
def opened(cluster: Cluster, leader: Leader) -> Iterator[str | None]:
    """Its address for as long as the block; None, once said why, where it does not answer: all else goes on."""
    forward = PortForward(
        kubectl=[cluster.programs["kubectl"]],
        environment=cluster.environment,
        namespace=leader.namespace,
        pod=leader.pod,
        port=PORT,
    )
    with forward:
        address = f"http://127.0.0.1:{forward.port}/"
        if _answers(address):
            yield address
        else:
            cluster.progress.detail(f"the live page does not answer at {address} within {ANSWER_SECONDS:.0f} s")
            for line in forward.said:
                cluster.progress.detail(line)
            yield None


def _answers(address: str) -> bool:
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            fetch(f"{address}api/v1/operator", timeout_seconds=5)
            return True
        time.sleep(0.2)
    return False

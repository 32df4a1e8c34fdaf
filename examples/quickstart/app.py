"""The consumer: half a second of work for each message."""

import time
from typing import Any

from qc_consumer import Delivery


def handle(order: dict[str, Any], delivery: Delivery) -> None:
    """Work on one order. Returning acknowledges it; an exception has it tried again later."""
    time.sleep(0.5)
    print(f"receipt for order {order['id']}, attempt {delivery.attempt}")

"""The handler of the tests' consumers: works as long as the message says, then tells of it on the queue `done`."""

import os
import time
from typing import Any

from qc_consumer import Delivery


def handle(body: dict[str, Any], delivery: Delivery) -> None:
    time.sleep(body["seconds"])
    done = {"id": body["id"], "redelivered": delivery.redelivered, "pod": os.environ["POD_NAME"]}
    delivery.publish(done, body["done"])

"""`python -m qc_operator`: start and stop, nothing else."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from typing import Final

from qc_operator import runtime
from qc_operator.settings import SettingsError, from_environment
from qc_operator.watch_log import TellsNothingTwice

SWITCH_INTERVAL: Final = 0.0005
"""Seconds after which a thread that waits for the interpreter gets it, in place of Python's 0.005. The watch, in a
thread of its own, is busy for minutes with the echo of 10,000 statuses, and the loop of decisions lets go of the
interpreter at each read and write of a socket."""


def main() -> int:
    """Run the operator; returns the exit status."""
    parser = argparse.ArgumentParser(prog="qc_operator", description="Scales the consumers of RabbitMQ queues.")
    parser.add_argument("--shard", metavar="I/N", help="serve this part of all QueueConsumers only (QC_SHARD)")
    shard = parser.parse_args().shard
    try:
        settings = from_environment(os.environ | ({"QC_SHARD": shard} if shard is not None else {}))
    except SettingsError as error:
        print(f"qc_operator: {error}", file=sys.stderr)  # noqa: T201 - there is no log yet
        return 2
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Both report each connection attempt and each watch cycle at INFO; ours says what came of them.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    # It warns that it is in a thread of its own, which is where we put it.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(TellsNothingTwice())
    sys.setswitchinterval(SWITCH_INTERVAL)
    return asyncio.run(runtime.run(settings))


if __name__ == "__main__":
    sys.exit(main())

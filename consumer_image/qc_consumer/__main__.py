"""`python -m qc_consumer`: run the handler that the environment names. Exit code 2: a setting is wrong."""

import logging
import os
import signal
import sys

from qc_consumer.consumer import Consumer
from qc_consumer.endpoint import resolve
from qc_consumer.errors import ConfigurationError
from qc_consumer.handler import load_handler
from qc_consumer.log import configure
from qc_consumer.settings import read

log = logging.getLogger("qc_consumer")


def main() -> int:
    """Start, run until SIGTERM, and give the exit code."""
    # The handler's module may take its time to load. As process 1 of a container, where a signal without a handler
    # is ignored, the program would otherwise miss a SIGTERM meanwhile and run until it is killed.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    try:
        program = read(os.environ)
        configure(level=program.log_level, form=program.log_format)
        resolve(None, os.environ)
        consumer = Consumer.of(program.settings, load_handler(program.handler))
        consumer.run()
    except ConfigurationError as error:
        print(f"qc_consumer: {error}", file=sys.stderr)  # noqa: T201 - for people, whatever the log's form
        return 2
    log.info("drained, goodbye")
    if consumer.stuck:
        # A thread cannot be ended, and its message has been given back: leave without waiting for it.
        logging.shutdown()
        os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m qc_operator`: start and stop, nothing else."""

from __future__ import annotations

import asyncio
import logging
import sys

from qc_operator import runtime
from qc_operator.settings import SettingsError, from_environment


def main() -> int:
    """Run the operator; returns the exit status."""
    try:
        settings = from_environment()
    except SettingsError as error:
        print(f"qc_operator: {error}", file=sys.stderr)  # noqa: T201 - there is no log yet
        return 2
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Both report each connection attempt and each watch cycle at INFO; ours says what came of them.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    return asyncio.run(runtime.run(settings))


if __name__ == "__main__":
    sys.exit(main())

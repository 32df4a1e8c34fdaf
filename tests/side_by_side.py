"""`python -m tests.side_by_side [OPTION...]`: every test, in two runs of pytest at the same time.

Some suites do little but wait: for a Lease to run out, for an API server or a broker to come back. They run beside the
others, which keep the processor busy; one after the other both would take half as long again. What the second run says
is printed when the first is over.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Final

from tests.ports import RANGE

# Quick ones first, so that a mistake shows early.
BUSY: Final = (
    *("tests/unit", "tests/property", "tests/packaging", "tests/dashboards"),
    *("tests/behaviour", "tests/adapters", "tests/e2e"),
)
WAITING: Final = ("tests/adapters/kubernetes", "tests/adapters/operator", "tests/e2e/leadership", "tests/chaos")
# A port whose server is down for a moment must not go to a server of the other run.
PORTS: Final = ("20000-24999", "25000-29999")
NONE_COLLECTED: Final = 5


def main(options: Sequence[str]) -> int:
    """Run all of them; returns the exit status of the first run that failed, 0 if none did."""
    pytest = [sys.executable, "-m", "pytest", *options]
    left_out = [f"--ignore={suite}" for suite in WAITING]
    # The cache of what failed last is the first run's.
    waiting = [*pytest, "-p", "no:cacheprovider", *WAITING]
    with tempfile.TemporaryFile("w+") as said:
        _say(f"==> beside all others, and told at the end: {' '.join(WAITING)}\n")
        ports, other_ports = ({**os.environ, RANGE: ports} for ports in PORTS)
        beside = subprocess.Popen(
            waiting, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env=other_ports
        )
        try:
            status = subprocess.run([*pytest, *BUSY, *left_out], check=False, env=ports).returncode
            _say(f"==> {' '.join(WAITING)}\n")
            beside.wait()
        except BaseException:
            # Ctrl-C reaches it from the terminal, SIGTERM does not. Either way it undoes what it has made.
            beside.send_signal(signal.SIGINT)
            beside.wait()
            raise
        said.seek(0)
        _say(said.read())
    # With `-k` one of them may have nothing to do.
    failed = [each for each in (status, beside.returncode) if each not in {0, NONE_COLLECTED}]
    return failed[0] if failed else min(status, beside.returncode)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

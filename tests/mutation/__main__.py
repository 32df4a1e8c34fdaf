"""`python -m tests.mutation [MODULE...]`: change each line of what decides, and see whether a test notices.

Without a module all of `scaling/` is taken, and results are kept: only functions that have changed are tried again, and
what survived, if anything has. A module that is named is tried as a whole. `--fresh` forgets every result. Fails when
less than 85 % of the mutants were killed.
"""

import argparse
import os
import subprocess
import sys
from typing import Final

from tests.mutation import copy_of_the_tree, results

LEAST: Final = 0.85
"""The part of the mutants that has to be killed."""


def main() -> int:
    """Returns the exit status: 0 when enough mutants were killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as behavior; all of scaling/ otherwise")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--survivors", action="store_true", help="only show what survived, as diffs")
    options = parser.parse_args()
    at = copy_of_the_tree.cache() / "mutation"
    if options.survivors:
        results.show(at=at, modules=options.modules)
        return 0
    if options.fresh:
        copy_of_the_tree.removed(at=at)
    if copy_of_the_tree.made(at=at):
        results.forget_survivors(at=at)
    patterns = [f"qc_operator.scaling.{module}.*" for module in options.modules]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(options.workers), *patterns]
    status = subprocess.run(command, cwd=at, env=environment, check=False).returncode
    if status:
        return status
    return results.told(at=at, least=LEAST)


if __name__ == "__main__":
    sys.exit(main())

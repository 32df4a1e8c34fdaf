"""`python -m tests.e2e.hpa`: record what the HPA's controller does again, and write the page's tables from it."""

import asyncio
import tempfile
from pathlib import Path

from tests.e2e.hpa import page, recording
from tests.e2e.hpa.cases import CASES
from tests.e2e.hpa.control_plane import ControlPlane
from tests.e2e.hpa.measuring import measured


def main() -> None:
    """Record, and write both files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plane = ControlPlane(folder)
        try:
            plane.start()
            recording.write(asyncio.run(measured(cases=CASES, plane=plane, folder=folder)))
        finally:
            plane.close()
    page.write(recording.read())


if __name__ == "__main__":
    main()

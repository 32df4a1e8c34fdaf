"""The programs that the packaging tests run."""

from pathlib import Path

import pytest

from devcluster import toolchain


@pytest.fixture(scope="session")
def helm() -> Path:
    """The helm of devcluster, built first where it is not in the cache yet."""
    return toolchain.tools() / "helm"

"""A real single-node Kubernetes on one Linux machine, for the demo and the end-to-end tests.

Kubernetes is built from its Go modules, the node comes from Debian packages, and images are built by buildah, so that
no container engine and no image registry is needed. Everything uses the standard library only: the cluster can be
brought up by a bare ``python3`` before any dependency is installed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # started by whatever python3 the machine has, before anything is installed
    sys.exit(f"devcluster: Python 3.11 or newer is needed, this is {sys.version.split()[0]}: {sys.executable}")

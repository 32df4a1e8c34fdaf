"""The two images that come from no Dockerfile alone: a static program and a Debian root file system."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from devcluster import layout
from devcluster.failure import Failure
from devcluster.images.recipe import REPOSITORY
from devcluster.progress import run, run_long
from devcluster.toolchain import find_go

# python3-venv is for the build stage of our Dockerfiles.
_PACKAGES = "ca-certificates,python3,python3-venv"
# Nothing reads these in a container; dpkg keeps packages that are installed later from bringing them back.
_UNWANTED = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "usr/share/lintian")
_EMPTIED = ("dev", "proc", "sys", "run", "tmp", "var/cache/apt", "var/lib/apt/lists", "var/log")


def compile_pause(context: Path) -> None:
    """Build the sandbox program into *context*."""
    go, _ = find_go()
    source = REPOSITORY / "devcluster" / "images" / "pause" / "main.go"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    argv: list[str | Path] = [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", context / "pause", source]
    run(argv, environment=environment, seconds=300)


def bootstrap_base(context: Path) -> None:
    """Put a minimal root file system of the host's own Debian release into *context* as rootfs.tar.

    The packages come from the host's mirror. Raises Failure when the host's apt names none.
    """
    release = _release()
    texts = [file.read_text() for file in sorted(Path("/etc/apt").glob("sources.list*")) if file.is_file()]
    texts += [file.read_text() for file in sorted(Path("/etc/apt/sources.list.d").glob("*.[sl]*")) if file.is_file()]
    archives = [archive for text in texts for archive in archives_in(text)]
    mirrors = [mirror for mirror, suite in archives if suite == release]
    if not mirrors:
        raise Failure(f"The base image needs a package mirror, and /etc/apt names none for the release {release!r}.")
    root = context / "rootfs"
    run_long(
        ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", release, root, mirrors[0]],
        step=f"making the base image: a minimal Debian {release} (about 2 minutes, once)",
        log=layout.cache() / "logs" / "base.log",
    )
    lines = [f"deb {mirror} {suite} main" for mirror, suite in archives if suite.partition("-")[0] == release]
    (root / "etc/apt/sources.list").write_text("\n".join([*dict.fromkeys(lines), ""]))
    _trim(root)
    run(["tar", "--numeric-owner", "-C", root, "-cf", context / "rootfs.tar", "."], seconds=300)
    shutil.rmtree(root)


def archives_in(text: str) -> Iterator[tuple[str, str]]:
    """Mirror and suite of every binary archive that has a ``main``, in either format of sources.list(5)."""
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^]]*]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
        if match and "main" in match[3].split():
            yield match[1], match[2]
    for stanza in re.split(r"\n\s*\n", text):
        fields = {
            name.lower(): value.split()
            for line in stanza.splitlines()
            if not line.startswith("#") and ":" in line
            for name, _, value in [line.partition(":")]
        }
        if "deb" in fields.get("types", []) and "main" in fields.get("components", []):
            yield from ((uri, suite) for uri in fields.get("uris", []) for suite in fields.get("suites", []))


def _release() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip('"')
    raise Failure("The base image is made by debootstrap, and /etc/os-release names no release: use Debian or Ubuntu.")


def _trim(root: Path) -> None:
    for name in (*_UNWANTED, *_EMPTIED):
        shutil.rmtree(root / name, ignore_errors=True)
    for name in _EMPTIED:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    rules = "".join(f"path-exclude=/{name}/*\n" for name in _UNWANTED)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(rules)

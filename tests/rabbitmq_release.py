"""The releases of RabbitMQ that the tests run against: this machine's own, and the newest that Debian offers.

The newest needs newer libraries than this machine has. Its packages and all that they need are unpacked into a folder
of the cache and never installed: no script of theirs runs, so none can start a service. A program of that release
sees this folder as its /usr, in a mount namespace of its own (mount_namespaces(7)): all other paths are the machine's,
nobody else sees the mount, and it is gone with the program, however that ends.
"""

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devcluster import layout, lock
from devcluster.failure import Failure
from devcluster.images.bootstrap import archives_in
from devcluster.machine import require_root
from devcluster.progress import run, run_long, say
from devcluster.toolchain import content_key

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
"""Where Debian's package puts the server's own scripts; those in /usr/sbin insist on a change of user."""

SUITES = ("forky", "trixie")
"""Newest first: Debian testing (RabbitMQ 4.3 in 2026), whose packages do not always fit together, then Debian 13 (4.0).

Code names, because what "testing" means changes: a suite of this name only ever gets newer.
"""

# Nothing of it is needed to run a broker; a third of what is unpacked.
_UNWANTED = (
    "bin/rabbitmqadmin",
    "lib/*/gconv",
    "lib/*/systemd",
    "lib/systemd",
    "share/doc",
    "share/info",
    "share/lintian",
    "share/locale",
    "share/man",
)

_ENTER = 'mount --bind "$0" /usr && exec "$@"'


class RabbitMQMissingError(Exception):
    """A release of RabbitMQ cannot be had on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Where a release's programs are."""

    name: str
    """The one that was asked for: `3.10` or `4`."""
    usr: Path
    """What its programs see as /usr."""

    @property
    def version(self) -> tuple[int, ...]:
        """The exact version, such as (4, 3, 6)."""
        server = next((self.usr / "lib/rabbitmq/lib").glob("rabbitmq_server-*"))
        return tuple(int(part) for part in server.name.partition("-")[2].split("."))

    def command(self, *argv: str) -> list[str]:
        """Give the command line by which this machine runs a program of the release; it keeps its process id."""
        if self.usr == Path("/usr"):
            return [*argv]
        return ["unshare", "--mount", "--", "sh", "-c", _ENTER, str(self.usr), *argv]


def release(name: str) -> Release:
    """Find a release by its name, `3.10` for this machine's own or `4` for the newest, which is made when needed.

    Raises RabbitMQMissingError, saying what to do.
    """
    if name == "4":
        return Release(name=name, usr=_newest())
    if not (SCRIPTS / "rabbitmq-server").exists() or shutil.which("epmd") is None:
        raise RabbitMQMissingError(
            "RabbitMQ is not installed, and these tests run against a real one: "
            "apt-get install rabbitmq-server (and stop the node that the package starts, it is not used)"
        )
    return Release(name=name, usr=Path("/usr"))


def _newest() -> Path:
    try:
        require_root("A newer RabbitMQ than this machine's is run with another /usr, which only root may mount")
        with lock.of_folder(layout.cache() / "rabbitmq"):
            return _unpacked(SUITES)
    except Failure as failure:
        raise RabbitMQMissingError(str(failure)) from failure


def _unpacked(suites: Sequence[str]) -> Path:
    newest, *older = suites
    home = layout.cache() / "rabbitmq" / f"{newest}-{content_key(newest, *_UNWANTED)}"
    if home.exists():
        return home
    try:
        _unpack(suite=newest, home=home)
    except Failure as failure:
        if not older:
            raise
        say(f"Debian {newest} has no RabbitMQ for us now; going on with {older[0]}. {failure}")
        return _unpacked(older)
    return home


def _unpack(*, suite: str, home: Path) -> None:
    with lock.scratch(home.parent) as scratch:
        run_long(
            # `sid` is the script for suites that came after this machine's debootstrap, which knows no newer names.
            ["debootstrap", "--variant=minbase", "--download-only", "--include=rabbitmq-server", suite,
             scratch / "packages", _mirror(), "sid"],
            step=f"fetching the newest RabbitMQ, from Debian {suite} (about 15 seconds, once)",
            log=layout.cache() / "logs" / "rabbitmq.log",
        )  # fmt: skip
        for package in sorted((scratch / "packages/var/cache/apt/archives").glob("*.deb")):
            run(["dpkg-deb", "--extract", package, scratch / "root"])
        usr = scratch / "root" / "usr"
        if not (usr / "lib/rabbitmq/bin").is_dir():
            raise Failure(f"The packages that debootstrap chose of Debian {suite} have no rabbitmq-server.")
        for pattern in _UNWANTED:
            for path in usr.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        usr.rename(home)


def _mirror() -> str:
    """The mirror that this machine itself gets its packages from."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    folder = Path("/etc/apt")
    for file in [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.[sl]*"))]:
        for mirror, suite in archives_in(file.read_text() if file.exists() else ""):
            if suite == codename:
                return mirror
    raise Failure(
        f"A newer RabbitMQ comes from a package mirror, and /etc/apt names none for the release {codename!r}."
    )

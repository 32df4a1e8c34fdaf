"""The command line: ``python -m devcluster``."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from devcluster import cluster, images, layout, lock, machine, toolchain
from devcluster.failure import Failure
from devcluster.progress import say

_WHY_ROOT = "The cluster makes cgroups, mounts and network interfaces"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0, or 1 with a sentence on standard error."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    machine.load_program_path()
    try:
        return command(options)
    except Failure as failure:
        print(f"devcluster: {failure}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has what it wanted (`status | head`); nothing is left to be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("devcluster: interrupted; `up` continues, `down` cleans up.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devcluster", description="A real single-node Kubernetes on this machine."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(command=command)
        return added

    add("up", _up, "Bring the cluster up; repairs a damaged one, returns at once for a healthy one.")
    add("down", _down, "Take the cluster down and remove every trace of it.")
    add("status", _status, "Show components, node and pods; exit status 0 only when all is healthy.")
    add("kubeconfig", _kubeconfig, "Print the path of the administrator's kubeconfig.")
    add("tools", _tools, "Print the folder of kubectl and helm, to put on PATH.")
    add("packages", _packages, "Install the Debian packages that are missing.")
    build = add("build", _build, "Build images (all of them if none is named) and print their archives.")
    build.add_argument("images", nargs="*", metavar="IMAGE", type=_image)
    load = add("load", _load, "Build images if need be and load them into the cluster.")
    load.add_argument("images", nargs="+", metavar="IMAGE", type=_image)
    return parser


def _image(name: str) -> str:
    if name not in images.NAMES:
        raise argparse.ArgumentTypeError(f"there is no image {name!r}; there are {', '.join(images.NAMES)}")
    return name


def _up(_: argparse.Namespace) -> int:
    machine.require_root(_WHY_ROOT)
    with lock.of_cluster():
        cluster.up(layout.current())
    return 0


def _down(_: argparse.Namespace) -> int:
    machine.require_root(_WHY_ROOT)
    with lock.of_cluster():
        cluster.down(layout.current())
    say("the cluster is down")
    return 0


def _status(_: argparse.Namespace) -> int:
    place = layout.current()
    if not place.root.exists():
        print("The cluster is down.")
        return 1
    machine.require_root(_WHY_ROOT)
    wanted = cluster.components(place)
    parts = cluster.health(layout=place, wanted=wanted)
    print(f"{'COMPONENT':<26}{'PID':>8}  STATE")
    for part in parts:
        state = "dead" if part.pid is None else "ready" if part.ready else "not ready"
        print(f"{part.name:<26}{part.pid or '-':>8}  {state}")
    if not all(part.ready for part in parts):
        return 1
    for resource in (["nodes"], ["pods", "--all-namespaces"]):
        print()
        with contextlib.suppress(Failure):
            print(cluster.kubectl("get", *resource, "-o", "wide", "--request-timeout=5s", layout=place).rstrip())
    return 0 if cluster.is_healthy(layout=place, wanted=wanted) else 1


def _kubeconfig(_: argparse.Namespace) -> int:
    print(layout.current().kubeconfig)
    return 0


def _tools(_: argparse.Namespace) -> int:
    print(toolchain.tools())
    return 0


def _packages(_: argparse.Namespace) -> int:
    installed = machine.install_packages()
    say(f"installed {', '.join(installed)}" if installed else "nothing is missing")
    return 0


def _build(options: argparse.Namespace) -> int:
    machine.require_root("Images are built by buildah with mounts of its own")
    machine.require_packages(machine.missing_packages())
    for name in options.images or images.NAMES:
        print(images.build(name=name))
    return 0


def _load(options: argparse.Namespace) -> int:
    machine.require_root("Images are loaded by containerd, which only root may talk to")
    machine.require_packages(machine.missing_packages())
    for name in options.images:
        images.load(name=name)
    return 0


if __name__ == "__main__":
    sys.exit(main())

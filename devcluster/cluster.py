"""Bringing the cluster up, telling how it is, taking it down.

``up`` compares what runs with what should: a component that runs with the right command line and answers is left
alone, anything else is started. A cluster that never was complete, or that an earlier boot or another version of this
package left, is taken down first: repairing what is half made is less certain than making it, which takes seconds.
"""

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from devcluster import (
    atomic,
    certificates,
    cgroups,
    control_plane,
    dns,
    images,
    leftovers,
    machine,
    network,
    node,
    processes,
    state_folder,
    toolchain,
)
from devcluster.component import Component
from devcluster.failure import Failure
from devcluster.layout import NODE, Layout
from devcluster.progress import run, say

_READY_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Health:
    """One component's state, for the table of ``status``."""

    name: str
    pid: int | None
    ready: bool


def up(layout: Layout) -> None:
    """Bring the cluster up, or make a damaged one whole; returns when node and DNS are ready.

    Raises Failure when the machine lacks something or a component does not become ready.
    """
    machine.require_packages(machine.missing_packages())
    machine.require_no_other_kubernetes()
    state_folder.require_not_anothers(layout)
    _require_no_other_state(layout)
    began = time.monotonic()
    programs = toolchain.programs()
    toolchain.tools()
    pause = images.build(name="pause")
    wanted = _components(layout=layout, programs=programs)
    fingerprint = json.dumps({"boot": processes.boot_id(), **{part.name: part.command for part in wanted}}, indent=1)
    existing = bool(cgroups.processes()) or network.is_ours(layout)
    if existing and not _matches(layout=layout, fingerprint=fingerprint):
        say("removing what an unfinished or an earlier cluster left")
        down(layout)
        existing = False
    if not existing:
        # Also where an earlier cluster was removed: in another boot, another Kubernetes may have come since.
        network.require_no_foreign_chains()
    if existing and is_healthy(layout=layout, wanted=wanted):
        say("the cluster is up already")
        return
    try:
        _ensure(layout=layout, wanted=wanted, pause=pause, fingerprint=fingerprint)
    except Failure as failure:
        if not existing:
            raise
        say(f"the cluster could not be repaired ({failure}); making it anew")
        down(layout)
        _ensure(layout=layout, wanted=wanted, pause=pause, fingerprint=fingerprint)
    say(f"the cluster is up after {time.monotonic() - began:.0f} s: export KUBECONFIG={layout.kubeconfig}")


def down(layout: Layout) -> None:
    """Take the cluster down and remove every trace of it. Safe to repeat, and for a cluster in any condition.

    Raises Failure, and removes nothing, when the state folder is not ours.
    """
    state_folder.require_not_anothers(layout)
    _require_no_other_state(layout)
    if not cgroups.processes() and not network.is_ours(layout):
        # Rules of another Kubernetes have the same names as ours: without a sign of ours, nothing is touched.
        return
    # Nobody is asked politely: the API server would take 10 s to say good-bye, and all that it has to save is removed.
    cgroups.kill_all()
    leftovers.unmount_below(layout.root)
    network.clean(layout)
    leftovers.remove(layout)


def components(layout: Layout) -> tuple[Component, ...]:
    """Every component of the cluster, in the order of their start."""
    return _components(layout=layout, programs=toolchain.programs())


def health(*, layout: Layout, wanted: Iterable[Component]) -> list[Health]:
    """How each component is."""
    return [
        Health(name=part.name, pid=record.pid if record else None, ready=record is not None and part.ready())
        for part in wanted
        for record in [_running(layout=layout, component=part)]
    ]


def is_healthy(*, layout: Layout, wanted: Iterable[Component]) -> bool:
    """Whether every component answers, the node is ready and Services' names resolve."""
    wanted = tuple(wanted)
    parts_ready = all(part.ready for part in health(layout=layout, wanted=wanted))
    return parts_ready and _node_ready(layout) and dns.service_ready()


def kubectl(*arguments: str, layout: Layout, stdin: str | None = None) -> str:
    """Run kubectl as the administrator and return its output; Failure when it fails."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(layout.root), "KUBECONFIG": str(layout.kubeconfig)}
    return run([toolchain.tools() / "kubectl", *arguments], stdin=stdin, environment=environment)


def _require_no_other_state(layout: Layout) -> None:
    """Raise Failure when the machine's cluster lies in another folder: network and cgroups are there only once."""
    for pid in cgroups.processes():
        home = processes.environment_of(pid).get("HOME")
        if home and Path(home) != layout.root and Path(home, "pki").is_dir():
            raise Failure(
                f"A cluster with its state in {home} is on this machine, and there is room for one. Use it, or take it "
                f"down first: QC_DEVCLUSTER_STATE={home} python3 -m devcluster down."
            )


def _components(*, layout: Layout, programs: dict[str, Path]) -> tuple[Component, ...]:
    return (
        node.runtime(layout),
        *control_plane.components(layout=layout, programs=programs),
        *node.components(layout=layout, programs=programs),
        dns.component(layout=layout, program=programs["coredns"]),
    )


def _matches(*, layout: Layout, fingerprint: str) -> bool:
    try:
        return layout.complete.read_text() == fingerprint
    except OSError:
        return False


def _running(*, layout: Layout, component: Component) -> processes.Record | None:
    record = processes.read_record(layout.run / f"{component.name}.pid")
    return record if processes.is_alive(record) else None


def _ensure(*, layout: Layout, wanted: tuple[Component, ...], pause: Path, fingerprint: str) -> None:
    state_folder.create(layout)
    cgroups.prepare()
    network.prepare(layout)
    certificates.create(layout.pki)
    for part in (control_plane, node, dns):
        part.configure(layout)
    missing = _to_start(layout=layout, wanted=wanted)
    say(f"starting {', '.join(component.name for component in missing)}" if missing else "waiting for readiness")
    for component in missing:
        if _running(layout=layout, component=component) is None:
            # All of them before the first start: better no cluster than half of one.
            machine.require_free(component.listeners, used_by=component.name)
    for component in missing:
        _start(layout=layout, component=component)
    by_name = {component.name: component for component in wanted}
    _wait(layout=layout, component=by_name["containerd"])
    images.import_archive(pause, layout=layout)
    _wait(layout=layout, component=by_name["kube-apiserver"])
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", layout=layout, stdin=dns.manifest(layout))
    for component in wanted:
        _wait(layout=layout, component=component)
    _until(lambda: _node_ready(layout), failure=f"The node did not become ready; see {layout.logs}/kubelet.log.")
    _until(dns.service_ready, failure=f"DNS for Services does not answer; see {layout.logs}/kube-proxy.log.")
    atomic.write(layout.complete, fingerprint)


def _to_start(*, layout: Layout, wanted: tuple[Component, ...]) -> list[Component]:
    missing = [part.name for part in wanted if not _runs_as_wanted(layout=layout, component=part)]
    if "kube-apiserver" in missing:
        # Its clients have been backing off, up to 30 s between attempts: started anew, they are there at once.
        missing += ["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns"]
    return [part for part in wanted if part.name in missing]


def _runs_as_wanted(*, layout: Layout, component: Component) -> bool:
    record = _running(layout=layout, component=component)
    return record is not None and record.command == component.command


def _start(*, layout: Layout, component: Component) -> None:
    record = _running(layout=layout, component=component)
    if record:
        processes.stop([record])
    machine.require_free(component.listeners, used_by=component.name)
    processes.start(
        argv=component.argv,
        command=component.command,
        record=layout.run / f"{component.name}.pid",
        log=layout.logs / f"{component.name}.log",
        cgroup=cgroups.system(),
        # A bare environment: proxies and credentials of the person's shell are none of the cluster's business.
        environment={"PATH": os.environ["PATH"], "HOME": str(layout.root)},
    )


def _wait(*, layout: Layout, component: Component) -> None:
    log = layout.logs / f"{component.name}.log"
    deadline = time.monotonic() + _READY_SECONDS
    restarts = 0
    while not component.ready():
        if _running(layout=layout, component=component) is None:
            # What starts before the API server answers may give up on it: a service manager would restart it, too.
            restarts += 1
            if restarts > 5:  # noqa: PLR2004  # five times in a row is no coincidence
                raise Failure(f"{component.name} ends right after its start; see {log}.")
            time.sleep(0.5)
            _start(layout=layout, component=component)
        if time.monotonic() > deadline:
            raise Failure(f"{component.name} did not become ready within {_READY_SECONDS:.0f} s; see {log}.")
        time.sleep(0.1)


def _until(condition: Callable[[], bool], *, failure: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(failure)
        time.sleep(0.2)


def _node_ready(layout: Layout) -> bool:
    path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    try:
        return kubectl("get", "node", NODE, "-o", path, "--request-timeout=5s", layout=layout) == "True"
    except Failure:
        return False

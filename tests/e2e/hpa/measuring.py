"""Record what the HPA's controller does with the cases, all of them at the same time."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.e2e.hpa.adapter import METRICS, TARGETS, Adapter, Target
from tests.e2e.hpa.cases import PER_REPLICA, Case
from tests.e2e.hpa.control_plane import ControlPlane
from tests.e2e.hpa.recording import STEP, Recordings
from tests.e2e.hpa.series import LENGTH
from tests.ports import free_ports

LATE: Final = 0.4
"""Seconds from a tick within which the controller must have decided: so far ticks are from the ends of windows."""

ROUNDS: Final = 3
"""So often a case is recorded at most. On an idle machine once: the controller takes 0.1 s at most."""

_PATIENCE: Final = 30.0


async def measured(*, cases: Mapping[str, Case], plane: ControlPlane, folder: Path) -> Recordings:
    """What the controller did, by the names of the cases.

    Raises AssertionError when the machine is so busy that nothing can be said of its times.
    """
    adapter, (port,) = Adapter(), free_ports(1)
    await adapter.serve(port=port, certificate=plane.adapter_certificate, folder=folder)
    recordings: dict[str, Any] = {}
    try:
        for group, version in (METRICS, TARGETS):
            await asyncio.to_thread(plane.register, group=group, version=version, port=port)
        for number in range(ROUNDS):
            left = {name: case for name, case in cases.items() if name not in recordings}
            targets = await _round(cases=left, plane=plane, adapter=adapter, number=number)
            in_time = {name: target for name, target in targets.items() if target.slowest < LATE}
            recordings |= {name: target.syncs for name, target in in_time.items()}
            if len(recordings) == len(cases):
                return {name: recordings[name] for name in cases}
    finally:
        await adapter.close()
    late = {name: round(target.slowest, 3) for name, target in targets.items() if name not in recordings}
    raise AssertionError(f"the machine was too busy to compare times: seconds that one sync took, at most: {late}")


async def _round(
    *, cases: Mapping[str, Case], plane: ControlPlane, adapter: Adapter, number: int
) -> Mapping[str, Target]:
    # In another round under another name: the controller remembers what it did under this one.
    made = {name: f"{name}-{number}" for name in cases}
    for index, (name, case) in enumerate(cases.items()):
        adapter.targets[made[name]] = Target(case=case, phase=STEP * index / len(cases))
    for name, case in cases.items():
        path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
        created = await asyncio.to_thread(plane.call, "POST", path, _autoscaler(name=made[name], case=case))
        assert created is not None, f"the API server refuses the HorizontalPodAutoscaler {name}"
    if number == 0:
        await asyncio.to_thread(plane.start_controller)
    targets = {name: adapter.targets[made[name]] for name in cases}
    waiting = [asyncio.create_task(target.finished.wait()) for target in targets.values()]
    _, left = await asyncio.wait(waiting, timeout=STEP * LENGTH + _PATIENCE)
    assert not left, f"the controller has not come to the end of {len(left)} cases; see its log in {plane.folder}"
    return targets


def _autoscaler(*, name: str, case: Case) -> dict[str, Any]:
    target = {"type": "AverageValue", "averageValue": str(PER_REPLICA)}
    spec = {
        "scaleTargetRef": {"apiVersion": "/".join(TARGETS), "kind": "Target", "name": name},
        "minReplicas": case.min,
        "maxReplicas": case.max,
        "metrics": [{"type": "External", "external": {"metric": {"name": name}, "target": target}}],
    }
    if case.behavior is not None:
        spec["behavior"] = case.behavior
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": spec,
    }

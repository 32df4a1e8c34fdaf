"""Other controllers on our targets: HorizontalPodAutoscalers and KEDA's ScaledObjects, by the `scaleTargetRef` of each.

Both are watched, so that a conflict is seen before the first fight over it, and its end at once. As the controller of
HorizontalPodAutoscalers does, a reference is taken by its group and kind, whatever the version it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from qc_operator.cluster.client import KubernetesApi
from qc_operator.cluster.reflector import Metadata, Reflector, Resource
from qc_operator.conflict import Rival
from qc_operator.ownership import TargetId, target_id
from qc_operator.registry import Key
from qc_operator.resource import ScaleTargetRef

AUTOSCALERS: Final = Resource(base="/apis/autoscaling/v2", plural="horizontalpodautoscalers")
SCALED_OBJECTS: Final = Resource(base="/apis/keda.sh/v1alpha1", plural="scaledobjects")

SETTLES_WITHIN: Final = 10.0
"""Seconds that nobody writes for want of knowledge. A list may fail for days: of ScaledObjects while KEDA's webhook is
away, for example."""


class _Owner(msgspec.Struct, frozen=True):
    kind: str = ""
    name: str = ""


class _Metadata(Metadata, rename="camel"):
    owner_references: tuple[_Owner, ...] = ()


class _Ref(msgspec.Struct, frozen=True, rename="camel"):
    """The defaults are KEDA's. A HorizontalPodAutoscaler names its target's kind."""

    name: str = ""
    api_version: str = "apps/v1"
    kind: str = "Deployment"


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    scale_target_ref: _Ref = _Ref()


class Scaler(msgspec.Struct):
    """What is read of an object of either kind, and no more."""

    metadata: _Metadata
    spec: _Spec = _Spec()

    @property
    def target(self) -> TargetId:
        """What it scales."""
        ref = self.spec.scale_target_ref
        return target_id(
            namespace=self.metadata.namespace,
            ref=ScaleTargetRef(name=ref.name, kind=ref.kind or "Deployment", api_version=ref.api_version or "apps/v1"),
        )

    @property
    def scaled_object(self) -> str:
        """The ScaledObject that it belongs to; empty where it belongs to none."""
        return next((owner.name for owner in self.metadata.owner_references if owner.kind == "ScaledObject"), "")


class Index:
    """The objects of one kind by what they scale."""

    def __init__(self) -> None:
        self._by_key: dict[Key, Scaler] = {}
        self._by_target: dict[TargetId, dict[str, Scaler]] = {}

    def put(self, scaler: Scaler) -> set[TargetId]:
        """Take in an object as it is now. Returns the targets that it is, or was, about."""
        key = Key(scaler.metadata.namespace, scaler.metadata.name)
        touched = self.drop(key)
        self._by_key[key] = scaler
        self._by_target.setdefault(scaler.target, {})[key.name] = scaler
        return touched | {scaler.target}

    def drop(self, key: Key) -> set[TargetId]:
        """Forget an object. Returns the target that it was about."""
        scaler = self._by_key.pop(key, None)
        if scaler is None:
            return set()
        others = self._by_target[scaler.target]
        del others[key.name]
        if not others:
            del self._by_target[scaler.target]
        return {scaler.target}

    def on(self, target: TargetId) -> Scaler | None:
        """One that scales this target, always the same one while there are the same; None where none does."""
        scalers = self._by_target.get(target)
        return scalers[min(scalers)] if scalers else None


class Rivals:
    """Knows every HorizontalPodAutoscaler and ScaledObject. `changed` tells of targets for which `on` answers anew."""

    def __init__(
        self, *, api: KubernetesApi, changed: Callable[[TargetId], None], namespaces: Sequence[str] = ()
    ) -> None:
        self._changed = changed
        self._autoscalers, self._scaled_objects = Index(), Index()
        self._told: dict[TargetId, Rival] = {}
        self._settled = asyncio.Event()
        self._reflectors = {
            "HorizontalPodAutoscalers": self._reflector(AUTOSCALERS, self._autoscalers, api=api, namespaces=namespaces),
            "ScaledObjects": self._reflector(SCALED_OBJECTS, self._scaled_objects, api=api, namespaces=namespaces),
        }

    async def run(self) -> None:
        """Watch until cancelled."""
        late = asyncio.get_running_loop().call_later(SETTLES_WITHIN, self._settled.set)
        try:
            async with asyncio.TaskGroup() as tasks:
                for reflector in self._reflectors.values():
                    tasks.create_task(reflector.run())
        finally:
            late.cancel()

    def on(self, target: TargetId) -> Rival | None:
        """Who else scales this target, or None."""
        return self._told.get(target)

    async def settled(self) -> None:
        """Wait until all that can be known is known, at most `SETTLES_WITHIN`. Before that, nobody should write."""
        await self._settled.wait()

    def problem_in(self, namespace: str) -> str | None:
        """What is not seen there and what to do about it, as a sentence; None also where KEDA is not installed."""
        problems = [
            f"conflicts with {kind} are not seen: {problem}"
            for kind, reflector in self._reflectors.items()
            if not reflector.absent and (problem := reflector.problem_in(namespace)) is not None
        ]
        return "; ".join(problems) or None

    def _reflector(
        self, resource: Resource, index: Index, *, api: KubernetesApi, namespaces: Sequence[str]
    ) -> Reflector[Scaler]:
        return Reflector(
            api=api,
            resource=resource,
            type=Scaler,
            changed=lambda scaler: self._tell(index.put(scaler)),
            deleted=lambda key: self._tell(index.drop(key)),
            told=self._look,
            namespaces=namespaces,
        )

    def _look(self) -> None:
        if all(
            reflector.synced or reflector.absent or reflector.problem is not None
            for reflector in self._reflectors.values()
        ):
            self._settled.set()

    def _tell(self, targets: set[TargetId]) -> None:
        for target in targets:
            rival = self._rival(target)
            if rival == self._told.get(target):
                continue
            if rival is None:
                del self._told[target]
            else:
                self._told[target] = rival
            self._changed(target)

    def _rival(self, target: TargetId) -> Rival | None:
        autoscaler, scaled_object = self._autoscalers.on(target), self._scaled_objects.on(target)
        if autoscaler is not None:
            # KEDA's own is known by its owner; somebody else's beside it has to go, too, and is named first.
            return Rival(autoscaler=autoscaler.metadata.name, scaled_object=autoscaler.scaled_object)
        return None if scaled_object is None else Rival(autoscaler="", scaled_object=scaled_object.metadata.name)

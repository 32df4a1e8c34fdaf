"""`spec.behavior`: how fast replicas come and go, in the words of `autoscaling/v2`.

Each field that is absent takes its own default, as with the HorizontalPodAutoscaler. The defaults are not the
HPA's where its own would make a queue wait: up at once (it allows 4 pods or 100 % in 15 s), down after 60 s (it
waits for 300 s). So a direction without `policies` has no limit, whether `selectPolicy` is Max or Min: there is
nothing to select from. `Disabled` needs no policies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

PolicyType = Literal["Pods", "Percent"]
SelectPolicy = Literal["Max", "Min", "Disabled"]
Window = Annotated[int, msgspec.Meta(ge=0, le=3600)]

DOWN_WINDOW: Final = 60
"""Seconds of the window of a step down, where the spec says nothing.

The HPA's own default is 300; a queue's lag is known 20 times as often as its metrics.
"""

QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M)?")
"""A number that is not negative, as the CRD's rules for quantities take it."""
_SCALE: Final = {"m": Decimal("0.001"), "": Decimal(1), "k": Decimal(1000), "M": Decimal(1_000_000)}


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How much may change within `period_seconds`: so many pods, or percent of the replicas when the period began."""

    type: PolicyType
    value: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    period_seconds: Annotated[int, msgspec.Meta(ge=1, le=1800)]

    def __str__(self) -> str:
        """The policy in words: `Pods 4 per 60 s`."""
        return f"{self.type} {self.value} per {self.period_seconds} s"


class ScalingRules(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What limits one direction."""

    stabilization_window_seconds: Window | None = None
    """None where it is absent, which is not the same as its default: `wait` then has a window of its own."""
    select_policy: SelectPolicy = "Max"
    policies: Annotated[tuple[Policy, ...], msgspec.Meta(min_length=1, max_length=16)] | None = None
    tolerance: Annotated[str, msgspec.Meta(max_length=20)] | int | None = None
    """By which part of itself a target may be missed before replicas change: `"0.1"` or `"100m"` is 10 %."""

    @property
    def window(self) -> int:
        """`stabilizationWindowSeconds`, or how long nothing speaks against a step where it is absent."""
        return self.stabilization_window_seconds or 0

    @property
    def tolerated(self) -> float:
        """`tolerance` as a number; 0 where it is absent, because a target has a band of its own."""
        return 0.0 if self.tolerance is None else quantity(self.tolerance)


class ScaleDownRules(ScalingRules, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The same for taking replicas away, which waits for a minute unless it is told otherwise."""

    @property
    def window(self) -> int:
        """`stabilizationWindowSeconds`, or a minute where it is absent."""
        window = self.stabilization_window_seconds
        return DOWN_WINDOW if window is None else window


class Behavior(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Both directions."""

    scale_up: ScalingRules = ScalingRules()
    scale_down: ScaleDownRules = ScaleDownRules()

    @property
    def longest_period(self) -> int:
        """Seconds for which changes have to be remembered; 0 where no policy asks for them."""
        policies = (*(self.scale_up.policies or ()), *(self.scale_down.policies or ()))
        return max((policy.period_seconds for policy in policies), default=0)


def check(behavior: Behavior) -> Iterator[tuple[str, str, object]]:
    """What the types cannot say: for each wrong field its path within `spec.behavior`, the rule and the value."""
    for direction, rules in (("scaleUp", behavior.scale_up), ("scaleDown", behavior.scale_down)):
        if rules.tolerance is None:
            continue
        if not QUANTITY.fullmatch(str(rules.tolerance)) or quantity(rules.tolerance) > 1:
            rule = 'must be a number from 0 to 1, an integer or a string in Kubernetes quantity form such as "0.1"'
            yield f".{direction}.tolerance", rule, rules.tolerance


def quantity(value: str | int) -> float:
    """A Kubernetes quantity as a number. Raises `ValueError` for one that `check` refuses."""
    parts = QUANTITY.fullmatch(str(value))
    if parts is None:
        message = f"{value!r} is not a number in Kubernetes quantity form"
        raise ValueError(message)
    return float(Decimal(parts[1]) * _SCALE[parts[2] or ""])

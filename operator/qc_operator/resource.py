"""The QueueConsumer object as typed, frozen values: `parse(spec)` or a `SpecError` that names the field.

The CRD's schema and CEL rules refuse bad objects at admission. This module checks again what it decodes, because an
object may have been stored by an older CRD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from qc_operator import spec_behavior, spec_targets
from qc_operator.pattern import PatternError, QueuePattern
from qc_operator.spec_behavior import Behavior
from qc_operator.spec_policy import Fallback, Schedule, check_fallback, check_schedules
from qc_operator.spec_targets import DeliverRate, Drain, Lag, PublishRate, Quantity, Wait

GROUP: Final = "queueconsumer.dev"
VERSION: Final = "v1alpha1"
PLURAL: Final = "queueconsumers"

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
NonNegativeInt = Annotated[int, msgspec.Meta(ge=0)]
# RFC 1123 as the API server reads it: nothing that could lead a request's path elsewhere.
ObjectName = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Aggregate = Literal["Sum", "Max", "Average"]


class SpecError(ValueError):
    """A field of the object is wrong.

    `path` is where (`spec.queues[0].lag.scaleUpAbove`), `rule` what it must be, `value` what it is.
    """

    def __init__(self, *, path: str, rule: str, value: object) -> None:
        super().__init__(f"{path}: {rule} (is {value!r})")
        self.path = path
        self.rule = rule
        self.value = value


class ScaleTargetRef(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is scaled: anything in the object's namespace that has the scale subresource."""

    name: ObjectName
    api_version: Name = "apps/v1"
    kind: Name = "Deployment"


class Broker(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Where the queues are: a Secret in Service Binding form, and the vhost if it is not the Secret's."""

    secret_name: ObjectName
    vhost: Name | None = None


class Queue(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One entry of `spec.queues`: which queue, and the targets that each give an answer."""

    name: Name | None = None
    vhost: Name | None = None
    pattern: Name | None = None
    aggregate: Aggregate = "Sum"
    """How the messages of the queues that a pattern matches are taken together."""
    lag: Lag | None = None
    publish_rate: PublishRate | None = None
    deliver_rate: DeliverRate | None = None
    drain: Drain | None = None
    wait: Wait | None = None
    seconds_per_message: Quantity | None = None
    """What is known beforehand of the time in seconds that a replica works on one message."""

    @property
    def seconds(self) -> float | None:
        """`seconds_per_message` as a number."""
        return spec_targets.seconds(self.seconds_per_message)

    @property
    def targets(self) -> tuple[str, ...]:
        """The kinds of its targets: `lag`, `publishRate`, `deliverRate`, `drain`, `wait`."""
        given = (
            ("lag", self.lag),
            ("publishRate", self.publish_rate),
            ("deliverRate", self.deliver_rate),
            ("drain", self.drain),
            ("wait", self.wait),
        )
        return tuple(name for name, target in given if target is not None)

    @property
    def rated(self) -> bool:
        """Whether one of its targets needs the counters of messages published, delivered and acknowledged."""
        return (
            self.publish_rate is not None
            or self.deliver_rate is not None
            or self.drain is not None
            or self.wait is not None
        )


class QueueConsumerSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The whole spec, with the CRD's defaults."""

    scale_target_ref: ScaleTargetRef
    broker: Broker
    queues: Annotated[tuple[Queue, ...], msgspec.Meta(min_length=1, max_length=32)]
    max_replicas: PositiveInt
    min_replicas: NonNegativeInt = 0
    activate_above: NonNegativeInt = 0
    idle_after_seconds: NonNegativeInt = 60
    idle_evidence: Literal["ReadyAndUnacked", "ReadyOnly"] = "ReadyAndUnacked"
    behavior: Behavior | None = None
    fallback: Fallback | None = None
    schedules: tuple[Schedule, ...] = ()
    mode: Literal["Scale", "Observe"] = "Scale"
    restore_replicas_on_delete: Literal["Keep", "Original"] = "Keep"


def parse(spec: Mapping[str, Any]) -> QueueConsumerSpec:
    """Decode and check a spec as the API server hands it over.

    Raises `SpecError` with the path of the first field that is wrong.
    """
    try:
        decoded = msgspec.convert(spec, type=QueueConsumerSpec)
    except msgspec.ValidationError as error:
        raise _spec_error(str(error), spec) from None
    if decoded.min_replicas > decoded.max_replicas:
        raise SpecError(
            path="spec.minReplicas",
            rule=f"must not be greater than maxReplicas {decoded.max_replicas}",
            value=decoded.min_replicas,
        )
    for path, rule, value in _problems(decoded):
        raise SpecError(path=path, rule=rule, value=value)
    for index, queue in enumerate(decoded.queues):
        _check_queue(queue, path=f"spec.queues[{index}]")
    return decoded


def _problems(spec: QueueConsumerSpec) -> Iterator[tuple[str, str, object]]:
    """What is wrong with the parts of the spec that have modules of their own."""
    bounds = {"min_replicas": spec.min_replicas, "max_replicas": spec.max_replicas}
    parts = (
        ("spec.behavior", spec_behavior.check(spec.behavior) if spec.behavior else ()),
        ("spec.fallback", check_fallback(spec.fallback, max_replicas=spec.max_replicas) if spec.fallback else ()),
        ("spec.schedules", check_schedules(spec.schedules, **bounds)),
    )
    for part, problems in parts:
        for path, rule, value in problems:
            yield part + path, rule, value


def _check_queue(queue: Queue, *, path: str) -> None:
    if (queue.name is None) == (queue.pattern is None):
        raise SpecError(path=path, rule="must have exactly one of name and pattern", value=queue.name)
    for field, value in (("name", queue.name), ("pattern", queue.pattern)):
        # AMQP 0-9-1, section 4.2.5.3: a short string is at most 255 octets, whatever the number of characters.
        if value is not None and len(value.encode()) > 255:  # noqa: PLR2004 - the protocol's own number
            raise SpecError(path=f"{path}.{field}", rule="must be at most 255 bytes of UTF-8", value=value)
        if value is not None and not {"\r", "\n"}.isdisjoint(value):
            # RabbitMQ strips them from a name, and would answer for another queue.
            raise SpecError(path=f"{path}.{field}", rule="must not contain a line break", value=value)
    if queue.pattern is not None:
        try:
            QueuePattern(queue.pattern)
        except PatternError as error:
            rule = f"must be a regular expression in RE2's syntax, and is not: {error}"
            raise SpecError(path=f"{path}.pattern", rule=rule, value=queue.pattern) from None
    targets = (queue.lag, queue.publish_rate, queue.deliver_rate, queue.drain, queue.wait)
    if all(target is None for target in targets):
        raise SpecError(
            path=path, rule="must have a target: lag, publishRate, deliverRate, drain or wait", value=queue.name
        )
    problems = spec_targets.check(
        lag=queue.lag,
        publish_rate=queue.publish_rate,
        deliver_rate=queue.deliver_rate,
        seconds_per_message=queue.seconds_per_message,
    )
    for below, rule, wrong in problems:
        raise SpecError(path=path + below, rule=rule, value=wrong)


def _spec_error(message: str, spec: Mapping[str, Any]) -> SpecError:
    """Translate msgspec's "Expected `int` >= 1 - at `$.queues[0].lag.scaleUpAbove`" into ours."""
    rule, _, location = message.partition(" - at ")
    keys = re.findall(r"\.([A-Za-z]\w*)|\[(\d+)\]", location)
    value: Any = spec
    for name, index in keys:
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError):
            value = None
    path = "spec" + "".join(f".{name}" if name else f"[{index}]" for name, index in keys)
    return SpecError(path=path, rule=rule[:1].lower() + rule[1:], value=value)

"""The QueueConsumer object as typed, frozen values: `parse(spec)` or a `SpecError` that names the field.

The CRD's schema and CEL rules refuse bad objects at admission. This module checks again what it decodes, because an
object may have been stored by an older CRD, and it says which fields this version does not act on yet: a field is
never silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from qc_operator.pattern import PatternError, QueuePattern

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


class Lag(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Scale up while a replica would carry more than one threshold, down while less than the other.

    Both are messages per replica. `scale_down_below` defaults to `scale_up_above`: then there is no band
    in which replicas hold still.
    """

    scale_up_above: PositiveInt
    scale_down_below: PositiveInt | None = None
    count: Literal["Total", "Ready"] = "Total"


class Queue(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One entry of `spec.queues`: which queue, and the targets that each give an answer."""

    name: Name | None = None
    vhost: Name | None = None
    pattern: Name | None = None
    aggregate: Aggregate = "Sum"
    """How the messages of the queues that a pattern matches are taken together."""
    lag: Lag | None = None
    publish_rate: dict[str, Any] | None = None
    deliver_rate: dict[str, Any] | None = None
    drain: dict[str, Any] | None = None
    wait: dict[str, Any] | None = None
    seconds_per_message: str | int | None = None


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
    behavior: dict[str, Any] | None = None
    fallback: dict[str, Any] | None = None
    schedules: list[dict[str, Any]] | None = None
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
    for index, queue in enumerate(decoded.queues):
        _check_queue(queue, path=f"spec.queues[{index}]")
    return decoded


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
    if queue.lag and queue.lag.scale_down_below and queue.lag.scale_down_below > queue.lag.scale_up_above:
        raise SpecError(
            path=f"{path}.lag.scaleDownBelow",
            rule=f"must not be greater than scaleUpAbove {queue.lag.scale_up_above}",
            value=queue.lag.scale_down_below,
        )


def not_implemented(spec: QueueConsumerSpec, annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Paths of the fields and annotations that are set and that this version does not act on yet."""
    return tuple(_not_implemented(spec, annotations))


def _not_implemented(spec: QueueConsumerSpec, annotations: Mapping[str, str]) -> Iterator[str]:
    for index, queue in enumerate(spec.queues):
        for field in ("publish_rate", "deliver_rate", "drain", "wait", "seconds_per_message"):
            if getattr(queue, field) is not None:
                yield f"spec.queues[{index}].{_camel(field)}"
    for field in ("behavior", "fallback", "schedules"):
        if getattr(spec, field) is not None:
            yield f"spec.{field}"
    if spec.mode != "Scale":
        yield "spec.mode"
    if spec.restore_replicas_on_delete != "Keep":
        yield "spec.restoreReplicasOnDelete"
    for annotation in ("paused", "paused-replicas", "paused-until"):
        if annotations.get(f"{GROUP}/{annotation}", "false") != "false":
            yield f"metadata.annotations[{GROUP}/{annotation}]"


def _camel(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(word.capitalize() for word in rest)


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

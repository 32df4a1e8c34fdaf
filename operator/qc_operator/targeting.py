"""Which target an autoscaler writes to, and all that is kept of it: as long as its spec names the same one."""

from __future__ import annotations

from collections.abc import Callable

from qc_operator.foreign_writes import ForeignWrites
from qc_operator.resource import ScaleTargetRef
from qc_operator.scale_in import ScaleIn
from qc_operator.surroundings import Surroundings
from qc_operator.target import Target
from qc_operator.target_pods import TargetPods

RETRY = 5.0
"""Seconds before a target that could not be read or written is tried again, if nothing is seen of it before."""


class Workplace:
    """One target. `wake` is called when something of it changes that a decision should know of."""

    def __init__(self, *, around: Surroundings, namespace: str, ref: ScaleTargetRef, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._rivals, self._namespace = around.rivals, namespace
        self._retry_at = float("-inf")
        self._uid = ""
        self.target = Target(
            scales=around.scales,
            namespace=namespace,
            ref=ref,
            max_age=around.settings.scale_max_age,
            watch=around.targets,
            notify=self._moved,
            pods=TargetPods(reader=around.pods, namespace=namespace, notify=wake),
        )
        self.scale_in = ScaleIn(costs=around.costs, namespace=namespace, ref=ref, notify=wake)
        self.foreign = ForeignWrites()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is not known of the target, and why, each as a sentence."""
        problems = (
            self._rivals.problem_in(self._namespace),
            self.target.watch_problem,
            self.target.pods_problem,
            self.scale_in.problem,
        )
        return tuple(filter(None, problems))

    def retry_in(self, *, now: float) -> float:
        """Seconds until it is worth a try after it was refused; 0 when it was not, or when they have passed."""
        return max(0.0, self._retry_at - now)

    def refused(self, *, now: float) -> None:
        """Try it again later, and read it then."""
        self._retry_at = now + RETRY
        self.target.forget()

    def retry(self, *, now: float) -> None:
        """Try it at once, also against others who write it: a person has changed something."""
        self._retry_at = float("-inf")
        self.target.forget()
        self.foreign.retry(now=now)

    async def created_anew(self, *, now: float) -> bool:
        """Whether it is another one than the last time, under the same name. Raises `ApiError`."""
        before, self._uid = self._uid, (await self.target.scale(now=now)).uid or self._uid
        return before not in {"", self._uid}

    def close(self) -> None:
        """Read nothing more. It keeps its replicas."""
        self.target.close()
        self.scale_in.close()

    def _moved(self) -> None:
        """It is there, or gone, or somebody asks for other replicas: no need to wait for the next try."""
        self._retry_at = float("-inf")
        self._wake()


class Targeting:
    """Takes another workplace when the spec names another target."""

    def __init__(self, *, around: Surroundings, namespace: str, wake: Callable[[], None]) -> None:
        self._around = around
        self._namespace = namespace
        self._wake = wake
        self.place: Workplace | None = None

    def follow(self, ref: ScaleTargetRef) -> bool:
        """Write to this target from now on. True when there was another one before."""
        before = self.place
        if before is not None and before.target.ref == ref:
            before.retry(now=self._around.clock.monotonic())
            return False
        self.close()
        self.place = Workplace(around=self._around, namespace=self._namespace, ref=ref, wake=self._wake)
        return before is not None

    def close(self) -> None:
        """Write to none."""
        if self.place is not None:
            self.place.close()
            self.place = None

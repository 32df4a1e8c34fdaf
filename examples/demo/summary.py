"""What came of it: orders against receipts and invoices, and whether the scaling did its part."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What one consumer did, as the server that it works for tells: the mail server or the invoice store."""

    what: str
    """In the plural: receipts, invoices."""
    order_ids: AbstractSet[str]
    repeated: int
    """How many times something was handed in for an order that had it already."""
    longest_wait_seconds: float | None
    """From publishing to the work done; None when nothing was done."""


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """How the replicas of one Deployment went."""

    what: str
    most_wanted: int
    most_running: int
    wanted_at_the_end: int
    running_at_the_end: int
    first_asked_after_seconds: float | None
    """From the first confirmed order to the first replica asked for; None when none was."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything that the demo measured."""

    placed: int
    confirmed: AbstractSet[str]
    failed: AbstractSet[str]
    """Orders whose publishing failed: they may have arrived or not, and nobody was promised anything."""
    effects: Sequence[Effects]
    scaling: Sequence[Scaling]

    def lost(self, effects: Effects) -> frozenset[str]:
        """Find the confirmed orders without their receipt or invoice."""
        return frozenset(self.confirmed - effects.order_ids)

    def unexpected(self, effects: Effects) -> frozenset[str]:
        """Find receipts or invoices for orders that this run never placed."""
        return frozenset(effects.order_ids - self.confirmed - self.failed)

    def problems(self) -> list[str]:
        """Sentences on what must not be; the demo has failed if there is one."""
        found = [] if self.confirmed else ["no order was confirmed, so nothing was shown"]
        if self.failed:
            found.append(f"{len(self.failed)} orders could not be published")
        for effects in self.effects:
            if lost := self.lost(effects):
                found.append(f"{len(lost)} {effects.what} are missing, the first for order {min(lost)}")
            if effects.repeated:
                found.append(f"{effects.repeated} {effects.what} were handed in more than once")
            if unexpected := self.unexpected(effects):
                found.append(f"{len(unexpected)} {effects.what} are for orders never placed, e.g. {min(unexpected)}")
        for scaling in self.scaling:
            if scaling.most_running < 2:  # noqa: PLR2004 - "to N" means more than one
                found.append(f"{scaling.what} never ran on more than {scaling.most_running} replicas")
            if scaling.wanted_at_the_end or scaling.running_at_the_end:
                found.append(
                    f"{scaling.what} did not go back to zero: {scaling.wanted_at_the_end} replicas wanted, "
                    f"{scaling.running_at_the_end} running"
                )
        return found

"""Which QueueConsumers belong to which of n operators, for those who outgrow one process.

An object's shard follows from its namespace and name alone, so no operator needs to ask another one. Who is given
another n puts most objects elsewhere; so operators with different n must not act at the same time: see `foreign`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

MOST: Final = 16
"""Shards. One process serves 10,000 QueueConsumers, and Kubernetes is built for 150,000 pods in a cluster (its
documentation, "Considerations for large clusters"). The chart grants the Leases of every number by name: 136 of them.
"""

_WRITTEN: Final = re.compile(r"([1-9][0-9]?)/([1-9][0-9]?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The `index`-th part, from 1 on, of `count`."""

    index: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @staticmethod
    def parse(text: str) -> Shard:
        """Read `2/3`. Raises `ValueError`; its message goes on after the name of the setting."""
        written = _WRITTEN.fullmatch(text.strip())
        if written is not None:
            index, count = int(written[1]), int(written[2])
            if index <= count <= MOST:
                return Shard(index=index, count=count)
        raise ValueError(f"must be i/n, such as 2/3, with i from 1 to n and n up to {MOST} (is {text!r})")

    def owns(self, namespace: str, name: str) -> bool:
        """Whether the object of this name is in this part.

        BLAKE2b (RFC 7693), because Python's hash() of a text differs from process to process, and because it spreads
        names that differ in one digit as evenly as any others. 64 bits of it leave no visible bias.
        """
        if self.count == 1:
            return True
        digest = hashlib.blake2b(f"{namespace}/{name}".encode(), digest_size=8, usedforsecurity=False).digest()
        return int.from_bytes(digest, "big") % self.count == self.index - 1

    def lease(self, operator: str) -> str:
        """The name of the part's Lease: the operator's, if there is but one part, else `operator-2-of-3`."""
        return operator if self.count == 1 else f"{operator}-{self.index}-of-{self.count}"

    def foreign(self, lease: str, *, operator: str) -> Shard | None:
        """The part whose Lease has this name, if it is one of another number of parts; else None."""
        if lease == operator:
            return None if self.count == 1 else Shard()
        written = re.fullmatch(re.escape(operator) + r"-([1-9][0-9]?)-of-([1-9][0-9]?)", lease)
        if written is None or int(written[2]) == self.count:
            return None
        return Shard(index=int(written[1]), count=int(written[2]))

"""What the watched queues are, remembered: their arguments are seldom asked for, because they never change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from qc_operator.brokers.queue_list import Arguments, Row
from qc_operator.scaling.observation import QueueFacts

ASKED_EVERY: Final = 12
"""Turns after which the arguments are asked for all the same: a queue may be deleted and declared as another between
two turns."""


class FactsBook:
    """Facts of the watched queues. What is known of a queue stays when an answer leaves it out."""

    def __init__(self) -> None:
        self._facts: dict[str, QueueFacts] = {}
        self._complete: set[str] = set()
        """Queues whose arguments were seen."""
        self._absent: set[str] = set()
        """Queues that were not there when arguments were asked for."""
        self._turn = 0

    def of(self, queue: str) -> QueueFacts | None:
        """None when nobody has told yet."""
        return self._facts.get(queue)

    def turn(self, watched: Collection[str]) -> None:
        """Begin a turn: forget what nobody watches."""
        self._turn += 1
        names = set(watched)
        for queue in self._facts.keys() - names:
            del self._facts[queue]
        self._complete &= names
        self._absent &= names

    def incomplete(self, watched: Collection[str]) -> bool:
        """Whether this turn must ask for arguments."""
        return self._turn % ASKED_EVERY == 1 or not self._complete.union(self._absent).issuperset(watched)

    def learn(self, rows: Iterable[Row], *, watched: Collection[str], complete: bool) -> None:
        """Take in an answer of the management API; `complete` says that arguments were asked for."""
        names = set(watched)
        seen: set[str] = set()
        for row in rows:
            if row.name in names:
                seen.add(row.name)
                self._take(row, complete=complete)
        if complete:
            self._absent = names - seen - self._complete
        else:
            # One that has come to be since is looked at in the next turn.
            self._absent -= seen

    def _take(self, row: Row, *, complete: bool) -> None:
        type_, state = _text(row.type), _text(row.state)
        known = self._facts.get(row.name)
        if complete:
            arguments = row.arguments if isinstance(row.arguments, Arguments) else Arguments()
            single = arguments.single_active_consumer is True
            known = QueueFacts(type=type_, single_active_consumer=single, state=state)
            self._complete.add(row.name)
        elif known is None or known.type != type_:
            known = QueueFacts(type=type_, single_active_consumer=False, state=state)
            self._complete.discard(row.name)
        elif known.state != state:
            known = replace(known, state=state)
        self._facts[row.name] = known

    def learn_types(self, types: Mapping[str, str], *, watched: Collection[str]) -> None:
        """Take in what the nodes' metrics tell; the management API knows better, where there is one."""
        for queue in watched:
            if queue in types and queue not in self._complete:
                self._facts[queue] = QueueFacts(type=types[queue], single_active_consumer=False, state="")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

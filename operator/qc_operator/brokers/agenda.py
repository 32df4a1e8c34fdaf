"""What is due to be read, in three queues that cannot hold each other up."""

from __future__ import annotations

from qc_operator.brokers.declares import Question
from qc_operator.brokers.schedule import Schedule


class Agenda:
    """The schedules of one reader: where a question belongs follows from how its last reading went."""

    def __init__(self) -> None:
        self.proven: Schedule[Question] = Schedule()
        """Queues that were read last time: any number of them may be asked about at once."""
        self.fresh: Schedule[Question] = Schedule()
        """Those that were not read before, over this connection: one that is missing ends the channel."""
        self.quarantine: Schedule[Question] = Schedule()
        """Those that failed last time, and may be stuck: each is asked about alone."""

    def set(self, question: Question, *, due: float) -> None:
        """Have a queue read at a time in seconds, where it belongs."""
        place = self._place(question)
        for schedule in (self.proven, self.fresh, self.quarantine):
            if schedule is not place:
                schedule.drop(question)
        place.set(question, due=due)

    def drop(self, question: Question) -> None:
        """Have a queue read no more."""
        for schedule in (self.proven, self.fresh, self.quarantine):
            schedule.drop(question)

    def _place(self, question: Question) -> Schedule[Question]:
        if question.failures:
            return self.quarantine
        return self.proven if question.proven else self.fresh

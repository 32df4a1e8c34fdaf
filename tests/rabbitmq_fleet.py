"""The nodes of a test run: started when a test first needs one, shared by all that need the same, closed at the end."""

from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_release import RabbitMQMissingError

RELEASES = ("3.10", "4")
"""This machine's own RabbitMQ and the newest that Debian offers."""


class Fleet:
    """All nodes of a run, by what they are for and their release."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], RabbitMQNode] = {}
        self._missing: dict[str, str] = {}

    def node(self, purpose: str, release: str, *, cluster_of: RabbitMQNode | None = None) -> RabbitMQNode:
        """Give the node for a purpose, which runs, with metrics at hand.

        Raises RabbitMQMissingError; what could not be had once is not tried again for each test.
        """
        if release in self._missing:
            raise RabbitMQMissingError(self._missing[release])
        if (purpose, release) not in self._nodes:
            try:
                made = RabbitMQNode(release=release, plugins=["rabbitmq_prometheus"], cluster_of=cluster_of)
            except RabbitMQMissingError as error:
                self._missing[release] = str(error)
                raise
            self._nodes[purpose, release] = made
            made.start()
        return self._nodes[purpose, release]

    def close(self) -> None:
        """Close all nodes, those that joined another before it."""
        for node in reversed(self._nodes.values()):
            node.close()


def calm(*nodes: RabbitMQNode) -> None:
    """Undo what a test may have done to the nodes of a broker: they run, management answers, no alarm is in force."""
    for node in nodes:
        node.resume()
        # Not one after the other: a node can be unable to start before the one that stopped after it.
        node.start(wait=False)
    for node in nodes:
        node.wait_until_up()
        if not node.has_management:
            node.enable_plugin("rabbitmq_management")
            node.wait_until_up()
        if node.alarmed:
            node.set_memory_alarm(False)

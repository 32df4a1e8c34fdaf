# ruff: noqa: N818 - the names are AMQP's words for what happened; "Unroutable" says it, "UnroutableError" no better
"""What can go wrong with a publish. All derive from `ProducerError`; `message_id` names the message.

Two leave the outcome open, as the message may have arrived: `PublishTimeout` if it was `written`, and
`ProducerClosed` if it came while the message was waiting. Publish it again under the same `message_id`, so that
consumers can tell. All others mean: not stored by the broker.
"""

from collections.abc import Mapping


class ProducerError(Exception):
    """The base of all errors of this package."""

    def __init__(self, text: str, *, message_id: str | None = None) -> None:
        super().__init__(text)
        self.message_id = message_id


class ConfigurationError(ProducerError, ValueError):
    """The broker's address or an argument of `Producer` cannot be used; nothing was sent."""


class InvalidMessage(ProducerError, ValueError):
    """The message cannot be encoded for AMQP; raised in the caller's thread, nothing was sent."""


class MessageTooLarge(InvalidMessage):
    """The body exceeds `max_message_bytes`, or the headers one frame; the broker would close the channel."""


class Unroutable(ProducerError):
    """No queue took the message: the broker returned it (it was published `mandatory`)."""


class ExchangeMissing(Unroutable):
    """The exchange does not exist; RabbitMQ closes the channel for it (404), other messages are sent again."""


class AccessRefused(ProducerError):
    """The user may not publish to this exchange (403)."""


class Rejected(ProducerError):
    """The broker refused the message until the time-out: a queue is full (`reject-publish`) or has failed."""


class PublishTimeout(ProducerError):
    """Not confirmed in time. If `written`, the outcome is unknown; if not, the message was never sent."""

    def __init__(self, text: str, *, message_id: str | None = None, written: bool = False) -> None:
        super().__init__(text, message_id=message_id)
        self.written = written


class BrokerUnavailable(PublishTimeout):
    """There was no connection to the broker until the time-out; the message was never sent."""


class ProducerFull(ProducerError):
    """There is no room among the unconfirmed messages: at once with `on_full="raise"`, else after the time-out."""


class ProducerClosed(ProducerError):
    """The producer was closed before, or while, the message was waiting."""


class PublishErrors(ProducerError):
    """Some messages of `publish_many` failed; `errors` maps their index to what happened."""

    def __init__(self, errors: Mapping[int, ProducerError], *, total: int) -> None:
        first = next(iter(errors.values()))
        super().__init__(f"{len(errors)} of {total} messages failed; the first: {first}")
        self.errors = dict(errors)

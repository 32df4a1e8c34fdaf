# ruff: noqa: N818 - Retry and Reject are said by handlers and are not errors of theirs
"""What handlers raise to decide, and what goes wrong around them."""


class ConsumerError(Exception):
    """The base of the errors of this package."""


class ConfigurationError(ConsumerError, ValueError):
    """A setting cannot be used; the text names it, the rule and the value."""


class Retry(Exception):
    """Raised by a handler: deliver this message again later; it counts as a failed attempt.

    after: seconds to wait at least; rounded up to the next retry queue. Without it the back-off decides.
    """

    def __init__(self, reason: str = "", *, after: float | None = None) -> None:
        super().__init__(reason or "the handler asked for a retry")
        self.after = after


class Reject(Exception):
    """Raised by a handler: this message can never be handled; to the dead letters with it, without a retry."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Undecodable(ConsumerError):
    """The body is not what its content type says."""


class PublishFailed(ConsumerError):
    """The broker did not take a message that a handler, or the retry, had to publish."""

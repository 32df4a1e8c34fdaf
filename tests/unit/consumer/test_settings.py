import pytest

from qc_consumer import Backoff, ConfigurationError, Settings
from qc_consumer.settings import read

NEEDED = {"CONSUMER_QUEUE": "orders", "CONSUMER_HANDLER": "app:handle"}


def test_two_settings_are_enough() -> None:
    program = read(NEEDED)
    assert program.handler == "app:handle"
    assert program.settings == Settings(queue="orders")
    assert (program.settings.window, program.settings.dead_letters) == (1, "orders.dlq")
    assert program.settings.retry == Backoff(8, "5s", "1h")
    assert program.settings.metrics_port == 9090
    assert (program.log_level, program.log_format) == ("INFO", "json")


def test_everything_can_be_set() -> None:
    program = read(
        NEEDED
        | {
            "CONSUMER_CONCURRENCY": "4",
            "CONSUMER_PREFETCH": "8",
            "CONSUMER_SHUTDOWN_TIMEOUT": "2m",
            "CONSUMER_MAX_ATTEMPTS": "3",
            "CONSUMER_BACKOFF": "200ms..2s",
            "CONSUMER_RETRY": "queues",
            "CONSUMER_DEAD_LETTER_QUEUE": "dead",
            "CONSUMER_METRICS_PORT": "0",
            "CONSUMER_LOG_LEVEL": "debug",
            "CONSUMER_LOG_FORMAT": "text",
            "POD_NAME": "orders-1",
            "POD_NAMESPACE": "shop",
        }
    )
    settings = program.settings
    assert (settings.concurrency, settings.window, settings.shutdown_timeout) == (4, 8, 120)
    assert settings.retry == Backoff(3, "200ms", "2s")
    assert (settings.dead_letters, settings.metrics_port) == ("dead", 0)
    assert settings.consumer == "shop/orders-1"
    assert (program.log_level, program.log_format) == ("DEBUG", "text")


def test_retries_can_be_turned_off() -> None:
    assert read(NEEDED | {"CONSUMER_RETRY": "none"}).settings.retry is None


def test_without_a_pod_the_host_and_process_name_the_consumer() -> None:
    assert read(NEEDED).settings.consumer.startswith("local/")


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"CONSUMER_HANDLER": "a:b"}, "CONSUMER_QUEUE is not set"),
        ({"CONSUMER_QUEUE": "q"}, "CONSUMER_HANDLER is not set"),
        (NEEDED | {"CONSUMER_CONCURENCY": "2"}, "the nearest is CONSUMER_CONCURRENCY"),
        (NEEDED | {"CONSUMER_DEDUP_URL": "redis://"}, "CONSUMER_DEDUP_URL is not available in this version"),
        (NEEDED | {"CONSUMER_RETRY": "native"}, "CONSUMER_RETRY=native is not available"),
        (NEEDED | {"CONSUMER_RETRY": "never"}, "must be one of auto, queues, none"),
        (NEEDED | {"CONSUMER_CONCURRENCY": "0"}, "CONSUMER_CONCURRENCY must be a number from 1 to 10000, not '0'"),
        (NEEDED | {"CONSUMER_CONCURRENCY": "٣"}, "must be a number"),
        (NEEDED | {"CONSUMER_CONCURRENCY": "3", "CONSUMER_PREFETCH": "2"}, "would leave handlers idle"),
        (NEEDED | {"CONSUMER_BACKOFF": "1h..5s"}, "CONSUMER_BACKOFF must look like 5s..1h: the shortest delay"),
        (NEEDED | {"CONSUMER_BACKOFF": "soon"}, "'soon' is not a duration"),
        (NEEDED | {"CONSUMER_MAX_ATTEMPTS": "0"}, "CONSUMER_MAX_ATTEMPTS must be"),
        (NEEDED | {"CONSUMER_SHUTDOWN_TIMEOUT": "x"}, "CONSUMER_SHUTDOWN_TIMEOUT: 'x' is not a duration"),
        (NEEDED | {"CONSUMER_LOG_LEVEL": "loud"}, "CONSUMER_LOG_LEVEL must be one of"),
        (NEEDED | {"CONSUMER_QUEUE": "q" * 241}, "CONSUMER_QUEUE must have 1 to 240 bytes"),
    ],
)
def test_mistakes_name_the_setting_and_the_rule(environ: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text.replace("(", r"\(")):
        read(environ)

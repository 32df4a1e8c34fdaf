"""Series of a metric, one value for each sync: messages of a queue, or None where nothing can be read."""

import random
from itertools import chain, islice, repeat
from typing import Final

Series = tuple[int | None, ...]

LENGTH: Final = 40


def _cut(series: chain[int | None]) -> Series:
    return tuple(islice(series, LENGTH))


def steps(*values: tuple[int | None, int]) -> Series:
    """Each value for so many syncs; the last one to the end."""
    last = values[-1][0]
    return _cut(chain(*(repeat(value, count) for value, count in values), repeat(last)))


def spikes(*, low: int, high: int, every: int, width: int) -> Series:
    """From `low` to `high` and back, each `every` syncs, for `width` of them."""
    return tuple(high if number % every >= every - width else low for number in range(LENGTH))


def sawtooth(*, low: int, high: int, over: int) -> Series:
    """Rise evenly within `over` syncs, drop, and again."""
    return tuple(low + (high - low) * (number % over) // (over - 1) for number in range(LENGTH))


def falling(*, high: int, by: int) -> Series:
    """Fall evenly, down to nothing."""
    return tuple(max(0, high - by * number) for number in range(LENGTH))


def rising(*, low: int, by: int) -> Series:
    """Rise evenly."""
    return tuple(low + by * number for number in range(LENGTH))


def walk(*, seed: int, start: int, most: int, stride: int) -> Series:
    """Change by up to `stride` at each sync, within 0 and `most`; the same one for the same seed."""
    numbers = random.Random(seed)  # noqa: S311 - not a secret, and the same each time
    value, series = start, []
    for _ in range(LENGTH):
        series.append(value)
        value = min(most, max(0, value + numbers.randint(-stride, stride)))
    return tuple(series)

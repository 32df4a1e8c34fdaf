"""Message ids: UUIDv7 (RFC 9562, section 5.7), which sort by time and need no coordination."""

import os
import time


def new_message_id() -> str:
    """Give 48 bits of Unix time in milliseconds and 74 random bits, in the usual form with dashes.

    `os.urandom`, not `random`: a forked child must not repeat the ids of its parent.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76  # version 7
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant 2
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

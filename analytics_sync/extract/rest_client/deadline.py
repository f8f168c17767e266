"""The time limit of a read.

In: a deadline on the monotonic clock. Out: an error once the deadline has passed.
"""

from __future__ import annotations

import time

from analytics_sync.common.errors import LimitExceeded, Place


def is_past(deadline: float) -> bool:
    """Whether the monotonic clock has passed ``deadline``."""
    return time.monotonic() > deadline


def check_deadline(deadline: float, max_seconds: float, place: Place) -> None:
    """Raise if the deadline has passed.

    Args:
        deadline: On the monotonic clock.
        max_seconds: The declared limit, for the message.
        place: For the message.

    Raises:
        LimitExceeded: The deadline has passed.
    """
    if is_past(deadline):
        raise LimitExceeded(
            place,
            f"reading would take longer than {max_seconds:,.0f} s.",
            "If that is expected, raise client.max_seconds, or ask for less: a shorter range.",
        )

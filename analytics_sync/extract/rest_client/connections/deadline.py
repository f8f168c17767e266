"""The time limit of a read.

In: the seconds that a read may take. Out: its deadline on the monotonic clock, and an error once the
deadline has passed.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from analytics_sync.common.errors import LimitExceeded, Place

_ADVICE = "If that is expected, raise client.max_seconds, or ask for less: a shorter range."


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a read must have ended.

    Attributes:
        at: On the monotonic clock.
        seconds: The limit, for messages.
        advice: What to do if the limit is too low.
    """

    at: float
    seconds: float
    advice: str = _ADVICE

    @classmethod
    def after(cls, seconds: float, advice: str = _ADVICE) -> Deadline:
        """The deadline of a read that begins now."""
        return cls(time.monotonic() + seconds, seconds, advice)

    def is_past(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() > self.at

    def remaining(self) -> float:
        """The seconds until the deadline, as a timeout that every lock accepts."""
        return min(max(0.0, self.at - time.monotonic()), threading.TIMEOUT_MAX)

    def check(self, place: Place, *, ahead: float = 0.0, doing: str = "") -> None:
        """Raise if the deadline has passed.

        Args:
            place: For the message.
            ahead: Seconds of a wait that would begin now.
            doing: What takes the time, for the message.

        Raises:
            LimitExceeded: The deadline has passed, or will have passed after the wait.
        """
        if time.monotonic() + ahead > self.at:
            raise LimitExceeded(
                place,
                f"reading would take longer than {self.seconds:,.0f} s"
                + (f" with {doing}." if doing else "."),
                self.advice,
            )

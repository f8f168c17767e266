"""The end of a read: its time limit, and the stop of its run.

In: the seconds that a read may take, and the flag that stops its run. Out: its deadline on the monotonic
clock, an error once the deadline has passed, and ``Stopped`` once the flag is set.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from analytics_sync.common.errors import LimitExceeded, Place
from analytics_sync.common.stopping import Stop

_ADVICE = "If that is expected, raise client.max_seconds, or ask for less: a shorter range."


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a read must have ended.

    Attributes:
        at: On the monotonic clock.
        seconds: The limit, for messages.
        advice: What to do if the limit is too low.
        stop: Set when the run must end now.
    """

    at: float
    seconds: float
    advice: str = _ADVICE
    stop: Stop = field(default_factory=Stop)

    @classmethod
    def after(cls, seconds: float, advice: str = _ADVICE, *, stop: Stop | None = None) -> Deadline:
        """The deadline of a read that begins now."""
        return cls(time.monotonic() + seconds, seconds, advice, stop or Stop())

    def is_past(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() > self.at

    def remaining(self) -> float:
        """The seconds until the deadline, as a timeout that every lock accepts."""
        return min(max(0.0, self.at - time.monotonic()), threading.TIMEOUT_MAX)

    def check(self, place: Place, *, ahead: float = 0.0, doing: str = "") -> None:
        """Raise if the deadline has passed, or if the run is being stopped.

        Args:
            place: For the message.
            ahead: Seconds of a wait that would begin now.
            doing: What takes the time, for the message.

        Raises:
            LimitExceeded: The deadline has passed, or will have passed after the wait.
            Stopped: The run is being stopped.
        """
        self.stop.check()
        if time.monotonic() + ahead > self.at:
            raise LimitExceeded(
                place,
                f"reading would take longer than {self.seconds:,.0f} s"
                + (f" with {doing}." if doing else "."),
                self.advice,
            )

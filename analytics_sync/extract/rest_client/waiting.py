"""The waits of a session: before a retry, and for the rate limit.

In: a call, and the seconds to wait. Out: the wait, which ends at once when the run is stopped, and a word of
it to whoever follows the progress of the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from analytics_sync.common.errors import Place
from analytics_sync.extract.rest_client.call import Attempt, Call
from analytics_sync.extract.rest_client.request_slots import RequestSlots

log = logging.getLogger(__name__)


class WaitListener(Protocol):
    """Is told of waits."""

    def wait(self, place: Place, reason: str, seconds: float) -> None:
        """A request waits before it is sent again."""

    def wait_for_slot(self, place: Place, seconds: float) -> None:
        """A request waits for the rate limit."""


class RequestWaits:
    """Waits for all requests of a session. Threads may share it.

    Args:
        sleep: Waits for a number of seconds; None waits until the run is stopped at most.
        progress: Is told of each wait; None if nobody is.
    """

    def __init__(
        self, sleep: Callable[[float], None] | None, progress: WaitListener | None
    ) -> None:
        self._sleep = sleep
        self._progress = progress

    def for_slot(self, call: Call, seconds: float) -> None:
        """Wait for a slot of the rate limit.

        Raises:
            Stopped: The run is being stopped.
        """
        if self._progress is not None:
            self._progress.wait_for_slot(call.place, seconds)
        self._pause(call, seconds)

    def before_retry(
        self, call: Call, attempt: Attempt, seconds: float, slots: RequestSlots
    ) -> None:
        """Wait before the next attempt; at a rate limit, all requests of this account wait.

        Raises:
            LimitExceeded: The wait would end after the deadline.
            Stopped: The run is being stopped.
        """
        response = attempt.response
        problem = attempt.problem if response is None else f"status {response.status}"
        log.info(
            "%s: %s, attempt %d of %d; waiting %.1f s",
            call.place, problem, attempt.number, call.policy.max_retries + 1, seconds,
        )  # fmt: skip
        call.check_time(seconds, f"the wait of {seconds:,.1f} s after {problem}")
        call.counters.add(retries=1, waited=seconds)
        if attempt.verdict is not None and attempt.verdict.is_rate_limit:
            slots.pause(call, seconds)
        if self._progress is not None:
            reason = problem.removeprefix("status ")
            self._progress.wait(call.place, reason, seconds)
        self._pause(call, seconds)

    def _pause(self, call: Call, seconds: float) -> None:
        (self._sleep or call.deadline.stop.wait)(seconds)

"""The wait for a lock that somebody else holds: a notebook on the file, an analyst's transaction.

In: ``ANALYTICS_SYNC__WAIT_FOR_WAREHOUSE``, and who holds the lock at each attempt. Out: pauses between
attempts, a line in the log that names the holder, and an error that names it when the time is up.
"""

from __future__ import annotations

import logging
import math
import time

import dlt

from analytics_sync.common.stopping import Stop
from analytics_sync.load.errors import LoadError, WarehouseInUse

log = logging.getLogger(__name__)

_NAME = "wait_for_warehouse"
SETTING = f"ANALYTICS_SYNC__{_NAME.upper()}"
_DEFAULT = 600.0
_FIRST_LINE, _NEXT_LINE = 10.0, 60.0  # seconds: a short wait is nobody's concern


def wait_limit() -> float:
    """Seconds that a load or a check waits for somebody else.

    Raises:
        LoadError: The setting is no such number.
    """
    value: object = dlt.config.get(f"analytics_sync.{_NAME}")
    if value is None or value == "":
        return _DEFAULT
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = math.nan
    if math.isnan(seconds) or seconds < 0:
        raise LoadError(
            f"{SETTING} is {value!r}: expected the seconds to wait for others, such as 600. "
            "Set it again, or leave it unset."
        )
    return seconds


class LockWait:
    """One wait. It begins now.

    Args:
        what: What is held, with its place: the first words of each message.
        advice: What to do if the wait is in vain.
        first: Seconds of the first pause; each pause is twice as long as the one before.
        longest: Seconds of the longest pause.
        limit: Seconds of the wait; None takes the setting.
        stop: Set when the run must end now; None for a wait that no run stops.
    """

    def __init__(
        self,
        what: str,
        advice: str,
        *,
        first: float,
        longest: float,
        limit: float | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._what, self._advice = what, advice
        self._stop = stop or Stop()
        self._pause, self._longest = first, longest
        self._limit = wait_limit() if limit is None else limit
        self._began = time.monotonic()
        self._next_line = _FIRST_LINE

    def pause(self, holder: str) -> None:
        """Sleep until the next attempt.

        Args:
            holder: Who holds the lock, after the words "is in use by".

        Raises:
            WarehouseInUse: The time is up.
            Stopped: The run is being stopped.
        """
        waited = time.monotonic() - self._began
        if waited >= self._limit:
            raise WarehouseInUse(
                f"{self._what} is in use by {holder}, and still was after {waited:.0f} s. "
                f"{self._advice}"
            )
        if waited >= self._next_line:
            log.warning(
                "%s is in use by %s: waiting for %.0f s so far, at most for %.0f s (%s)",
                self._what, holder, waited, self._limit, SETTING,
            )  # fmt: skip
            self._next_line = waited + _NEXT_LINE
        self._stop.wait(min(self._pause, self._limit - waited, self._next_line - waited))
        self._pause = min(2 * self._pause, self._longest)

"""The slots of the rate limit, as the requests of a session take them.

In: the declared limit, the account, and the server that machines share. Out: slots and pauses; an error names
the source and the resource whose request needed the slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from analytics_sync.catalog.config.client import RateLimit
from analytics_sync.common.errors import ConnectionFailed, ExtractError, Place
from analytics_sync.extract.coordination.address import (
    CoordinationAddress,
    CoordinationError,
    coordination_address,
)
from analytics_sync.extract.rest_client.call import Call
from analytics_sync.extract.rest_client.rate_limits.rate_limiter import RateLimiter
from analytics_sync.extract.rest_client.rate_limits.slots import Slot


def shared_address(limit: RateLimit | None, place: Place) -> CoordinationAddress | None:
    """The server that machines share; None without one, or if the source has no rate limit.

    Raises:
        ExtractError: The setting is no address of a known kind.
    """
    with _explained(place):
        return coordination_address() if limit is not None else None


class RequestSlots:
    """The slots of one session. Threads may share it.

    Args:
        limit: The declared limit; None for no limit.
        account: Identifies the API and the account; a secret.
        shared: The server that machines share; None shares slots on this machine only.
        place: The source, for messages.

    Raises:
        ExtractError: The server needs a package that is not installed.
    """

    def __init__(
        self,
        limit: RateLimit | None,
        account: str,
        shared: CoordinationAddress | None,
        place: Place,
    ) -> None:
        with _explained(place):
            self._limiter = RateLimiter(limit, account, shared)

    def acquire(self, call: Call, sleep: Callable[[float], None]) -> Slot:
        """Wait for the next free slot and take it.

        Raises:
            ExtractError: The file or the server of the rate limit cannot be used.
        """
        with _explained(call.place):
            return self._limiter.acquire(sleep, call.check_time)

    def record_response(self, call: Call, slot: Slot) -> None:
        """Move the slot's time to the likely arrival of its request.

        Raises:
            ExtractError: The file or the server of the rate limit cannot be used.
        """
        with _explained(call.place):
            self._limiter.record_response(slot, call.check_time)

    def pause(self, call: Call, seconds: float) -> None:
        """Let all requests of this account wait.

        Raises:
            ExtractError: The file or the server of the rate limit cannot be used.
        """
        with _explained(call.place):
            self._limiter.pause(seconds, call.check_time)

    def close(self) -> None:
        """Close the store of the slots; other processes may still use it."""
        self._limiter.close()


@contextmanager
def _explained(place: Place) -> Iterator[None]:
    """Turn the errors of a store into errors that name the place."""
    try:
        yield
    except TimeoutError as e:  # an error of the disk by its class
        raise ExtractError(place, f"{e}.", "End it, then run again.") from None
    except CoordinationError as e:
        kind = ConnectionFailed if e.may_pass else ExtractError
        raise kind(place, e.happened, e.advice) from None

"""The rate limiter of one API account.

In: the ``rate_limit`` of a source. Out: slots, spaced so that no ``seconds`` hold more than ``requests``.
All processes of this user on this machine share the times of the last slots in a file. If
``ANALYTICS_SYNC__COORDINATION`` names a server, all machines share them there. A
request that took longer than others may have arrived late, so its time is moved to its likely
arrival. When the API asks for a pause, all processes wait.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from analytics_sync.catalog.config.client import RateLimit
from analytics_sync.extract.coordination.address import REDIS, Check, CoordinationAddress
from analytics_sync.extract.rest_client.rate_limits.file_slots import FileSlots
from analytics_sync.extract.rest_client.rate_limits.slots import Slot, SlotStore

# requests do not arrive as evenly as they leave, so the span is a little longer than declared
_SLACK_SHARE = 0.03
_MAX_SLACK_SECONDS = 0.5
_MIN_DELAY_NS = 2_000_000  # a request that took less than this beyond the fastest is on time


def _no_check(seconds: float, doing: str) -> None:
    pass


class RateLimiter:
    """Hands out slots for one API account. Threads may share it.

    Args:
        limit: The declared limit; None for no limit.
        account: Identifies the API and the account; a secret.
        shared: The server that machines share; None shares slots on this machine only.

    Raises:
        CoordinationError: The package for this kind of server is not installed.
    """

    def __init__(
        self, limit: RateLimit | None, account: str, shared: CoordinationAddress | None = None
    ) -> None:
        self._fastest_ns = 1 << 62
        self._store: SlotStore | None = None
        if limit is None:
            return
        slack = min(_SLACK_SHARE * limit.seconds, _MAX_SLACK_SECONDS)
        span_ns = int((limit.seconds + slack) * 1e9)
        identity = f"{account} {limit.requests} {limit.seconds}".encode()
        # scrypt is slow on purpose: a fast hash in the name would let a key be guessed
        digest = hashlib.scrypt(identity, salt=b"pace", n=2**14, r=8, p=1, dklen=16)
        self._store = _store(shared, digest.hex(), limit.requests, span_ns)

    def acquire(self, sleep: Callable[[float], None], check: Check = _no_check) -> Slot:
        """Wait for the next free slot and take it.

        Args:
            sleep: Waits for a number of seconds.
            check: Called before each wait; it raises if the wait ends too late. No slot is taken then.

        Raises:
            TimeoutError: Another process holds the file for too long.
            CoordinationError: The server that machines share cannot be used.
        """
        if self._store is None:
            return Slot()
        slot = self._store.take(check)
        if slot.waited_seconds > 0:
            sleep(slot.waited_seconds)
        return slot

    def record_response(self, slot: Slot, check: Check = _no_check) -> None:
        """Move the slot's time to the likely arrival of its request.

        Call this at the first byte of the response. The time that the request was on its way is
        unknown. The time beyond that of the fastest request counts as delay: a request delayed by
        a busy process or a new connection must not let the next request in too soon.

        Args:
            slot: The slot of the request.
            check: As for ``acquire``.
        """
        if self._store is None:
            return
        took = time.monotonic_ns() - slot.began_ns
        self._fastest_ns = min(self._fastest_ns, took)
        delay = took - self._fastest_ns
        if delay >= _MIN_DELAY_NS:
            self._store.move(slot, delay, check)

    def pause(self, seconds: float, check: Check = _no_check) -> None:
        """Hand out no slot of this account for a number of seconds, in any process.

        Args:
            seconds: From now on.
            check: As for ``acquire``.
        """
        if self._store is not None:
            self._store.pause(seconds, check)

    def close(self) -> None:
        """Close the store of the slots; other processes may still use it."""
        if self._store is not None:
            self._store.close()


def _store(shared: CoordinationAddress | None, name: str, requests: int, span_ns: int) -> SlotStore:
    """The slots of an account. The modules of servers are imported only where one is set."""
    if shared is None:
        return FileSlots(name, requests, span_ns)
    if shared.kind == REDIS:
        from analytics_sync.extract.coordination.redis_server import RedisServer
        from analytics_sync.extract.rest_client.rate_limits.redis_slots import RedisSlots

        return RedisSlots(RedisServer(shared), name, requests, span_ns)
    from analytics_sync.extract.coordination.postgres_server import PostgresServer
    from analytics_sync.extract.rest_client.rate_limits.postgres_slots import PostgresSlots

    return PostgresSlots(PostgresServer(shared), name, requests, span_ns)

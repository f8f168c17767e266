"""The slots of a rate limit in PostgreSQL, which several machines share.

In: the name of an account. Out: slots. One row holds the place of the oldest time and the end of the pause,
other rows hold the times, in microseconds of the server's clock: the clocks of the machines play no part. A
slot costs two messages to the server. Between them the row of the account is locked.
"""

from __future__ import annotations

import time
from typing import Any

from analytics_sync.extract.coordination.address import Check
from analytics_sync.extract.coordination.postgres_server import SCHEMA, PostgresServer
from analytics_sync.extract.rest_client.rate_limits.slots import (
    Slot,
    longest_queue,
    plausible,
)

_SECOND = 1_000_000
_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
# The lock and the look are two statements: the second one sees all that was written before the lock.
_LOCK_AND_LOOK = f"""
    BEGIN;
    SELECT 1 FROM {SCHEMA}.rate_limits WHERE account = %(account)s FOR UPDATE;
    SELECT l.next_slot, l.pause_until, s.starts_at, {_NOW}
    FROM {SCHEMA}.rate_limits l
    LEFT JOIN {SCHEMA}.slots s ON s.account = l.account AND s.number = l.next_slot %% %(requests)s
    WHERE l.account = %(account)s
"""
_ADD_ACCOUNT = f"""
    INSERT INTO {SCHEMA}.rate_limits VALUES (%(account)s, 0, 0, now()) ON CONFLICT DO NOTHING;
    COMMIT
"""
_TAKE = f"""
    INSERT INTO {SCHEMA}.slots VALUES (%(account)s, %(number)s, %(starts_at)s)
        ON CONFLICT (account, number) DO UPDATE SET starts_at = excluded.starts_at;
    UPDATE {SCHEMA}.rate_limits SET next_slot = %(number)s + 1,
        expires_at = now() + %(keep)s * interval '1 second' WHERE account = %(account)s;
    COMMIT
"""
_MOVE = f"""
    UPDATE {SCHEMA}.slots SET starts_at = %(later)s
    WHERE account = %(account)s AND number = %(number)s AND starts_at = %(starts_at)s
"""
_PAUSE = f"""
    UPDATE {SCHEMA}.rate_limits SET pause_until = greatest(%(pause)s, %(now)s + %(us)s)
    WHERE account = %(account)s;
    COMMIT
"""
# The server may lose what it wrote in its last 0.6 s when it crashes (synchronous_commit is off).
_LOST_SECONDS = 1.0


class PostgresSlots:
    """The slots of one account in PostgreSQL. Threads may share it.

    Args:
        server: The PostgreSQL server.
        name: The name of the account.
        requests: The number of slots in a span.
        span_ns: The span.
    """

    def __init__(self, server: PostgresServer, name: str, requests: int, span_ns: int) -> None:
        self._server = server
        self._requests = requests
        self._account = {"account": name, "requests": requests}
        self._span = span_ns // 1000
        self._keep = 2 * longest_queue(self._span, _SECOND) // _SECOND
        self._connections = 1

    def take(self, check: Check) -> Slot:
        """Take the next slot.

        Raises:
            CoordinationError: The server cannot be used.
        """

        def work(cursor: Any) -> Slot:
            before = time.monotonic_ns()  # after the wait for the threads of this process
            next_slot, pause, oldest, now = self._look(cursor)
            if self._server.connects > self._connections:
                self._connections = self._server.connects
                pause = max(pause, now + int(_LOST_SECONDS * _SECOND))
            number = next_slot % self._requests
            starts_at = max(now, oldest + self._span, pause)
            check((starts_at - now) / _SECOND, "the wait for the rate limit")
            values = {"number": number, "starts_at": starts_at, "keep": self._keep}
            cursor.execute(_TAKE, {**self._account, **values})
            wait_us = starts_at - now
            return Slot(wait_us / _SECOND, number, starts_at, before + wait_us * 1000)

        return self._server.run(work, check)

    def move(self, slot: Slot, delay_ns: int, check: Check) -> None:
        """Let a slot begin later, if its place was not given to another one.

        Raises:
            CoordinationError: The server cannot be used.
        """
        later = slot.starts_at + delay_ns // 1000
        values = {"number": slot.place, "starts_at": slot.starts_at, "later": later}
        self._server.run(lambda cursor: cursor.execute(_MOVE, {**self._account, **values}), check)

    def pause(self, seconds: float, check: Check) -> None:
        """Let no slot begin for a number of seconds from now on.

        Raises:
            CoordinationError: The server cannot be used.
        """

        def work(cursor: Any) -> None:
            _, pause, _, now = self._look(cursor)
            values = {"pause": pause, "now": now, "us": int(seconds * _SECOND)}
            cursor.execute(_PAUSE, {**self._account, **values})

        self._server.run(work, check)

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    def _look(self, cursor: Any) -> tuple[int, int, int, int]:
        """Lock the account: its next slot, the end of its pause, its oldest time and the clock."""
        cursor.execute(_LOCK_AND_LOOK, self._account)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_ADD_ACCOUNT, self._account)
            cursor.execute(_LOCK_AND_LOOK, self._account)
            row = cursor.fetchone()
        next_slot, pause, oldest, now = row
        return (
            next_slot,
            plausible(pause, now, self._span, _SECOND),
            plausible(oldest or 0, now, self._span, _SECOND),
            now,
        )

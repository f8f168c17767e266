"""A PostgreSQL server that machines share.

In: its address. Out: transactions. The first one creates the schema ``analytics_sync_coordination`` with
its tables. A server that does not answer is tried again for a few seconds; then the read fails.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from analytics_sync.extract.coordination.address import (
    Check,
    CoordinationAddress,
    CoordinationError,
)

SCHEMA = "analytics_sync_coordination"
_CONNECT_SECONDS = 5
_TRY_SECONDS = 10.0  # a server that is restarted answers again within that
_POLL_SECONDS = 0.2
_MAX_LOCK_SECONDS = 60.0  # a lock is held for some milliseconds, unless its holder is stopped
_OPTIONS = (
    # One lost slot after a crash of the server costs less than a flush of the disk for each slot.
    "-c synchronous_commit=off -c search_path=pg_catalog -c lock_timeout=1000 "
    "-c statement_timeout=5000 -c idle_in_transaction_session_timeout=10000"
)
# An advisory lock of our own: two machines may create the tables.
_LOCK_OF_TABLES = 0x616E_616C_7973
_TABLES = f"""
    SELECT pg_advisory_xact_lock({_LOCK_OF_TABLES});
    CREATE SCHEMA IF NOT EXISTS {SCHEMA};
    CREATE TABLE IF NOT EXISTS {SCHEMA}.rate_limits (
        account text PRIMARY KEY, next_slot bigint NOT NULL, pause_until bigint NOT NULL,
        expires_at timestamptz NOT NULL);
    CREATE TABLE IF NOT EXISTS {SCHEMA}.slots (
        account text REFERENCES {SCHEMA}.rate_limits ON DELETE CASCADE, number bigint,
        starts_at bigint NOT NULL, PRIMARY KEY (account, number));
"""

_T = TypeVar("_T")


class PostgresServer:
    """One connection to a server. Threads take turns.

    Args:
        address: The address of the server.

    Raises:
        CoordinationError: The driver is not installed.
    """

    def __init__(self, address: CoordinationAddress) -> None:
        try:
            import psycopg2
        except ImportError:
            raise CoordinationError(
                f"{address.shown} needs the package psycopg2, which is not installed.",
                "Run: pip install 'analytics_sync[postgres]'.",
            ) from None
        self._driver = psycopg2
        self._address = address
        self._lock = threading.Lock()
        self._connection: Any = None
        self.connects = 0
        """How often a connection was made: more than once means that one was lost."""

    def run(self, work: Callable[[Any], _T], check: Check) -> _T:
        """The result of ``work`` with a cursor.

        The server commits each message by itself. ``work`` that needs a transaction of several messages
        sends BEGIN with the first one and COMMIT with the last one. Work that fails with its connection
        runs again. So it must be harmless if it runs twice.

        Args:
            work: Sends statements.
            check: Called before each wait.

        Raises:
            CoordinationError: The server cannot be used.
        """
        began = time.monotonic()
        while not self._lock.acquire(timeout=_POLL_SECONDS):
            check(0.0, "the wait for a lock")
        try:
            while True:
                try:
                    return self._once(work)
                except self._driver.errors.LockNotAvailable as e:
                    if time.monotonic() - began > _MAX_LOCK_SECONDS:
                        raise self._address.unreachable(e) from None
                    check(0.0, f"the wait for a lock of {self._address.shown}")
                except self._driver.Error as e:
                    # an error without a code comes from the driver: the connection is lost
                    if e.pgcode and not isinstance(e, self._driver.OperationalError):
                        raise self._refused(e) from None
                    self._disconnect()
                    if time.monotonic() - began > _TRY_SECONDS or _is_refusal(e):
                        raise self._address.unreachable(e) from None
                    check(_POLL_SECONDS, f"the wait for {self._address.shown}")
                    time.sleep(_POLL_SECONDS)
        finally:
            self._lock.release()

    def ping(self) -> None:
        """Ask the server for an answer, once. No table is made.

        Raises:
            CoordinationError: It does not answer, or refuses.
        """
        try:
            with self._connect() as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            connection.close()
        except self._driver.Error as e:
            raise self._address.unreachable(e) from None

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._disconnect()

    def _once(self, work: Callable[[Any], _T]) -> _T:
        is_new = self._connection is None
        if is_new:
            self._connection = self._connect()
        try:
            with self._connection.cursor() as cursor:
                if is_new:
                    self._create_tables(cursor)
                return work(cursor)
        except BaseException:
            with suppress(self._driver.Error), self._connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
            raise

    def _connect(self) -> Any:
        self.connects += 1
        connection = self._driver.connect(
            self._address.url, connect_timeout=_CONNECT_SECONDS, options=_OPTIONS,
            application_name="analytics_sync", keepalives_idle=10, tcp_user_timeout=10_000,
        )  # fmt: skip
        connection.autocommit = True
        return connection

    def _create_tables(self, cursor: Any) -> None:
        """Create the tables if they are missing. A user without that right needs tables that exist."""
        cursor.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.slots",))
        if cursor.fetchone()[0] is None:
            cursor.execute(_TABLES)
        cursor.execute(f"DELETE FROM {SCHEMA}.rate_limits WHERE expires_at < now()")

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(self._driver.Error):
                self._connection.close()
            self._connection = None

    def _refused(self, error: BaseException) -> CoordinationError:
        problem = self._address.without_secrets(error)
        return CoordinationError(
            f"{self._address.shown} refuses a statement: {problem}.",
            f"Look at the user and its rights to the schema {SCHEMA}.",
        )


def _is_refusal(error: BaseException) -> bool:
    """Whether a server that answers does not let this user in."""
    text = str(error)
    return "authentication failed" in text or "does not exist" in text or "no pg_hba" in text

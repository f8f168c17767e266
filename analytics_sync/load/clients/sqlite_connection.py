"""Connections to SQLite: real transactions, exact values, and the lock of a dataset.

In: dlt's settings of the destination. Out: a client whose statements may use ``%s`` and the functions of the
other warehouses, and whose rows hold Python values. dlt keeps each dataset in a file beside the main one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlt.destinations.exceptions import (
    DatabaseException,
    DatabaseTerminalException,
    DatabaseTransientException,
    DatabaseUndefinedRelation,
)
from dlt.destinations.impl.sqlalchemy.db_api_client import SqlalchemyClient
from dlt.destinations.sql_client import DBApiCursorImpl
from dlt.destinations.typing import DBTransaction
from filelock import FileLock, Timeout

from analytics_sync.common.stopping import Stop
from analytics_sync.load.clients.sqlite_values import register_converters, to_stored, widened
from analytics_sync.load.errors import LoadError

ENGINE = {"connect_args": {"detect_types": sqlite3.PARSE_DECLTYPES, "timeout": 60}}
"""Settings of SQLAlchemy's engine: typed rows, and seconds to wait for other programs."""
_OLDEST = (3, 39)
_POLL_SECONDS = 0.1
_MISSING = ("no such table", "unknown database")
_BUSY = ("locked", "busy", "interrupted")


class ExactSqliteClient(SqlalchemyClient):
    """dlt's client, with statements of ours sent straight to SQLite's driver."""

    stop = Stop()
    """Interrupts the statements of the open connection; a load sets its own."""
    _interrupt: Callable[[], object] | None = None
    _lock: FileLock | None = None

    def open_connection(self) -> Any:
        """Open a connection in which only ``begin_transaction`` begins a transaction."""
        if sqlite3.sqlite_version_info < _OLDEST:
            raise LoadError(
                f"SQLite {sqlite3.sqlite_version} of this Python is too old: {'.'.join(map(str, _OLDEST))} "
                "is needed. Install a newer Python, or take another destination."
            )
        if self.credentials.is_memory_database(self.database_name, self.credentials.query):
            raise LoadError(
                "the SQLite database is in memory, where no row is kept. "
                "Name a file: sqlite:////folder/warehouse.sqlite."
            )
        register_converters()
        is_new = self.native_connection is None
        self._make_private(Path(self.database_name or ""))
        connection = super().open_connection()
        if is_new:
            self._driver.isolation_level = None
            self._driver.execute("PRAGMA synchronous = FULL")
            for name, count, function in _FUNCTIONS:
                self._driver.create_function(name, count, function, deterministic=True)
            self._interrupt = self._driver.interrupt
            self.stop.add(self._interrupt)
        return connection

    def close_connection(self) -> None:
        """Give the connection back, and the lock with it."""
        if self._interrupt is not None:
            self.stop.remove(self._interrupt)
            self._interrupt = None
        super().close_connection()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def hold_lock(self, dataset: str) -> None:
        """Wait for the load lock of a dataset, and hold it as long as the client is connected."""
        self._make_private(Path(self._sqlite_dataset_filename(dataset)))
        lock = FileLock(f"{self.database_name}.{dataset}.lock", mode=0o600, thread_local=False)
        while True:
            self.stop.check()
            try:
                lock.acquire(0)
            except Timeout:
                self.stop.wait(_POLL_SECONDS)
            else:
                self._lock = lock
                return

    @staticmethod
    def _make_private(file: Path) -> None:
        """Make a file that only its owner may read. A file that is there keeps its rights."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)

    @property
    def _driver(self) -> sqlite3.Connection:
        connection: Any = self.native_connection
        driver: sqlite3.Connection = connection.connection.driver_connection
        return driver

    @contextmanager
    def begin_transaction(self) -> Iterator[DBTransaction]:
        """A transaction, also for statements that change tables. Python's driver begins none for them."""
        with super().begin_transaction() as transaction:
            self._driver.execute("BEGIN")
            yield transaction

    @contextmanager
    def execute_query(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Execute a statement. A text outside of a transaction is one for itself."""
        if not isinstance(query, str):
            with super().execute_query(query, *args, **kwargs) as cursor:
                yield cursor
            return
        sql = query.replace("%s", "?") if args else query
        parameters: Any = [*map(to_stored, args)] if args else kwargs
        try:
            found: Any = self._driver.execute(sql, parameters)
        except sqlite3.Error as e:
            raise _as_dlt(e) from e
        try:
            yield DBApiCursorImpl(found)
        except sqlite3.Error as e:
            raise _as_dlt(e) from e
        finally:
            found.close()

    def execute_sql(self, sql: Any, *args: Any, **kwargs: Any) -> Sequence[Sequence[Any]] | None:
        """The rows of a statement; None if it has none."""
        if not isinstance(sql, str):
            rows: Sequence[Sequence[Any]] | None = super().execute_sql(sql, *args, **kwargs)
            return rows
        with self.execute_query(sql, *args, **kwargs) as cursor:
            return cursor.fetchall() if cursor.description is not None else None

    def execute_for_each(self, sql: str, rows: Iterator[tuple[Any, ...]]) -> None:
        """Execute a statement with ``?`` once for each row of stored values."""
        try:
            self._driver.executemany(sql, rows)
        except sqlite3.Error as e:
            raise _as_dlt(e) from e


def _as_dlt(error: sqlite3.Error) -> DatabaseException:
    text = str(error)
    if any(part in text for part in _MISSING):
        return DatabaseUndefinedRelation(error)
    if isinstance(error, sqlite3.OperationalError) and any(part in text for part in _BUSY):
        return DatabaseTransientException(error)
    return DatabaseTerminalException(error)


def _greatest(*values: Any) -> Any:
    return max((v for v in values if v is not None), default=None)


def _strpos(text: str | None, part: str) -> int | None:
    return None if text is None else text.find(part) + 1


# What other warehouses have under these names.
_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("greatest", -1, _greatest),
    ("strpos", 2, _strpos),
    ("chr", 1, chr),
    ("widened", 3, widened),
)

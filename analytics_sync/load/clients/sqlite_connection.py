"""Connections to SQLite: real transactions, exact values, and the lock of a dataset.

In: dlt's settings of the destination. Out: a client whose statements may use ``%s`` and the functions of the
other warehouses, and whose rows hold Python values. dlt keeps each dataset in a file beside the main one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlt.destinations.exceptions import (
    DatabaseException,
    DatabaseTerminalException,
    DatabaseTransientException,
    DatabaseUndefinedRelation,
)
from filelock import FileLock, Timeout

from analytics_sync.load.clients.sqlalchemy_connection import DirectClient
from analytics_sync.load.clients.sqlite_values import register_converters, to_stored, widened
from analytics_sync.load.errors import LoadError

ENGINE = {"connect_args": {"detect_types": sqlite3.PARSE_DECLTYPES, "timeout": 60}}
"""Settings of SQLAlchemy's engine: typed rows, and seconds to wait for other programs."""
_OLDEST = (3, 39)
_POLL_SECONDS = 0.1
_MISSING = ("no such table", "unknown database")
_BUSY = ("locked", "busy", "interrupted")


class ExactSqliteClient(DirectClient):
    """dlt's client, with statements of ours sent straight to SQLite's driver."""

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
            self.driver.isolation_level = None
            self.driver.execute("PRAGMA synchronous = FULL")
            for name, count, function in _FUNCTIONS:
                self.driver.create_function(name, count, function, deterministic=True)
            self.interrupt_with(self.driver.interrupt)
        return connection

    def close_connection(self) -> None:
        """Give the connection back, and the lock with it."""
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

    def send(self, sql: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Send a statement; the driver's cursor."""
        if not args:
            return self.driver.execute(sql, named)
        return self.driver.execute(sql.replace("%s", "?"), [*map(to_stored, args)])

    @contextmanager
    def as_dlt_errors(self) -> Iterator[None]:
        """A block whose errors of the driver become those of dlt."""
        try:
            yield
        except sqlite3.Error as e:
            raise _as_dlt(e) from e

    def stored_values(self, values: list[Any]) -> list[Any]:
        """The values of a column as SQLite stores them."""
        return [*map(to_stored, values)]

    def insert_rows(self, table: str, columns: int, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows of stored values."""
        marks = ", ".join("?" * columns)
        with self.as_dlt_errors():
            self.driver.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


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

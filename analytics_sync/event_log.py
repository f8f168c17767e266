"""Optional. An event log of Dagster in SQLite files, with pooled connections.

In: an instance whose ``dagster.yaml`` names this class. Out: the same files in the same place as
Dagster's ``SqliteEventLogStorage`` has, so an instance may change from one class to the other.
Dagster's class makes an engine and a connection for each statement, at least four for each event of
an asset. They take half of the time of a run of many small assets. It also waits for the disk with each
statement. Here an event of an asset or a check is one transaction in the file of all runs, and SQLite waits
for the disk when it moves its log into the file: after a loss of power the last events may be missing, and the
file is whole. Dagster's PostgreSQL storage does not need this class.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from dagster import Field, StringSource
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

# Dagster keeps one SQLite file per run. Keep at most 16 open, so that listing many runs does not
# exhaust file handles.
_MAX_OPEN_ENGINES = 16


class KeptSqliteEventLogStorage(SqliteEventLogStorage):
    """An event log with pooled connections. Set it as ``event_log_storage`` in ``dagster.yaml``.

    Args:
        base_dir: Folder of the files.
        inst_data: Dagster's record of the entry in ``dagster.yaml``. None if there is none.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._engines_lock = threading.RLock()
        self._index: Connection | None = None  # of the event that is being stored
        self._engines_pid = os.getpid()
        self._complete_files: set[str] = set()
        self._known_tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        """The options of ``dagster.yaml``."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> KeptSqliteEventLogStorage:
        """The event log that ``dagster.yaml`` describes.

        Without ``base_dir`` the files are in ``history/runs`` in ``DAGSTER_HOME``, like Dagster's.

        Raises:
            ValueError: Neither ``base_dir`` nor ``DAGSTER_HOME`` is set.
        """
        if base_dir := config_value.get("base_dir"):
            return cls(base_dir, inst_data)
        if home := os.environ.get("DAGSTER_HOME"):
            return cls(str(Path(home) / "history" / "runs"), inst_data)
        raise ValueError(
            "dagster.yaml, event_log_storage: there is no base_dir, and DAGSTER_HOME is not set. "
            "Set one of them."
        )

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, and in one transaction all that the file of all runs keeps of it."""
        with self._engines_lock:
            if not event.is_dagster_event or self._index is not None:
                super().store_event(event)
            else:
                with self.index_connection() as self._index:
                    try:
                        super().store_event(event)
                    finally:
                        self._index = None
        # The page of a run waits for a change of this file. SQLite writes to its log beside it.
        os.utime(self.path_for_shard(event.run_id))

    def run_connection(self, run_id: str | None = None) -> Any:
        """A connection to the file of one run, in a transaction."""
        return self._connection(str(run_id), super().run_connection(run_id))

    def index_connection(self) -> AbstractContextManager[Connection]:
        """A connection to the file with the events of all runs, in a transaction."""
        return self._connection(INDEX_SHARD_NAME, super().index_connection())

    @contextmanager
    def _connection(
        self, name: str, dagsters: AbstractContextManager[Connection]
    ) -> Iterator[Connection]:
        """A pooled connection to one file.

        Args:
            name: Dagster's name of the file, without its extension.
            dagsters: Dagster's connection to the file. Opening it creates the file and its tables.
        """
        with self._engines_lock:
            if name == INDEX_SHARD_NAME and self._index is not None:
                yield self._index
                return
            if name not in self._complete_files:
                with dagsters:
                    self._complete_files.add(name)
            with self._engine(name).connect() as connection, connection.begin():
                yield connection

    def _engine(self, name: str) -> Engine:
        if self._engines_pid != os.getpid():  # SQLite's connections do not survive a fork
            for inherited in self._engines.values():
                inherited.dispose(close=False)
            self._engines.clear()
            self._engines_pid = os.getpid()
        engine = self._engines.pop(name, None)
        if engine is None:
            engine = create_engine(self.conn_string_for_shard(name), poolclass=QueuePool)
            event.listen(engine, "connect", _wait_for_the_disk_seldom)
        self._engines[name] = engine
        while len(self._engines) > _MAX_OPEN_ENGINES:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the file with the events of all runs has a table.

        Dagster asks for each event of an asset and connects each time: a tenth of the time of a run
        of small assets. A table that exists stays.
        """
        if table_name not in self._known_tables and super().has_table(table_name):
            self._known_tables.add(table_name)
        return table_name in self._known_tables

    def wipe(self) -> None:
        """Delete the events of all runs."""
        self._close_engines()
        self._complete_files.clear()
        super().wipe()

    def dispose(self) -> None:
        """Close all files."""
        super().dispose()
        self._close_engines()

    def _close_engines(self) -> None:
        with self._engines_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _wait_for_the_disk_seldom(connection: Any, _: object) -> None:
    """Let SQLite wait for the disk at checkpoints, and not at each commit. Its log keeps the file whole."""
    connection.execute("PRAGMA synchronous = NORMAL")

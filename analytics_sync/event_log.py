"""Dagster's event log in SQLite, without a new connection for each statement.

In: an instance whose ``dagster.yaml`` names this class. Out: the same files in the same place as Dagster's
own class has them, so that an instance may change from one to the other. Dagster's makes an engine and a
connection for every read and write, four and more for each event of an asset: half of the time of a run
of many small assets. Here they are kept.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import Field, StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, QueuePool, create_engine

_KEPT = 16  # each run has a file of its own; whoever looks at thousands shall not hold them all


class KeptSqliteEventLogStorage(SqliteEventLogStorage):
    """Set it as ``event_log_storage`` in ``dagster.yaml``.

    Args:
        base_dir: Where the files are; by default ``history/runs`` in ``DAGSTER_HOME``, as Dagster has it.
        inst_data: Dagster's.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._owner = os.getpid()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        """The options of ``dagster.yaml``."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> KeptSqliteEventLogStorage:
        """Make one from ``dagster.yaml``.

        Raises:
            ValueError: Neither ``base_dir`` nor ``DAGSTER_HOME`` says where the files are.
        """
        if base_dir := config_value.get("base_dir"):
            return cls(base_dir, inst_data)
        if home := os.environ.get("DAGSTER_HOME"):
            return cls(str(Path(home) / "history" / "runs"), inst_data)
        raise ValueError(
            "dagster.yaml, event_log_storage: there is no base_dir, and DAGSTER_HOME is not set. "
            "Set one of them."
        )

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        if self._owner != os.getpid():  # SQLite's connections do not survive a fork
            for inherited in self._engines.values():
                inherited.dispose(close=False)
            self._engines.clear()
            self._owner = os.getpid()
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = create_engine(self.conn_string_for_shard(shard), poolclass=QueuePool)
        self._engines[shard] = engine
        while len(self._engines) > _KEPT:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; one that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def wipe(self) -> None:
        """Forget all runs."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close everything."""
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

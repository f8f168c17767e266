"""Connections to DuckDB: SQL of ours means what DuckDB's manual says, whatever the file holds.

In: dlt's settings of the destination. Out: connections that find DuckDB's own functions before macros
of the file. A file from elsewhere may hold a macro ``count`` or ``+``, which DuckDB would take for its
own function. Tables and schemas are therefore named with the database in front.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import duckdb
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.destinations.sql_client import raise_open_connection_error

from analytics_sync.common.stopping import Stop

_SEARCH_PATH = "system.main"
_DATABASE = "SELECT database_name FROM system.main.duckdb_databases() WHERE NOT internal"


class PinnedDuckDbClient(DuckDbSqlClient):
    """dlt's client with another search path, and with the database in every name."""

    _names: ClassVar[dict[str, str]] = {}  # of the databases of files; each load has many clients
    stop = Stop()
    """Interrupts the statements of the open connection; a load sets its own."""
    _interrupt: Callable[[], object] | None = None

    @raise_open_connection_error
    def open_connection(self) -> duckdb.DuckDBPyConnection:
        """Open a connection of the pool."""
        pool = self.credentials.conn_pool
        assert pool is not None, "dlt makes it when it resolves the settings"
        self._conn = pool.borrow_conn(
            pragmas=self._pragmas,
            global_config=self._global_config,
            local_config={"search_path": _SEARCH_PATH},
        )
        if self.credentials.database not in self._names:
            ((name,),) = self._conn.execute(_DATABASE).fetchall()
            self._names[self.credentials.database] = name
        self._interrupt = self._conn.interrupt
        self.stop.add(self._interrupt)
        return self._conn

    def close_connection(self) -> None:
        """Give the connection back to the pool."""
        if self._interrupt is not None:
            self.stop.remove(self._interrupt)
            self._interrupt = None
        super().close_connection()

    def catalog_name(self, quote: bool = True, casefold: bool = True) -> str | None:
        """The name of the database, once a connection was open."""
        name = self._names.get(self.credentials.database)
        return self.capabilities.escape_identifier(name) if name and quote else name

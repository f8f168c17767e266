"""Connections through SQLAlchemy: dlt's client, with statements of ours sent straight to the driver.

In: a client of one database, which says how its driver sends a statement. Out: ``%s`` parameters as in the other
warehouses, transactions that only ``begin_transaction`` begins, and dlt's exceptions. dlt sends its own statements,
which are SQLAlchemy's objects, as before.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from dlt.destinations.impl.sqlalchemy.db_api_client import SqlalchemyClient
from dlt.destinations.sql_client import DBApiCursorImpl
from dlt.destinations.typing import DBTransaction

from analytics_sync.common.stopping import Stop


class DirectClient(SqlalchemyClient):
    """dlt's client. Texts go straight to the driver."""

    stop = Stop()
    """Interrupts the statements of the open connection; a load sets its own."""
    _interrupt: Callable[[], object] | None = None

    @abstractmethod
    def send(self, sql: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Send a statement; the driver's cursor."""

    @abstractmethod
    def as_dlt_errors(self) -> AbstractContextManager[None]:
        """A block whose errors of the driver become those of dlt."""

    @abstractmethod
    def insert_rows(self, table: str, columns: int, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, which are as ``stored_values`` has made them.

        Args:
            table: The table, as SQL.
            columns: Number of its columns.
            rows: One row or more.
        """

    def stored_values(self, values: list[Any]) -> list[Any]:
        """The values of a column as the driver takes them."""
        return values

    def interrupt_with(self, interrupt: Callable[[], object]) -> None:
        """Let the stop of the run interrupt the statements of the open connection."""
        self._interrupt = interrupt
        self.stop.add(interrupt)

    def close_connection(self) -> None:
        """Give the connection back."""
        if self._interrupt is not None:
            self.stop.remove(self._interrupt)
            self._interrupt = None
        super().close_connection()

    @property
    def driver(self) -> Any:
        """The open connection of the driver."""
        connection: Any = self.native_connection
        return connection.connection.driver_connection

    @contextmanager
    def begin_transaction(self) -> Iterator[DBTransaction]:
        """A transaction, also for statements that change tables. The driver begins none by itself."""
        with super().begin_transaction() as transaction:
            self.execute_sql("BEGIN")
            yield transaction

    @contextmanager
    def execute_query(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Execute a statement. A text outside of a transaction is one for itself."""
        if not isinstance(query, str):
            with super().execute_query(query, *args, **kwargs) as cursor:
                yield cursor
            return
        with self.as_dlt_errors():
            found = self.send(query, args, kwargs)
            try:
                yield DBApiCursorImpl(found)
            finally:
                found.close()

    def execute_sql(self, sql: Any, *args: Any, **kwargs: Any) -> Sequence[Sequence[Any]] | None:
        """The rows of a statement; None if it has none."""
        if not isinstance(sql, str):
            rows: Sequence[Sequence[Any]] | None = super().execute_sql(sql, *args, **kwargs)
            return rows
        with self.execute_query(sql, *args, **kwargs) as cursor:
            return cursor.fetchall() if cursor.description is not None else None

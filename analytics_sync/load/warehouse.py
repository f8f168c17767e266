"""Read-only access to the warehouse, for checks and reports.

In: a source's name and SQL. Out: rows. A single-file warehouse stays locked while it is open, so
open it only for the time of the queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dlt.common.schema import Schema
from dlt.common.schema.typing import TColumnSchema
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.models import DataType
from analytics_sync.common.redaction import Redactor
from analytics_sync.load.clients.destination import (
    DEFAULT,
    configured_kind,
    destination_secrets,
    duckdb_file,
    make_destination,
)
from analytics_sync.load.clients.foreign_objects import ForeignObject, foreign_objects
from analytics_sync.load.errors import warehouse_errors
from analytics_sync.load.sharing.locks import open_locked
from analytics_sync.load.tables.column_types import Mismatch, mismatches
from analytics_sync.load.tables.real_tables import real_tables
from analytics_sync.load.tables.table_changes import stored_name


class Warehouse:
    """Read-only access to one source's dataset, inside ``open_warehouse``.

    Attributes:
        dataset: Name of the dataset.
        redact: Removes the secrets of the destination from a message.
    """

    def __init__(self, job_client: Any, dataset: str, redact: Redactor) -> None:
        self.redact = redact
        self._job_client = job_client
        self._client: SqlClientBase[Any] | None = job_client.sql_client if job_client else None
        self.dataset = dataset
        self._own: set[str] = set()

    def table(self, name: str) -> str:
        """The quoted, qualified name of a table.

        Raises:
            ForeignObject: A statement on it could run code of another role.
        """
        if self._client is None:
            return name
        if name not in self._own:
            for problem in foreign_objects(self._client, [name]).values():
                raise ForeignObject(f"{self.dataset}: {problem}")
            self._own.add(name)
        return self._client.make_qualified_table_name(name)

    def column(self, name: str) -> str:
        """The quoted name of a column."""
        return self._client.escape_column_name(self.stored(name)) if self._client else name

    def stored(self, column: str) -> str:
        """The name that a column has in the warehouse: dlt shortens names that are too long for it."""
        return stored_name(self._job_client.schema.naming, column) if self._job_client else column

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of the table's columns; empty when there is no such table."""
        if self._client is None:
            return ()
        try:
            with self._client.execute_query(f"SELECT * FROM {self.table(table)} WHERE 1 = 0") as c:
                return tuple(d[0] for d in c.native_cursor.description or ())
        except DatabaseUndefinedRelation:
            return ()

    def types(self, table: str) -> dict[str, DataType]:
        """dlt's data types of the table's columns; empty when there is no such table."""
        if self._job_client is None:
            return {}
        _, columns = self._job_client.get_storage_table(table)
        return {name: column["data_type"] for name, column in columns.items()}

    def wrong_types(self, table: str, columns: Mapping[str, TColumnSchema]) -> list[Mismatch]:
        """The columns that the table has with another type than declared."""
        if self._job_client is None:
            return []
        real = real_tables(self._job_client).get(table, {})
        return list(mismatches(self._job_client, real, table, columns))

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        if self._client is None:
            return []
        with self._client.execute_query(sql, *params) as cursor:
            return [tuple(row) for row in cursor.fetchall()]

    def row(self, sql: str, *params: Any) -> Sequence[Any]:
        """The one row of a query."""
        return self.rows(sql, *params)[0]


@contextmanager
def open_warehouse(dataset: str) -> Iterator[Warehouse]:
    """Open the dataset of a source. A warehouse that does not exist yet has no tables.

    Raises:
        LoadError: The warehouse cannot be opened, another program still had it open when the time was
            up, or a query failed.
    """
    if configured_kind() == DEFAULT and not duckdb_file().exists():
        yield Warehouse(None, dataset, Redactor(()))
        return
    destination = make_destination()
    redact = Redactor(destination_secrets(destination))
    with warehouse_errors(dataset, "looking at the warehouse", redact):
        config = destination.spec()
        config.dataset_name = dataset
        with open_locked(lambda: destination.client(Schema(dataset), config)) as job_client:
            yield Warehouse(job_client, dataset, redact)

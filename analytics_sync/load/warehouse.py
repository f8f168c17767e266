"""Read-only access to the warehouse, for checks and reports.

In: a source's name and SQL. Out: rows. A single-file warehouse stays locked while it is open, so
open it only for the time of the queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from dlt.common.schema.typing import TColumnSchema
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.config.models import DataType
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.stopping import Stop
from analytics_sync.load.clients.foreign_objects import ForeignObject, foreign_objects
from analytics_sync.load.clients.merging_client import MergingClient
from analytics_sync.load.clients.postgres_keys import has_unique_index
from analytics_sync.load.dialects import in_dialect
from analytics_sync.load.gone.scope import column_names
from analytics_sync.load.sharing.locks import open_dataset
from analytics_sync.load.tables.column_types import Mismatch, mismatches
from analytics_sync.load.tables.real_tables import Columns, real_tables
from analytics_sync.load.tables.table_changes import stored_name


class Warehouse:
    """Read-only access to one source's dataset, inside ``open_warehouse``. It asks for columns once.

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
        self._columns: dict[str, tuple[str, ...]] = {}

    @property
    def dialect(self) -> str:
        """The dialect of SQL, in sqlglot's words; empty without a warehouse."""
        return str(self._client.capabilities.sqlglot_dialect) if self._client else ""

    @property
    def finds_spellings(self) -> bool:
        """Whether the merges of loads look for keys in another spelling."""
        return isinstance(self._job_client, MergingClient)

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

    def quoted(self, name: str) -> str:
        """A name as it stands in SQL."""
        return self._client.escape_column_name(name) if self._client else name

    def stored(self, column: str) -> str:
        """The name that a column has in the warehouse: dlt shortens names that are too long for it."""
        return stored_name(self._job_client.schema.naming, column) if self._job_client else column

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of the table's columns; empty when there is no such table."""
        if self._client is None:
            return ()
        if table not in self._columns:
            self._columns[table] = column_names(self._client, self.table(table))
        return self._columns[table]

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
        return list(mismatches(self._job_client, self._real.get(table, {}), table, columns))

    @cached_property
    def _real(self) -> Mapping[str, Columns]:
        """The columns of all tables, as they are while the warehouse is open."""
        return real_tables(self._job_client)

    def proves_unique(self, table: str, key: Sequence[str]) -> bool:
        """Whether an index of the table proves that no two of its rows have the same key."""
        if self._client is None:
            return False
        return has_unique_index(self._client, table, [self.stored(column) for column in key])

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        if self._client is None:
            return []
        with self._client.execute_query(in_dialect(sql, self.dialect), *params) as cursor:
            return [tuple(row) for row in cursor.fetchall()]

    def row(self, sql: str, *params: Any) -> Sequence[Any]:
        """The one row of a query."""
        return self.rows(sql, *params)[0]


@contextmanager
def open_warehouse(dataset: str, stop: Stop | None = None) -> Iterator[Warehouse]:
    """Open the dataset of a source. A warehouse that does not exist yet has no tables.

    Args:
        dataset: Name of the dataset.
        stop: Ends waits and statements; None if nothing does.

    Raises:
        LoadError: The warehouse cannot be opened, another program still had it open when the time was
            up, or a query failed.
    """
    with open_dataset(dataset, "looking at the warehouse", stop) as (job_client, redact):
        yield Warehouse(job_client, dataset, redact)

"""Missing rows: the living rows of a table that a read has not found, and their mark.

In: a scope, and perhaps the keys that a second read has found. Out: ``_deleted_at`` in the other rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.naming import DELETED_AT
from analytics_sync.extract.result import ReadResult
from analytics_sync.load.gone.scope import Scope

Key = tuple[Any, ...]

_KEYS_PER_STATEMENT = 1_000


class MissingRows:
    """The living rows of a scope that were last read before its read began.

    Args:
        client: A client that is connected to the source's dataset.
        scope: The rows that the read speaks for.
    """

    def __init__(self, client: SqlClientBase[Any], scope: Scope) -> None:
        self._client = client
        self._scope = scope
        self._table = client.make_qualified_table_name(scope.resource.table)
        self._deleted_at = client.escape_column_name(DELETED_AT)
        self._key = [client.escape_column_name(column) for column in scope.resource.key]
        self._where, self._values = scope.missing_rows(client)

    def count(self) -> int:
        """Number of the rows."""
        return int(self._rows("count(*)")[0][0])

    def keys(self) -> set[Key]:
        """The keys of the rows."""
        return set(self._rows(", ".join(self._key)))

    def mark(self) -> None:
        """Set ``_deleted_at`` of all these rows to the start of the read."""
        sql = f"UPDATE {self._table} SET {self._deleted_at} = %s WHERE {self._where}"
        self._client.execute_sql(sql, self._scope.started, *self._values)

    def mark_only(self, keys: Collection[Key]) -> None:
        """Set ``_deleted_at`` of those of these rows that have one of the keys."""
        names = [f"k{n}" for n in range(len(self._key))]
        same = " AND ".join(f"sought.{n} = old.{k}" for n, k in zip(names, self._key, strict=True))
        one = f"({', '.join(['%s'] * len(names))})"
        remaining = iter(keys)
        while some := list(islice(remaining, _KEYS_PER_STATEMENT)):
            values = ", ".join([one] * len(some))
            self._client.execute_sql(
                f"UPDATE {self._table} AS old SET {self._deleted_at} = %s WHERE {self._where} AND EXISTS "
                f"(SELECT 1 FROM {self._sought(values, names)} WHERE {same})",
                self._scope.started,
                *self._values,
                *(value for key in some for value in key),
            )

    def _sought(self, values: str, names: Sequence[str]) -> str:
        """The table ``sought`` of these values."""
        dialect = self._client.capabilities.sqlglot_dialect
        if dialect == "mysql":
            listed = f"WITH listed ({', '.join(names)}) AS (VALUES {values})"
            return f"({listed} SELECT * FROM listed) AS sought"
        if dialect != "sqlite":
            return f"(VALUES {values}) AS sought ({', '.join(names)})"
        columns = ", ".join(f"column{n} AS {name}" for n, name in enumerate(names, 1))
        return f"(SELECT {columns} FROM (VALUES {values})) AS sought"

    def _rows(self, columns: str) -> list[Key]:
        sql = f"SELECT {columns} FROM {self._table} WHERE {self._where}"
        with self._client.execute_query(sql, *self._values) as cursor:
            return [tuple(row) for row in cursor.fetchall()]


def found_keys(result: ReadResult, sought: Collection[Key]) -> set[Key]:
    """Those of the sought keys that a read has found. Memory holds one table of it at a time."""
    return {key for key in _keys(result) if key in sought}


def _keys(result: ReadResult) -> Iterator[Key]:
    assert result.buffer is not None, "every finished read has a buffer"
    columns = list(result.resource.key)
    for table in result.buffer.tables():
        yield from zip(*(table.column(name).to_pylist() for name in columns), strict=True)

"""The counts of a merge: what its statements did to a table, as the warehouse reports it.

In: the statements of a merge, in its transaction. Out: the number of rows that each of them removed or
added. No table is read for this: DuckDB and PostgreSQL tell the number with each statement. Whether a row
that took the place of its older version differs from it is not known: to compare them, a merge would read
every column of the table.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

OLDER_VERSIONS = "DELETE /* older versions */ FROM"
"""The begin of the statement that removes the older versions of new rows."""
UNEXPECTED = "SELECT count(*) /* unexpected */"
"""The begin of the statement that counts the rows of which nobody expects a new version."""
_INSERT = "INSERT INTO"


@dataclass
class MergeCounts:
    """What the merges of one load did to a table.

    Attributes:
        inserted: Rows whose key the table did not have.
        replaced: Rows that took the place of the row with their key.
        unexpected: Rows of other windows whose key a new row has; counted where they show a wrong key.
        seconds: Duration of the merges.
    """

    inserted: int = 0
    replaced: int = 0
    unexpected: int = 0
    seconds: float = 0.0


class Merges:
    """The counts of all tables of a load. Threads may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_table: dict[str, MergeCounts] = {}

    def add(self, table: str, counts: MergeCounts) -> None:
        """Add the counts of one merge, once it is committed."""
        with self._lock:
            total = self._by_table.setdefault(table, MergeCounts())
            total.inserted += counts.inserted
            total.replaced += counts.replaced
            total.unexpected += counts.unexpected
            total.seconds += counts.seconds

    @property
    def by_table(self) -> Mapping[str, MergeCounts]:
        """The counts of each table that was merged."""
        return self._by_table


def run_counted(client: SqlClientBase[Any], statements: Iterable[str]) -> MergeCounts:
    """Run the statements of a merge, one after the other, and count.

    Args:
        client: A client of DuckDB or PostgreSQL, in a transaction.
        statements: As ``merge_statements`` makes them.
    """
    began, removed, added, unexpected = monotonic(), 0, 0, 0
    for statement in statements:
        with client.execute_query(statement) as cursor:
            if statement.startswith(OLDER_VERSIONS):
                removed += _rows_changed(cursor)
            elif statement.startswith(_INSERT):
                added += _rows_changed(cursor)
            elif statement.startswith(UNEXPECTED):
                unexpected += int(cursor.fetchall()[0][0])
    return MergeCounts(max(0, added - removed), removed, unexpected, monotonic() - began)


def _rows_changed(cursor: Any) -> int:
    """The number of rows that a statement has changed: DuckDB gives it as a row, PostgreSQL beside."""
    if cursor.description is not None:
        return int(cursor.fetchall()[0][0])
    return max(0, int(cursor.native_cursor.rowcount))

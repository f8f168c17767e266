"""The counts of a merge: what its statements did to a table, as the warehouse reports it.

In: the statements of a merge, in its transaction. Out: the number of rows that each of them removed or
added. No table is read for this: DuckDB and PostgreSQL tell the number with each statement. Whether a row
that took the place of its older version differs from it is not known: to compare them, a merge would read
every column of the table.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.load.clients.merge_probe import SPELLED, UNEXPECTED, spelled_keys

OLDER_VERSIONS = "DELETE /* older versions */"
"""The begin of the statement that removes the older versions of new rows."""
_INSERT = "INSERT INTO"


@dataclass
class MergeCounts:
    """What the merges of one load did to a table.

    Attributes:
        inserted: Rows whose key the table did not have.
        replaced: Rows that took the place of the row with their key.
        seconds: Duration of the merges.
        unexpected: Rows of other windows whose key a new row has, by the time of the new row; counted where
            they show a wrong key.
        spelled: The time of a new row for each UUID that another row has in another case.
    """

    inserted: int = 0
    replaced: int = 0
    seconds: float = 0.0
    unexpected: Counter[Any] = field(default_factory=Counter)
    spelled: dict[str, Any] = field(default_factory=dict)


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
            total.seconds += counts.seconds
            total.unexpected.update(counts.unexpected)
            total.spelled.update(counts.spelled)

    @property
    def by_table(self) -> Mapping[str, MergeCounts]:
        """The counts of each table that was merged."""
        return self._by_table


def run_counted(client: SqlClientBase[Any], statements: Iterable[str]) -> MergeCounts:
    """Run the statements of a merge, one after the other, and count.

    Args:
        client: The client of a tested warehouse, in a transaction.
        statements: As ``merge_statements`` makes them.
    """
    began, removed, added = monotonic(), 0, 0
    counts = MergeCounts()
    for statement in statements:
        with client.execute_query(statement) as cursor:
            if statement.startswith(OLDER_VERSIONS):
                removed += _rows_changed(cursor)
            elif statement.startswith(_INSERT):
                added += _rows_changed(cursor)
            elif statement.startswith(UNEXPECTED):
                counts.unexpected.update({time: int(rows) for time, rows in cursor.fetchall()})
            elif statement.startswith(SPELLED):
                counts.spelled.update(spelled_keys(cursor.fetchall()))
    counts.inserted, counts.replaced = max(0, added - removed), removed
    counts.seconds = monotonic() - began
    return counts


def _rows_changed(cursor: Any) -> int:
    """The number of rows that a statement has changed: DuckDB gives it as a row, PostgreSQL beside."""
    if cursor.description is not None:
        return int(cursor.fetchall()[0][0])
    return max(0, int(cursor.native_cursor.rowcount))

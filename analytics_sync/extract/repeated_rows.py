"""Repeated rows: the rows of a read that share a primary key, and which of them is the newest version.

In: the key, the cursor and the time of reading of all rows, in memory or in a Parquet file. Out: the rows that
share a key. Memory stays flat, whatever the number of rows: keys of a file are compared by their hashes, which
DuckDB groups on the disk if need be. Only rows whose hashes are equal are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analytics_sync.catalog.naming import READ_AT

_POSITION = "#"
_MEMORY = "64MB"
_ROWS_AT_ONCE = 10_000


class RepeatedRow(NamedTuple):
    """One of the rows that share a key.

    Attributes:
        position: Number of the row, in the order in which the rows were added.
        key: Values of the key columns.
        cursor: Value of the cursor column; None without a cursor.
        read_at: When the response arrived, in microseconds since 1970.
        first: Position of the first row of the response.
        last: Position of the last row of the response.
    """

    position: int
    key: tuple[object, ...]
    cursor: Any
    read_at: int
    first: int
    last: int


def repeated_in_memory(
    tables: Sequence[pa.Table], key: Sequence[str], cursor: str | None
) -> list[RepeatedRow]:
    """The rows whose key another row has too, in their order.

    Args:
        tables: All rows.
        key: The columns that identify a record.
        cursor: The column that orders versions; None without one.
    """
    if not tables or not key:
        return []
    rows = pa.concat_tables(tables)
    distinct = rows.group_by(list(key)).aggregate([([], "count_all")])
    if distinct.num_rows == rows.num_rows:
        return []  # the usual case
    numbered = rows.append_column(_POSITION, pa.array(range(rows.num_rows), pa.int64()))
    return _repeated(numbered, key, cursor, lambda: [numbered])


def repeated_in_file(path: Path, key: Sequence[str], cursor: str | None) -> list[RepeatedRow]:
    """As ``repeated_in_memory``, for the rows of a Parquet file."""
    if not key or not (positions := _same_hashes(path, key)):
        return []
    columns = list(dict.fromkeys([*key, *([cursor] if cursor else []), READ_AT]))
    sought = pa.array(positions, pa.int64())
    found = [
        table.filter(pc.is_in(table.column(_POSITION), value_set=sought))
        for table in _numbered(path, columns)
    ]
    return _repeated(pa.concat_tables(found), key, cursor, lambda: _numbered(path, [READ_AT]))


def older_versions(repeated: Sequence[RepeatedRow]) -> list[int]:
    """Positions of the rows that are not the newest version of their key.

    Without a cursor, only the time of reading orders the versions.
    """
    newest: dict[tuple[object, ...], RepeatedRow] = {}
    dropped = []
    for version in repeated:
        previous = newest.get(version.key)
        if previous is None:
            newest[version.key] = version
        elif _is_newer(version, previous):
            dropped.append(previous.position)
            newest[version.key] = version
        else:
            dropped.append(version.position)
    return sorted(dropped)


def _is_newer(one: RepeatedRow, other: RepeatedRow) -> bool:
    """Whether the first version is newer. Of two equal ones, the one that was added last is newer."""
    if one.cursor != other.cursor:
        return bool(one.cursor > other.cursor)
    return one.read_at >= other.read_at


def _same_hashes(path: Path, key: Sequence[str]) -> list[int]:
    """The positions of the rows of a file whose keys have the hash of another row's key."""
    import duckdb  # a small read does without

    quoted = str(path).replace("'", "''")
    columns = ", ".join('"' + column.replace('"', '""') + '"' for column in key)
    hashes = f"SELECT hash({columns}) AS h FROM read_parquet('{quoted}')"
    config: dict[str, Any] = {
        "memory_limit": _MEMORY,
        "threads": 1,  # one thread reads the rows in their order
        "temp_directory": str(path.parent),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=config) as database:
        groups = f"SELECT h FROM ({hashes}) GROUP BY h HAVING count(*) > 1"
        shared = {h for (h,) in database.execute(groups).fetchall()}
        if not shared:
            return []
        found, start, rows = [], 0, database.execute(hashes)
        while some := rows.fetchmany(_ROWS_AT_ONCE):
            found += [start + i for i, (h,) in enumerate(some) if h in shared]
            start += len(some)
        return found


def _numbered(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The row groups of a file, with the positions of their rows."""
    start = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=list(columns))
            end = start + table.num_rows
            yield table.append_column(_POSITION, pa.array(range(start, end), pa.int64()))
            start = end


def _repeated(
    rows: pa.Table,
    key: Sequence[str],
    cursor: str | None,
    everything: Callable[[], Iterable[pa.Table]],
) -> list[RepeatedRow]:
    """The rows whose key another one of these rows has too."""
    keys = list(zip(*(rows.column(k).to_pylist() for k in key), strict=True))
    numbers = Counter(keys)
    at = [i for i, values in enumerate(keys) if numbers[values] > 1]
    found = rows.take(at)
    positions = found.column(_POSITION).to_pylist()
    cursors = found.column(cursor).to_pylist() if cursor else [None] * len(positions)
    read_at = found.column(READ_AT).cast(pa.int64()).to_pylist()
    pages = _pages(everything(), found.column(READ_AT))
    firsts, lasts = ([pages[time][end] for time in read_at] for end in (0, 1))
    return list(map(RepeatedRow, positions, [keys[i] for i in at], cursors, read_at, firsts, lasts))


def _pages(tables: Iterable[pa.Table], times: pa.ChunkedArray) -> dict[int, tuple[int, int]]:
    """The positions of the first and last row of each response that arrived at one of ``times``."""
    sought = pc.unique(times)
    pages: dict[int, tuple[int, int]] = {}
    for table in tables:
        rows = table.filter(pc.is_in(table.column(READ_AT), value_set=sought))
        ends = rows.group_by(READ_AT).aggregate([(_POSITION, "min"), (_POSITION, "max")])
        arrived = ends.column(READ_AT).cast(pa.int64()).to_pylist()
        firsts, lasts = (ends.column(f"{_POSITION}_{end}").to_pylist() for end in ("min", "max"))
        for time, first, last in zip(arrived, firsts, lasts, strict=True):
            pages[time] = (pages.get(time, (first, last))[0], last)
    return pages

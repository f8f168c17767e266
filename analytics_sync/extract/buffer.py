"""The table buffer: tables of one resource, until the whole resource has been read.

In: tables of one schema, as pages arrive. Out: the same rows without repeated keys, once the read
has succeeded, and the rows that share a key. A resource that fails half-way leaves nothing behind.
Memory stays flat: beyond 8 MB the tables go to a file, which is written while the read continues.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import LOAD_ID, PARENT_KEY, READ_AT
from analytics_sync.extract.repeated_rows import (
    RepeatedRow,
    older_versions,
    repeated_in_file,
    repeated_in_memory,
)
from analytics_sync.extract.row_times import RowTimes, row_times

_MAX_BYTES_IN_MEMORY = 8 * 1024 * 1024  # also the size of one write, and of one table passed on
_ROWS_COMPARED_AT_ONCE = 1_000
_ORIGIN = frozenset({READ_AT, PARENT_KEY})  # columns that say where a row comes from


class TableBuffers:
    """The table buffers of one run.

    Args:
        folder: Holds their files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="spool")

    def open(self, resource: Resource, schema: pa.Schema) -> TableBuffer:
        """A new buffer for tables of ``schema``."""
        # A parent may be read twice: the records of the window, and all records for a child.
        cursor = resource.cursor.column if resource.cursor else None
        return TableBuffer(
            schema, self.new_path(resource.name), resource.key, cursor, self._executor
        )

    def new_path(self, name: str) -> Path:
        """The path of a new Parquet file, which goes with the folder when the run ends."""
        return self._folder / f"{name}-{uuid.uuid4().hex}.parquet"

    def close(self) -> None:
        """Wait for the write in progress, and cancel the others."""
        self._executor.shutdown(wait=True, cancel_futures=True)


class TableBuffer:
    """The tables of one resource.

    Args:
        schema: Schema of every table added.
        path: The file to use when memory is not enough.
        key: The columns that identify a record.
        cursor: The column that orders the versions of a record; None when there is none.
        executor: Runs the writes, one at a time.
    """

    def __init__(
        self,
        schema: pa.Schema,
        path: Path,
        key: Sequence[str],
        cursor: str | None,
        executor: Executor,
    ) -> None:
        self.schema = schema
        self._key = list(key)
        self._cursor = cursor
        self.rows = 0
        self.duplicates = 0
        self.repeated: list[RepeatedRow] = []
        """The rows that share a key, in the order in which they were added; set by ``finish``."""
        self.times = RowTimes()
        """When the rows belong; set by ``finish`` for rows with a cursor."""
        self._path = path
        # dlt rewrites the file if a column that is never null is nullable in the file.
        fields = [*schema, pa.field(LOAD_ID, pa.string())]
        never_null = {*key, LOAD_ID}
        self._file_schema = pa.schema([f.with_nullable(f.name not in never_null) for f in fields])
        self._tables: list[pa.Table] = []
        self._bytes = 0
        self._executor = executor
        self._write: Future[None] | None = None
        self._writer: pq.ParquetWriter | None = None

    def add(self, table: pa.Table) -> None:
        """Append a table.

        Raises:
            OSError: The disk has no room for the file.
        """
        if not table.num_rows:
            return
        self.rows += table.num_rows
        self._tables.append(table)
        self._bytes += table.nbytes
        if self._bytes > _MAX_BYTES_IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        """Write the tables in memory to the file, in the background."""
        if self._write is not None:
            self._write.result()  # Wait for the previous write: at most two chunks are in memory.
        self._write = self._executor.submit(self._write_tables, self._tables)
        self._tables, self._bytes = [], 0

    def _write_tables(self, tables: list[pa.Table]) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(str(self._path), self._file_schema)
        table = pa.concat_tables(tables).combine_chunks()
        tables.clear()
        table = table.append_column(LOAD_ID, pa.repeat("", table.num_rows))
        self._writer.write_table(table.cast(self._file_schema))

    def finish(self) -> None:
        """Finish the file, and find the rows to keep: the newest version of each key.

        Of versions with the same cursor, the version that was read last is the newest.

        Raises:
            OSError: The disk has no room for the file.
        """
        if self._write is not None:
            if self._tables:
                self._spill()
            self._write.result()
        if self._writer is not None:
            self._writer.close()
            self.repeated = repeated_in_file(self._path, self._key, self._cursor)
        else:
            self.repeated = repeated_in_memory(self._tables, self._key, self._cursor)
        self._dropped = older_versions(self.repeated)
        if self._cursor is not None and self.rows:
            self.times = row_times(self._column(self._cursor), self._dropped)
        self.duplicates = len(self._dropped)
        self.rows -= self.duplicates

    def file(self) -> Path | None:
        """A Parquet file of the rows to load; None when they are in memory or need a filter.

        The file has a column for dlt's load id. The load id is not known yet, so the column holds
        empty text. ``close`` removes the file.
        """
        if self._writer is None or self._dropped:
            return None
        return self._path

    def tables(self) -> Iterator[pa.Table]:
        """The rows to load; an empty table when no row is left, so that the table is created."""
        if not self.rows:
            yield self.schema.empty_table()
            return
        start = 0
        for table in self._stored():
            end = start + table.num_rows
            dropped = {i - start for i in self._dropped if start <= i < end}
            if dropped:
                table = table.filter(pa.array(i not in dropped for i in range(table.num_rows)))
            if table.num_rows:
                yield table
            start = end

    def _stored(self) -> Iterator[pa.Table]:
        """All rows in the order in which they were added, older versions included."""
        if self._writer is None:
            if self._tables:
                yield pa.concat_tables(self._tables).combine_chunks()
            return
        with pq.ParquetFile(self._path) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=self.schema.names)

    def _column(self, name: str) -> pa.ChunkedArray:
        """A column of all rows that were added."""
        if self._writer is None:
            return pa.concat_tables(self._tables).column(name)
        return pq.read_table(self._path, columns=[name]).column(name)

    @property
    def content_columns(self) -> tuple[str, ...]:
        """The columns of a row that come from the record."""
        return tuple(name for name in self.schema.names if name not in _ORIGIN)

    def contents(self, positions: Sequence[int]) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Rows and their values, a few rows at a time, so that memory stays flat.

        Args:
            positions: The positions of the rows, in rising order.

        Yields:
            The position, and the values of ``content_columns``. Times are numbers.
        """
        start = first = 0
        for table in self._stored():
            end = start + table.num_rows
            last = bisect_left(positions, end, first)
            for i in range(first, last, _ROWS_COMPARED_AT_ONCE):
                some = positions[i : min(i + _ROWS_COMPARED_AT_ONCE, last)]
                rows = table.select(self.content_columns).take([p - start for p in some])
                columns = [_plain(column).to_pylist() for column in rows.columns]
                yield from zip(some, zip(*columns, strict=True), strict=True)
            start, first = end, last

    def close(self) -> None:
        """Free the memory, and remove the file if there is one."""
        self._tables = []
        self._path.unlink(missing_ok=True)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with numbers in place of times: they are equal where the times are, and faster."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64())
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32())
    return column

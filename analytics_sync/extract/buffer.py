"""Where a resource's tables wait until the whole resource has been read.

In: tables of one schema, as pages arrive. Out: the same rows without repeated keys, once reading
has ended well. A resource that fails half-way leaves nothing behind, and memory stays flat: beyond
a few megabytes the tables wait in a file, which is written while reading goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import LOAD_ID, READ_AT

_IN_MEMORY = 8 * 1024 * 1024  # bytes; also what is written, and handed on, at a time


class TableBuffers:
    """The spools of one run.

    Args:
        folder: For their files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="spool")

    def open(self, resource: Resource, schema: pa.Schema) -> TableBuffer:
        """A spool for tables of ``schema``."""
        # a parent may be read twice: the window's records, and all for a child
        path = self._folder / f"{resource.name}-{uuid.uuid4().hex}.parquet"
        cursor = resource.cursor.column if resource.cursor else None
        return TableBuffer(schema, path, resource.key, cursor, self._writer)

    def close(self) -> None:
        """Wait for what is being written."""
        self._writer.shutdown(wait=True, cancel_futures=True)


class TableBuffer:
    """Tables of one resource.

    Args:
        schema: Of every table added.
        path: The file to use when memory is not enough.
        key: The columns that tell rows apart.
        cursor: The column that tells versions of a row apart.
        writer: Where the file is written.
    """

    def __init__(
        self,
        schema: pa.Schema,
        path: Path,
        key: Sequence[str],
        cursor: str | None,
        writer: Executor,
    ) -> None:
        self.schema = schema
        self._key = list(key)
        self._cursor = cursor
        self._telling = list(dict.fromkeys([*key, *([cursor] if cursor else []), READ_AT]))
        self.rows = 0
        self.duplicates = 0
        self._path = path
        # dlt would write the file again if it said that what is never null may be
        fields = [*schema, pa.field(LOAD_ID, pa.string())]
        never_null = {*key, LOAD_ID}
        self._file_schema = pa.schema([f.with_nullable(f.name not in never_null) for f in fields])
        self._tables: list[pa.Table] = []
        self._bytes = 0
        self._executor = writer
        self._writing: Future[None] | None = None
        self._writer: pq.ParquetWriter | None = None
        self._versions: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Append a table.

        Raises:
            OSError: There is no room for the file.
        """
        if not table.num_rows:
            return
        self.rows += table.num_rows
        self._versions.append(table.select(self._telling))
        self._tables.append(table)
        self._bytes += table.nbytes
        if self._bytes > _IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        if self._writing is not None:
            self._writing.result()  # memory holds what is written and what comes, and no more
        self._writing = self._executor.submit(self._write, self._tables)
        self._tables, self._bytes = [], 0

    def _write(self, tables: list[pa.Table]) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(str(self._path), self._file_schema)
        table = pa.concat_tables(tables).combine_chunks()
        tables.clear()
        table = table.append_column(LOAD_ID, pa.repeat("", table.num_rows))
        self._writer.write_table(table.cast(self._file_schema))

    def finish(self) -> None:
        """End writing and find the rows to keep: the newest version of each key, read last.

        Raises:
            OSError: There is no room for the file.
        """
        if self._writing is not None:
            if self._tables:
                self._spill()
            self._writing.result()
        if self._writer is not None:
            self._writer.close()
        self._drop = _older_versions(self._versions, self._key, self._cursor)
        self._versions = []
        self.duplicates = len(self._drop)
        self.rows -= self.duplicates

    def file(self) -> Path | None:
        """A Parquet file of the rows to load, where they are many; it goes when the spool is closed.

        It has a column for dlt's load id, which is not known yet: empty text stands there.
        """
        if self._writer is None or self._drop:
            return None
        return self._path

    def tables(self) -> Iterator[pa.Table]:
        """The rows to load; an empty table when there are none, so that the table exists."""
        if not self.rows:
            yield self.schema.empty_table()
            return
        start = 0
        for table in self._stored():
            end = start + table.num_rows
            dropped = {i - start for i in self._drop if start <= i < end}
            if dropped:
                table = table.filter(pa.array(i not in dropped for i in range(table.num_rows)))
            if table.num_rows:
                yield table
            start = end

    def _stored(self) -> Iterator[pa.Table]:
        if self._writer is None:
            if self._tables:
                yield pa.concat_tables(self._tables).combine_chunks()
            return
        with pq.ParquetFile(self._path) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=self.schema.names)

    def close(self) -> None:
        """Remove the file, if there is one."""
        self._tables = []
        self._path.unlink(missing_ok=True)


def _older_versions(
    tables: Sequence[pa.Table], key: Sequence[str], cursor: str | None
) -> list[int]:
    """Positions of rows whose key comes again in a newer version, or read later with the same."""
    if not tables or not key:
        return []
    keys = pa.concat_tables(tables)
    if len(key) == 1 and pc.count_distinct(keys.column(key[0]), "all").as_py() == keys.num_rows:
        return []  # the usual case, for a quarter of the memory
    distinct = keys.group_by(list(key)).aggregate([([], "count_all")])
    if distinct.num_rows == keys.num_rows:
        return []
    repeated = distinct.filter(pc.greater(distinct.column("count_all"), 1)).select(list(key))
    numbered = keys.append_column("#", pa.array(range(keys.num_rows), pa.int64()))
    candidates = numbered.join(repeated, keys=list(key), join_type="inner")
    best: dict[tuple[object, ...], tuple[tuple[Any, Any], int]] = {}
    drop = []
    for row in sorted(candidates.to_pylist(), key=lambda r: r["#"]):
        identity = tuple(row[k] for k in key)
        version = (row[cursor] if cursor else 0, row[READ_AT])
        known = best.get(identity)
        if known is None or version >= known[0]:
            if known is not None:
                drop.append(known[1])
            best[identity] = (version, row["#"])
        else:
            drop.append(row["#"])
    return sorted(drop)

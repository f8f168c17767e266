"""Where a resource's tables wait until the whole resource has been read.

In: tables of one schema, as pages arrive. Out: the same rows without repeated keys, once reading
has ended well. A resource that fails half-way leaves nothing behind, and memory stays flat: beyond
a few megabytes the tables wait in a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_IN_MEMORY = 32 * 1024 * 1024


class Spool:
    """Tables of one resource.

    Args:
        schema: Of every table added.
        path: The file to use when memory is not enough.
    """

    def __init__(self, schema: pa.Schema, path: Path) -> None:
        self.schema = schema
        self.rows = 0
        self.duplicates = 0
        self._path = path
        self._tables: list[pa.Table] = []
        self._bytes = 0
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._keys: list[pa.Table] = []

    def add(self, table: pa.Table, key: Sequence[str], cursor: str | None) -> None:
        """Append a table; ``key`` and ``cursor`` name the columns that tell versions apart."""
        if not table.num_rows:
            return
        self.rows += table.num_rows
        self._keys.append(table.select([*key, *([cursor] if cursor and cursor not in key else [])]))
        self._tables.append(table)
        self._bytes += table.nbytes
        if self._bytes > _IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        if self._writer is None:
            self._writer = pa.ipc.new_file(str(self._path), self.schema)
        for table in self._tables:
            self._writer.write_table(table)
        self._tables, self._bytes = [], 0

    def finish(self, key: Sequence[str], cursor: str | None) -> None:
        """End writing and find the rows to keep: the newest version of each key, read last."""
        if self._writer is not None:
            self._spill()
            self._writer.close()
        self._drop = _older_versions(self._keys, key, cursor)
        self._keys = []
        self.duplicates = len(self._drop)
        self.rows -= self.duplicates

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
            yield from self._tables
            return
        with pa.memory_map(str(self._path)) as file:
            reader = pa.ipc.open_file(file)
            for i in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(i)])

    def close(self) -> None:
        """Remove the file, if there is one."""
        self._tables = []
        self._path.unlink(missing_ok=True)


def _older_versions(
    tables: Sequence[pa.Table], key: Sequence[str], cursor: str | None
) -> list[int]:
    """Positions of rows whose key comes again in a newer version, or later with the same cursor."""
    if not tables or not key:
        return []
    keys = pa.concat_tables(tables)
    distinct = keys.group_by(list(key)).aggregate([([], "count_all")])
    if distinct.num_rows == keys.num_rows:
        return []
    repeated = distinct.filter(pc.greater(distinct.column("count_all"), 1)).select(list(key))
    numbered = keys.append_column("#", pa.array(range(keys.num_rows), pa.int64()))
    candidates = numbered.join(repeated, keys=list(key), join_type="inner")
    best: dict[tuple[object, ...], tuple[Any, int]] = {}
    drop = []
    for row in sorted(candidates.to_pylist(), key=lambda r: r["#"]):
        identity = tuple(row[k] for k in key)
        version = row[cursor] if cursor else 0
        known = best.get(identity)
        if known is None or version >= known[0]:
            if known is not None:
                drop.append(known[1])
            best[identity] = (version, row["#"])
        else:
            drop.append(row["#"])
    return sorted(drop)

"""The rejected records of one read, until they are loaded.

In: rejected records, as pages are converted. Out: the same records, in memory or from a file: a wrong
declaration may reject every record of a large API, so memory must stay flat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analytics_sync.common.exact_json import dumps, loads
from analytics_sync.extract.convert.converter import Rejected

_MAX_BYTES_IN_MEMORY = 8 * 1024 * 1024
_SCHEMA = pa.schema([(name, pa.string()) for name in ("reason", "record", "parent")])


class RejectedRecords:
    """Collects rejected records. The file is removed with its folder, when the run ends.

    Attributes:
        reasons: The number of records for each reason.
    """

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self._path: Path | None = None
        self._writer: pq.ParquetWriter | None = None
        self._rows: list[tuple[str, str, str | None]] = []
        self._bytes = 0

    def spill_to(self, path: Path) -> None:
        """Name the file to use when memory is not enough."""
        self._path = path

    def add(
        self, rejected: Iterable[Rejected], parent_of: Callable[[Any], str | None] = lambda _: None
    ) -> None:
        """Append records.

        Args:
            rejected: The records.
            parent_of: Gives the key of the parent that listed a record; None without a parent.

        Raises:
            OSError: The disk has no room for the file.
        """
        for item in rejected:
            record = dumps(item.record).decode()
            self.reasons[item.reason] += 1
            self._rows.append((item.reason, record, parent_of(item.record)))
            self._bytes += len(record)
        if self._bytes > _MAX_BYTES_IN_MEMORY and self._path is not None:
            if self._writer is None:
                self._writer = pq.ParquetWriter(str(self._path), _SCHEMA)
            self._writer.write_table(self._table())
            self._rows, self._bytes = [], 0

    def tables(self) -> Iterator[pa.Table]:
        """Reasons, records as JSON, and keys of parents, in the order in which they were added."""
        if self._writer is not None and self._path is not None:
            self._writer.close()
            with pq.ParquetFile(self._path) as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group)
        if self._rows:
            yield self._table()

    def _table(self) -> pa.Table:
        columns = [pa.array(values, pa.string()) for values in zip(*self._rows, strict=True)]
        return pa.table(columns, schema=_SCHEMA)

    def __len__(self) -> int:
        return self.reasons.total()

    def __iter__(self) -> Iterator[Rejected]:
        for table in self.tables():
            for row in table.to_pylist():
                yield Rejected(row["reason"], loads(row["record"].encode()))

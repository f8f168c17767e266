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
from analytics_sync.common.quarters import QUARTER, quarter_of
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.converter import Rejected

_MAX_PLACES = 10_000
_MAX_BYTES_IN_MEMORY = 8 * 1024 * 1024
_SCHEMA = pa.schema([(name, pa.string()) for name in ("reason", "record", "parent")])


class RejectedRecords:
    """Collects rejected records. The file is removed with its folder, when the run ends.

    Attributes:
        reasons: The number of records for each reason.
        places: The number of records for each time and reason: the quarter of an hour of the record's cursor,
            else the time that was requested; None where neither is known.
    """

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.places: Counter[tuple[Window | None, str]] = Counter()
        self._path: Path | None = None
        self._writer: pq.ParquetWriter | None = None
        self._rows: list[tuple[str, str, str | None]] = []
        self._bytes = 0

    def spill_to(self, path: Path) -> None:
        """Name the file to use when memory is not enough."""
        self._path = path

    def add(
        self,
        rejected: Iterable[Rejected],
        origin_of: Callable[[Any], tuple[str | None, Window | None]],
    ) -> None:
        """Append records.

        Args:
            rejected: The records.
            origin_of: Gives the key of the parent that listed a record, and the time that was requested; None
                without one.

        Raises:
            OSError: The disk has no room for the file.
        """
        for item in rejected:
            record = dumps(item.record).decode()
            self.reasons[item.reason] += 1
            parent, requested = origin_of(item.record)
            quarter = quarter_of(item.cursor)
            place = requested if quarter is None else Window(quarter, quarter + QUARTER)
            if len(self.places) >= _MAX_PLACES:
                place = None
            self.places[place, item.reason] += 1
            self._rows.append((item.reason, record, parent))
            self._bytes += len(record)
        if self._bytes > _MAX_BYTES_IN_MEMORY and self._path is not None:
            if self._writer is None:
                self._writer = pq.ParquetWriter(str(self._path), _SCHEMA)
            self._writer.write_table(self._table())
            self._rows, self._bytes = [], 0

    @property
    def windows(self) -> list[Window] | None:
        """The times of the records; None if one of them is not known."""
        found = {place for place, _ in self.places}
        windows = [place for place in found if place is not None]
        return windows if len(windows) == len(found) else None

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

"""The rows of a Parquet file as CSV, a few thousand at a time.

In: a Parquet file, and the load id of its rows. Out: a stream of CSV for PostgreSQL's COPY: texts are quoted,
null is an empty field without quotes, and no row is written to the disk again. Memory holds one block of rows.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from analytics_sync.catalog.naming import LOAD_ID

_ROWS = 2_000  # of a block: a few megabytes, also of long rows
_OPTIONS = pc.WriteOptions(include_header=False)


class ParquetAsCsv(io.RawIOBase):
    """A stream that is read once.

    Args:
        path: The file.
        load_id: The value of the column ``_dlt_load_id``, if the file has one.
    """

    def __init__(self, path: str, load_id: str) -> None:
        super().__init__()
        # with a buffer ahead, pyarrow keeps all that it has read of the file
        self._file = pq.ParquetFile(path, pre_buffer=False)
        self._load_id = load_id
        self._blocks = self._csv()
        self._block = memoryview(b"")

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns, in the order of the fields."""
        names: list[str] = self._file.schema_arrow.names
        return names

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most ``size`` of them; empty at the end."""
        if not self._block:
            self._block = next(self._blocks, memoryview(b""))
        end = len(self._block) if size < 0 else size
        found, self._block = self._block[:end], self._block[end:]
        return bytes(found)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _csv(self) -> Iterator[memoryview]:
        for batch in self._file.iter_batches(_ROWS, use_threads=False):
            output = pa.BufferOutputStream()
            pc.write_csv(self._with_load_id(batch), output, _OPTIONS)
            yield memoryview(output.getvalue())

    def _with_load_id(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if LOAD_ID not in batch.schema.names:  # a setting of dlt leaves the column out
            return batch
        ids = pa.repeat(self._load_id, batch.num_rows)
        return batch.set_column(batch.schema.names.index(LOAD_ID), LOAD_ID, ids)

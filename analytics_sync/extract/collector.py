"""What reading one resource gave, and how pages become it.

In: pages of records, as they come. Out: a ``ReadResult``: a spool of tables, the rejected records,
and what it all cost; children are told about the records on the way.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.catalog.models import DataType
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffers
from analytics_sync.extract.convert.converter import Converter
from analytics_sync.extract.convert.infer_fields import infer_fields
from analytics_sync.extract.parents import ParentValues
from analytics_sync.extract.result import Page, ReadResult

# records per conversion: enough that setting up columns costs little, and few enough that they are
# still in the processor's cache
_GATHER = 1_000
_TO_INFER = 10_000  # records to look at where no columns are declared


@dataclass
class Consumer:
    """A child that wants to know of the records: all of them, or those in the window."""

    values: ParentValues
    windowed: bool


class PageCollector:
    """Gathers pages, converts them, tells the children, and fills the spool."""

    def __init__(
        self,
        resource: Resource,
        window: Window | None,
        result: ReadResult,
        consumers: Sequence[Consumer],
        buffers: TableBuffers,
        existing_types: Mapping[str, DataType],
    ) -> None:
        self._resource = resource
        self._existing_types = existing_types
        self._window = window if resource.cursor else None
        self._result = result
        self._consumers = consumers
        self._buffers = buffers
        self._lock = threading.Lock()
        self._waiting: list[Any] = []
        self._read_at: list[int] = []
        self._converter = Converter(resource) if resource.fields else None

    def add(self, page: Page) -> None:
        """Take a page, in any thread."""
        result = self._result
        with self._lock:
            result.started_at = (
                page.received_at
                if result.started_at is None
                else min(result.started_at, page.received_at)
            )
            result.records += len(page.records)
            self._waiting += page.records
            self._read_at += [page.received_at] * len(page.records)
            if len(self._waiting) >= (_GATHER if self._converter else _TO_INFER):
                self._flush()

    def close(self) -> None:
        """End: what is left is converted, older versions of a key are dropped."""
        self._flush()
        buffer = self._result.buffer
        assert buffer is not None
        buffer.finish()

    def _flush(self) -> None:
        records, self._waiting = self._waiting, []
        read_at, self._read_at = self._read_at, []
        if self._converter is None:
            self._converter = Converter(
                self._resource, infer_fields(self._resource, records, self._existing_types)
            )
        for start in range(0, max(1, len(records)), _GATHER):
            some = slice(start, start + _GATHER)
            self._convert(self._converter, records[some], read_at[some])

    def _convert(self, converter: Converter, records: list[Any], read_at: list[int]) -> None:
        result = self._result
        if result.buffer is None:
            result.buffer = self._buffers.open(self._resource, converter.schema)
        for consumer in self._consumers:
            if not consumer.windowed:
                consumer.values.add(r for r in records if isinstance(r, dict))
        batch = converter.convert(records, self._window, read_at)
        for consumer in self._consumers:
            if consumer.windowed:
                consumer.values.add(batch.records)
        result.rejected += batch.rejected
        result.outside_window += batch.outside_window
        result.with_extra += batch.with_extra
        result.buffer.add(batch.table)

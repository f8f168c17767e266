"""What reading one resource gave, and how pages become it.

In: pages of records, as they come. Out: a ``Reading``: a spool of tables, the rejected records,
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
from analytics_sync.extract.buffer import Spools
from analytics_sync.extract.convert.converter import Converter
from analytics_sync.extract.convert.infer_fields import infer_fields
from analytics_sync.extract.parents import ParentValues
from analytics_sync.extract.result import Page, Reading

# records per conversion: enough that setting up columns costs little, and few enough that they are
# still in the processor's cache
_GATHER = 1_000
_TO_INFER = 10_000  # records to look at where no columns are declared


@dataclass
class Consumer:
    """A child that wants to know of the records: all of them, or those in the window."""

    values: ParentValues
    windowed: bool


class Sink:
    """Gathers pages, converts them, tells the children, and fills the spool."""

    def __init__(
        self,
        resource: Resource,
        window: Window | None,
        reading: Reading,
        consumers: Sequence[Consumer],
        spools: Spools,
        known: Mapping[str, DataType],
    ) -> None:
        self._resource = resource
        self._known = known
        self._window = window if resource.cursor else None
        self._reading = reading
        self._consumers = consumers
        self._spools = spools
        self._lock = threading.Lock()
        self._waiting: list[Any] = []
        self._read_at: list[int] = []
        self._converter = Converter(resource) if resource.fields else None

    def add(self, page: Page) -> None:
        """Take a page, in any thread."""
        reading = self._reading
        with self._lock:
            reading.since = page.at if reading.since is None else min(reading.since, page.at)
            reading.records += len(page.records)
            self._waiting += page.records
            self._read_at += [page.at] * len(page.records)
            if len(self._waiting) >= (_GATHER if self._converter else _TO_INFER):
                self._flush()

    def close(self) -> None:
        """End: what is left is converted, older versions of a key are dropped."""
        self._flush()
        spool = self._reading.spool
        assert spool is not None
        spool.finish()

    def _flush(self) -> None:
        records, self._waiting = self._waiting, []
        read_at, self._read_at = self._read_at, []
        if self._converter is None:
            self._converter = Converter(
                self._resource, infer_fields(self._resource, records, self._known)
            )
        for start in range(0, max(1, len(records)), _GATHER):
            some = slice(start, start + _GATHER)
            self._convert(self._converter, records[some], read_at[some])

    def _convert(self, converter: Converter, records: list[Any], read_at: list[int]) -> None:
        reading = self._reading
        if reading.spool is None:
            reading.spool = self._spools.open(self._resource, converter.schema)
        for consumer in self._consumers:
            if not consumer.windowed:
                consumer.values.add(r for r in records if isinstance(r, dict))
        batch = converter.convert(records, self._window, read_at)
        for consumer in self._consumers:
            if consumer.windowed:
                consumer.values.add(batch.records)
        reading.rejected += batch.rejected
        reading.outside += batch.outside
        reading.with_extra += batch.with_extra
        reading.spool.add(batch.table)

"""The page collector: pages of records -> tables.

In: pages of records, as they arrive. Out: a ``ReadResult``: a buffer of tables, the rejected records,
counts, and findings about keys and rejected records. The collector also passes the records on to the
resource's children.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.common.exact_json import dumps
from analytics_sync.common.quarters import windows_around
from analytics_sync.common.shown import listed, shown
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffers
from analytics_sync.extract.convert.converter import Converter
from analytics_sync.extract.convert.field_use import Misfits
from analytics_sync.extract.convert.infer_fields import infer_fields
from analytics_sync.extract.convert.inferred_types import ExistingTable
from analytics_sync.extract.convert.outside_keys import OutsideKey
from analytics_sync.extract.evidence.arrivals import Arrivals
from analytics_sync.extract.evidence.findings import COMPLETE, DECLARED_SCHEMA, PRIMARY_KEY_UNIQUE
from analytics_sync.extract.evidence.listing_order import judge_order
from analytics_sync.extract.evidence.shared_keys import both_sides_message, find_shared_keys
from analytics_sync.extract.parents import ParentValues
from analytics_sync.extract.rejected_share import too_many_rejected, too_many_rejected_in
from analytics_sync.extract.repeated_rows import RepeatedRow
from analytics_sync.extract.result import Page, ReadResult

# Large enough that setting up columns costs little; small enough that the records are still in the
# processor's cache.
_RECORDS_PER_CONVERSION = 1_000
_RECORDS_TO_INFER = 10_000  # fields are inferred from these where no columns are declared
_FEW_MISFITS = 10  # fewer values of a field do not show that its type is wrong
_MAX_EXAMPLE_CHARACTERS = 60
_MAX_MISFIT_CHARACTERS = 240  # of a field, its type and an example

_Origin = tuple[str | None, Window | None]
"""Key of the parent that listed a record, and the time that was requested."""


@dataclass
class Consumer:
    """A child that needs the records of its parent.

    Attributes:
        values: Collects the values that the child needs.
        windowed: Whether only the records in the window count.
    """

    values: ParentValues
    windowed: bool


class PageCollector:
    """Gathers pages, converts them, passes records to children, and fills the table buffer.

    Args:
        resource: The resource that is read.
        window: The window to keep; None keeps everything.
        result: Receives tables and counts.
        consumers: The children that need the records.
        buffers: Makes the table buffer.
        table: The table as it is before the load.
        redact: Masks credentials in messages.
        check_time: Called before each conversion; it raises after the deadline.
    """

    def __init__(
        self,
        resource: Resource,
        window: Window | None,
        result: ReadResult,
        consumers: Sequence[Consumer],
        buffers: TableBuffers,
        table: ExistingTable,
        redact: Callable[[str], str],
        check_time: Callable[[], None],
    ) -> None:
        self._resource = resource
        self._check_time = check_time
        self._table = table
        self._window = window if resource.cursor else None
        self._result = result
        self._consumers = consumers
        self._buffers = buffers
        self._redact = redact
        self._arrivals = Arrivals()
        self._lock = threading.Lock()
        self._records: list[Any] = []
        self._read_at: list[int] = []
        self._origins: list[_Origin] = []  # of each record
        self._converter = Converter(resource) if resource.fields else None
        self._on_both_sides: list[OutsideKey] = []
        result.rejected.spill_to(buffers.new_path(f"{resource.name}-rejected"))

    def add(self, page: Page) -> None:
        """Add a page. Threads may call it."""
        result = self._result
        with self._lock:
            result.started_at = (
                page.received_at
                if result.started_at is None
                else min(result.started_at, page.received_at)
            )
            result.records += len(page.records)
            self._arrivals.add(page.received_at, page.parent, page.series, page.number)
            self._records += page.records
            self._read_at += [page.received_at] * len(page.records)
            parent = page.parent.key if page.parent is not None else None
            self._origins += [(parent, page.window)] * len(page.records)
            enough = _RECORDS_PER_CONVERSION if self._converter else _RECORDS_TO_INFER
            if len(self._records) >= enough:
                self._flush()

    def close(self) -> None:
        """Convert the remaining records, drop older versions of a key, and judge the read."""
        self._flush()
        result, buffer = self._result, self._result.buffer
        assert buffer is not None
        buffer.finish()
        if buffer.repeated:
            if said := self._judge_order(buffer.repeated):
                result.findings.add(COMPLETE, said)
            shared = find_shared_keys(self._resource, buffer, self._arrivals, self._redact)
            result.shared_keys, buffer.repeated = shared, []
            if shared.is_wrong_key:
                result.findings.add(
                    PRIMARY_KEY_UNIQUE, shared.message(self._resource), shared.windows
                )
        both = [k for k in self._on_both_sides if self._arrivals.is_certain(k.read_at)]
        if finding := both_sides_message(self._resource, both, self._redact):
            windows = windows_around(key.cursor for key in both)
            result.findings.add(PRIMARY_KEY_UNIQUE, finding, windows)
        if result.rejected:
            result.findings.add_judged(
                DECLARED_SCHEMA, too_many_rejected(result), partial(too_many_rejected_in, result)
            )
        assert self._converter is not None
        result.fields = self._converter.fields
        use = self._converter.use
        result.absent = use.absent if result.rows else ()
        if misfits := [m for m in use.misfits if m.values >= _FEW_MISFITS]:
            finding = self._redact(_misfitting(self._resource, misfits))
            has_times = all(m.windows is not None for m in misfits)
            windows = [w for m in misfits for w in m.windows or ()] if has_times else None
            result.findings.add(DECLARED_SCHEMA, finding, windows)

    def _judge_order(self, repeated: Sequence[RepeatedRow]) -> str:
        result = self._result
        return judge_order(
            self._resource,
            repeated,
            self._arrivals,
            result.records,
            result.reported_total,
            self._redact,
        )

    def _flush(self) -> None:
        """Convert the gathered records, also when there are none: the table is created then."""
        records, self._records = self._records, []
        read_at, self._read_at = self._read_at, []
        origins, self._origins = self._origins, []
        if self._converter is None:
            self._converter = Converter(
                self._resource, infer_fields(self._resource, records, self._table)
            )
        for start in range(0, max(1, len(records)), _RECORDS_PER_CONVERSION):
            self._check_time()
            chunk = slice(start, start + _RECORDS_PER_CONVERSION)
            self._convert(self._converter, records[chunk], read_at[chunk], origins[chunk])

    def _convert(
        self,
        converter: Converter,
        records: list[Any],
        read_at: list[int],
        origins: list[_Origin],
    ) -> None:
        result = self._result
        if result.buffer is None:
            result.buffer = self._buffers.open(self._resource, converter.schema)
        for consumer in self._consumers:
            if not consumer.windowed:
                consumer.values.add(r for r in records if isinstance(r, dict))
        has_parents = self._resource.keeps_parent_key
        kept_parents = [parent for parent, _ in origins] if has_parents else None
        batch = converter.convert(records, self._window, read_at, kept_parents)
        for consumer in self._consumers:
            if consumer.windowed:
                consumer.values.add(batch.records)
        if batch.rejected:
            by_record = {id(r): o for r, o in zip(records, origins, strict=True)}
            result.rejected.add(batch.rejected, lambda record: by_record[id(record)])
        result.outside_window += batch.outside_window
        result.with_extra += batch.with_extra
        self._on_both_sides += batch.on_both_sides
        result.buffer.add(batch.table)


def _misfitting(resource: Resource, misfits: Sequence[Misfits]) -> str:
    """The finding when no value of some fields fits their declared types."""
    named = [
        f"{shown(m.field.name)} as {m.field.data_type} ({m.values} values, for example "
        f"{shown(dumps(m.example).decode(), _MAX_EXAMPLE_CHARACTERS)})"
        for m in misfits
    ]
    all_named = listed(named, separator="; ", limit=_MAX_MISFIT_CHARACTERS)
    advice = "Correct the types in columns" if resource.fields else "Declare columns"
    return (
        f"No value fits the type of its column: {all_named}. The columns are null, and _extra holds the "
        f"values. {advice} of resource {resource.name!r}."
    )

"""The rejected records: the rows of the table ``_rejected``.

In: finished read results and their windows. Out: tables of the records that could not be placed. Each row says
which reads find its record again: all reads of its resource, or those of a window or a parent.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from analytics_sync.catalog import Resource
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.arrays import TIMESTAMP
from analytics_sync.extract.convert.converter import NO_KEY
from analytics_sync.extract.result import ReadResult

_SCHEMA = pa.schema(
    [
        ("record_hash", pa.string()),
        ("resource", pa.string()),
        ("reason", pa.string()),
        ("record", pa.string()),
        ("parent", pa.string()),
        ("window_start", TIMESTAMP),
        ("window_end", TIMESTAMP),
    ]
)


def rejected_tables(
    results: Iterable[ReadResult], windows: Mapping[str, Window] | None = None
) -> Iterator[pa.Table]:
    """The rejected records of several resources, one row for each.

    Of equal records of one resource and parent, the second has the hash of the record and the number 2, and
    so on. A read that finds the same records again gives the same rows.

    Args:
        results: The results.
        windows: The window of each windowed resource; None if there is none.
    """
    for result in results:
        resource, window = result.resource, (windows or {}).get(result.resource.name)
        seen: Counter[bytes] = Counter()
        for table in result.rejected.tables():
            hashes, all_bounds = [], []
            for reason, record, parent in zip(
                *(table.column(n).to_pylist() for n in ("reason", "record", "parent")), strict=True
            ):
                record = record if parent is None else f"{parent} {record}"
                digest = _digest(record)
                seen[digest] += 1
                numbered = digest if seen[digest] == 1 else _digest(f"{record} {seen[digest]}")
                hashes.append(numbered.hex())
                all_bounds.append(_bounds(resource, window, reason))
            names = pa.repeat(resource.name, table.num_rows)
            starts, ends = zip(*all_bounds, strict=True)
            bounds = [pa.array(times, TIMESTAMP) for times in (starts, ends)]
            yield pa.table([hashes, names, *table.columns, *bounds], schema=_SCHEMA)


def lists_everything(resource: Resource) -> bool:
    """Whether each read of a windowed resource lists all records: the API does not filter by the window."""
    incremental = resource.incremental
    return incremental is not None and not (
        incremental.start_param or incremental.end_param or incremental.row_order
    )


def _bounds(resource: Resource, window: Window | None, reason: str) -> tuple[object, object]:
    """The window whose reads find a rejected record; two times None if all reads do."""
    if window is None or (lists_everything(resource) and not reason.startswith(NO_KEY)):
        return None, None
    return window.start, window.end


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()

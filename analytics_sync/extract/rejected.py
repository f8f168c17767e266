"""The rejected records: the rows of the table ``_rejected``.

In: finished read results. Out: a table of the records that could not be placed.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import pyarrow as pa

from analytics_sync.common.exact_json import dumps
from analytics_sync.extract.result import ReadResult

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("record_hash", "resource", "reason", "record")]
)


def rejected_table(results: list[ReadResult]) -> pa.Table:
    """The rejected records of several resources, one row for each.

    Of equal records of one resource, the second has the hash of the record and the number 2, and so
    on. A read that finds the same records again gives the same rows.
    """
    rows: list[dict[str, str]] = []
    for result in results:
        seen: Counter[str] = Counter()
        for item in result.rejected:
            record = dumps(item.record).decode()
            seen[record] += 1
            rows.append(
                {
                    "record_hash": _hash(record, seen[record]),
                    "resource": result.resource.name,
                    "reason": item.reason,
                    "record": record,
                }
            )
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _hash(record: str, occurrence: int) -> str:
    numbered = record if occurrence == 1 else f"{record} {occurrence}"
    return hashlib.blake2b(numbered.encode(), digest_size=16).hexdigest()

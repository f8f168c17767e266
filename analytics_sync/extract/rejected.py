"""The rejected records: the rows of the table ``_rejected``.

In: finished read results. Out: a table of the records that could not be placed.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

from analytics_sync.common.exact_json import dumps
from analytics_sync.extract.result import ReadResult

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("record_hash", "resource", "reason", "record")]
)


def rejected_table(results: list[ReadResult]) -> pa.Table:
    """The rejected records of several resources; a record that was rejected twice is one row."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for result in results:
        for item in result.rejected:
            record = dumps(item.record).decode()
            digest = hashlib.blake2b(record.encode(), digest_size=16).hexdigest()
            rows[result.resource.name, digest] = {
                "record_hash": digest,
                "resource": result.resource.name,
                "reason": item.reason,
                "record": record,
            }
    return pa.Table.from_pylist(list(rows.values()), schema=_SCHEMA)

"""The rejected records: the rows of the table ``_rejected``.

In: finished read results. Out: tables of the records that could not be placed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from analytics_sync.extract.result import ReadResult

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("record_hash", "resource", "reason", "record")]
)


def rejected_tables(results: Iterable[ReadResult]) -> Iterator[pa.Table]:
    """The rejected records of several resources, one row for each.

    Of equal records of one resource, the second has the hash of the record and the number 2, and so
    on. A read that finds the same records again gives the same rows.
    """
    for result in results:
        seen: Counter[bytes] = Counter()
        for table in result.rejected.tables():
            hashes = []
            for record in table.column("record").to_pylist():
                digest = _digest(record)
                seen[digest] += 1
                numbered = digest if seen[digest] == 1 else _digest(f"{record} {seen[digest]}")
                hashes.append(numbered.hex())
            names = pa.repeat(result.resource.name, table.num_rows)
            yield pa.table([hashes, names, *table.columns], schema=_SCHEMA)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()

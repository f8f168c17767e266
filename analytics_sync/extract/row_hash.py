"""Row hashes: the key of records that have none.

In: a record. Out: a hash of the whole record, equal for equal records whatever the order of their keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from analytics_sync.catalog.naming import ROW_HASH


def row_hash(record: Mapping[str, Any], without: Collection[str] = ()) -> str:
    """The hash of a record.

    Args:
        record: The record.
        without: Fields at its root that do not count.
    """
    left_out = {ROW_HASH, *without}
    counted = {name: value for name, value in record.items() if name not in left_out}
    text = json.dumps(counted, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def with_row_hash(records: Iterable[Any]) -> list[Any]:
    """Copies of the records with their hash; what is no object stays."""
    return [
        {**record, ROW_HASH: row_hash(record)} if type(record) is dict else record
        for record in records
    ]

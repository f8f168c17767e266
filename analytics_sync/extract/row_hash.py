"""Row hashes: the key of records that have none.

In: a record, and the parent for which it was read. Out: a hash of both, equal for equal records of one parent
whatever the order of their keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from analytics_sync.catalog.naming import ROW_HASH

_SEPARATOR = "\n"  # no JSON text without spaces holds one


def row_hash(record: Mapping[str, Any], without: Collection[str] = (), parent: str = "") -> str:
    """The hash of a record.

    Args:
        record: The record.
        without: Fields at its root that do not count.
        parent: The key of its parent; empty without a parent.
    """
    left_out = {ROW_HASH, *without}
    counted = {name: value for name, value in record.items() if name not in left_out}
    text = json.dumps(counted, sort_keys=True, default=str, separators=(",", ":"))
    if parent:
        text = f"{text}{_SEPARATOR}{parent}"
    return hashlib.sha256(text.encode()).hexdigest()


def with_row_hash(records: Iterable[Any], parent: str = "") -> list[Any]:
    """Copies of the records with their hash; what is no object stays.

    Args:
        records: Records of one parent, or records without a parent.
        parent: The key of the parent: equal records of two parents are two rows.
    """
    return [
        {**record, ROW_HASH: row_hash(record, parent=parent)} if type(record) is dict else record
        for record in records
    ]

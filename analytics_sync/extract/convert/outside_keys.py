"""Keys on both sides of a window: records of one response that share a key, one of them outside.

In: the records of a batch, and which of them are in the window. Out: keys. The records outside are not
loaded, so that nothing later shows that the key is not theirs alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Field
from analytics_sync.extract.convert.records import Records


class OutsideKey(NamedTuple):
    """A key that a record in the window and a record outside have.

    Attributes:
        read_at: When the response with both arrived, in microseconds since 1970.
        values: The values of the primary key, as the API gave them.
        cursor: The time of the record in the window; None while it is not looked at.
    """

    read_at: int
    values: tuple[Any, ...]
    cursor: Any = None


def keys_on_both_sides(
    rows: Records,
    keys: Sequence[Field],
    inside: pa.Array,
    outside: pa.Array,
    times: pa.Array,
    cursor: pa.Array,
) -> list[OutsideKey]:
    """The keys that records on both sides of the window share, each response for itself.

    Args:
        rows: All records of the batch.
        keys: The fields of the primary key.
        inside: For each record, whether it is in the window.
        outside: For each record, whether it is outside. A record without a cursor is on no side.
        times: When each record was read.
        cursor: The time of each record.
    """
    columns = [rows.field_values(field) for field in keys]
    values = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    positions = pc.indices_nonzero(inside).to_pylist()
    try:
        within = {values[i] for i in positions}
        # Usually no other record has a key of the window, whatever the response.
        if sum(map(within.__contains__, values)) == len(positions):
            return []
    except TypeError:  # a list or an object is no key
        return []
    read_at = times.cast(pa.int64()).to_pylist()
    found = [OutsideKey(*k) for k in zip(read_at, zip(*columns, strict=True), strict=True)]
    shared = {found[i] for i in positions} & set(compress(found, outside.to_pylist()))
    return [
        found[i]._replace(cursor=cursor[i].as_py())
        for i in positions
        if found[i] in shared and None not in found[i].values
    ]

"""Rejected records that came back sound under their key, in whatever window.

In: rejected records that a load has not found again, and the table with its rows. Out: those whose primary
key one of the new rows has. Such a record was rejected for its cursor: a record without a usable key is no
record of any row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import READ_AT
from analytics_sync.catalog.tables import REJECTED
from analytics_sync.common.exact_json import loads
from analytics_sync.extract.convert.converter import NO_KEY, Converter
from analytics_sync.extract.result import ReadResult
from analytics_sync.load.gone.scope import instant

_MAX_RECORDS = 1_000  # more of them show that the declaration is wrong
_KEYS_PER_SCAN = 100


def sound_again(
    client: SqlClientBase[Any], result: ReadResult, where: str, *values: Any
) -> list[str]:
    """The hashes of the rejected records whose key a row of this read has.

    Args:
        client: A client that is connected to the source's dataset.
        result: The finished and loaded read.
        where: The rows of ``_rejected`` to look at, as a condition.
        values: Its parameters.
    """
    resource = result.resource
    if not resource.fields or not result.rows or result.started_at is None:
        return []
    candidates = list(_candidates(client, resource, where, values))
    found: list[str] = []
    since = instant(result.started_at)
    for start in range(0, len(candidates), _KEYS_PER_SCAN):
        chunk = candidates[start : start + _KEYS_PER_SCAN]
        found += [chunk[n][0] for n in _loaded(client, resource, since, [key for _, key in chunk])]
    return found


def _candidates(
    client: SqlClientBase[Any], resource: Resource, where: str, values: Sequence[Any]
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The hash and the key of each record that has a usable key."""
    digest, record, reason = (
        client.escape_column_name(name) for name in ("record_hash", "record", "reason")
    )
    table = client.make_qualified_table_name(REJECTED)
    sql = (
        f"SELECT {digest}, CAST({record} AS VARCHAR) FROM {table} "
        f"WHERE {where} AND {reason} NOT LIKE %s LIMIT {_MAX_RECORDS}"
    )
    rows: Any = client.execute_sql(sql, *values, f"{NO_KEY}%") or ()
    records = [(digest, loads(text.encode())) for digest, text in rows]
    # a resource that places records by their key alone
    batch = Converter(replace(resource, cursor=None, incremental=None)).convert(
        [record for _, record in records]
    )
    columns = [batch.table.column(column).to_pylist() for column in resource.key]
    keys = dict(zip(map(id, batch.records), zip(*columns, strict=True), strict=True))
    for hashed, found in records:
        if (key := keys.get(id(found))) is not None:
            yield hashed, key


def _loaded(
    client: SqlClientBase[Any], resource: Resource, since: Any, keys: Sequence[tuple[Any, ...]]
) -> list[int]:
    """The positions of the keys that a row has which was read since then."""
    same = " AND ".join(f"{client.escape_column_name(column)} = %s" for column in resource.key)
    cases = " ".join(f"WHEN {same} THEN {number}" for number in range(len(keys)))
    table = client.make_qualified_table_name(resource.table)
    read_at = client.escape_column_name(READ_AT)
    sql = f"SELECT DISTINCT CASE {cases} END FROM {table} WHERE {read_at} >= %s"
    values = [value for key in keys for value in key]
    rows: Any = client.execute_sql(sql, *values, since) or ()
    return [number for (number,) in rows if number is not None]

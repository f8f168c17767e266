"""Existing tables of the resources that declare no columns: the real table says the types of its columns.

In: a source's warehouse, and tables. Out: for each column its type, and what decides whether the type may
change: whether it has values, the range of its numbers, and whether its texts are all JSON. Each run looks
at the real tables, so that runs on several machines agree, and so that no folder of an earlier run is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dlt.destinations.exceptions import DatabaseException

from analytics_sync.catalog.config.models import DataType
from analytics_sync.catalog.naming import EXTRA, dataset_name
from analytics_sync.common.exact_json import loads
from analytics_sync.extract.convert.infer_fields import is_reserved
from analytics_sync.extract.convert.inferred_types import ExistingColumn, ExistingTable
from analytics_sync.load.clients.foreign_objects import ForeignObject
from analytics_sync.load.warehouse import Warehouse

_NUMBERS = frozenset({"bigint", "double"})
_MAX_EXTRA_ROWS = 10_000  # as many as the records from which fields are inferred
_COUNT = "count({c})"
_ENDS = ("min({c})", "max({c})")
_TEXTS = frozenset({"varchar", "character varying", "text", "longtext"})
_STARTS_AS_JSON = "count(CASE WHEN substr(CAST({c} AS VARCHAR), 1, 1) IN ('{{', '[') THEN 1 END)"


def existing_tables(warehouse: Warehouse, tables: Collection[str]) -> dict[str, ExistingTable]:
    """The tables that exist, by name, without the columns of our own.

    Args:
        warehouse: The open warehouse.
        tables: Names of tables.
    """
    found = {}
    for table in tables:
        all_types = warehouse.types(table)
        types = {c: t for c, t in all_types.items() if not is_reserved(c)}
        if not types:
            continue
        try:
            columns = dict(_columns(warehouse, table, types))
            extra = tuple(_extra(warehouse, table)) if EXTRA in all_types else ()
            found[table] = ExistingTable(columns, extra)
        except ForeignObject:  # the load refuses this table, and says why
            continue
    return found


def _columns(
    warehouse: Warehouse, table: str, types: Mapping[str, DataType]
) -> Iterator[tuple[str, ExistingColumn]]:
    """Look at all columns of a table in one scan."""
    source = warehouse.table(table)
    expressions = []
    for name, type_ in types.items():
        column = warehouse.column(name)
        expressions.append(_COUNT.format(c=column))
        expressions += [e.format(c=column) for e in _looked_at(type_)]
    made_by_loads = _made_by_loads(warehouse, table, types)
    values = iter(warehouse.row(f"SELECT {', '.join(expressions)} FROM {source}"))
    for name, type_ in types.items():
        count = next(values)
        seen = [next(values) for _ in _looked_at(type_)]
        holds_json = type_ == "text" and count and seen[0] == count
        yield (
            name,
            ExistingColumn(
                _known(type_),
                has_values=count > 0,
                ends=(seen[0], seen[1]) if type_ in _NUMBERS and count else (0, 0),
                holds_json=bool(holds_json and _is_json(warehouse, table, name)),
                is_ours=name in made_by_loads and type_ in _DECLARED,
            ),
        )


def _made_by_loads(warehouse: Warehouse, table: str, types: Mapping[str, DataType]) -> set[str]:
    """The columns of a table with a type of ours, and without a default, an expression or an identity."""
    if warehouse.dialect == "sqlite":
        return set(types)  # nobody else's types are known there
    sql = (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "AND coalesce(is_generated, 'NEVER') <> 'ALWAYS' "
    )
    if warehouse.dialect == "mysql":
        sql += "AND coalesce(column_default, 'NULL') = 'NULL' AND extra = ''"
    else:
        sql += "AND column_default IS NULL AND coalesce(is_identity, 'NO') <> 'YES'"
    rows = warehouse.rows(sql, dataset_name(warehouse.dataset), table)
    # dlt takes a type that it does not know, a UUID for instance, for text.
    return {n for n, type_ in rows if types.get(n) != "text" or type_.lower() in _TEXTS}


def _extra(warehouse: Warehouse, table: str) -> Iterator[Mapping[str, Any]]:
    """What ``_extra`` holds in some rows of a table."""
    column = warehouse.column(EXTRA)
    sql = (
        f"SELECT CAST({column} AS VARCHAR) FROM {warehouse.table(table)} "
        f"WHERE {column} IS NOT NULL LIMIT {_MAX_EXTRA_ROWS}"
    )
    for (text,) in warehouse.rows(sql):
        if isinstance(values := loads(text.encode()), dict):
            yield values


def _looked_at(type_: str) -> tuple[str, ...]:
    """What to ask about the values of a column, beside their number."""
    if type_ in _NUMBERS:
        return _ENDS
    return (_STARTS_AS_JSON,) if type_ == "text" else ()


def _is_json(warehouse: Warehouse, table: str, column: str) -> bool:
    """Whether each value of a text column is JSON, as versions before the types of JSON columns left it."""
    if warehouse.dialect in ("sqlite", "mysql"):
        return False  # none of these versions loaded there
    try:
        warehouse.rows(
            f"SELECT count(CAST({warehouse.column(column)} AS JSON)) FROM {warehouse.table(table)}"
        )
    except DatabaseException:
        return False
    return True


def _known(type_: Any) -> DataType:
    """The type as columns are declared; somebody may have given a column another one."""
    if type_ == "wei":
        return "decimal"
    return type_ if type_ in _DECLARED else "text"


_DECLARED = frozenset({"text", "bigint", "double", "bool", "timestamp", "date", "json", "decimal"})

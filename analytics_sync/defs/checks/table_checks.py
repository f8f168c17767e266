"""The checks that look at the table of a resource.

In: the warehouse, the declaration, the columns of the table, and the rows to look at. Out: a verdict:
whether the check passed, a description, and metadata. Names and values of rows are shortened, because an API chose them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dagster import MetadataValue

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import EXTRA
from analytics_sync.catalog.tables import REJECTED
from analytics_sync.common.exact_json import loads
from analytics_sync.common.shown import MAX_NAMES, listed, shown
from analytics_sync.defs.checks.key_spellings import spelled_in_two_ways
from analytics_sync.defs.checks.rejected_of_scope import rejected_query, rejected_records
from analytics_sync.defs.checks.row_scope import RowScope

if TYPE_CHECKING:
    from analytics_sync.load.warehouse import Warehouse

QUERY = "query"
"""The metadata key of a query that shows the rows that a check is about."""
_SEE_QUERY = " The query in the metadata shows them."
_MAX_EXAMPLES = 5
_MAX_EXTRA_ROWS = 1000  # rows of which a check reads _extra to name its fields

Verdict = tuple[bool, str, dict[str, Any]]
"""Whether a check passed, its description, and its metadata."""


def required_fields(
    warehouse: Warehouse, resource: Resource, columns: tuple[str, ...], scope: RowScope
) -> Verdict:
    """The fields declared as required are never null."""
    table = warehouse.table(resource.table)
    absent = [f.name for f in resource.required if warehouse.stored(f.column) not in columns]
    fields = [f for f in resource.required if warehouse.stored(f.column) in columns]
    counts = ", ".join(f"count({warehouse.column(f.column)})" for f in fields)
    sql = f"SELECT count(*){', ' if fields else ''}{counts} FROM {table}{scope.where()}"
    total, *present = warehouse.row(sql)
    nulls = {f: total - n for f, n in zip(fields, present, strict=True)}
    metadata: dict[str, Any] = {
        "rows": total,
        "nulls": MetadataValue.json({f.name: n for f, n in nulls.items()}),
    }
    for field, count in nulls.items():
        if count:
            metadata[f"without {field.name}"] = _examples(warehouse, resource, field.column, scope)
    null = " OR ".join(f"{warehouse.column(f.column)} IS NULL" for f, n in nulls.items() if n)
    if null:
        metadata[QUERY] = scope.query(warehouse, resource.table, f"({null})")
    if absent:
        return (
            False,
            f"Columns missing from the table: {listed(absent)}. {_adds(resource)}",
            metadata,
        )
    offending = [f"{f.name} ({n})" for f, n in nulls.items() if n]
    if offending:
        text = f"Null in required fields: {listed(offending)} of {total} rows."
        return False, f"{text}{_SEE_QUERY}", metadata
    return True, f"All {len(fields)} required fields are there in {total} rows.", metadata


def _adds(resource: Resource) -> str:
    return f"Materialize {resource}: the load adds them, or says why it cannot."


def _examples(warehouse: Warehouse, resource: Resource, column: str, scope: RowScope) -> str:
    """Keys of a few rows in which a column is null."""
    null = scope.where(f"{warehouse.column(column)} IS NULL")
    key = ", ".join(warehouse.column(k) for k in resource.key)
    rows = warehouse.rows(
        f"SELECT {key} FROM {warehouse.table(resource.table)}{null} LIMIT {_MAX_EXAMPLES}"
    )
    return _keys(rows)


def primary_key_unique(
    warehouse: Warehouse, resource: Resource, columns: tuple[str, ...], scope: RowScope
) -> Verdict:
    """There is one row per primary key."""
    absent = [k for k in resource.key if warehouse.stored(k) not in columns]
    if absent:
        return False, f"Key columns missing from the table: {listed(absent)}. {_adds(resource)}", {}
    table = warehouse.table(resource.table)
    key = ", ".join(warehouse.column(k) for k in resource.key)
    rows = f"FROM {table}{scope.where()}"
    groups = f"SELECT {key}, count(*) AS n {rows} GROUP BY {key} HAVING count(*) > 1"
    total = warehouse.row(f"SELECT count(*) {rows}")[0]
    is_proven = warehouse.proves_unique(resource.table, resource.key)
    repeated = [] if is_proven else warehouse.rows(f"{groups} LIMIT {_MAX_EXAMPLES}")
    metadata: dict[str, Any] = {"rows": total}
    if not repeated and (twice := spelled_in_two_ways(warehouse, resource, columns, scope)):
        metadata["keys_in_two_spellings"] = len(twice)
        return (
            False,
            f"{len(twice)} UUIDs are keys of several rows, in upper and in lower case, for example "
            f"{listed(twice[:_MAX_EXAMPLES], separator='; ')}. They are the same record: delete the rows "
            "with the older _read_at, and ask the API's owner for one spelling.",
            metadata,
        )
    if not repeated:
        return True, f"One row per key in {total} rows.", metadata
    count = warehouse.row(f"SELECT count(*) FROM ({groups}) AS g")[0]
    metadata["repeated_keys"] = count
    metadata["examples"] = _keys(repeated)
    name = ".".join(warehouse.quoted(part) for part in (warehouse.dataset, resource.table))
    metadata[QUERY] = (
        f"SELECT {key}, count(*) FROM {name}{scope.where()} GROUP BY {key} HAVING count(*) > 1 LIMIT 100"
    )
    return False, f"{count} keys have more than one row.{_SEE_QUERY}", metadata


def declared_schema(
    warehouse: Warehouse, resource: Resource, columns: tuple[str, ...], scope: RowScope
) -> Verdict:
    """Nothing is in ``_extra`` or ``_rejected``, and no declared column is missing."""
    table = warehouse.table(resource.table)
    declared = [(f.name, f.column) for f in resource.fields] + [(EXTRA, EXTRA)]
    absent = [name for name, column in declared if warehouse.stored(column) not in columns]
    present = f", count({warehouse.column(EXTRA)})" if EXTRA in columns else ", 0"
    total, extra = warehouse.row(f"SELECT count(*){present} FROM {table}{scope.where()}")
    rejected = rejected_records(warehouse, resource, scope)
    metadata: dict[str, Any] = {"rows": total, "rows_with_extra": extra, "rows_rejected": rejected}
    problems = []
    if absent:
        problems.append(
            f"Declared columns missing from the table: {listed(absent)}. {_adds(resource)}"
        )
    if extra:
        named = _extra_fields(warehouse, table, scope)
        filled = f"{warehouse.column(EXTRA)} IS NOT NULL"
        metadata[QUERY] = scope.query(warehouse, resource.table, filled)
        metadata["fields_in_extra"] = MetadataValue.json(_counts(named))
        if len(named) > MAX_NAMES:
            metadata["number_of_fields_in_extra"] = len(named)
        problems.append(
            f"Undeclared or misfitting fields in {extra} rows: {listed(named)}. Declare them, or correct their types."
        )
        if not named.keys().isdisjoint(f.name for f in resource.fields):
            problems.append(
                f"If their columns were changed: analytics-sync schema heal {resource}."
            )
    if rejected:
        problems.append(f"{rejected} records are in {REJECTED}, each with its reason.")
        metadata["query_of_rejected"] = rejected_query(warehouse, resource)
    if problems:
        return False, " ".join(problems), metadata
    return True, f"All {total} rows are as declared.", metadata


def _extra_fields(warehouse: Warehouse, table: str, scope: RowScope) -> Counter[str]:
    """Names of the fields in ``_extra``, each with its number of rows."""
    column = warehouse.column(EXTRA)
    names: Counter[str] = Counter()
    # As text: the decoder of a driver, as that of the standard library, refuses what is nested deeply.
    sql = (
        f"SELECT CAST({column} AS VARCHAR) FROM {table}"
        f"{scope.where(f'{column} IS NOT NULL')} LIMIT {_MAX_EXTRA_ROWS}"
    )
    for (text,) in warehouse.rows(sql):
        names.update(list(loads(text.encode())))
    return names


def _counts(names: Counter[str]) -> dict[str, int]:
    """The number of rows of a few fields. Names that are equal once they are shortened count together."""
    counts: Counter[str] = Counter()
    for name in list(names)[:MAX_NAMES]:
        counts[shown(name)] += names[name]
    return dict(counts)


def _keys(rows: list[tuple[Any, ...]]) -> str:
    """The keys of a few rows."""
    return "; ".join(listed(row) for row in rows)

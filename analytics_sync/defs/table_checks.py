"""The checks that look at the table of a resource.

In: the warehouse, the declaration and the columns of the table. Out: a verdict: whether the check passed,
a description, and metadata. Names and values of rows are shortened, because an API chose them.
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
from analytics_sync.defs.key_spellings import spelled_in_two_ways

if TYPE_CHECKING:
    from analytics_sync.load.warehouse import Warehouse

_MAX_EXAMPLES = 5
_MAX_EXTRA_ROWS = 1000  # rows of which a check reads _extra to name its fields

Verdict = tuple[bool, str, dict[str, Any]]
"""Whether a check passed, its description, and its metadata."""


def required_fields(warehouse: Warehouse, resource: Resource, columns: tuple[str, ...]) -> Verdict:
    """The fields declared as required are never null."""
    table = warehouse.table(resource.table)
    absent = [f.name for f in resource.required if warehouse.stored(f.column) not in columns]
    fields = [f for f in resource.required if warehouse.stored(f.column) in columns]
    counts = ", ".join(f"count({warehouse.column(f.column)})" for f in fields)
    total, *present = warehouse.row(f"SELECT count(*){', ' if fields else ''}{counts} FROM {table}")
    nulls = {f: total - n for f, n in zip(fields, present, strict=True)}
    metadata: dict[str, Any] = {
        "rows": total,
        "nulls": MetadataValue.json({f.name: n for f, n in nulls.items()}),
    }
    for field, count in nulls.items():
        if count:
            metadata[f"without {field.name}"] = _examples(warehouse, resource, field.column)
    if absent:
        return False, f"Columns missing from the table: {listed(absent)}. {_adds(resource)}", metadata
    offending = [f"{f.name} ({n})" for f, n in nulls.items() if n]
    if offending:
        return False, f"Null in required fields: {listed(offending)} of {total} rows.", metadata
    return True, f"All {len(fields)} required fields are there in {total} rows.", metadata


def _adds(resource: Resource) -> str:
    return f"Materialize {resource}: the load adds them, or says why it cannot."


def _examples(warehouse: Warehouse, resource: Resource, column: str) -> str:
    """Keys of a few rows in which a column is null."""
    key = ", ".join(warehouse.column(k) for k in resource.key)
    rows = warehouse.rows(
        f"SELECT {key} FROM {warehouse.table(resource.table)} "
        f"WHERE {warehouse.column(column)} IS NULL LIMIT {_MAX_EXAMPLES}"
    )
    return _keys(rows)


def primary_key_unique(
    warehouse: Warehouse, resource: Resource, columns: tuple[str, ...]
) -> Verdict:
    """There is one row per primary key."""
    absent = [k for k in resource.key if warehouse.stored(k) not in columns]
    if absent:
        return False, f"Key columns missing from the table: {listed(absent)}. {_adds(resource)}", {}
    table = warehouse.table(resource.table)
    key = ", ".join(warehouse.column(k) for k in resource.key)
    groups = f"SELECT {key}, count(*) AS n FROM {table} GROUP BY {key} HAVING count(*) > 1"
    total = warehouse.row(f"SELECT count(*) FROM {table}")[0]
    repeated = warehouse.rows(f"{groups} LIMIT {_MAX_EXAMPLES}")
    metadata: dict[str, Any] = {"rows": total}
    if not repeated and (twice := spelled_in_two_ways(warehouse, resource, columns)):
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
    return False, f"{count} keys have more than one row.", metadata


def declared_schema(warehouse: Warehouse, resource: Resource, columns: tuple[str, ...]) -> Verdict:
    """Nothing is in ``_extra`` or ``_rejected``, and no declared column is missing."""
    table = warehouse.table(resource.table)
    declared = [(f.name, f.column) for f in resource.fields] + [(EXTRA, EXTRA)]
    absent = [name for name, column in declared if warehouse.stored(column) not in columns]
    total = warehouse.row(f"SELECT count(*) FROM {table}")[0]
    extra = rejected = 0
    if EXTRA in columns:
        extra = warehouse.row(f"SELECT count({warehouse.column(EXTRA)}) FROM {table}")[0]
    if warehouse.columns(REJECTED):
        rejected = warehouse.row(
            f"SELECT count(*) FROM {warehouse.table(REJECTED)} WHERE resource = %s", resource.name
        )[0]
    metadata: dict[str, Any] = {"rows": total, "rows_with_extra": extra, "rows_rejected": rejected}
    problems = []
    if absent:
        problems.append(
            f"Declared columns missing from the table: {listed(absent)}. {_adds(resource)}"
        )
    if extra:
        named = _extra_fields(warehouse, table)
        metadata["fields_in_extra"] = MetadataValue.json(_counts(named))
        if len(named) > MAX_NAMES:
            metadata["number_of_fields_in_extra"] = len(named)
        problems.append(
            f"Undeclared or misfitting fields in {extra} rows: {listed(named)}. Declare them, or "
            "correct their types."
        )
        if not named.keys().isdisjoint(f.name for f in resource.fields):
            problems.append(
                f"If their columns were changed: analytics-sync schema heal {resource}."
            )
    if rejected:
        problems.append(f"{rejected} records are in {REJECTED}, each with its reason.")
    if problems:
        return False, " ".join(problems), metadata
    return True, f"All {total} rows are as declared.", metadata


def _extra_fields(warehouse: Warehouse, table: str) -> Counter[str]:
    """Names of the fields in ``_extra``, each with its number of rows."""
    column = warehouse.column(EXTRA)
    names: Counter[str] = Counter()
    # As text: the decoder of a driver, as that of the standard library, refuses what is nested deeply.
    sql = (
        f"SELECT CAST({column} AS VARCHAR) FROM {table} "
        f"WHERE {column} IS NOT NULL LIMIT {_MAX_EXTRA_ROWS}"
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

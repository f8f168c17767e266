"""The checks: four for each asset, and a fifth where the API filters by time. One step per source.

In: the declaration, the warehouse and the latest materialization. Out: ``required_fields``,
``primary_key_unique``, ``complete`` and ``window_bounds`` (errors), ``declared_schema`` (a warning; an
error for a column of another type). A missing table or column fails a check and never crashes it. A
finding of the read fails the check that it concerns, as an error.
"""
# No ``from __future__ import annotations`` here: Dagster inspects the class that annotates the
# context.

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    EventLogEntry,
    MetadataValue,
    multi_asset_check,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.naming import EXTRA
from analytics_sync.catalog.tables import REJECTED, table_columns
from analytics_sync.defs.key_spellings import spelled_in_two_ways
from analytics_sync.defs.translator import asset_key
from analytics_sync.extract.findings import COMPLETE, DECLARED_SCHEMA, WINDOW_BOUNDS

if TYPE_CHECKING:
    from analytics_sync.load.warehouse import Warehouse

_MAX_EXAMPLES = 5
_MAX_EXTRA_ROWS = 1000  # rows of which a check reads _extra to name its fields

_COMPLETE = (
    "All records were read: no total, flag, cursor or link of the API says that there are more."
)
_WINDOW_BOUNDS = "The API filters by the bounds of the window as they are declared."

Verdict = tuple[bool, str, dict[str, Any]]


def source_checks(source: Source) -> AssetChecksDefinition:
    """The checks of one source."""
    specs = [
        AssetCheckSpec(name, asset=asset_key(resource), description=description)
        for resource in source.assets
        for name, description in _descriptions(resource)
    ]
    by_key = {asset_key(resource): resource for resource in source.assets}

    @multi_asset_check(name=f"{source.name}_checks", specs=specs, can_subset=True)
    def checks(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        # Imported by a run only, so that definitions load without it.
        from analytics_sync.load.warehouse import open_warehouse

        with open_warehouse(source.name) as warehouse:
            for key in sorted(context.selected_asset_check_keys):
                resource = by_key[key.asset_key]
                event = context.instance.get_latest_materialization_event(key.asset_key)
                severity = AssetCheckSeverity.ERROR
                if key.name == COMPLETE:
                    passed, description, metadata = _complete(event)
                elif key.name == WINDOW_BOUNDS:
                    passed, description, metadata = True, "The records fit the bounds.", {}
                else:
                    _, severity, check = _CHECKS[key.name]
                    passed, description, metadata = _verdict(check, warehouse, resource)
                found = _findings(event, key.name)
                if key.name == DECLARED_SCHEMA:
                    found += _wrong_types(warehouse, resource)
                if found:
                    severity = AssetCheckSeverity.ERROR
                    description = " ".join(found if passed else [description, *found])
                    passed = False
                yield AssetCheckResult(
                    passed=passed,
                    asset_key=key.asset_key,
                    check_name=key.name,
                    severity=severity,
                    description=description,
                    metadata=metadata,
                )

    return checks


def _descriptions(resource: Resource) -> Iterator[tuple[str, str]]:
    """The names of the checks of a resource, each with its description."""
    for name, (description, _, _) in _CHECKS.items():
        yield name, description
    yield COMPLETE, _COMPLETE
    if resource.incremental and (
        resource.incremental.start_param or resource.incremental.end_param
    ):
        yield WINDOW_BOUNDS, _WINDOW_BOUNDS


def _findings(event: EventLogEntry | None, check: str) -> list[str]:
    """The findings of the latest read that concern a check."""
    materialization = event.asset_materialization if event else None
    found: Any = materialization.metadata.get("findings") if materialization else None
    return list(found.value.get(check, ())) if found else []


def _wrong_types(warehouse: "Warehouse", resource: Resource) -> list[str]:
    """The columns of the table that have another type than declared, in one sentence."""
    if not resource.fields:  # the types of the table are the declaration
        return []
    wrong = warehouse.wrong_types(resource.table, table_columns(resource))
    if not wrong:
        return []
    named = "; ".join(map(str, wrong))
    return [f"The table has other types: {named}. Load the resource again; its message has more."]


def _verdict(
    check: Callable[["Warehouse", Resource, tuple[str, ...]], Verdict],
    warehouse: "Warehouse",
    resource: Resource,
) -> Verdict:
    from analytics_sync.load.foreign_objects import ForeignObject  # imported by a run only

    try:
        columns = warehouse.columns(resource.table)
        if not columns:
            return (
                False,
                f"There is no table {warehouse.dataset}.{resource.table}: "
                "materialize the asset first.",
                {},
            )
        return check(warehouse, resource, columns)
    except ForeignObject as e:
        return False, str(e), {}


def _required_fields(
    warehouse: "Warehouse", resource: Resource, columns: tuple[str, ...]
) -> Verdict:
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
        return False, f"Columns missing from the table: {', '.join(absent)}.", metadata
    offending = [f"{f.name} ({n})" for f, n in nulls.items() if n]
    if offending:
        return False, f"Null in required fields: {', '.join(offending)} of {total} rows.", metadata
    return True, f"All {len(fields)} required fields are there in {total} rows.", metadata


def _examples(warehouse: "Warehouse", resource: Resource, column: str) -> str:
    """Keys of a few rows in which a column is null."""
    key = ", ".join(warehouse.column(k) for k in resource.key)
    rows = warehouse.rows(
        f"SELECT {key} FROM {warehouse.table(resource.table)} "
        f"WHERE {warehouse.column(column)} IS NULL LIMIT {_MAX_EXAMPLES}"
    )
    return "; ".join(", ".join(map(str, row)) for row in rows)


def _primary_key_unique(
    warehouse: "Warehouse", resource: Resource, columns: tuple[str, ...]
) -> Verdict:
    absent = [k for k in resource.key if warehouse.stored(k) not in columns]
    if absent:
        return False, f"Key columns missing from the table: {', '.join(absent)}.", {}
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
            f"{'; '.join(twice[:_MAX_EXAMPLES])}. They are the same record: delete the rows with the "
            f"older _read_at, and ask the API's owner for one spelling.",
            metadata,
        )
    if not repeated:
        return True, f"One row per key in {total} rows.", metadata
    count = warehouse.row(f"SELECT count(*) FROM ({groups}) AS g")[0]
    metadata["repeated_keys"] = count
    metadata["examples"] = "; ".join(", ".join(map(str, row)) for row in repeated)
    return False, f"{count} keys have more than one row.", metadata


def _declared_schema(
    warehouse: "Warehouse", resource: Resource, columns: tuple[str, ...]
) -> Verdict:
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
        problems.append(f"Declared columns missing from the table: {', '.join(absent)}.")
    if extra:
        named = _extra_fields(warehouse, table)
        metadata["fields_in_extra"] = MetadataValue.json(dict(named))
        problems.append(f"Undeclared or misfitting fields in {extra} rows: {', '.join(named)}.")
    if rejected:
        problems.append(f"{rejected} records are in {REJECTED}.")
    if problems:
        return False, " ".join(problems), metadata
    return True, f"All {total} rows are as declared.", metadata


def _complete(event: EventLogEntry | None) -> Verdict:
    """Compare the records read with the API's total, for the latest materialization."""
    materialization = event.asset_materialization if event else None
    if materialization is None:
        return False, "The asset was never materialized.", {}
    metadata = materialization.metadata
    if "records_expected" not in metadata:
        return True, "The API did not say how many records there are.", {}
    expected, read = (metadata[k].value for k in ("records_expected", "records_read"))
    assert isinstance(expected, int)
    assert isinstance(read, int)
    counts = {"expected": expected, "read": read}
    if read < expected:
        return False, f"The API said {expected} records, and {read} were read: run again.", counts
    return True, f"{read} records were read, the API said {expected}.", counts


def _extra_fields(warehouse: "Warehouse", table: str) -> Counter[str]:
    """Names of the fields in ``_extra``, each with its number of rows."""
    column = warehouse.column(EXTRA)
    names: Counter[str] = Counter()
    sql = f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL LIMIT {_MAX_EXTRA_ROWS}"
    for (value,) in warehouse.rows(sql):
        names.update(list(json.loads(value) if isinstance(value, str) else value))
    return names


_CHECKS: dict[
    str,
    tuple[str, AssetCheckSeverity, Callable[["Warehouse", Resource, tuple[str, ...]], Verdict]],
] = {
    "required_fields": (
        "The fields declared as required are never null.",
        AssetCheckSeverity.ERROR,
        _required_fields,
    ),
    "primary_key_unique": (
        "There is one row per primary key.",
        AssetCheckSeverity.ERROR,
        _primary_key_unique,
    ),
    "declared_schema": (
        "Records hold what is declared: nothing in _extra, nothing in _rejected.",
        AssetCheckSeverity.WARN,
        _declared_schema,
    ),
}

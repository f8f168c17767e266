"""Columns from a loaded table: the types of all rows, and the spelling of the fields from one page of the API.

In: a resource without columns, whose table is loaded, and the warehouse. Out: ``ProposedColumn`` for each column. A
table does not know how the API spells a field: ``created_at`` may be ``createdAt``. One page of records tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.naming import column_at, column_name
from analytics_sync.common.errors import Place
from analytics_sync.common.shown import counted
from analytics_sync.extract.convert.coerce import coerce
from analytics_sync.extract.convert.inferred_types import ExistingTable
from analytics_sync.extract.processing import Processing
from analytics_sync.extract.rest_client.record_selector import select
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.fields import path_of
from analytics_sync.infer.proposal import Choice, ProposedColumn, left_open, listed
from analytics_sync.load.existing_tables import existing_tables
from analytics_sync.load.warehouse import Warehouse

_MIN_ROWS = 50  # of a column that is said to be never null


@dataclass(frozen=True)
class LoadedTable:
    """What the warehouse shows of a table.

    Attributes:
        table: Its columns with their types.
        rows: The number of its rows.
        values: The number of values of each column.
    """

    table: ExistingTable
    rows: int
    values: Mapping[str, int]


def loaded_table(warehouse: Warehouse, name: str) -> LoadedTable | None:
    """The table of this name; None if there is none, or no row in it."""
    found = existing_tables(warehouse, [name]).get(name)
    if found is None:
        return None
    counts = [f"count({warehouse.column(column)})" for column in found.columns]
    sql = f"SELECT {', '.join(['count(*)', *counts])} FROM {warehouse.table(name)}"
    rows, *values = warehouse.row(sql)
    return LoadedTable(found, rows, dict(zip(found.columns, values, strict=True))) if rows else None


def records_of(asker: Asker, resource: Resource, place: Place) -> list[dict[str, Any]]:
    """The records of the first page, after the steps of the resource.

    Raises:
        ExtractError: The API cannot be read.
    """
    records = select(asker.first().body, resource, place)
    records = Processing(resource, place, str).apply(records)
    return [record for record in records if isinstance(record, dict)]


def columns_of(
    loaded: LoadedTable, resource: Resource, records: Sequence[Mapping[str, Any]]
) -> tuple[list[ProposedColumn], Choice]:
    """The columns, and the fields that are never null.

    Args:
        loaded: The table.
        resource: The resource: its key says how its fields are spelled.
        records: Records of the API.
    """
    keys = _keys_of_columns(records)
    spelled = {column: path_of((key,)) for column, key in keys.items()}
    spelled |= {column_name(path): path for path in resource.primary_key}
    values = {
        column: [v for record in records if (v := record.get(key)) is not None]
        for column, key in keys.items()
    }
    columns = list(_columns(loaded, spelled, values))
    known = {column.path for column in columns if column.data_type is not None}
    full = [
        spelled[name]
        for name, count in loaded.values.items()
        if count == loaded.rows and spelled.get(name) in known - set(resource.primary_key)
    ]
    return columns, _required(full, loaded.rows)


def _keys_of_columns(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The key of each column: of several, the one that a load takes."""
    by_column: dict[str, set[str]] = {}
    for key in {key for record in records for key in record if key.strip()}:
        by_column.setdefault(column_at((key,)), set()).add(key)
    return {column: column if column in keys else min(keys) for column, keys in by_column.items()}


def _columns(
    loaded: LoadedTable, spelled: Mapping[str, str], values: Mapping[str, Sequence[Any]]
) -> Iterator[ProposedColumn]:
    for name, real in loaded.table.columns.items():
        if not real.is_ours:
            continue
        count = counted(loaded.values[name], "value")
        if name not in spelled:
            note = f"TODO: {real.data_type}, {count}; no record of the page shows how the field is spelled"
            yield ProposedColumn(name, None, note)
        elif not loaded.values[name]:
            note = "TODO: no row has a value, so no type is known"
            yield ProposedColumn(spelled[name], None, note)
        elif not all(coerce(Field((), "", real.data_type), v)[1] for v in values.get(name, ())):
            note = f"TODO: {real.data_type} in the table, and the page has values that a declared one refuses"
            yield ProposedColumn(spelled[name], None, note)
        else:
            yield ProposedColumn(
                spelled[name], real.data_type, f"{count} in {counted(loaded.rows, 'row')}"
            )


def _required(paths: Sequence[str], rows: int) -> Choice:
    if not paths:
        return left_open("no column beside the key has a value in each row")
    if rows < _MIN_ROWS:
        return left_open(f"never null in {counted(rows, 'row')}, which are few: {listed(paths)}")
    return Choice(list(paths), f"never null in {counted(rows, 'row')}")

"""Table changes: the differences between a declared table and the real one.

In: the declaration of a table, and the columns that it really has. Out: the columns to add and to widen, and
the change of the primary key. Nothing here changes a table. The columns of a table that may not be null are
the primary key with which its rows were merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dlt.common.schema.typing import TColumnSchema
from dlt.common.schema.utils import get_columns_names_with_prop

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.naming import LOAD_ID
from analytics_sync.catalog.tables import table_columns
from analytics_sync.load.tables.column_types import Mismatch, destination_type, mismatches
from analytics_sync.load.tables.healing import HealedTable
from analytics_sync.load.tables.real_tables import Columns


@dataclass(frozen=True)
class DeclaredTable:
    """A table as the next load wants it.

    Attributes:
        name: Name of the table.
        columns: The columns by the names that they have in the warehouse.
        key: Columns of the primary key.
        fields: The declared fields by the names of their columns in the warehouse.
    """

    name: str
    columns: Mapping[str, TColumnSchema]
    key: tuple[str, ...]
    fields: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True)
class TableChanges:
    """The changes of one table.

    Attributes:
        table: The declaration.
        real: The columns that the table has.
        added: Names of the declared columns that the table lacks.
        wrong: Columns that have another type than declared.
        types: Types of the added columns, and of the wrong ones as declared, in the warehouse's words.
    """

    table: DeclaredTable
    real: Columns
    added: tuple[str, ...]
    wrong: tuple[Mismatch, ...]
    types: Mapping[str, str]

    @cached_property
    def merged_by(self) -> tuple[str, ...]:
        """The columns of the real table that may not be null: its primary key; empty if unknown."""
        own = {LOAD_ID, "_dlt_id"}
        return tuple(n for n, c in self.real.items() if not c.nullable and n not in own)

    @cached_property
    def freed(self) -> tuple[str, ...]:
        """Columns that may not be null, and that a load leaves out or may fill with null."""
        declared = self.table.columns
        return tuple(
            name
            for name, column in self.real.items()
            if not column.nullable
            and name not in self.table.key
            and declared.get(name, {}).get("nullable", True)
        )

    @cached_property
    def new_key(self) -> tuple[str, ...]:
        """Columns of the primary key that the table lacks, or in which it allows null."""
        return tuple(n for n in self.table.key if n not in self.merged_by)

    @property
    def key_changes(self) -> bool:
        """Whether the rows were merged by another primary key, or by an unknown one."""
        return set(self.table.key) != set(self.merged_by)

    @property
    def key_grows(self) -> bool:
        """Whether rows that the declaration tells apart were merged into one."""
        return bool(self.merged_by) and not set(self.table.key) <= set(self.merged_by)

    @property
    def any(self) -> bool:
        """Whether anything is to be changed."""
        return bool(self.added or self.wrong or self.freed or self.key_changes)

    def healed(self, *, everything: bool = False) -> HealedTable:
        """The columns that take values from ``_extra`` once they are added and widened.

        Args:
            everything: Also the columns that do not change.
        """
        changed = {*self.added, *(m.column for m in self.wrong)}
        wanted = {*changed, *self.new_key}
        fields = {name: f for name, f in self.table.fields.items() if everything or name in wanted}
        types = {
            name: self.types[name] if name in changed else self.real[name].type for name in fields
        }
        return HealedTable(self.table.name, fields, types, self.table.key, frozenset(self.real))


def declared_table(job_client: Any, resource: Resource) -> DeclaredTable:
    """The table of a resource with declared columns."""
    columns = {
        stored_name(job_client.schema.naming, name): column
        for name, column in table_columns(resource).items()
    }
    load_id: TColumnSchema = {"name": LOAD_ID, "data_type": "text", "nullable": False}
    naming = job_client.schema.naming
    return DeclaredTable(
        resource.table,
        {**columns, LOAD_ID: load_id},
        stored_key(naming, resource),
        {stored_name(naming, f.column): f for f in resource.fields},
    )


def loaded_table(schema: Any, resource: Resource, fields: Sequence[Field]) -> DeclaredTable:
    """The table of a resource as the load package of a run has it.

    Args:
        schema: dlt's schema of the run.
        resource: The declaration.
        fields: The fields of the rows: those that the data has named where none are declared.
    """
    table = schema.tables[resource.table]
    columns = {n: c for n, c in table["columns"].items() if "data_type" in c}
    return DeclaredTable(
        resource.table,
        columns,
        tuple(get_columns_names_with_prop(table, "primary_key")),
        {stored_name(schema.naming, f.column): f for f in fields},
    )


def compare(job_client: Any, real: Columns, table: DeclaredTable) -> TableChanges:
    """The changes that make a real table the declared one.

    Args:
        job_client: dlt's job client.
        real: The columns that the table has.
        table: The declaration.
    """
    typed = {n: c for n, c in table.columns.items() if n != LOAD_ID}  # dlt limits its length
    added = tuple(name for name in table.columns if name not in real)
    wrong = tuple(mismatches(job_client, real, table.name, typed))
    types = {n: destination_type(job_client, table.name, table.columns[n]) for n in added}
    return TableChanges(table, real, added, wrong, types | {m.column: m.wanted for m in wrong})


def stored_key(naming: Any, resource: Resource) -> tuple[str, ...]:
    """The columns of the primary key of a resource, as they are named in the warehouse."""
    return tuple(stored_name(naming, name) for name in resource.key)


def stored_name(naming: Any, column: str) -> str:
    """The name that a column has in the warehouse: dlt shortens names that are too long for it."""
    if not naming.max_length or len(column) <= naming.max_length:
        return column
    return str(naming.normalize_path(column))

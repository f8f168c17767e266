"""Table fitting: a real table becomes the declared one, in one transaction, or stays as it was.

In: the changes of a table. Out: added columns, wider columns with the values that ``_extra`` held for them,
and another primary key; or a problem that says what to do. The last step of a new key comes after the load,
so that a killed run finds the table as it was merged.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dlt.destinations.exceptions import DatabaseException

from analytics_sync.catalog import Resource
from analytics_sync.common.shown import MAX_NAMES, counted, listed, shown
from analytics_sync.load.clients.duckdb_merge_job import with_more_memory
from analytics_sync.load.clients.foreign_objects import own_tables
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.clients.postgres_keys import drop_key_index
from analytics_sync.load.errors import WarehouseInUse
from analytics_sync.load.tables.column_types import Mismatch, converted, inexact, widening
from analytics_sync.load.tables.healing import heal
from analytics_sync.load.tables.real_tables import RealColumn, columns_of
from analytics_sync.load.tables.rebuilt_tables import is_rebuilt, make_beside, take_place
from analytics_sync.load.tables.table_changes import TableChanges

_MAX_REASON_CHARACTERS = 300
_INEXACT = "Not all of its values would stay as they are"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """The result for one table.

    Attributes:
        changes: What was to be changed.
        healed: Number of values that columns took from ``_extra``, by column.
        unfilled: Number of rows without a value, of each added column; only if the table has rows.
        problem: Why the table is as it was, and what to do; empty for success.
    """

    changes: TableChanges
    healed: Counter[str] = field(default_factory=Counter)
    unfilled: dict[str, int] = field(default_factory=dict)
    problem: str = ""

    def steps(self) -> Iterator[str]:
        """Each change of a table that was fitted, in words."""
        changes = self.changes
        for name in changes.added:
            yield f"column {name} added"
        for mismatch in changes.wrong:
            yield f"column {mismatch.column} widened from {mismatch.real} to {mismatch.declared}"
        for name, count in self.healed.items():
            yield f"column {name} took {counted(count, 'value')} from _extra"
        if changes.merged_by and changes.key_changes:
            was, now = ", ".join(changes.merged_by), ", ".join(changes.table.key)
            yield f"primary key [{was}] became [{now}]"


def reset_command(resource: Resource) -> str:
    """The command that starts the table of a resource over."""
    return f"analytics-sync schema reset {resource} --yes"


def replaces_all_rows(resource: Resource) -> bool:
    """Whether each load replaces all rows of the table of a resource."""
    return resource.write_disposition == "replace" and resource.incremental is None


class _KeyProblem(Exception):
    """Rows of the table do not fit the new primary key."""


def fit_table(
    client: Any,
    changes: TableChanges,
    reset: str,
    *,
    replaced: bool = False,
    heal_all: bool = False,
) -> Fitted:
    """Change a table as declared, or say why that is not possible.

    Args:
        client: dlt's SQL client, connected.
        changes: The changes.
        reset: The command that starts the table over.
        replaced: Whether the load replaces all rows, so that no old row has to fit the new key.
        heal_all: Whether all declared columns take values from ``_extra``, not only changed ones.
    """
    reason = _INEXACT
    wrong: list[Mismatch] = list(changes.wrong)
    try:
        fitted = run_ddl(
            client,
            lambda: [changes.table.name],
            lambda: with_more_memory(client, lambda: _fit(client, changes, replaced, heal_all)),
        )
        if isinstance(fitted, Fitted):
            return fitted
        wrong = fitted
    except WarehouseInUse as e:
        return Fitted(changes, problem=str(e))
    except _KeyProblem as e:
        return Fitted(changes, problem=f"{e} Or start over: {reset}")
    except DatabaseException as e:
        reason = f"It cannot be changed in place ({e})"
        if not wrong:
            statements = "; ".join(_structure(client, changes)) or "its owner may"
            return Fitted(
                changes,
                problem=f"table {changes.table.name} is not as declared. {reason}: change the table "
                f"yourself and run again: {statements}. Or start over: {reset}",
            )
    return Fitted(changes, problem=type_problem(client, changes, wrong, reset, reason))


def type_problem(
    client: Any,
    changes: TableChanges,
    wrong: list[Mismatch],
    reset: str,
    reason: str = _INEXACT,
) -> str:
    """Why columns cannot be widened, with the statements that change them."""
    text = (
        f"{listed(wrong, separator='; ')}. {reason}: the table is as it was. Declare the type that the "
        f"table has, or start over ({reset})"
    )
    if client.capabilities.sqlglot_dialect == "sqlite":  # it has no such statement
        return f"{text}."
    statements = "; ".join(m.change(client, changes.table.name) for m in wrong[:MAX_NAMES])
    return f"{text}, or change the table yourself and run again: {statements}"


def set_new_key(client: Any, changes: TableChanges) -> None:
    """Let no row have a null in the new key any more: from now on the table is merged by it."""
    for name in changes.new_key:
        try:
            with own_tables(client, changes.table.name):
                limit_lock_wait(client)
                _set_not_null(client, changes, name)
        except DatabaseException as e:  # the rows are right; the next load tries again
            log.warning(
                "%s.%s: column %s stays without NOT NULL: %s. Drop what depends on the table, or end the "
                "session that has locked it. The next load tries again",
                client.dataset_name, changes.table.name, name, shown(e, _MAX_REASON_CHARACTERS).rstrip("."),
            )  # fmt: skip


def key_problem(client: Any, changes: TableChanges, to_heal: Counter[str] | None = None) -> str:
    """Why rows of a table do not fit its new primary key; empty if they do.

    Args:
        client: dlt's SQL client.
        changes: The changes.
        to_heal: The values that columns will take from ``_extra``, if the columns are not added yet.
    """
    table = client.make_qualified_table_name(changes.table.name)
    quote = client.escape_column_name
    key, was = ", ".join(changes.table.key), ", ".join(changes.merged_by)
    text = f"the primary key is [{key}] now" + (f" and was [{was}]" if was else "")
    existing = [n for n in changes.table.key if n in changes.real or to_heal is None]
    healed = to_heal or Counter[str]()
    for name in changes.new_key:
        empty = f"{quote(name)} IS NULL" if name in existing else "true"
        count = _count(client, f"SELECT count(*) FROM {table} WHERE {empty}") - healed[name]
        if count > 0:
            return (
                f"{text}: {counted(count, 'row')} of the table would have no {name}, and new rows would stand "
                f"beside old ones. Nothing was loaded. Fill the column of these rows, or delete them."
            )
    if changes.merged_by and set(changes.table.key) >= set(changes.merged_by):
        return ""
    if len(existing) < len(changes.table.key):
        return ""  # the columns are not there yet
    columns = ", ".join(quote(n) for n in changes.table.key)
    groups = f"SELECT {columns} FROM {table} GROUP BY {columns} HAVING count(*) > 1"
    if count := _count(client, f"SELECT count(*) FROM ({groups}) AS g"):
        return (
            f"{text}: {count:,} of these keys have several rows in the table, and a load would keep one of "
            f"each by chance. Nothing was loaded. Delete the rows that are too many."
        )
    return ""


def _fit(
    client: Any, changes: TableChanges, replaced: bool, heal_all: bool
) -> Fitted | list[Mismatch]:
    """The result; the columns that cannot be widened if there are some."""
    table = changes.table
    with own_tables(client, table.name):
        limit_lock_wait(client)
        if wrong := inexact(client, table.name, changes.wrong):
            return wrong
        if changes.key_changes:
            drop_key_index(client, table.name)  # the load makes one of the new key
        name = table.name
        if is_rebuilt(client):
            name = _made_beside(client, changes)
        else:
            for statement in _structure(client, changes):
                client.execute_sql(statement)
            for mismatch in changes.wrong:
                client.execute_sql(widening(client, name, mismatch))
        made = replace(changes, table=replace(table, name=name))
        all_columns = {*changes.real, *changes.added}
        healed = heal(client, replace(made.healed(everything=heal_all), columns=all_columns))
        if changes.key_changes and not replaced and (problem := key_problem(client, made)):
            raise _KeyProblem(problem)
        unfilled = _unfilled(client, made)
        if name != table.name:
            take_place(client, table.name)
        return Fitted(changes, healed, unfilled)


def _made_beside(client: Any, changes: TableChanges) -> str:
    """Add, widen and free columns in a table beside the old one; its name, or the old one if none changes."""
    if not (changes.added or changes.wrong or changes.freed):
        return changes.table.name
    columns = {
        **changes.real,
        **{name: replace(changes.real[name], nullable=True) for name in changes.freed},
        **{name: RealColumn(changes.types[name]) for name in changes.added},
    }
    values = dict.fromkeys(changes.added, "NULL")
    for mismatch in changes.wrong:
        name = mismatch.column
        columns[name] = replace(columns[name], type=mismatch.wanted)
        values[name], _ = converted(client, mismatch, client.escape_column_name(name))
    return make_beside(client, changes.table.name, columns, values)


def _set_not_null(client: Any, changes: TableChanges, name: str) -> None:
    """Let a column of a table have no null any more."""
    table, column = changes.table.name, client.escape_column_name(name)
    if not is_rebuilt(client):
        target = client.make_qualified_table_name(table)
        client.execute_sql(f"ALTER TABLE {target} ALTER COLUMN {column} SET NOT NULL")
        return
    columns = dict(columns_of(client)[table])
    columns[name] = replace(columns[name], nullable=False)
    make_beside(client, table, columns)
    take_place(client, table)


def _structure(client: Any, changes: TableChanges) -> Iterator[str]:
    """The statements that add columns, and that let columns be null which leave the primary key."""
    table = client.make_qualified_table_name(changes.table.name)
    for name in changes.added:
        yield f"ALTER TABLE {table} ADD COLUMN {client.escape_column_name(name)} {changes.types[name]}"
    for name in changes.freed:
        yield f"ALTER TABLE {table} ALTER COLUMN {client.escape_column_name(name)} DROP NOT NULL"


def _unfilled(client: Any, changes: TableChanges) -> dict[str, int]:
    """The rows without a value in each added column."""
    if not changes.added:
        return {}
    table, quote = client.make_qualified_table_name(changes.table.name), client.escape_column_name
    counts = ", ".join(f"count(*) - count({quote(name)})" for name in changes.added)
    (row,) = client.execute_sql(f"SELECT {counts} FROM {table}")
    return {name: count for name, count in zip(changes.added, row, strict=True) if count}


def _count(client: Any, sql: str) -> int:
    ((count,),) = client.execute_sql(sql)
    return int(count)

"""The differences between declarations and the warehouse, and what the next run does about them.

In: the resources of a source. Out: a sentence for each difference. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.naming import EXTRA, RESERVED_COLUMNS
from analytics_sync.common.shown import counted, listed
from analytics_sync.load.clients.foreign_objects import foreign_objects
from analytics_sync.load.tables.column_types import inexact
from analytics_sync.load.tables.healing import heal
from analytics_sync.load.tables.real_tables import Columns, real_tables, stored_tables
from analytics_sync.load.tables.table_changes import TableChanges, compare, declared_table
from analytics_sync.load.tables.table_fitting import (
    key_problem,
    replaces_all_rows,
    reset_command,
    type_problem,
)


def differences(
    source: Source, resources: Collection[Resource], job_client: Any | None
) -> Iterator[str]:
    """A sentence for each difference, with the name of the resource in front.

    Args:
        source: The source.
        resources: Resources of the source that have a table.
        job_client: dlt's job client, connected to the source's dataset; None without a warehouse.
    """
    real = real_tables(job_client) if job_client else {}
    stored = stored_tables(job_client) if job_client and real else {}
    names = [resource.table for resource in resources]
    problems = foreign_objects(job_client.sql_client, names) if job_client else {}
    for resource in resources:
        if problem := problems.get(resource.table):
            yield f"{resource}: {problem} The next run leaves this resource out."
        elif job_client and resource.table in real:
            for text in _of_table(job_client, resource, real[resource.table]):
                yield f"{resource}: {text}"
        else:
            gone = ""
            if resource.table in stored:
                gone = "Somebody dropped or renamed it. "
            rows = "the rows of its partitions" if source.windowed(resource) else "all rows"
            yield f"{resource}: there is no table. {gone}The next run makes it, with {rows}."


def _of_table(job_client: Any, resource: Resource, real: Columns) -> Iterator[str]:
    if not resource.fields:  # the columns follow the data
        return
    changes = compare(job_client, real, declared_table(job_client, resource))
    client = job_client.sql_client
    healed = changes.healed(everything=True)
    to_heal = heal(client, healed, dry_run=True)
    for name in changes.added:
        type_ = changes.table.columns[name].get("data_type")
        yield f"column {name} ({type_}) is missing. The next run adds it" + _taking(to_heal[name])
    yield from _types(client, resource, changes, to_heal)
    yield from _key(client, resource, changes, to_heal)
    changed = {*changes.added, *(m.column for m in changes.wrong), *changes.new_key}
    for name in sorted(to_heal.keys() - changed):
        yield (
            f"column {name} can take {counted(to_heal[name], 'value')} from {EXTRA}. No run does that by itself: "
            f"analytics-sync schema heal {resource}"
        )
    known = changes.table.columns.keys() | RESERVED_COLUMNS
    if others := [name for name in real if name not in known]:
        yield (
            f"columns that are not declared: {listed(others)}. They keep their values, and new rows have "
            "none in them. Declare them, or drop them: "
            + "; ".join(
                f"ALTER TABLE {client.make_qualified_table_name(resource.table)} "
                f"DROP COLUMN {client.escape_column_name(name)}"
                for name in others
            )
        )


def _types(client: Any, resource: Resource, changes: TableChanges, to_heal: Any) -> Iterator[str]:
    refused = inexact(client, resource.table, changes.wrong)
    for mismatch in changes.wrong:
        if mismatch not in refused:
            verb = "does nothing to it" if refused else "widens it"
            yield f"{mismatch}. The next run {verb}" + (
                " until the others can be changed."
                if refused
                else _taking(to_heal[mismatch.column])
            )
    if refused:
        problem = type_problem(client, changes, refused, reset_command(resource))
        yield f"{problem}. The next run leaves this resource out."


def _key(client: Any, resource: Resource, changes: TableChanges, to_heal: Any) -> Iterator[str]:
    if not changes.key_changes:
        return
    problem = "" if replaces_all_rows(resource) else key_problem(client, changes, to_heal)
    if problem:
        yield f"{problem} Or start over: {reset_command(resource)}. The next run leaves this resource out."
        return
    was, key = ", ".join(changes.merged_by), ", ".join(changes.table.key)
    again = " Load all partitions again after that." if changes.key_grows else ""
    yield f"the primary key is [{key}] and was [{was}]. The next run merges by the new one.{again}"


def _taking(count: int) -> str:
    return f", and it takes {counted(count, 'value')} from {EXTRA}." if count else "."

"""Prepared tables: real tables become the declared ones before a load.

In: a normalized load package, and the lock of the warehouse. Out: tables with the declared columns, types
and keys. The real tables are looked at in every load: dlt trusts what it has stored of them. A resource
whose table cannot be changed without loss leaves the package and fails by name; the other resources load.
Values that are gone because somebody dropped a table or a column become findings.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dlt

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.tables import REJECTED, REJECTED_KEY
from analytics_sync.common.errors import Place, printable
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.shown import listed
from analytics_sync.extract.evidence.findings import COMPLETE, DECLARED_SCHEMA, PRIMARY_KEY_UNIQUE
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.package import remove_from_package
from analytics_sync.load.errors import LoadError
from analytics_sync.load.tables.real_tables import (
    Columns,
    knows_columns,
    real_tables,
    stored_tables,
)
from analytics_sync.load.tables.table_changes import (
    DeclaredTable,
    TableChanges,
    compare,
    loaded_table,
)
from analytics_sync.load.tables.table_fitting import (
    Fitted,
    fit_table,
    replaces_all_rows,
    reset_command,
    set_new_key,
)

log = logging.getLogger(__name__)


@dataclass
class Prepared:
    """The tables of a load.

    Attributes:
        steps: What was changed, by resource.
        new_keys: Tables whose new primary key is to be set after the load.
    """

    steps: dict[str, list[str]] = field(default_factory=dict)
    new_keys: list[TableChanges] = field(default_factory=list)

    def finish(self, pipeline: dlt.Pipeline) -> None:
        """The last step, once the rows are loaded."""
        if self.new_keys:
            with pipeline.sql_client() as client:
                for changes in self.new_keys:
                    set_new_key(client, changes)


def prepare_tables(
    pipeline: dlt.Pipeline, run: ReadRun, job_client: Any, redact: Redactor
) -> Prepared:
    """Make the tables of a load as they are declared.

    Args:
        pipeline: A pipeline that holds the load lock, and has a normalized load package.
        run: The finished run. A resource whose table cannot be changed becomes a failure of it.
        job_client: dlt's job client of the pipeline, connected.
        redact: Removes secrets from messages.

    Raises:
        LoadError: ``_rejected`` cannot be changed.
    """
    failed, prepared, refused = run.failures(), Prepared(), []
    tables = _Tables(job_client)
    for resource in run.resources:
        if resource.table not in tables.declared or resource.name in failed:
            continue
        fitted = tables.fit(resource, run.result(resource.name).fields)
        if fitted is None:
            _made_again(tables, run, resource, prepared)
        elif fitted.problem:
            place = Place(resource.source, resource.name, run.window)
            message = redact(printable(f"{place}: {fitted.problem}"))
            run.fail(resource.name, LoadError(message))
            refused.append(resource)
        else:
            prepared.new_keys += [fitted.changes] if fitted.changes.new_key else []
            _report(tables, run, resource, fitted, prepared)
    tables.fit_rejected()
    if refused:
        remove_from_package(pipeline, refused)
    return prepared


class _Tables:
    """The real tables of a dataset, and what dlt has stored of them."""

    def __init__(self, job_client: Any) -> None:
        self._job_client = job_client
        self.declared: Mapping[str, Any] = job_client.schema.tables
        self.real: Mapping[str, Columns] = real_tables(job_client)
        self._is_known = knows_columns(job_client)

    @cached_property
    def stored(self) -> dict[str, set[str]]:
        """Table -> columns of earlier loads. Reading it takes time: a change is rare."""
        return stored_tables(self._job_client) if self._is_known else {}

    def fit(self, resource: Resource, fields: Sequence[Field]) -> Fitted | None:
        """The result for the table of a resource; None if there is no such table.

        Args:
            resource: The declaration.
            fields: The fields of the rows.
        """
        if resource.table not in self.real:
            return None
        table = loaded_table(self._job_client.schema, resource, fields)
        changes = compare(self._job_client, self.real[table.name], table)
        if not changes.any:
            return Fitted(changes)
        client, replaced = self._job_client.sql_client, replaces_all_rows(resource)
        return fit_table(client, changes, reset_command(resource), replaced=replaced)

    def fit_rejected(self) -> None:
        """Give ``_rejected`` the columns that it lacks."""
        if REJECTED not in self.real or REJECTED not in self.declared:
            return
        columns: dict[str, Any] = self.declared[REJECTED]["columns"]
        table = DeclaredTable(REJECTED, columns, tuple(REJECTED_KEY))
        changes = compare(self._job_client, self.real[REJECTED], table)
        if changes.any:
            client = self._job_client.sql_client
            name = client.make_qualified_table_name(REJECTED)
            fitted = fit_table(client, changes, f"DROP TABLE {name}")
            if fitted.problem:
                raise LoadError(printable(f"{client.dataset_name}: {fitted.problem}"))


def _made_again(tables: _Tables, run: ReadRun, resource: Resource, prepared: Prepared) -> None:
    """Report a table that the load makes although an earlier load had made it."""
    if resource.table not in tables.stored:
        return
    prepared.steps[resource.name] = ["table made again"]
    log.warning("%s: the table was gone. This load makes it again", resource)
    if run.window is not None and run.source.windowed(resource):
        run.result(resource.name).findings.add(
            COMPLETE,
            f"The table {resource.table} was gone: somebody dropped or renamed it. This load made it again "
            f"and holds the rows of {run.window} only. Load the other partitions of {resource} again.",
        )


def _report(
    tables: _Tables, run: ReadRun, resource: Resource, fitted: Fitted, prepared: Prepared
) -> None:
    """Report the changes of a table, and the values that its rows of other windows lack."""
    if not (steps := list(fitted.steps())):
        return
    prepared.steps[resource.name] = steps
    log.warning("%s: the table is as declared now: %s", resource, listed(steps, separator="; "))
    if run.window is None or not run.source.windowed(resource):
        return  # every row is read again
    findings = run.result(resource.name).findings
    changes = fitted.changes
    stored = tables.stored.get(resource.table, set()) if fitted.unfilled else set()
    if gone := [f"{n} ({count:,})" for n, count in fitted.unfilled.items() if n in stored]:
        findings.add(
            DECLARED_SCHEMA,
            "Columns were gone: somebody dropped or renamed them. This load added them again, and rows of "
            f"other windows have no value in them, their number in brackets: {listed(gone)}. Load the "
            f"other partitions of {resource} again.",
        )
    if changes.key_grows:
        was, now = ", ".join(changes.merged_by), ", ".join(changes.table.key)
        findings.add(
            PRIMARY_KEY_UNIQUE,
            f"The primary key was [{was}] until this load and is [{now}] now. In other windows, one of "
            f"the records that shared [{was}] was kept. Load the other partitions of {resource} again.",
        )

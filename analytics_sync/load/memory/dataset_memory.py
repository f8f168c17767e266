"""The memory of a dataset: before a load it is asked, and after the load it is told.

In: a run, and what Dagster reports of earlier loads. Out: refused resources, findings of lost loads, and the
new entries of the system tables. Untested destinations have no memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dlt
from dlt.destinations.sql_client import SqlClientBase
from filelock import Timeout

from analytics_sync.catalog import Resource
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.window import Window
from analytics_sync.extract.evidence.findings import HISTORY
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import DEFAULT, destination_kind, duckdb_file
from analytics_sync.load.clients.destination_kinds import TESTED
from analytics_sync.load.clients.foreign_objects import ForeignObject, foreign_objects
from analytics_sync.load.clients.package import remove_from_package
from analytics_sync.load.memory.loaded_windows import (
    Reported,
    adopt,
    forget_empty,
    forget_lost,
    known_loads,
    load_time,
    note_windows,
)
from analytics_sync.load.memory.origins import (
    Origins,
    note_origins,
    read_origins,
    refuse_other_accounts,
)
from analytics_sync.load.sharing.locks import load_lock, open_locked
from analytics_sync.load.tables.system_tables import (
    LOADED,
    ORIGIN,
    SYSTEM_TABLES,
    create_system_table,
    filled_tables,
    table_names,
)

# Other runs that wait for the same program hold the lock for an attempt only.
_SECONDS_FOR_RUNS = 0.3


class NothingReported:
    """A run outside of Dagster, which reports no earlier load."""

    def latest_loads(self, resources: Iterable[Resource]) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def windows_since(self, resource: Resource, load_id: str) -> list[Window]:
        """Nothing."""
        return []


@dataclass
class Remembered:
    """What the dataset remembered before a load.

    Attributes:
        filled: The tables that held rows.
        origins: Where these rows come from.
        lost: The load of each snapshot that Dagster reports and the dataset does not know; dlt's id.
    """

    filled: frozenset[str] = frozenset()
    origins: Origins = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)


def refuse_before_reading(pipeline: dlt.Pipeline, run: ReadRun) -> None:
    """Refuse resources of another account before they are read.

    While another program has the DuckDB file open, this waits: a long read would be in vain. A file that
    another run holds is not waited for: the look before the load is decisive.
    """
    kind = destination_kind(pipeline.destination)
    if kind not in TESTED or (kind == DEFAULT and not duckdb_file().exists()):
        return
    with suppress(Timeout), open_locked(pipeline.sql_client, _SECONDS_FOR_RUNS) as client:
        tables = table_names(client)
        if ORIGIN not in tables:
            return
        problems = _problems(client, run)
        if problems.keys().isdisjoint(SYSTEM_TABLES):
            filled = _filled(client, run, tables - problems.keys())
            refuse_other_accounts(run, read_origins(client), filled)


def look_back(
    pipeline: dlt.Pipeline,
    run: ReadRun,
    client: SqlClientBase[Any],
    reported: Reported,
    redact: Redactor,
) -> Remembered:
    """Compare a run with what the dataset remembers, before its tables are changed.

    Args:
        pipeline: A pipeline that holds the load lock.
        run: The finished run. A resource of another account becomes a failure of it.
        client: A connected client of the pipeline.
        reported: What Dagster reports of earlier loads.
        redact: Removes secrets from messages.

    Raises:
        ForeignObject: Another role has put something in the place of a system table.
    """
    if destination_kind(pipeline.destination) not in TESTED:
        return Remembered()
    problems = _problems(client, run)
    for name in SYSTEM_TABLES:
        if name in problems:
            raise ForeignObject(f"{run.source.name}: {redact(problems[name])}")
    tables = table_names(client)
    filled = _filled(client, run, tables - problems.keys())
    if ORIGIN not in tables:
        create_system_table(client, ORIGIN)
    if LOADED not in tables:
        adopt(client, run.source, tables)
    origins = read_origins(client)
    if refused := refuse_other_accounts(run, origins, filled, run.failures()):
        remove_from_package(pipeline, refused)
    known = forget_empty(client, run, known_loads(client), filled)
    return Remembered(filled, origins, forget_lost(client, run, known, reported))


def note(
    client: SqlClientBase[Any], run: ReadRun, load_id: str | None, remembered: Remembered
) -> None:
    """Note a load, and add findings and changes to the results of the run.

    Args:
        client: A client that holds the load lock.
        run: The run, whose rows are in their tables.
        load_id: dlt's id of the load; None if there was nothing to load.
        remembered: What ``look_back`` returned.
    """
    failed = run.failures()
    note_windows(client, run, load_id)
    changes = note_origins(client, run, remembered.origins, remembered.filled)
    for resource in run.resources:
        if resource.name in failed:
            continue
        result = run.result(resource.name)
        result.account_changes = tuple(changes.get(resource.name, ()))
        if load := remembered.lost.get(resource.name):
            result.findings.add(HISTORY, _lost_message(run, resource, load))


def note_without_rows(
    pipeline: dlt.Pipeline, run: ReadRun, reported: Reported, redact: Redactor
) -> None:
    """Note a run that has nothing to load: its windows have no rows. See ``look_back``."""
    is_tested = destination_kind(pipeline.destination) in TESTED
    if is_tested and len(run.failures()) < len(run.resources):
        with load_lock(pipeline), pipeline.sql_client() as client:
            remembered = look_back(pipeline, run, client, reported, redact)
            note(client, run, None, remembered)


def _problems(client: SqlClientBase[Any], run: ReadRun) -> dict[str, str]:
    """The problem of each table of the run on which no statement may run."""
    return foreign_objects(client, [*SYSTEM_TABLES, *(r.table for r in run.resources)])


def _filled(client: SqlClientBase[Any], run: ReadRun, tables: Collection[str]) -> frozenset[str]:
    """The tables of the run's resources that hold rows.

    Args:
        client: A connected client.
        run: The run.
        tables: The tables on which statements may run.
    """
    return filled_tables(client, [r.table for r in run.resources if r.table in tables])


def _lost_message(run: ReadRun, resource: Resource, load_id: str) -> str:
    day = datetime.fromtimestamp(load_time(load_id), UTC)
    return (
        f"The warehouse did not have the rows of the load of {day:%Y-%m-%d %H:%M} UTC, which Dagster reports: "
        f"the file was lost, replaced or restored, or the table {run.source.dataset}.{resource.table} was "
        "dropped. It holds what the API lists now; rows that the API no longer lists are lost. Put the "
        "right warehouse back, or run the asset again to accept this one."
    )

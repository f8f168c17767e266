"""Changes of tables outside of a load: healing, and starting over.

In: resources of a source. Out: a sentence for each table. The commands wait for the locks that loads wait for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dlt.destinations.exceptions import DatabaseException

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.tables import REJECTED
from analytics_sync.common.errors import printable
from analytics_sync.common.shown import counted, listed
from analytics_sync.load.clients.destination import configured_kind
from analytics_sync.load.clients.destination_kinds import TESTED, Support, titles_of
from analytics_sync.load.clients.foreign_objects import foreign_objects, own_tables
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.errors import LoadError
from analytics_sync.load.sharing.locks import lock_dataset, open_dataset
from analytics_sync.load.tables.healing import heal
from analytics_sync.load.tables.real_tables import real_tables, stored_versions
from analytics_sync.load.tables.system_tables import LOADED, SYSTEM_TABLES, insert, table_names
from analytics_sync.load.tables.table_changes import compare, declared_table
from analytics_sync.load.tables.table_fitting import fit_table, reset_command, set_new_key


@dataclass(frozen=True)
class Result:
    """The result for one table.

    Attributes:
        resource: The resource of the table.
        text: What was done, or what is wrong.
        failed: Whether the table is as it was because it cannot be changed.
    """

    resource: Resource
    text: str
    failed: bool = False


@contextmanager
def connected(dataset: str, *, to_change: bool) -> Iterator[Any | None]:
    """dlt's job client of a dataset; None if the warehouse does not exist yet.

    Args:
        dataset: Name of the dataset.
        to_change: Whether tables are to be changed. Loads into the dataset then wait.

    Raises:
        LoadError: The warehouse cannot be opened, or a statement failed.
    """
    kind = configured_kind()
    if kind not in TESTED:
        raise LoadError(
            f"destination {kind}: tables are compared in {', '.join(titles_of(Support.TESTED))} only. "
            "Set ANALYTICS_SYNC__DESTINATION to one of them."
        )
    doing = "the change of tables" if to_change else "looking at the warehouse"
    with open_dataset(dataset, doing) as (job_client, _):
        if job_client and to_change:
            lock_dataset(job_client.sql_client, dataset)
        yield job_client


def heal_tables(
    resources: Iterable[Resource], job_client: Any | None, *, dry_run: bool
) -> Iterator[Result]:
    """Make tables as declared, and move values from ``_extra`` to all columns that hold them exactly.

    Args:
        resources: Resources of one source.
        job_client: dlt's job client; None without a warehouse.
        dry_run: Whether to count only.
    """
    real = real_tables(job_client) if job_client else {}
    for resource in resources:
        if resource.table not in real or job_client is None:
            yield Result(resource, "there is no table yet")
            continue
        if not resource.fields:
            yield Result(resource, "no columns are declared: they follow the data")
            continue
        client = job_client.sql_client
        if problem := foreign_objects(client, [resource.table]).get(resource.table):
            yield Result(resource, problem, failed=True)
            continue
        changes = compare(job_client, real[resource.table], declared_table(job_client, resource))
        if dry_run:
            counts = heal(client, changes.healed(everything=True), dry_run=True)
            steps = [
                f"column {name} would take {counted(n, 'value')}" for name, n in counts.items()
            ]
        else:
            fitted = fit_table(client, changes, reset_command(resource), heal_all=True)
            if fitted.problem:
                yield Result(resource, printable(fitted.problem), failed=True)
                continue
            set_new_key(client, changes)
            steps = list(fitted.steps())
        yield Result(resource, listed(steps, separator="; ") or "nothing to heal")


def reset_tables(
    source: Source, resources: Iterable[Resource], job_client: Any | None, *, dry_run: bool
) -> Iterator[Result]:
    """Drop the tables of resources, with all that is stored about them, so that the next run makes them.

    Args:
        source: The source.
        resources: Resources of the source.
        job_client: dlt's job client; None without a warehouse.
        dry_run: Whether to count only.
    """
    real = real_tables(job_client) if job_client else {}
    for resource in resources:
        if job_client is None:
            yield Result(resource, "there is no table")
            continue
        client = job_client.sql_client
        used = [resource.table, REJECTED, job_client.schema.version_table_name, *SYSTEM_TABLES]
        if problems := foreign_objects(client, used):
            yield Result(resource, next(iter(problems.values())), failed=True)
            continue
        table = client.make_qualified_table_name(resource.table)
        text = "there is no table"
        if resource.table in real:
            ((rows,),) = client.execute_sql(f"SELECT count(*) FROM {table}")
            text = f"table {table} with {counted(rows, 'row')} " + (
                "would be dropped" if dry_run else "dropped"
            )
        try:
            if not dry_run:
                _reset(job_client, resource, is_windowed=source.windowed(resource))
            yield Result(resource, text)
        except DatabaseException as e:
            text = f"the table cannot be dropped ({e}). Drop what needs it, then reset again"
            yield Result(resource, printable(text), failed=True)


def _reset(job_client: Any, resource: Resource, *, is_windowed: bool) -> None:
    """Forget a table."""
    client = job_client.sql_client
    existing = table_names(client)
    hashes = [h for h, tables in stored_versions(job_client) if resource.table in tables]
    is_there = resource.table in existing

    def forget() -> None:
        with own_tables(client, resource.table) if is_there else client.begin_transaction():
            limit_lock_wait(client)
            if is_there:
                client.execute_sql(f"DROP TABLE {client.make_qualified_table_name(resource.table)}")
            for name in existing.intersection((REJECTED, *SYSTEM_TABLES)):
                table = client.make_qualified_table_name(name)
                client.execute_sql(f"DELETE FROM {table} WHERE resource = %s", resource.name)
            versions = client.make_qualified_table_name(job_client.schema.version_table_name)
            for version in hashes:
                client.execute_sql(f"DELETE FROM {versions} WHERE version_hash = %s", version)
            if LOADED in existing and not is_windowed:
                # earlier loads are not lost: somebody has dropped their rows on purpose
                now = datetime.now(UTC)
                noted = {"resource": resource.name, "rows": 0, "load_id": str(now.timestamp())}
                insert(client, LOADED, [{**noted, "loaded_at": now}])

    run_ddl(client, lambda: [resource.table], forget)

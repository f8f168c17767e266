"""Columns that every table of a warehouse has already, so that no declared field can be one of them.

In: a run that has started, and the destination. Out: failures of the resources that declare such a
column. PostgreSQL refuses their tables: without this, the load of the whole source would fail.
"""

from __future__ import annotations

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import column_name
from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.working_tables import ROW_ID

_SYSTEM_COLUMNS = {
    "postgres": frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"}),
    "mariadb": frozenset({ROW_ID}),
}


def refuse_system_columns(run: ReadRun, kind: str) -> None:
    """Turn the resources that declare a system column into failures.

    Args:
        run: A run that has started.
        kind: dlt's name of the destination's type.
    """
    system = _SYSTEM_COLUMNS.get(kind, frozenset())
    for resource in run.resources:
        names = [f.name for f in resource.fields] or resource.primary_key
        if named := [name for name in names if column_name(name) in system]:
            run.fail(resource.name, _error(run, resource, named))


def _error(run: ReadRun, resource: Resource, named: list[str]) -> ExtractError:
    examples = ", ".join(f"{name}_value: {{data_type: ..., aliases: [{name}]}}" for name in named)
    return ExtractError(
        Place(resource.source, resource.name, run.window),
        f"every table of the warehouse has system columns of the names {', '.join(named)}.",
        f"Declare the fields under other names, as in columns: {{{examples}}}, or leave them to _extra.",
    )

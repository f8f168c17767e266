"""Replacements: the rows that a load with ``write_disposition: replace`` removes.

In: a finished run, and the tables before its load. Out: for each table the rows to remove in the
transaction that adds the new ones. A snapshot replaces all rows, a window its own rows, and the children
of windowed parents those of the parents that were read. A read that is too short to be believed adds its
rows and removes none.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.naming import PARENT_KEY
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.merge_sql import Replaced, literal
from analytics_sync.load.gone.scope import Scope, cursor_bounds, living_rows, scope_to_replace
from analytics_sync.load.gone.shrinkage import NOT_BELIEVED, is_shrunken, record_shrinkage

_KEPT = "They were added, and no row was removed."


def plan_replacements(
    run: ReadRun, client: SqlClientBase[Any], accepted: Collection[str]
) -> tuple[dict[str, Replaced], dict[str, tuple[Scope, int] | str]]:
    """The rows that a load removes, by table; and their scope and number, or why none, by resource.

    Args:
        run: The finished run. A read that is not believed gets a finding.
        client: A client that is connected to the source's dataset.
        accepted: Resources whose shrinkage is right.
    """
    failed = run.failures()
    replaced: dict[str, Replaced] = {}
    found: dict[str, tuple[Scope, int] | str] = {}
    for resource in run.resources:
        if resource.write_disposition != "replace" or resource.name in failed:
            continue
        result = run.result(resource.name)
        scope = scope_to_replace(run, result)
        if not isinstance(scope, Scope):
            found[resource.name] = scope
            continue
        before = living_rows(client, scope)
        if is_shrunken(scope, before, result.rows) and resource.name not in accepted:
            record_shrinkage(result, before, _KEPT)
            found[resource.name] = NOT_BELIEVED
            continue
        replaced[resource.table] = Replaced(_where(scope, client), scope.started)
        found[resource.name] = scope, before
    return replaced, found


def _where(scope: Scope, client: SqlClientBase[Any]) -> str | None:
    """The rows of a scope as SQL with literals; None for all rows."""
    quote = client.escape_column_name
    dialect = str(client.capabilities.sqlglot_dialect)
    if scope.window is not None:
        cursor = scope.resource.cursor
        assert cursor is not None, "only a cursor cuts windows"
        start, end = (literal(b, dialect) for b in cursor_bounds(cursor, scope.window))
        return f"{quote(cursor.column)} >= {start} AND {quote(cursor.column)} < {end}"
    if scope.parents is not None:
        keys = ", ".join(map(literal, sorted(scope.parents)))
        return f"{quote(PARENT_KEY)} IN ({keys})" if keys else "1 = 0"
    return None

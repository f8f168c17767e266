"""The subcommand ``analytics-sync list``: each resource, whether it is on, and when and how it is read.

In: the configured catalog and the settings of the team. Out: a line or an entry for each resource, and an exit
status. Nothing is requested, and no secret is looked up.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from analytics_sync.catalog import CatalogError, Resource, Source
from analytics_sync.catalog.plan import SourcePlan, plan_of
from analytics_sync.commands.output import show
from analytics_sync.commands.places import chosen
from analytics_sync.commands.tables import table_lines

_WRONG = 2
_HEAD = ("asset", "is", "rows", "windows", "schedule", "declared in")


def list_assets(options: argparse.Namespace) -> int:
    """Show the resources; return 2 if a file does not load or a setting is wrong."""
    found = chosen(options.places)
    errors: list[CatalogError] = list(found.broken)
    entries = []
    for source, resources in found.parts:
        try:
            plan = plan_of(source)
        except CatalogError as e:
            errors.append(e)
            continue
        entries += [entry(source, plan, resource) for resource in resources]
    document = {"assets": entries, "errors": [str(error) for error in errors]}
    show(options, document, table_lines([_HEAD, *map(_row, entries)]))
    for error in errors:
        print(error, file=sys.stderr)
    return _WRONG if errors else 0


def entry(source: Source, plan: SourcePlan, resource: Resource) -> dict[str, Any]:
    """A resource as ``--json`` gives it."""
    return {
        "asset": str(resource),
        "source": source.name,
        "resource": resource.name,
        "table": f"{source.dataset}.{resource.table}",
        "enabled": plan.is_enabled,
        "write_disposition": resource.write_disposition,
        "marks_deleted": resource.soft_deletes,
        "parent": resource.parent,
        "windows": windows(source, plan, resource),
        "automation": plan.automation,
        "schedule": plan.schedule if plan.automation == "schedule" else None,
        "file": source.file,
        "line": source.lines.get(resource.name, source.line),
    }


def windows(source: Source, plan: SourcePlan, resource: Resource) -> dict[str, Any] | None:
    """The partitions of a resource; None for a snapshot."""
    owner = source.window_owner(resource)
    if owner is None:
        return None
    cursor = owner.cursor.name if owner.cursor else None
    return {
        "partitions": plan.partitions,
        "time_zone": plan.time_zone,
        "start_date": plan.start_date.isoformat(),
        "cursor": cursor or (owner.incremental and owner.incremental.cursor_path),
        "cursor_of": owner.name,
    }


def windows_text(found: Mapping[str, Any] | None, resource: str) -> str:
    """The partitions in words."""
    if found is None:
        return "none: each run reads all"
    of = "" if found["cursor_of"] == resource else f" of {found['cursor_of']}"
    return f"{found['partitions']} {found['time_zone']} by {found['cursor']}{of}"


def _row(found: Mapping[str, Any]) -> Sequence[str]:
    marks = ", marks deleted" if found["marks_deleted"] else ""
    return (
        found["asset"],
        "on" if found["enabled"] else "off",
        found["write_disposition"] + marks,
        windows_text(found["windows"], found["resource"]),
        found["schedule"] or found["automation"],
        f"{found['file']}:{found['line']}",
    )

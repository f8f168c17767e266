"""The full refresh: everything is requested again, and rows that are no longer listed go.

In: a source. Out: the source as it is read then, and the resources whose rows stay, each with the reason. A
windowed resource that merges replaces the rows of its window as ``write_disposition: replace`` does: in the
transaction that adds the new rows, and only after a read that is complete and believed. A resource with
soft deletes keeps its rows: those that are gone get the mark.
"""

from __future__ import annotations

from dataclasses import replace

from analytics_sync.catalog import Resource, Source
from analytics_sync.extract.convert.cursor_kind import CursorKind, cursor_kind


def full_refresh(source: Source) -> tuple[Source, dict[str, str]]:
    """The source whose merged windows replace their rows; why the rows of others stay, by resource.

    Args:
        source: The declaration.
    """
    kept: dict[str, str] = {}
    resources = dict(source.resources)
    for resource in source.assets:
        if resource.write_disposition == "replace":
            continue
        if reason := _reason_to_keep(resource):
            kept[resource.name] = reason
        else:
            resources[resource.name] = replace(resource, write_disposition="replace")
    return replace(source, resources=resources), kept


def _reason_to_keep(resource: Resource) -> str | None:
    """Why no row of a resource is removed; None if its window speaks for the rows that it replaces."""
    if resource.soft_deletes:
        return "rows that the API does not list any more are marked as deleted"
    if resource.cursor is None:
        return "it has no window of its own, and its rows stay as declared"
    if cursor_kind(resource) is not CursorKind.FIXED:
        return "its cursor may change, so that a row may have moved to another window"
    if any(f"{{{name}}}" not in resource.path for name in resource.settings):
        return "a setting in its query may limit the listing"
    return None

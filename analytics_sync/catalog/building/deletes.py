"""The key ``deletes``: whether rows that the API no longer lists get ``_deleted_at``.

In: the declaration of one resource. Out: whether its table has the column, or a ``CatalogError``; and which
of its rows nobody can know to be gone. What proves that a row is gone depends on the kind of the resource: a
snapshot lists everything, a window lists the rows of its time, and a parent lists its children.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.models import ResourceDefaults
from analytics_sync.catalog.config.params import PLACEHOLDER, Param, SettingParam
from analytics_sync.catalog.errors import Fail
from analytics_sync.catalog.source import Resource, Source
from analytics_sync.common.json_path import compile_path

# The text of such a value in SQL is its text in a request.
_PLAIN_TYPES = frozenset({"text", "bigint"})


def marks_deleted(
    resource: ResourceDefaults,
    path: str,
    params: Mapping[str, Param],
    incremental: Incremental | None,
    parent: str | None,
    fail: Fail,
) -> bool:
    """Whether rows get ``_deleted_at``.

    That is the default for a snapshot of all records, and for the children of parents. A setting in the
    path of a snapshot, or in the query of a child, limits the listing to its value. When the setting
    changes, the other rows are not gone. A load with another value in the path of a child is refused.

    Args:
        resource: The resource, with its defaults merged.
        path: URL path with all placeholders.
        params: Path and query parameters by name.
        incremental: How the resource is windowed; None without a cursor of its own.
        parent: Name of the parent; None without one.
        fail: Raises ``CatalogError`` for this resource.
    """
    deletes = resource.deletes
    if deletes == "none" or not resource.selected:
        return False
    if resource.write_disposition == "replace":
        if deletes is not None:
            fail(
                "expected write_disposition: merge: replace removes the rows that the API no longer lists",
                "deletes",
            )
        return False
    if deletes == "soft" and incremental is not None:
        fail(
            "expected window: a windowed resource is read window by window, and only a window that was "
            "read again shows which of its rows are gone",
            "deletes",
        )
    if deletes is not None:
        return True
    if incremental is not None:
        return False
    if parent is not None:
        in_path = set(PLACEHOLDER.findall(path))
        return not any(isinstance(p, SettingParam) and n not in in_path for n, p in params.items())
    return not PLACEHOLDER.search(path)


def unknown_deletes(source: Source) -> Iterator[str]:
    """For each resource, which of its rows stay without a mark when they are gone."""
    for child in source.assets:
        if not child.soft_deletes or child.parent is None or not source.windowed(child):
            continue
        if child.incremental is None and child.missing_parent_fields:
            yield f"{child}: {without_parent_key(child)}. Rows that are gone stay without a mark"
        elif reason := unknown_orphans(source, child):
            yield f"{child}: {reason}"


def without_parent_key(child: Resource) -> str:
    """Why a table does not say which parent listed a row."""
    fields = ", ".join(child.missing_parent_fields)
    return (
        f"include_from_parent lacks {fields} of {child.parent}, so the table does not say which parent "
        "listed a row"
    )


def unknown_orphans(source: Source, child: Resource) -> str | None:
    """Why nobody can tell which children belong to a parent that is gone; None if somebody can."""
    if not child.keeps_parent_key or child.parent is None:
        return None
    parent = source.resources[child.parent]
    if not parent.selected:
        return f"{parent.name} has no table, so rows of a {parent.name} that is gone stay"
    for param in child.resolved.values():
        if param.match is not None or not _is_plain_column(parent, param.field):
            return (
                f"the table {parent.table} does not hold {param.field} as it is in a request, so rows of "
                f"a {parent.name} that is gone stay"
            )
    return None


def _is_plain_column(parent: Resource, path: str) -> bool:
    """Whether a column of the parent holds the value at a path, as it is in a request."""
    if not parent.fields:  # the columns follow the data
        compiled = compile_path(path)
        return compiled.chain is not None and not compiled.is_deep
    return any(f.name == path and f.data_type in _PLAIN_TYPES for f in parent.fields)

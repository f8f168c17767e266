"""Relations of resources: parents exist, form no circle, and declare the fields that children need.

In: the resources of a source. Out: nothing, or a ``CatalogError`` about the first wrong relation.
"""

from __future__ import annotations

import graphlib
from collections.abc import Mapping

from analytics_sync.catalog.errors import Fail
from analytics_sync.catalog.source import Resource
from analytics_sync.common.json_path import compile_path
from analytics_sync.common.json_path_steps import KeyStep


def check_parents(resources: Mapping[str, Resource], fail: Fail) -> None:
    """Check the parent of every resource.

    Args:
        resources: The resources by name, in the file's order.
        fail: Raises ``CatalogError`` for a path into the file, ``resource`` and ``key``.

    Raises:
        CatalogError: A parent is unknown, lacks a field, or is a child of its own child.
    """
    for index, child in enumerate(resources.values()):
        if child.parent is None:
            continue
        if child.parent not in resources:
            fail(
                f"parent {child.parent!r} is not a resource of this file; "
                f"known: {', '.join(resources)}",
                "resources", index, "endpoint", "params", resource=child.name,
                key="endpoint.params",
            )  # fmt: skip
        _check_fields(index, child, resources[child.parent], fail)
        _check_replaced(index, child, resources, fail)
    graph = {r.name: {r.parent} if r.parent else set() for r in resources.values()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as e:
        name = e.args[1][0]
        fail(
            f"expected a parent above it, found a circle: {' <- '.join(e.args[1])}",
            "resources", list(resources).index(name), "endpoint", "params",
            resource=name, key="endpoint.params",
        )  # fmt: skip


def _check_replaced(
    index: int, child: Resource, resources: Mapping[str, Resource], fail: Fail
) -> None:
    """Refuse a replacement of which nobody could tell the rows: those of some parents only."""
    if child.write_disposition != "replace" or child.incremental or not child.missing_parent_fields:
        return
    seen, parent = {child.name}, resources.get(child.parent or "")
    while parent is not None and parent.name not in seen:
        if parent.incremental is not None:
            fields = ", ".join(child.missing_parent_fields)
            fail(
                f"expected include_from_parent with {fields} of {child.parent}: a run reads the children "
                "of some parents, and replaces their rows only; or use merge",
                "resources", index, "write_disposition",
                resource=child.name, key="write_disposition",
            )  # fmt: skip
        seen.add(parent.name)
        parent = resources.get(parent.parent or "")


def _check_fields(index: int, child: Resource, parent: Resource, fail: Fail) -> None:
    """Refuse a field that the parent lacks: the child would silently have no records."""
    declared = {".".join(p) for field in parent.fields for p in (field.path, *field.aliases)}
    needed = [(param.field, "endpoint.params") for param in child.resolved.values()]
    needed += [(name, "include_from_parent") for name in child.inherited.values()]
    for name, key in needed:
        first = compile_path(name).steps[0] if name != "$" else None
        dotted = ".".join(first.keys) if isinstance(first, KeyStep) else ""
        if declared and not any(f"{dotted}.".startswith(f"{known}.") for known in declared):
            fail(
                f"field {name!r} is not among the columns of {parent.name}",
                "resources", index, *key.split("."), resource=child.name, key=key,
            )  # fmt: skip

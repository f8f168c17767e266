"""Do the parents that resources name exist, without a circle, and have what is asked of them?

In: the resources of a source. Out: nothing, or a ``CatalogError`` about the first that does not fit.
"""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Mapping
from typing import NoReturn

from analytics_sync.catalog.source import Resource

Fail = Callable[..., NoReturn]


def check_parents(resources: Mapping[str, Resource], fail: Fail) -> None:
    """Check all parents.

    Args:
        resources: By name, in the file's order.
        fail: Raises, with a path into the file, ``resource`` and ``key``.
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


def _check_fields(index: int, child: Resource, parent: Resource, fail: Fail) -> None:
    """A field that the parent does not have would mean no children, silently."""
    declared = {path for f in parent.fields for path in (f.path, *f.aliases)}
    wanted = [(p.field, "endpoint.params") for p in child.resolved.values()]
    wanted += [(name, "include_from_parent") for name in child.inherited.values()]
    for name, key in wanted:
        path = tuple(name.split("."))
        if declared and not any(path[: len(d)] == d for d in declared):
            fail(
                f"field {name!r} is not among the columns of {parent.name}",
                "resources", index, *key.split("."), resource=child.name, key=key,
            )  # fmt: skip

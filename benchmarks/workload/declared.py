"""Declarations of the routes' APIs, as plain data.

In: names and paths. Out: resources as a catalog file has them; what else they need stands where they
are used. dlt's ``rest_api`` reads the same, without what only we declare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "page"}
NUMBERED = {"type": "page_number", "base_page": 0, "total_path": "total"}
SINGLE = {"type": "single_page"}

_OURS = ("columns",)
Resource = dict[str, Any]


def events(name: str, path: str, paginator: Mapping[str, Any], **endpoint: Any) -> Resource:
    """A resource of events; keywords are keys of its endpoint."""
    return {
        "name": name,
        "primary_key": "id",
        "write_disposition": "merge",
        "endpoint": {
            "path": path,
            "data_selector": "data",
            "paginator": dict(paginator),
            **endpoint,
        },
        "columns": {"id": "bigint", "at": "timestamp", "value": "text"},
    }


def family() -> list[Resource]:
    """Parents, and the children below each of them."""
    parents = events("parents", "/parents", SINGLE) | {"columns": {"id": "bigint"}}
    of_parent = {"parent": {"type": "resolve", "resource": "parents", "field": "id"}}
    children = events("children", "/parents/{parent}/child", SINGLE, params=of_parent)
    return [parents, children | {"columns": {"id": "bigint", "value": "text"}}]


def source(resources: Sequence[Resource], **client: Any) -> dict[str, Any]:
    """A declaration without its base URL; keywords are keys of its client."""
    return {"client": client, "resources": list(resources)}


def plain(resources: Sequence[Resource], *, parallelized: bool = False) -> dict[str, Any]:
    """The same for dlt's ``rest_api``."""
    more = {"parallelized": True} if parallelized else {}
    return {
        "resources": [
            {key: value for key, value in resource.items() if key not in _OURS} | more
            for resource in resources
        ]
    }

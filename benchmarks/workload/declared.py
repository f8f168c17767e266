"""Declarations of the served APIs, as plain data.

In: names and paths. Out: sources and resources as a catalog file declares them. dlt's ``rest_api``
reads the same declarations, without the keys that only this package has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.workload.job import TABLE, Job

CURSOR_PAGINATOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "page"}
UNCOUNTED_PAGINATOR = {"type": "page_number", "base_page": 0}
NUMBERED_PAGINATOR = {**UNCOUNTED_PAGINATOR, "total_path": "total"}
SINGLE_PAGINATOR = {"type": "single_page"}
FILTERED_BY_TIME = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
"""``incremental`` of events that the API filters by time."""

_OUR_KEYS = ("columns",)
Resource = dict[str, Any]


def resource(
    name: str,
    path: str,
    paginator: Mapping[str, Any],
    columns: Mapping[str, str],
    **endpoint: Any,
) -> Resource:
    """A resource with the key ``id``; keywords are keys of its endpoint."""
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
        "columns": dict(columns),
    }


def events(name: str, path: str, paginator: Mapping[str, Any], **endpoint: Any) -> Resource:
    """A resource of events; keywords are keys of its endpoint."""
    columns = {"id": "bigint", "at": "timestamp", "value": "text"}
    return resource(name, path, paginator, columns, **endpoint)


def keyed_events(name: str, path: str) -> Resource:
    """A resource of events whose keys are texts in no order, filtered by the API."""
    return events(name, path, CURSOR_PAGINATOR, incremental=FILTERED_BY_TIME) | {
        "columns": {"id": "text", "at": "timestamp", "value": "text"}
    }


def parents_and_children() -> list[Resource]:
    """A parent resource, and a child resource with one request for each parent."""
    parents = resource("parents", "/parents", SINGLE_PAGINATOR, {"id": "bigint"})
    of_parent = {"parent": {"type": "resolve", "resource": "parents", "field": "id"}}
    children = resource(
        "children",
        "/parents/{parent}/child",
        SINGLE_PAGINATOR,
        {"id": "bigint", "value": "text"},
        params=of_parent,
    )
    return [parents, children]


def customers(job: Job, paginator: Mapping[str, Any] = UNCOUNTED_PAGINATOR) -> dict[str, Any]:
    """A declaration of the job's usual table."""
    table = resource(TABLE, f"/{TABLE}", paginator, job.record_shape.columns)
    return source([table | {"write_disposition": job.disposition}])


def source(resources: Sequence[Resource], **client: Any) -> dict[str, Any]:
    """A declaration without its base URL; keywords are keys of its client."""
    return {"client": client, "resources": list(resources)}


def catalog_text(declaration: Mapping[str, Any], name: str, base_url: str) -> str:
    """The text of a catalog file that declares the source ``name``."""
    client = {**declaration["client"], "base_url": base_url}
    # A catalog file is YAML, and JSON is YAML.
    return json.dumps({**declaration, "source": name, "client": client})


def for_dlt(resources: Sequence[Resource], *, parallelized: bool = False) -> dict[str, Any]:
    """The same declaration for dlt's ``rest_api``."""
    added_keys = {"parallelized": True} if parallelized else {}
    return {
        "resources": [
            {key: value for key, value in resource.items() if key not in _OUR_KEYS} | added_keys
            for resource in resources
        ]
    }

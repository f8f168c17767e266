"""Declarations with response actions, and listings for them.

In: actions, statuses, keys. Out: endpoints and resources for ``scripted_api``, and bodies of pages.
"""

from __future__ import annotations

from typing import Any

from analytics_sync_tests.support.scripted_api import item

PAGES: dict[str, Any] = {
    "paginator": {"type": "page_number", "base_page": 1},
    "data_selector": "data",
}
CURSOR: dict[str, Any] = {
    "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"},
    "data_selector": "data",
}


def actions(*declared: dict[str, Any]) -> dict[str, Any]:
    return {"response_actions": list(declared)}


def ignore(status: int | None = None, content: str | None = None) -> dict[str, Any]:
    both = {"status_code": status, "content": content, "action": "ignore"}
    return {name: value for name, value in both.items() if value is not None}


def kids(endpoint: dict[str, Any] | None = None) -> dict[str, Any]:
    params = {"parent": {"type": "resolve", "resource": "items", "field": "id"}}
    path = {"path": "/items/{parent}/kids", "params": params}
    return item({**path, **(endpoint or {})}, name="kids")


def page(*ids: int, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": i} for i in ids], **more}

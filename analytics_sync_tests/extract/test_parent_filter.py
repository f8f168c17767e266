"""Children that the API does not select by their parent, because it ignores the parameter.

In: a scripted API with parents, and one listing of their children. Out: an error, or rows with the fields
of their parents; and the requests.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

KEYS: dict[str, list[Any]] = {
    "numbers": [1, 2, 3],
    "digits": ["1", "2", "3"],
    "words": ["alpha", "beta", "gamma"],
    "identifiers": ["5f0c-aa01", "5f0c-aa02", "5f0c-bb01"],
}


def tasks(
    param: str = "project", *, key: tuple[str, ...] = ("id", "of"), copied: bool = True, **keys: Any
) -> dict[str, Any]:
    """The children of ``items``, selected by a parameter of the query."""
    resolve = {"type": "resolve", "resource": "items", "field": "id"}
    endpoint = {"path": "/tasks", "params": {param: resolve}, **keys.pop("endpoint", {})}
    if copied:
        keys["include_from_parent"] = {"of": "id"}
    columns = {"id": "bigint", "of": "text", "at": "timestamp"}
    return item(endpoint, name="tasks", primary_key=list(key), columns=columns, **keys)


def source(*children: dict[str, Any]) -> Source:
    return shop(item(columns={"id": "text"}), *children)


def serve(api: Api, keys: list[Any], name: str = "project", unknown: Any = None) -> None:
    """Serve six tasks of each parent; a request that has no parameter ``name`` gets all of them."""
    api.on("/items", [{"id": key} for key in keys])
    found = {str(k): [{"id": 6 * i + n} for n in range(6)] for i, k in enumerate(keys)}

    def respond(path: str, query: Query, headers: Any) -> Any:
        if name not in query:
            return [task for some in found.values() for task in some]
        return found.get(query[name], unknown or [])

    api.on("/tasks", respond)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("key", [("id", "of"), ("id",)], ids=["with the parent", "alone"])
def test_an_ignored_parameter_is_an_error(api: Api, kind: str, key: tuple[str, ...]) -> None:
    serve(api, KEYS[kind])
    outcome = read(source(tasks("wrong_name", key=key)))
    said = outcome.error("tasks")
    assert "the API gives the same records for wrong_name=" in said
    assert "which is no parent: it ignores wrong_name" in said
    assert "endpoint.params" in said
    assert outcome.ids() == [str(k) for k in KEYS[kind]]
    asked = {query["wrong_name"] for query in api.queries("/tasks")}
    assert len(asked - {str(k) for k in KEYS[kind]}) == 1, "one request for a parent that is none"


@pytest.mark.parametrize("kind", KEYS)
def test_a_parameter_that_the_api_knows(api: Api, kind: str) -> None:
    keys = KEYS[kind]
    serve(api, keys)
    rows = read(source(tasks())).rows["tasks"]
    assert [(r["id"], r["of"]) for r in rows] == [(n, str(keys[n // 6])) for n in range(18)]
    assert len(api.queries("/tasks")) == 3, "no request more than parents"


@pytest.mark.parametrize(
    "unknown", [[], [{"id": 99}], (404, {}, {}), (400, {}, {"error": "no such project"})], ids=str
)
def test_parents_may_have_the_same_children(api: Api, unknown: Any) -> None:
    members = [{"id": 1}, {"id": 2}]
    api.on("/items", [{"id": "a1"}, {"id": "b2"}])
    known = {"a1": members, "b2": members}
    api.on("/tasks", lambda path, query, headers: known.get(query["project"], unknown))
    rows = read(source(tasks())).rows["tasks"]
    assert [(r["id"], r["of"]) for r in rows] == [(1, "a1"), (2, "a1"), (1, "b2"), (2, "b2")]
    assert len(api.queries("/tasks")) == 3


def test_without_fields_of_the_parent_the_rows_are_right(api: Api) -> None:
    serve(api, KEYS["numbers"])
    assert sorted(
        set(read(source(tasks("wrong_name", key=("id",), copied=False))).ids("tasks"))
    ) == [*range(18)]


def test_a_parent_in_the_path_is_not_doubted(api: Api) -> None:
    api.on("/items", [{"id": "a1"}, {"id": "b2"}])
    api.on("/items/*", [{"id": 1}])
    rows = read(source(tasks(endpoint={"path": "/items/{project}/tasks"}))).rows["tasks"]
    assert [(r["id"], r["of"]) for r in rows] == [(1, "a1"), (1, "b2")]
    assert len(api.seen) == 3


def test_one_parent_and_empty_pages_show_nothing(api: Api) -> None:
    serve(api, [1])
    assert len(read(source(tasks("wrong_name"))).rows["tasks"]) == 6
    api.on("/items", [{"id": 1}, {"id": 2}])
    api.on("/tasks", [])
    assert read(source(tasks("wrong_name"))).rows["tasks"] == []


def test_children_below_such_children_fail_too(api: Api) -> None:
    serve(api, KEYS["numbers"])
    resolve = {"type": "resolve", "resource": "tasks", "field": "id"}
    notes = item({"path": "/tasks/{task}/notes", "params": {"task": resolve}}, name="notes")
    assert "it ignores wrong_name" in read(source(tasks("wrong_name"), notes)).error("notes")


def test_windowed_children_too(api: Api) -> None:
    day = day_window(date(2024, 2, 20), date(2024, 2, 21))
    keys = KEYS["numbers"]
    at = "2024-02-20T10:00:00Z"
    api.on("/items", [{"id": key} for key in keys])
    api.on("/tasks", [{"id": n, "at": at} for n in range(4)])
    incremental = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
    child = tasks("wrong_name", endpoint={"incremental": incremental})
    assert "it ignores wrong_name" in read(source(child), day).error("tasks")

"""Children that are missing: parents without the value that a request needs, and refused children.

In: a scripted API whose parents or children change between two runs. Out: findings, and the rows of a
table that a resource replaces.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

Records = list[dict[str, Any]]


def kids(field: str = "slug", path: str = "/items/{slug}/kids", **keys: Any) -> dict[str, Any]:
    """A child that takes a field of ``items``."""
    resolve = {"type": "resolve", "resource": "items", "field": field}
    endpoint = {"path": path, "params": {"slug": resolve}, **keys.pop("endpoint", {})}
    return item(endpoint, name="kids", **keys)


def two_each(path: str, query: Query, headers: Any) -> Records:
    number = int(path.split("/")[2].lstrip("s"))
    return [{"id": 10 * number}, {"id": 10 * number + 1}]


def parents(*records: dict[str, Any]) -> Records:
    return [{"id": number, **record} for number, record in enumerate(records, start=1)]


NO_COLUMNS: dict[str, Any] = {"columns": {}}
NOT_THERE = {
    "another name": ("slug", parents({"handle": "s1"}, {"handle": "s2"})),
    "one parent": ("slug", parents({"handle": "s1"})),
    "another name below": ("links.slug", parents({"links": {"handle": "s1"}})),
    "another name above": ("links.slug", parents({"refs": {"slug": "s1"}}, {})),
}


@pytest.mark.parametrize("name", NOT_THERE)
def test_a_field_that_no_parent_has_is_named(api: Api, name: str) -> None:
    field, records = NOT_THERE[name]
    api.on("/items", records)
    outcome = read(shop(item(**NO_COLUMNS), kids(field)))
    assert (outcome.ids("kids"), outcome.ids()) == ([], [r["id"] for r in records])
    (found,) = outcome.readings["kids"].findings.of(COMPLETE)
    assert f"None of {len(records)} records of the parent items has the field {field!r}" in found
    assert "endpoint.params of resource 'kids'" in found
    assert not outcome.readings["kids"].complete


NO_CHILD = {
    "null": ("slug", parents({"slug": None}, {"slug": None})),
    "null above": ("links.slug", parents({"links": None}, {"links": {}})),
    "one null": ("slug", parents({"slug": None}, {})),
    "one value": ("slug", parents({"slug": "s1"}, {})),
    "an object": ("slug", parents({"slug": {"x": 1}})),
    "no parents": ("slug", parents()),
}


@pytest.mark.parametrize("name", NO_CHILD)
def test_parents_that_say_that_they_have_no_child(api: Api, name: str) -> None:
    field, records = NO_CHILD[name]
    api.on("/items", records)
    api.on("/items/*", two_each)
    found = read(shop(item(**NO_COLUMNS), kids(field))).readings["kids"]
    assert found.findings.by_check() == {}
    assert found.complete == (not records), "children that were not requested prove nothing"


def test_excluded_parents_lack_nothing(api: Api) -> None:
    api.on("/items", parents({"kind": "old"}, {"kind": "new", "slug": "s2"}))
    api.on("/items/*", two_each)
    found = read(shop(item(**NO_COLUMNS), kids(skip_parents={"kind": ["old"]}))).readings["kids"]
    assert (found.complete, found.parents_without) == (True, 1)


@pytest.mark.parametrize(("field", "is_named"), [("slug", False), ("number", True)])
def test_parents_that_usually_lack_a_field(api: Api, field: str, is_named: bool) -> None:
    api.on("/items", parents({"handle": "s1"}, {"handle": "s2"}))
    child = kids(skip_parents={field: [None]})
    found = read(shop(item(**NO_COLUMNS), child)).readings["kids"].findings.of(COMPLETE)
    assert bool(found) == is_named


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(path))
    return path


def sync(child: dict[str, Any]) -> str:
    """Load all resources; the error of the child, or an empty text."""
    with ReadRun(shop(item(**NO_COLUMNS), child)) as run:
        load(run, "run")
        return str(run.failures().get("kids", ""))


def keys(file: Path) -> list[int]:
    return sorted(row["id"] for row in duckdb_file.table(file, "shop/kids"))


ALL = [10, 11, 20, 21, 30, 31]
THREE = parents({"slug": "s1"}, {"slug": "s2"}, {"slug": "s3"})


@pytest.mark.parametrize("status", [403, 404, 410, 451])
def test_a_refused_child_keeps_its_rows_in_a_table_that_is_replaced(
    api: Api, file: Path, status: int
) -> None:
    child = kids(write_disposition="replace")
    api.on("/items", THREE)
    api.on("/items/*", two_each)
    assert sync(child) == ""
    api.on(
        "/items/*", lambda *request: (status, {}, {}) if "s2" in request[0] else two_each(*request)
    )
    error = sync(child)
    assert "the read is not complete, so it does not replace the table" in error
    assert f"refused 1 of 3 children, for example slug=s2: {status}" in error
    assert f"response_actions with status_code {status} and action ignore" in error
    assert keys(file) == ALL
    declared = {"response_actions": [{"status_code": status, "action": "ignore"}]}
    assert sync(kids(write_disposition="replace", endpoint=declared)) == ""
    assert keys(file) == [10, 11, 30, 31]


def test_a_renamed_field_of_the_parent_empties_no_table(api: Api, file: Path) -> None:
    child = kids(write_disposition="replace")
    api.on("/items", THREE)
    api.on("/items/*", two_each)
    assert sync(child) == ""
    api.on("/items", [{"id": r["id"], "handle": r["slug"]} for r in THREE])
    assert "has the field 'slug'" in sync(child)
    assert keys(file) == ALL

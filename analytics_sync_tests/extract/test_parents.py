"""Parents and children: requests per parent, and children that are skipped or fail.

In: a scripted API with a listing and resources below its items. Out: requests, rows and failures.
"""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync.common.errors import HttpStatusError
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api


def resolve(field: str = "id", parent: str = "items", **keys: Any) -> dict[str, Any]:
    return {"type": "resolve", "resource": parent, "field": field, **keys}


def child(name: str = "kids", **keys: Any) -> dict[str, Any]:
    """A resource at ``/items/<id>/<name>``."""
    endpoint = {"path": f"/items/{{item}}/{name}", "params": {"item": resolve()}}
    return item({**endpoint, **keys.pop("endpoint", {})}, name=name, **keys)


def tenfold(path: str, query: Query, headers: Any) -> Any:
    number = int(path.split("/")[2])
    return [{"id": 10 * number}, {"id": 10 * number + 1}]


def items(*ids: Any) -> list[dict[str, Any]]:
    return [{"id": i} for i in ids]


@pytest.mark.parametrize("only", [None, ["kids", "pets"]])
def test_a_parent_is_read_once_for_all_its_children(api: Api, only: Any) -> None:
    api.on("/items", items(1, 2))
    api.on("/items/*", tenfold)
    outcome = read(shop(item(), child("kids"), child("pets")), only=only)
    assert outcome.ids("kids") == outcome.ids("pets") == [10, 11, 20, 21]
    assert api.paths().count("/items") == 1
    assert outcome.readings["kids"].children == 2


def test_a_parent_that_is_listed_twice_costs_one_request(api: Api) -> None:
    api.on("/items", items(1, 2, 1))
    api.on("/items/*", tenfold)
    assert read(shop(item(), child())).ids("kids") == [10, 11, 20, 21]
    assert len(api.queries("/items/1/kids")) == 1


def test_children_of_children(api: Api) -> None:
    api.on("/items", items(1, 2))
    api.on("/items/*/kids", tenfold)
    api.on("/kids/*", lambda path, query, headers: {"id": int(path.split("/")[2]) + 1000})
    toys = item(
        {"path": "/kids/{kid}/toys", "params": {"kid": resolve(parent="kids")}}, name="toys"
    )
    outcome = read(shop(toys, child(selected=False), item()))
    assert outcome.ids("toys") == [1010, 1011, 1020, 1021]
    assert "kids" not in outcome.rows, "a resource that is not selected has no table"


def test_many_children_keep_their_order(api: Api) -> None:
    api.on("/items", items(*range(1, 201)))
    api.on("/items/*", tenfold)
    ids = read(shop(item(), child(), max_connections=4)).ids("kids")
    assert ids == [10 * i + j for i in range(1, 201) for j in (0, 1)]


FROM_SLUG = {"org": resolve("slug", config="org", match="^(.+)/[^/]+$", allow_slash=True), "name": resolve("slug", config="name", match="([^/]+)$")}  # fmt: skip


@pytest.mark.parametrize("configured", [[], ["org"], ["name"], ["org", "name"]])
def test_settings_replace_the_parents_only_when_all_are_set(
    api: Api, monkeypatch: pytest.MonkeyPatch, configured: list[str]
) -> None:
    for name in configured:
        monkeypatch.setenv(f"SOURCES__SHOP__{name.upper()}", f"my-{name}")
    api.on("/items", [{"id": 1, "slug": "vcs/acme/shop"}])
    api.on("/p/*", {"id": 5})
    kids = item({"path": "/p/{org}/{name}", "params": FROM_SLUG}, name="kids")
    parent = item(columns={"id": "bigint", "slug": "text"})
    outcome = read(shop(parent, kids), only=["kids"])
    assert outcome.ids("kids") == [5]
    reads_parents = len(configured) < 2
    expected = ["/items", "/p/vcs/acme/shop"] if reads_parents else ["/p/my-org/my-name"]
    assert api.paths() == expected
    assert outcome.readings["kids"].children == (1 if reads_parents else None)


def test_a_configured_value_is_inherited_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__ITEM", "7")
    api.on("/items/7/kids", items(1))
    kids = child(
        endpoint={"params": {"item": resolve(config="item")}},
        columns={"id": "bigint", "item_id": "bigint"},
        include_from_parent={"item_id": "id"},
    )
    (row,) = read(shop(item(), kids), only=["kids"]).rows["kids"]
    assert row == {"id": 1, "item_id": 7, "_parent_key": "7"}


# keys of the child, parents, parents whose children are requested, number of other parents
SKIPPED: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[int], int]] = {
    "null": ({}, [{"id": 1, "n": 1}, {"id": 2, "n": None}, {"id": 3}], [1], 2),
    "no value": ({}, [{"id": 1, "n": {"x": 1}}, {"id": 2, "n": [1]}, {"id": 3, "n": 3}], [3], 2),
    "declared": (
        {"skip_parents": {"kind": ["approval"]}},
        [{"id": 1, "n": 1, "kind": "approval"}, {"id": 2, "n": 2, "kind": "build"}, {"id": 3, "n": 3}],
        [2, 3],
        1,
    ),
    "declared null": (
        {"skip_parents": {"o.kind": [None]}},
        [{"id": 1, "n": 1, "o": {"kind": "x"}}, {"id": 2, "n": 2}, {"id": 3, "n": 3, "o": {"kind": None}}],
        [1],
        2,
    ),
    "another name of the field": ({}, [{"id": 1, "old_n": 1}, {"id": 2, "n": 2}], [1, 2], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", SKIPPED)
def test_parents_whose_children_are_not_requested(api: Api, name: str) -> None:
    keys, parents, requested, without = SKIPPED[name]
    api.on("/items", parents)
    api.on("/items/*", tenfold)
    columns = {"id": "bigint", "n": {"data_type": "bigint", "aliases": ["old_n"]}}
    kids = child(endpoint={"params": {"item": resolve("n")}}, **keys)
    outcome = read(shop(item(columns=columns), kids))
    assert outcome.ids("kids") == [10 * i + j for i in requested for j in (0, 1)]
    assert outcome.readings["kids"].parents_without == without
    assert sorted(api.paths()[1:]) == [f"/items/{i}/kids" for i in requested]


def test_a_value_that_does_not_match_has_no_child(api: Api) -> None:
    api.on("/items", [{"id": 1, "slug": "noslash"}, {"id": 2, "slug": "a/b"}])
    api.on("/p/*", {"id": 5})
    kids = item({"path": "/p/{org}/{name}", "params": FROM_SLUG}, name="kids")
    outcome = read(shop(item(columns={"id": "bigint", "slug": "text"}), kids))
    assert api.paths() == ["/items", "/p/a/b"]
    assert outcome.readings["kids"].parents_without == 1


@pytest.mark.parametrize("status", [404, 403, 410, 451])
def test_a_child_that_is_gone_or_forbidden_is_skipped_and_named(api: Api, status: int) -> None:
    api.on("/items", items(1, 2, 3))
    api.on("/items/2/kids", (status, {}, {}))
    api.on("/items/*", tenfold)
    outcome = read(shop(item(), child()))
    assert outcome.ids("kids") == [10, 11, 30, 31]
    assert outcome.readings["kids"].skipped == [f"item=2: {status}"]
    assert outcome.readings["kids"].children == 3


@pytest.mark.parametrize("status", [404, 403, 410, 451])
@pytest.mark.parametrize("ids", [[1], [1, 2, 3]], ids=["one", "several"])
def test_if_all_children_are_gone_the_resource_fails(api: Api, status: int, ids: list[int]) -> None:
    api.on("/items", items(*ids))
    api.on("/items/*", (status, {}, {}))
    outcome = read(shop(item(), child()))
    named = f"all {len(ids)} children" if len(ids) > 1 else "the only child"
    assert f"{named} answered {status}" in outcome.error("kids")
    assert outcome.ids() == ids


def test_no_parents_is_no_failure(api: Api) -> None:
    api.on("/items", [])
    outcome = read(shop(item(), child()))
    assert (outcome.ids("kids"), outcome.failures) == ([], {})


@pytest.mark.parametrize("status", [400, 401, 409, 500])
def test_any_other_status_of_a_child_fails_the_resource(api: Api, status: int) -> None:
    api.on("/items", items(1, 2))
    api.on("/items/1/kids", items(1))
    api.on("/items/2/kids", (status, {}, {}))
    outcome = read(shop(item(), child()))
    assert isinstance(outcome.failures["kids"], HttpStatusError)
    assert str(status) in outcome.error("kids")
    assert outcome.ids() == [1, 2]


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_child_that_vanishes_between_two_pages_fails_the_resource(api: Api, status: int) -> None:
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
    api.on("/items", items(1, 2))
    api.on("/items/1/kids", {"data": items(10)})
    api.on("/items/2/kids", {"data": items(20), "next": 1}, (status, {}, {}))
    kids = child(endpoint={"paginator": cursor, "data_selector": "data"})
    outcome = read(shop(item(), kids))
    assert str(status) in outcome.error("kids")


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_resource_that_is_gone_fails(api: Api, status: int) -> None:
    api.on("/items", (status, {}, {}))
    outcome = read(shop(item()))
    assert f"answered {status}" in outcome.error()


def test_a_status_that_is_declared_to_be_ignored(api: Api) -> None:
    ignore = {"response_actions": [{"status_code": 400, "action": "ignore"}]}
    api.on("/items", items(1, 2))
    api.on("/items/*", (400, {}, {}))
    api.on("/alone", (400, {}, {}))
    outcome = read(shop(item(), child(endpoint=ignore), item(ignore, name="alone")))
    assert (outcome.ids("kids"), outcome.ids("alone"), outcome.failures) == ([], [], {})
    assert len(outcome.readings["kids"].skipped) == 2


def test_a_failing_parent_fails_only_its_children(api: Api) -> None:
    api.on("/items", (500, {}, {"error": "boom"}))
    api.on("/other", items(1))
    toys = item(
        {"path": "/kids/{kid}/toys", "params": {"kid": resolve(parent="kids")}}, name="toys"
    )
    outcome = read(
        shop(item({"error_handler": {"max_retries": 0}}), child(), toys, item(name="other"))
    )
    assert set(outcome.failures) == {"items", "kids", "toys"}
    assert "its parent items could not be read" in outcome.error("kids")
    assert "boom" in outcome.error("kids")
    assert "its parent kids could not be read" in outcome.error("toys")
    assert outcome.ids("other") == [1]
    assert api.paths().count("/items") == 1, "a failed parent is not requested again for each child"


def test_inherited_fields_fill_gaps_and_replace_nothing(api: Api) -> None:
    api.on("/items", [{"id": 1, "o": {"name": "a"}}])
    api.on(
        "/items/*",
        [{"id": 1}, {"id": 2, "up": {"name": "own"}}, {"id": 3, "up": {"name": None, "x": 1}}],
    )
    columns = {"id": "bigint", "up.name": "text", "up.x": "bigint"}
    kids = child(columns=columns, include_from_parent={"up.name": "o.name"})
    rows = read(shop(item(columns={"id": "bigint", "o": "json"}), kids)).rows["kids"]
    assert [(r["id"], r["up__name"]) for r in rows] == [(1, "a"), (2, "own"), (3, "a")]
    assert rows[2]["up__x"] == 1


def test_children_of_a_rejected_parent_are_missing_and_named(api: Api) -> None:
    nested = [{"id": None, "ref": 3}, *({"id": i, "ref": i} for i in (1, 2))]
    api.on("/items", nested)
    api.on("/items/*", tenfold)
    kids = child(endpoint={"params": {"item": resolve()}})
    outcome = read(shop(item(), kids))
    assert outcome.ids("kids") == [10, 11, 20, 21]
    found = outcome.readings["kids"]
    assert not found.complete
    assert found.findings.of("complete") == [
        "1 records of the parent items were rejected, so their children were not read: look at the "
        "table _rejected, and at the columns of items."
    ]


def test_an_unproven_listing_of_parents_proves_nothing_about_children(api: Api) -> None:
    api.on("/items", {"data": items(1, 2), "total": 5})
    api.on("/items/*", tenfold)
    counted = {"paginator": "single_page", "data_selector": "data"}
    outcome = read(shop(item(counted), child()))
    assert not outcome.readings["items"].complete
    assert not outcome.readings["kids"].complete
    assert "Of the parent items" in " ".join(outcome.readings["kids"].findings.of("complete"))

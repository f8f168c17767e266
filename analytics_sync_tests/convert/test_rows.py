"""Converted programs read the records that the program would read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from analytics_sync.catalog import Source, load_text
from analytics_sync.common.window import Window
from analytics_sync_tests.convert.converting import convert
from analytics_sync_tests.support.scripted_api import Api, read, shop_api

api = shop_api


def converted(folder: Path, program: str) -> Source:
    done = convert(folder, program)
    assert done.said == ""
    return load_text(done.text, name="shop", file="shop.yaml")


def test_a_child_that_is_one_object_has_the_key_of_its_parent(api: Api, tmp_path: Path) -> None:
    source = converted(tmp_path, """
        import os
        def shop(base_url=None):
            base_url = base_url or dlt.config["base_url"]
            return rest_api_source({
                "client": {"base_url": f"{base_url}/v1/"},
                "resource_defaults": {"primary_key": "id", "write_disposition": "merge", "endpoint": {"paginator": "single_page"}},
                "resources": [
                    {"name": "items", "endpoint": {"path": "items", "data_selector": "data"}},
                    {"name": "points", "primary_key": "_items_id", "include_from_parent": ["id"],
                     "processing_steps": [{"filter": lambda x: x["points"] > 5}],
                     "endpoint": {"path": "items/{resources.items.id}/points", "data_selector": "points",
                                  "response_actions": [{"status_code": 404, "action": "ignore"}]}},
                ],
            }, name="shop")
    """)  # fmt: skip
    api.on("/v1/items", {"data": [{"id": 1}, {"id": 2}, {"id": 3}]})
    api.on("/v1/items/1/points", {"points": {"points": 10}})
    api.on("/v1/items/2/points", {"points": {"points": 5}})
    api.on("/v1/items/3/points", (404, {}, {}))
    outcome = read(source)
    assert outcome.rows["points"] == [{"points": 10, "_items_id": 1, "_parent_key": "1"}]


def test_an_object_about_an_error_is_no_record_of_a_child(api: Api, tmp_path: Path) -> None:
    source = converted(tmp_path, """
        rest_api_source({
            "client": {"base_url": dlt.config["base_url"]},
            "resource_defaults": {"primary_key": "id", "endpoint": {"paginator": "single_page"}},
            "resources": [
                {"name": "items", "endpoint": {"path": "items", "data_selector": "data"}},
                {"name": "points", "primary_key": "_items_id", "include_from_parent": ["id"],
                 "endpoint": {"path": "items/{resources.items.id}/points", "data_selector": "$"}},
            ],
        }, name="shop")
    """)  # fmt: skip
    api.on("/items", {"data": [{"id": 1}]})
    api.on("/items/1/points", {"error": "try again later"})
    assert "one object without its key _items_id" in read(source).error("points")


def test_a_bound_has_the_format_that_convert_writes(api: Api, tmp_path: Path) -> None:
    source = converted(tmp_path, """
        rest_api_source({
            "client": {"base_url": dlt.config["base_url"]},
            "resources": [{"name": "items", "primary_key": "id", "endpoint": {"data_selector": "data", "paginator": "single_page",
                "incremental": {"cursor_path": "at", "start_param": "since", "initial_value": "2026-03-01T00:00:00Z",
                                "convert": lambda v: v[:10].replace("-", "")}}}],
        }, name="shop")
    """)  # fmt: skip
    api.on("/items", {"data": [{"id": 1, "at": "2026-03-05T10:00:00Z"}]})
    window = Window(datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC))
    assert [row["id"] for row in read(source, window).rows["items"]] == [1]
    (query,) = api.queries()
    assert "20260301" <= query["since"] <= "20260305"  # a little early, as all bounds are sent
    assert datetime.strptime(query["since"], "%Y%m%d")

"""Resources that declare no columns: columns follow the data, and their types stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import load_text
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.world import World

SHOP = """
source: shop
client: {base_url: https://shop.example.com, auth: {type: bearer, token: 'dlt.secrets["token"]'}}
resources:
  - name: things
    primary_key: id
    endpoint: {path: /things, data_selector: data, paginator: single_page}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    source = load_text(SHOP, name="shop", file="shop.yaml")
    with World(tmp_path, {"shop": source}, rows=0) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def sync(world: World, *records: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Add records to the API, load, and return the rows by key."""
    for record in records:
        world.sandbox.ledger("shop").add("things", record)
    with ReadRun(world.sources["shop"]) as run:
        load(run, "test")
        assert not run.failures()
    return {str(row["id"]): row for row in world.table("shop/things")}


def test_columns_follow_the_data(shop: World) -> None:
    rows = sync(shop, {"id": "a", "n": 1, "r": 1.5, "ok": True, "o": {"x": [1]}, "camelCase": "t"})
    row = rows["a"]
    assert (row["n"], row["r"], row["ok"], row["camel_case"]) == (1, 1.5, True, "t")
    assert json.loads(row["o"]) == {"x": [1]}
    assert row["_extra"] is None


def test_a_later_run_keeps_the_types_and_loses_nothing(shop: World) -> None:
    sync(shop, {"id": "a", "n": 1, "m": "x"})
    rows = sync(shop, {"id": "b", "n": [2.75], "m": {"k": 5}, "new": 7})
    assert (rows["a"]["n"], rows["a"]["m"]) == (1, "x")
    assert (rows["b"]["n"], rows["b"]["m"], rows["b"]["new"]) == (None, None, 7)
    assert json.loads(rows["b"]["_extra"]) == {"n": [2.75], "m": {"k": 5}}


def test_types_that_differ_within_a_run_become_text_or_json(shop: World) -> None:
    rows = sync(shop, {"id": "a", "v": 1, "w": [1]}, {"id": "b", "v": "one", "w": "one"})
    assert {key: row["v"] for key, row in rows.items()} == {"a": "1", "b": "one"}
    assert {key: json.loads(row["w"]) for key, row in rows.items()} == {"a": [1], "b": "one"}

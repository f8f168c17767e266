"""The code version of assets: Dagster shows the assets whose declaration would give other rows."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance

from analytics_sync.catalog import Source
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api
ITEMS = AssetKey(["shop", "items"])
PRINT = """
from analytics_sync.definitions import defs
nodes = defs().resolve_asset_graph().asset_nodes
print(dict(sorted((n.key.to_user_string(), n.code_version) for n in nodes)))
"""


def version(*resources: dict[str, Any], **client: Any) -> str | None:
    """The code version of ``items`` in the definitions of a source."""
    source: Source = shop(*resources, **client)
    graph = build_definitions({"shop": source}).resolve_asset_graph()
    return graph.get(ITEMS).code_version


def plain(endpoint: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """``items``, with other keys."""
    return item(endpoint, **{"columns": {"id": "bigint", "v": "text"}, **keys})


@pytest.mark.parametrize(
    "changed",
    [
        plain(columns={"id": "bigint", "v": "bigint"}),
        plain(columns={"id": "bigint", "v": "text", "w": "text"}),
        plain(columns={"id": "bigint", "v": {"data_type": "text", "aliases": ["w"]}}),
        plain(columns={"id": "bigint", "v": {"data_type": "text", "null_as": ""}}),
        plain(primary_key=["id", "v"]),
        plain(write_disposition="replace"),
        plain({"path": "/others"}),
        plain({"params": {"state": "open"}}),
        plain({"data_selector": "rows"}),
        plain({"paginator": {"type": "offset", "limit": 10}}),
    ],
)
def test_a_declaration_that_gives_other_rows_changes_it(changed: dict[str, Any]) -> None:
    assert version(changed) != version(plain())


@pytest.mark.parametrize(
    "changed",
    [
        plain(columns={"v": "text", "id": "bigint"}),
        plain(columns={"id": "bigint", "v": {"data_type": "text", "description": "words"}}),
        plain(description="All items"),
        plain(required=["v"]),
        plain({"error_handler": {"max_retries": 7}}),
    ],
)
def test_a_description_does_not_change_it(changed: dict[str, Any]) -> None:
    assert version(changed) == version(plain())
    assert version(plain(), read_timeout=5) == version(plain())


def test_a_parent_changes_it_if_it_gives_other_children() -> None:
    params = {"owner": {"type": "resolve", "resource": "owners", "field": "id"}}
    child = plain({"path": "/owners/{owner}/items", "params": params})
    owners = item(name="owners")
    before = version(owners, child)
    assert version(item(name="owners", columns={"id": "bigint", "v": "text"}), child) == before
    assert version(item({"params": {"all": True}}, name="owners"), child) != before


@pytest.mark.slow
def test_it_is_equal_in_each_process() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    (text,) = texts
    assert "'delivery/builds': '" in text
    assert "None" not in text


def test_a_materialization_says_by_which_declaration(api: Api) -> None:
    api.on("/items", [{"id": 1, "v": "a"}])
    definitions = build_definitions({"shop": shop(plain())})
    with DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def("sync_shop").execute_in_process(instance=instance)
        assert done.success
        event = instance.get_latest_materialization_event(ITEMS)
        assert event is not None
        assert event.asset_materialization is not None
        tags = event.asset_materialization.tags
    assert tags is not None
    assert tags["dagster/code_version"] == version(plain())

"""A read of less than half of the living rows marks and replaces nothing, until somebody says that it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance

from analytics_sync.cli import main
from analytics_sync.defs.build import build_definitions
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.load.errors import LoadError
from analytics_sync_tests.support.changing_api import (
    Records,
    findings,
    gone,
    living,
    sync,
    windowed,
)
from analytics_sync_tests.support.dagster_runs import check_of, make_dagster_home
from analytics_sync_tests.support.each_warehouse import (
    Warehouse,
    every_warehouse,
    mainly_duckdb,
    only_duckdb,
)
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = every_warehouse
ACCEPT = {"accept_shrunken": ["items"]}


def numbered(count: int) -> list[dict[str, Any]]:
    """A listing of as many records."""
    return [{"id": str(n)} for n in range(count)]


def declared(**keys: Any) -> Any:
    """A snapshot of texts."""
    return shop(item(columns={"id": "text"}, **keys))


@mainly_duckdb
@pytest.mark.parametrize("disposition", ["merge", "replace"])
def test_a_listing_that_shrinks_by_more_than_half(
    api: Api, warehouse: Warehouse, disposition: str
) -> None:
    api.on("/items", numbered(9), numbered(4))
    source = declared(write_disposition=disposition)
    sync(source)
    (said,) = findings(source, COMPLETE)
    assert said.startswith("4 rows were read where the table had 9 living ones")
    assert "ANALYTICS_SYNC__ACCEPT_SHRUNKEN=shop/items" in said
    assert len(living(warehouse)) == 9
    loaded = sync(source, **ACCEPT)
    assert living(warehouse) == ["0", "1", "2", "3"]
    if disposition == "merge":
        assert loaded.deleted.marked == {"items": 5}
        assert findings(source, COMPLETE) == [], "the accepted rows are the measure from now on"


@only_duckdb
@pytest.mark.parametrize(("before", "now"), [(4, 1), pytest.param(6, 3, marks=pytest.mark.slow)])
def test_a_few_rows_and_half_of_them_may_go(
    api: Api, warehouse: Warehouse, before: int, now: int
) -> None:
    api.on("/items", numbered(before), numbered(now))
    sync(declared())
    assert findings(declared(), COMPLETE) == []
    assert len(gone(warehouse)) == before - now


@pytest.mark.slow
@only_duckdb
@pytest.mark.parametrize("disposition", ["merge", "replace"])
def test_an_empty_listing_is_not_believed(
    api: Api, warehouse: Warehouse, disposition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.on("/items", numbered(1), [])
    source = declared(write_disposition=disposition)
    sync(source)
    assert len(findings(source, COMPLETE)) == 1
    assert living(warehouse) == ["0"]
    monkeypatch.setenv("ANALYTICS_SYNC__ACCEPT_SHRUNKEN", "other/things, shop/items")
    assert findings(source, COMPLETE) == []
    assert living(warehouse) == []


@pytest.mark.slow
@only_duckdb
@pytest.mark.parametrize("keys", [{"deletes": "window"}, {"write_disposition": "replace"}])
def test_a_window(api: Api, warehouse: Warehouse, keys: dict[str, Any]) -> None:
    records = Records(api, "/items")
    for n in range(8):
        records.put(f"a{n}", 2)
    records.put("other", 3)
    source = shop(windowed(**keys))
    sync(source, 2, 3)
    for n in range(5):
        del records.by_id[f"a{n}"]
    assert len(findings(source, COMPLETE, 2)) == 1
    assert len(living(warehouse)) == 9
    sync(source, 2, **ACCEPT)
    assert len(living(warehouse)) == 4


@pytest.mark.slow
@only_duckdb
def test_rows_that_moved_to_another_window_do_not_count(api: Api, warehouse: Warehouse) -> None:
    records = Records(api, "/items")
    for n in range(8):
        records.put(f"a{n}", 2)
    source = shop(windowed(deletes="window"))
    sync(source, 2)
    for n in range(6):
        records.put(f"a{n}", 9)
    del records.by_id["a6"]
    assert findings(source, COMPLETE, 2) == []
    assert gone(warehouse) == ["a6"]


@only_duckdb
def test_in_dagster_a_check_fails_until_the_run_config_accepts(
    api: Api, warehouse: Warehouse, tmp_path: Path
) -> None:
    api.on("/items", numbered(9), numbered(4))
    defs = build_definitions({"shop": declared()})
    home = make_dagster_home(tmp_path / "dagster")

    def run(**config: Any) -> bool:
        """Whether the check of completeness passes."""
        with DagsterInstance.from_config(str(home)) as instance:
            result = defs.resolve_job_def("sync_shop").execute_in_process(
                instance=instance,
                asset_selection=[AssetKey(["shop", "items"])],
                run_config={"ops": {"shop": {"config": config}}} if config else {},
                raise_on_error=False,
            )
        assert result.success
        complete = check_of(result, COMPLETE)
        assert complete.severity.value == "ERROR"
        return bool(complete.passed)

    assert run()
    assert not run()
    assert len(living(warehouse)) == 9
    assert run(accept_shrunken=["items"])
    assert len(living(warehouse)) == 4


@only_duckdb
@pytest.mark.parametrize("text", ["items", "shop/orders"])
def test_a_name_that_is_no_resource_is_refused(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, api: Api, text: str
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__ACCEPT_SHRUNKEN", text)
    with pytest.raises(LoadError, match=text.rpartition("/")[2]):
        sync(declared())
    assert api.seen == []


def test_settings_name_a_wrong_resource(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__ACCEPT_SHRUNKEN", "delivery/builds, delivery/bilds")
    assert main(["settings", "delivery"]) == 2
    assert "names delivery/bilds, which is no source/resource" in capsys.readouterr().err

"""dlt's keys: dispositions, table names, names, paths, formats of bounds, and keys that are not taken.

In: declarations as people write them for dlt. Out: the finished resource, or an error that gives the reason.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import load_text
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.naming import column_name
from analytics_sync.catalog.source import Resource
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api


def built(name: str = "items", **keys: Any) -> Resource:
    return shop(item(**keys)).resources[name]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"disposition": "merge", "strategy": "upsert"}, "merge"),
        ({"disposition": "merge", "strategy": "delete-insert"}, "merge"),
        ({"disposition": "merge"}, "merge"),
        ({"disposition": "replace"}, "replace"),
    ],
)
def test_a_disposition_may_be_a_mapping(value: Any, meant: str) -> None:
    assert built(write_disposition=value).write_disposition == meant


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("append", "append would double rows"),
        ("skip", "skip loads nothing"),
        ({"disposition": "append"}, "append would double rows"),
        ({"disposition": "merge", "strategy": "scd2"}, "scd2 keeps each version of a row"),
        ({"disposition": "merge", "strategy": "insert-only"}, "keeps the first version"),
        (
            {"disposition": "merge", "strategy": "other"},
            "expected strategy upsert or delete-insert",
        ),
        ({"disposition": "replace", "strategy": "staging-optimized"}, "expected replace without"),
        ({"disposition": "merge", "validity_column_names": []}, "validity_column_names"),
        ("upsert", "'merge' or 'replace'"),
    ],
)
def test_other_dispositions_say_why_not(value: Any, said: str) -> None:
    with pytest.raises(CatalogError, match=re.escape(said)) as caught:
        built(write_disposition=value)
    assert caught.value.key == "write_disposition"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Invoices", "invoices"),
        ("ticket-comments", "ticket_comments"),
        ("CustomerOrders", "customer_orders"),
        ("a.b c", "a_b_c"),
        ("crm__customers", "crm__customers"),
    ],
)
def test_names_are_normalised_as_dlt_does(api: Api, name: str, meant: str) -> None:
    declared = item({"path": "/items"}, name=name)
    child = item(
        {"path": f"/goods/{{resources.{name}.id}}"}, name="goods", include_from_parent=["id"],
        columns={"id": "bigint", f"_{meant}_id": "bigint"},
    )  # fmt: skip
    if "." in name:
        child["endpoint"] = {
            "path": "/goods/{x}",
            "params": {"x": {"type": "resolve", "resource": name, "field": "id"}},
        }
    api.on("/items", [{"id": 1}])
    api.on("/goods/1", [{"id": 7}])
    outcome = read(shop(declared, child))
    assert outcome.ids(meant) == [1]
    assert outcome.rows["goods"][0][column_name(f"_{meant}_id")] == 1


def test_two_spellings_of_a_name_are_one_resource() -> None:
    with pytest.raises(CatalogError, match="'my_items' stands in line 1 too"):
        shop(item(name="my_items"), item(name="my-items"))


def test_the_path_is_the_name_as_the_file_spells_it(api: Api) -> None:
    api.on("*", [{"id": 1}])
    text = {"client": {}, "resources": [{"name": "Ticket-Comments", "primary_key": "id"}]}
    read(load_text(json.dumps(text), name="shop", file="shop.yaml"))
    assert api.paths() == ["/Ticket-Comments"]


def test_a_table_may_have_another_name(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    source = shop(item(table_name="AllThings"))
    for records in ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 3}]):
        api.on("/items", records)
        with ReadRun(source) as run:
            load(run, f"run{len(api.seen)}")
            assert not run.failures()
    rows = duckdb_file.table(file, "shop/all_things")
    assert {row["id"]: row["_deleted_at"] is not None for row in rows} == {
        1: True,
        2: False,
        3: False,
    }


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (
            [item(table_name="_rejected")],
            "table_name '_rejected': expected a name that begins with a",
        ),
        ([item(table_name="_dlt_loads")], "expected a name that begins with a letter"),
        ([item(), item(name="others", table_name="Items")], "has the table 'items' too"),
    ],
)
def test_a_table_name_that_is_taken_is_an_error(resources: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(CatalogError, match=re.escape(said)) as caught:
        shop(*resources)
    assert caught.value.key == "table_name"


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (1772323200, "epoch_s"), ("1772323200", "epoch_s"), (1772323200.5, "epoch_s"), (0, "epoch_s"),
        (1772323200000, "epoch_ms"), ("1772323200000", "epoch_ms"), ("2026-03-01", "date"), ("20260301", "%Y%m%d"),
        ("2026-03-01T00:00:00Z", "iso"), ("2026-03-01T00:00:00.000Z", "iso_ms"),
        ("2026-03-01T00:00:00", "%Y-%m-%dT%H:%M:%S"), ("2026-03-01 00:00:00", "%Y-%m-%d %H:%M:%S"),
        ("2026-03-01T00:00:00+00:00", "%Y-%m-%dT%H:%M:%S+00:00"),
        ("2026-03-01T00:00:00.000000Z", "%Y-%m-%dT%H:%M:%S.%fZ"),
        (None, "iso"), ("yesterday", "iso"), (True, "iso"),
    ],
)  # fmt: skip
def test_initial_value_is_the_format_of_bounds(value: Any, meant: str) -> None:
    window = {"cursor_path": "at", "start_param": "since", "initial_value": value}
    columns = {"id": "bigint", "at": "timestamp"}
    incremental = built(endpoint={"incremental": window}, columns=columns).incremental
    assert incremental is not None
    assert incremental.param_format == meant
    declared = {**window, "param_format": "iso_ms"}
    incremental = built(endpoint={"incremental": declared}, columns=columns).incremental
    assert incremental is not None
    assert incremental.param_format == "iso_ms"


def test_a_cursor_that_is_no_time_is_an_error() -> None:
    window = {"cursor_path": "id", "start_param": "since_id", "initial_value": 17}
    with pytest.raises(CatalogError, match="initial_value 17 is no time") as caught:
        built(endpoint={"params": {}, "incremental": window})
    assert caught.value.key == "endpoint.incremental"


KEYS = {
    "client.session": ("client", {"session": 1}, "session is code in dlt"),
    "client.auth.session": ("auth", {"session": 1}, "session is code in dlt"),
    "endpoint.auth": ("endpoint", {"auth": {}}, "one source has one auth"),
    "endpoint.hooks": ("endpoint", {"hooks": {}}, "hooks is code in dlt"),
    "endpoint.incremental.convert": ("incremental", {"convert": 1}, "param_format says"),
    "endpoint.incremental.end_value": ("incremental", {"end_value": 1}, "partitions set the end"),
    "endpoint.incremental.last_value_func": ("incremental", {"last_value_func": "max"}, "leave it out"),
    "endpoint.params.since.convert": ("bound", {"convert": 1}, "param_format says"),
    "endpoint.params.since.on_cursor_value_missing": ("bound", {"on_cursor_value_missing": "raise"}, "_rejected"),
    "endpoint.paginator.page": ("paginator", {"page": 3}, "declare base_page"),
    "merge_key": ("resource", {"merge_key": "id"}, "merged by primary_key"),
    "table_format": ("resource", {"table_format": "delta"}, "how a warehouse stores a table"),
    "columns.id.hard_delete": ("column", {"hard_delete": True}, "_deleted_at"),
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_dlt_that_is_not_taken_says_why(key: str) -> None:
    place, keys, said = KEYS[key]
    auth = {
        "type": "oauth2_client_credentials",
        "access_token_url": "https://x/t",
        "client_id": "a",
    }
    auth["client_secret"] = 'dlt.secrets["s"]'
    endpoint: dict[str, Any] = {
        "path": "/items",
        "incremental": {"cursor_path": "at", "start_param": "s"},
        "paginator": {"type": "page_number"},
        "params": {"since": {"type": "incremental", "cursor_path": "at"}},
    }
    resource: dict[str, Any] = {
        "name": "items",
        "primary_key": "id",
        "columns": {"id": {"data_type": "bigint"}, "at": "timestamp"},
        "endpoint": endpoint,
    }
    client: dict[str, Any] = {"auth": auth}
    places = {
        "client": client, "auth": auth, "endpoint": endpoint, "incremental": endpoint["incremental"],
        "paginator": endpoint["paginator"], "resource": resource, "column": resource["columns"]["id"],
        "bound": endpoint["params"]["since"],
    }  # fmt: skip
    load_text(
        json.dumps({"client": client, "resources": [resource]}), name="shop", file="shop.yaml"
    )
    places[place].update(keys)
    with pytest.raises(CatalogError, match="a key of dlt that is not taken") as caught:
        load_text(
            json.dumps({"client": client, "resources": [resource]}), name="shop", file="shop.yaml"
        )
    assert said in str(caught.value)
    assert caught.value.key == key


def test_an_unknown_key_is_still_a_mistake_of_spelling() -> None:
    with pytest.raises(CatalogError, match="unknown key; look at its spelling"):
        built(primary_keys="id")


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({"Authorization": 'Token {dlt.secrets["key"]}'}, {}),
        ({"Authorization": 'Token token="{dlt.secrets["key"]}", realm=x'}, {}),
        ({}, {"token": 'key:{dlt.secrets["key"]}'}),
    ],
)
def test_words_beside_a_secret_are_none(headers: Any, params: Any) -> None:
    shop(item({"params": params}), headers=headers)


@pytest.mark.parametrize("text", ['hunter2{dlt.config["x"]}', 'a1b2c3d4 {dlt.secrets["key"]}'])
def test_a_secret_beside_a_placeholder_is_one(text: str) -> None:
    with pytest.raises(CatalogError, match="a secret does not belong"):
        shop(item(), headers={"Authorization": text})

"""Alerts of accounts: two sources of one API fail and recover by themselves, and no key is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance

from analytics_sync.catalog import load_catalog
from analytics_sync_tests.support.alert_receivers import web_receiver
from analytics_sync_tests.support.alert_ticks import Alerts
from analytics_sync_tests.support.dagster_runs import make_dagster_home
from analytics_sync_tests.support.scripted_api import Api, shop_api

api = shop_api
EU, US = "key-of-eu-canary", "key-of-us-canary"
SHOP = """
source: shop
client: {auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}}
resources:
  - name: items
    primary_key: id
    columns: {id: bigint}
    endpoint: {path: items, data_selector: $, paginator: single_page}
instances: [shop_eu, shop_us]
"""


@pytest.mark.slow
def test_an_account_that_fails_is_told_by_its_name_and_the_other_is_not(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    accounts = load_catalog([file])
    monkeypatch.setenv("SOURCES__SHOP_EU__API_KEY", EU)
    monkeypatch.setenv("SOURCES__SHOP_US__API_KEY", US)
    expired = {EU}

    def answer(_: str, __: object, headers: Mapping[str, str]) -> Any:
        key = headers["x-key"]
        # the API quotes the key, as some do
        return (401, {}, {"error": f"key {key} has expired"}) if key in expired else [{"id": 1}]

    api.on("/items", answer)
    with (
        web_receiver() as web,
        DagsterInstance.from_config(str(make_dagster_home(tmp_path / "home"))) as instance,
    ):
        monkeypatch.setenv("ANALYTICS_SYNC__ALERTS__URLS", f"{web.url}/x")
        alerts = Alerts(instance, accounts["shop_eu"], accounts=[accounts["shop_us"]])
        alerts.tick(is_first=True)
        assert not alerts.run_keys(["shop_eu/items"])
        assert alerts.run_keys(["shop_us/items"])
        alerts.tick()
        assert web.titles == ["Failed: shop_eu/items"], "the success of the other mends nothing"
        expired.clear()
        assert alerts.run_keys(["shop_eu/items"])
        alerts.tick()
        assert web.titles == ["Failed: shop_eu/items", "Well again: shop_eu/items"]
        assert "SOURCES__SHOP_EU__API_KEY" in web.documents[0]["cause"]
        told = json.dumps(web.documents)
        assert EU not in told
        assert US not in told

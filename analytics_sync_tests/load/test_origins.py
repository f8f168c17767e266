"""The origin of rows: another address or account is refused, in DuckDB and PostgreSQL."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_sync.catalog import Source, load_text
from analytics_sync_tests.support.dagster_runs import run_source
from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse, mainly_duckdb
from analytics_sync_tests.support.scripted_api import Api, item, serve, shop, shop_api

api = shop_api
warehouse = every_warehouse
pytestmark = mainly_duckdb
AUTH = {"type": "api_key", "name": "X-Key", "api_key": 'dlt.secrets["api_key"]'}
ACCEPT = "SOURCES__SHOP__ACCEPT_ORIGIN"
ACCOUNT = "SOURCES__SHOP__ACCOUNT_ID"
KEY = "SOURCES__SHOP__API_KEY"
PATH = item(
    {
        "path": "/accounts/{account}/parts",
        "params": {
            "account": {"type": "config", "key": "account_id"},
            "seconds": {"type": "config", "key": "seconds", "optional": True},
        },
    },
    "parts",
)
ITEMS = shop(item())
SHOP = shop(item(), PATH, auth=AUTH)


@pytest.fixture(autouse=True)
def settings(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the first account."""
    script(api, 1)
    monkeypatch.setenv(KEY, "a-key-of-the-account")
    monkeypatch.setenv(ACCOUNT, "one")


@pytest.fixture
def real() -> Iterator[Api]:
    """An API at another address, with another record."""
    with serve() as served:
        script(served, 2)
        yield served


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of Dagster."""
    return tmp_path / "home"


def script(api: Api, key: int) -> None:
    """One record of each resource."""
    api.on("/items", [{"id": key}])
    api.on("/accounts/*/parts", lambda path, *_: [{"id": len(path)}])
    api.on("/v2/items", [{"id": key}])


def ids(warehouse: Warehouse) -> list[int]:
    """The keys of the living items."""
    sql = "SELECT id FROM shop.items WHERE _deleted_at IS NULL ORDER BY id"
    return [key for (key,) in warehouse.query(sql)]


def origins(warehouse: Warehouse) -> dict[tuple[str, str], str]:
    """The noted values by resource and part."""
    found = warehouse.query("SELECT resource, part, value FROM shop._origin")
    assert len({row[:2] for row in found}) == len(found)
    return {(resource, part): value for resource, part, value in found}


def test_another_address_is_refused_before_it_is_read(
    warehouse: Warehouse, home: Path, api: Api, real: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not run_source(home, ITEMS).failed()
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", real.url)
    refused = run_source(home, ITEMS)
    assert not refused.ok
    assert ids(warehouse) == [1]
    assert real.seen == [], "no request"
    assert f"holds rows of {api.url}, and the settings name {real.url}" in refused.error
    assert "analytics-sync schema reset shop/items" in refused.error
    assert f"{ACCEPT}='{real.url}'" in refused.error
    monkeypatch.setenv(ACCEPT, real.url + "/")
    assert not run_source(home, ITEMS).failed()
    assert ids(warehouse) == [2]
    assert origins(warehouse) == {("items", "address"): real.url}, "the origin from now on"


@pytest.mark.slow
def test_another_path_is_another_address(
    warehouse: Warehouse, home: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_source(home, ITEMS)
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"{api.url}/v2")
    assert "/v2. Nothing was loaded" in run_source(home, ITEMS).error


@pytest.mark.slow
@pytest.mark.parametrize("spelling", ["{url}/", "{url_upper}", "{url}//"])
def test_another_spelling_is_the_same_address(
    spelling: str, warehouse: Warehouse, home: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_source(home, ITEMS)
    text = spelling.format(url=api.url, url_upper=api.url.replace("http", "HTTP"))
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", text)
    assert run_source(home, ITEMS).ok


@pytest.mark.slow
def test_a_setting_in_the_path_is_of_the_account(
    warehouse: Warehouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_source(home, SHOP)
    monkeypatch.setenv(ACCOUNT, "another")
    refused = run_source(home, SHOP)
    assert "1 of 2 resources" in refused.error
    assert "with account_id=one, and" in refused.error
    assert "with account_id=another" in refused.error
    assert f"{ACCEPT}='account_id=another'" in refused.error
    assert warehouse.query("SELECT id FROM shop.parts") == [(len("/accounts/one/parts"),)]
    monkeypatch.setenv(ACCEPT, "account_id=another")
    assert run_source(home, SHOP).ok


@pytest.mark.slow
def test_a_hidden_setting_in_the_path_is_not_shown(
    warehouse: Warehouse, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ACCOUNT)
    (tmp_path / ".dlt").mkdir()
    toml = tmp_path / ".dlt" / "secrets.toml"
    toml.write_text('[sources.shop]\naccount_id = "hidden-account-one"\n')
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    Container()[PluggableRunContext].reload_providers()
    try:
        run_source(home, SHOP)
        toml.write_text('[sources.shop]\naccount_id = "hidden-account-two"\n')
        Container()[PluggableRunContext].reload_providers()
        refused = run_source(home, SHOP)
        assert "account_id=another one" in refused.error
        assert "hidden" not in refused.error
        assert "hidden" not in str(warehouse.query("SELECT value FROM shop._origin"))
        assert f"{ACCEPT}='account_id'" in refused.error
    finally:
        toml.unlink()
        Container()[PluggableRunContext].reload_providers()


def test_other_credentials_load_and_are_reported(
    warehouse: Warehouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_source(home, SHOP)
    assert not run.failed()
    assert run.checks["items.history"][2].endswith("No change of its account was seen.")
    monkeypatch.setenv(KEY, "a-new-key-of-the-account")
    run = run_source(home, SHOP)
    assert run.ok, "a rotated key locks nobody out"
    assert run.failed() == {"items.history": "WARN", "parts.history": "WARN"}
    assert "credentials changed on" in run.checks["items.history"][2]
    assert len(run.metadata["items"]["account_changes"]) == 1
    text = str(warehouse.query("SELECT * FROM shop._origin"))
    assert "key-of-the-account" not in text


def test_the_marks_of_one_secret_differ_from_dataset_to_dataset(
    warehouse: Warehouse, home: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads two datasets does not learn that they have one key."""
    text = json.dumps({"client": {"auth": AUTH}, "resources": [item()]})
    depot = load_text(text, name="depot", file="depot.yaml")
    monkeypatch.setenv("SOURCES__DEPOT__BASE_URL", api.url)
    monkeypatch.setenv("SOURCES__DEPOT__API_KEY", "a-key-of-the-account")
    for source in (shop(item(), auth=AUTH), depot):
        assert run_source(home, source).ok
    marks = [
        warehouse.query(
            f"SELECT value, mark_key FROM {name}._origin WHERE resource = 'items' AND part = 'credentials'"
        )
        for name in ("shop", "depot")
    ]
    ((one, its_key),), ((other, others_key),) = marks
    assert its_key == others_key, "both are of this user"
    assert one != other


@pytest.mark.slow
def test_a_change_is_reported_for_a_week_or_until_it_is_accepted(
    warehouse: Warehouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_source(home, SHOP)
    monkeypatch.setenv(KEY, "a-new-key-of-the-account")
    monkeypatch.setenv("SOURCES__SHOP__SECONDS", "60")
    run_source(home, SHOP)
    assert "WARN" in run_source(home, SHOP).failed().values(), "the next night, too"
    monkeypatch.setenv(ACCEPT, "credentials")
    assert not run_source(home, SHOP).failed(), "a filter that was not set before is no change"
    monkeypatch.delenv(ACCEPT)
    day = "replaced_at = replaced_at - INTERVAL '8' DAY"
    warehouse.run(f"UPDATE shop._origin SET {day} WHERE replaced_at IS NOT NULL")
    assert not run_source(home, SHOP).failed()
    monkeypatch.setenv("SOURCES__SHOP__SECONDS", "120")
    run = run_source(home, SHOP)
    assert run.failed() == {"parts.history": "WARN"}
    assert "seconds changed from 60 to 120" in run.checks["parts.history"][2]


@pytest.mark.slow
def test_a_new_token_of_the_same_holder_is_no_change(
    warehouse: Warehouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def token(subject: str, expires: int) -> str:
        claims = json.dumps({"iss": "https://id", "sub": subject, "exp": expires}).encode()
        return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln{expires}"

    monkeypatch.setenv(KEY, token("me", 1))
    run_source(home, SHOP)
    monkeypatch.setenv(KEY, token("me", 2))
    assert not run_source(home, SHOP).failed()
    monkeypatch.setenv(KEY, token("you", 2))
    assert run_source(home, SHOP).failed()["items.history"] == "WARN"


@pytest.mark.slow
def test_marks_of_many_machines_do_not_grow_without_end(
    warehouse: Warehouse, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source: Source = shop(item(), auth=AUTH)
    for machine in range(10):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / f"state{machine}"))
        assert not run_source(home, source).failed(), "marks of two machines cannot be compared"
    sql = "SELECT count(*), count(DISTINCT value) FROM shop._origin WHERE part = 'credentials'"
    assert warehouse.query(sql) == [(8, 8)]


@pytest.mark.slow
@pytest.mark.parametrize("statement", ["DROP TABLE shop.items", "DELETE FROM shop.items"])
def test_a_table_without_rows_has_no_origin(
    statement: str,
    warehouse: Warehouse,
    home: Path,
    real: Api,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_source(home, ITEMS)
    warehouse.run(statement)
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", real.url)
    assert run_source(home, ITEMS).ok
    assert ids(warehouse) == [2]
    assert origins(warehouse) == {("items", "address"): real.url}


@pytest.mark.slow
def test_what_an_earlier_version_loaded_gets_the_origin_of_the_next_run(
    warehouse: Warehouse, home: Path, real: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_source(home, ITEMS)
    warehouse.run("DROP TABLE shop._origin")
    assert not run_source(home, ITEMS).failed()
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", real.url)
    assert not run_source(home, ITEMS).ok

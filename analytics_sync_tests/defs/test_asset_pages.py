"""The pages of assets: owners, tags, links, code references, descriptions, and the API they read."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    AssetSelection,
    AssetSpec,
    DagsterInstance,
    Definitions,
    TableSchema,
)
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from analytics_sync.catalog import CatalogError, catalog_files, load_catalog, load_text
from analytics_sync.catalog.configured import read_catalog
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_in_dagster, table_specs
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api
SHOP = """\
source: shop
description: The orders of a shop
owners: [team:sales, ann@example.com]
tags: {domain: sales, tier: 1}
cadence: daily
docs_url: https://docs.example.com/shop
client: {base_url: https://api.shop.test}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    description: One order.
    owners: team:orders
    tags: {tier: 2, sensitive: yes}
    cadence: PT6H
    docs_url: https://docs.example.com/orders
    endpoint: {path: /orders, incremental: {cursor_path: at}}
    columns:
      id: bigint - Number of the order
      at: timestamp - When it was placed, UTC
  - name: customers
    endpoint: /customers
  - name: prices
    include_from_parent: {order: id}
    write_disposition: replace
    endpoint: {path: "/orders/{order}/prices", params: {order: {type: resolve, resource: orders, field: id}}}
"""


def specs_of(folder: Path, **files: str) -> dict[str, AssetSpec]:
    """The specs of the sources of some files, by key."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    catalog = read_catalog(catalog_files(folder))
    assert not catalog.broken
    own = {name: source for name, source in catalog.sources.items() if "shop" in name}
    return {s.key.to_user_string(): s for s in build_definitions(own).resolve_all_asset_specs()}


def references(spec: AssetSpec) -> list[tuple[str, str]]:
    found = spec.metadata["dagster/code_references"].code_references
    return [(Path(ref.source).name, ref.label) for ref in found]


@pytest.fixture(scope="module")
def shipped() -> Definitions:
    return build_definitions(load_catalog())


def test_each_page_of_a_source_that_ships_is_complete(shipped: Definitions) -> None:
    specs = table_specs(shipped)
    assert len(specs) == 60
    for spec in specs:
        assert spec.owners
        assert {"api", "read", "domain", "cadence"} <= set(spec.tags)
        assert spec.metadata["docs"].url.startswith("https://")
        assert spec.metadata["dagster/uri"] == f"duckdb://{spec.key.to_user_string()}"
        (reference,) = spec.metadata["dagster/code_references"].code_references
        line = Path(reference.file_path).read_text().splitlines()[reference.line_number - 1]
        assert line == f"  - name: {spec.key.path[1]}"
        assert str(spec.description).count("\n\n") == 1
        schema = spec.metadata["dagster/column_schema"]
        assert isinstance(schema, TableSchema)
        assert all(column.description for column in schema.columns)
        keys = [c.name for c in schema.columns if "primary key" in c.constraints.other]
        assert schema.constraints.other == [f"primary key: {', '.join(keys)}"] or len(keys) > 1


def test_the_api_is_an_external_asset_that_no_run_takes(shipped: Definitions) -> None:
    graph = shipped.resolve_asset_graph()
    apis = graph.external_asset_keys
    assert apis == {AssetKey([f"{name}_api"]) for name in load_catalog()}
    for text in ("*", 'group:"delivery"', 'key:"delivery/*"', "+delivery/builds"):
        assert not apis & AssetSelection.from_coercible(text).resolve(graph)


def test_keys_of_a_resource_go_before_those_of_its_source(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, shop=SHOP)
    orders, customers, api = (specs[n] for n in ("shop/orders", "shop/customers", "shop_api"))
    assert orders.owners == ["team:orders"]
    kinds = {"dagster/kind/dlt": "", "dagster/kind/duckdb": ""}
    assert orders.tags == {
        "api": "shop", "read": "by_partition", "cadence": "PT6H", "domain": "sales", "tier": "2",
        "sensitive": "true", **kinds,
    }  # fmt: skip
    assert orders.metadata["docs"].url == "https://docs.example.com/orders"
    assert customers.owners == api.owners == ["team:sales", "ann@example.com"]
    assert customers.tags == {
        "api": "shop", "read": "whole", "cadence": "daily", "domain": "sales", "tier": "1", **kinds,
    }  # fmt: skip
    assert api.metadata["docs"].url == "https://docs.example.com/shop"
    assert "The orders of a shop. " in str(api.description)
    assert references(orders) == [("shop.yaml:10", "resource orders")]
    assert references(api) == [("shop.yaml:1", "source shop")]


def test_a_description_says_what_a_row_and_a_partition_are(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, shop=SHOP)
    assert specs["shop/orders"].description == (
        "One order.\n\nOne row per `id`. A partition holds the rows whose `at` lies in it."
    )
    assert specs["shop/customers"].description == (
        "One row per `id`. Each run reads all rows. A row that the API no longer lists stays, and "
        "`_deleted_at` says since when."
    )
    assert specs["shop/prices"].description == (
        "One row per `id`. A partition holds the rows of those orders whose `at` lies in it. "
        "A run replaces the rows that it has read again."
    )
    columns = {c.name: c for c in specs["shop/orders"].metadata["dagster/column_schema"].columns}
    assert columns["id"].constraints.other == ["primary key"]
    assert columns["at"].constraints.other == ["cursor of the partitions"]


def test_accounts_inherit_and_may_have_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__OWNERS", "team:all, bob@example.com")
    monkeypatch.setenv("SOURCES__SHOP_EU__TAGS", "zone=eu,tier=9")
    instances = "instances: {shop_us: {docs_url: https://us.example.com}}\n"
    specs = specs_of(
        tmp_path,
        shop=SHOP + instances,
        shop_eu="base: shop\n\ncadence: hourly\n",
        shop_uk="source: shop_uk\nbase: shop\nowners: [team:uk]\n",
    )
    us, eu, uk = (specs[f"shop_{name}/customers"] for name in ("us", "eu", "uk"))
    assert us.owners == eu.owners == ["team:all", "bob@example.com"]
    assert uk.owners == ["team:uk"]
    assert [spec.tags["cadence"] for spec in (us, eu, uk)] == ["daily", "hourly", "daily"]
    assert [spec.tags.get("zone") for spec in (us, eu, uk)] == [None, "eu", None]
    assert "domain" not in eu.tags, "the tags of the setting take the place of those of the file"
    assert {spec.tags["api"] for spec in (us, eu, uk)} == {"shop"}
    assert us.metadata["docs"].url == "https://us.example.com"
    assert eu.metadata["docs"].url == "https://docs.example.com/shop"
    declared = ("shop.yaml:20", "resource customers")
    assert references(us) == [declared, ("shop.yaml:26", "source shop_us")]
    assert references(eu) == [declared, ("shop_eu.yaml:1", "source shop_eu")]
    assert references(uk) == [declared, ("shop_uk.yaml:1", "source shop_uk")]


def test_a_wrong_key_of_a_resource_is_named_with_its_line() -> None:
    for old, new, line, key, words in (
        ("owners: team:orders", "owners: [orders]", 12, "owners", "found 'orders'"),
        ("tier: 2", "tier: two words", 13, "tags", "found 'two words'"),
        ("tier: 2", "'a b': 2", 13, "tags", "found 'a b'"),
        ("PT6H", "6", 14, "cadence", "valid string"),
        ("https://docs.example.com/orders", "ftp://x", 15, "docs_url", "found 'ftp://x'"),
    ):
        with pytest.raises(
            CatalogError, match=f"^shop.yaml:{line}: resource 'orders': {key}: "
        ) as e:
            load_text(SHOP.replace(old, new), name="shop", file="shop.yaml")
        assert words in str(e.value)


def test_code_references_become_links_of_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__REPOSITORY_URL", "https://git.test/team/data/blob/main/")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "apis").mkdir()
    (orders,) = (
        specs_of(tmp_path / "apis", shop=SHOP)["shop/orders"]
        .metadata["dagster/code_references"]
        .code_references
    )
    assert orders.url == "https://git.test/team/data/blob/main/apis/shop.yaml#L10"
    monkeypatch.chdir(ROOT)
    specs = table_specs(build_definitions(load_catalog()))
    links = {s.metadata["dagster/code_references"].code_references[0].url for s in specs}
    assert len(links) == 60
    assert all(
        link.startswith("https://git.test/team/data/blob/main/analytics_sync/sources/")
        for link in links
    )
    monkeypatch.chdir(tmp_path / "apis")
    outside = table_specs(build_definitions(load_catalog()))[0]
    assert Path(outside.metadata["dagster/code_references"].code_references[0].file_path).is_file()


@pytest.mark.parametrize(
    "url", ["main", "git@git.test:team/data", "https://ann:x@git.test/a", "https://git.test/a?b=c"]
)
def test_a_wrong_address_of_the_repository_is_named(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__REPOSITORY_URL", url)
    with pytest.raises(ValueError, match=r"^ANALYTICS_SYNC__REPOSITORY_URL is no ") as error:
        build_definitions(load_catalog())
    assert "ann:x" not in str(error.value)


@pytest.mark.slow
def test_an_asset_is_not_stale_because_of_its_api(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    api.on("/items", [{"id": 1}])
    sources = {"shop": shop(item(columns={"id": "bigint"}))}
    result = run_in_dagster(make_dagster_home(tmp_path / "dagster"), sources, ["shop/items"])
    assert {e.asset_key for e in result.get_asset_materialization_events()} == {
        AssetKey(["shop", "items"])
    }
    defs = build_definitions(sources)
    with DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        resolver = CachingStaleStatusResolver(
            instance, defs.resolve_asset_graph(), LoadingContextForTest(instance)
        )
        assert resolver.get_status(AssetKey(["shop", "items"])) == StaleStatus.FRESH
    spec = next(s for s in defs.resolve_all_asset_specs() if len(s.key.path) == 1)
    assert spec.metadata["dagster/uri"].startswith("http://127.0.0.1:")


def test_a_source_of_the_longest_name_has_a_tag(tmp_path: Path) -> None:
    name = "shop" * 16
    specs = specs_of(tmp_path, long=SHOP.replace("source: shop", f"source: {name}"))
    assert specs[f"{name}/orders"].tags["api"] == name[:63]

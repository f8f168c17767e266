"""What a team sets without code: keys of a file, settings, and which of them wins."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from analytics_sync.catalog import CatalogError, Source, catalog_files, load_catalog, load_text
from analytics_sync.catalog.config.cron import plain_cron
from analytics_sync.catalog.plan import plan_of

SHOP = """\
client: {auth: {type: bearer, token: 'dlt.secrets["token"]'}}
resources:
  - {name: items, primary_key: id, endpoint: items}
"""
HOURLY_DATES = """\
partitions: hourly
client: {}
resources:
  - name: reports
    primary_key: id
    columns: {id: text, day: date}
    endpoint: {path: reports, incremental: {cursor_path: day}}
"""


def shop(keys: str = "", *, name: str = "shop") -> Source:
    return load_text(f"{keys}\n{SHOP}", name=name, file="shop.yaml")


def catalog(folder: Path, **files: str) -> dict[str, Source]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return load_catalog(catalog_files(folder))


def test_without_keys_and_settings_everything_is_as_it_was() -> None:
    plan = plan_of(shop())
    assert plan.is_enabled
    assert (plan.partitions, plan.time_zone, plan.schedule) == ("daily", "UTC", "15 2 * * *")
    assert (plan.start_date, plan.pool, plan.lookback) == (date(2025, 1, 1), "shop", None)
    assert (plan.automation, plan.retries) == ("schedule", 2)
    assert set(plan.origins.values()) == {"default"}


def test_a_setting_wins_over_the_file_and_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    source = shop("start_date: 2026-02-01\ntime_zone: Europe/Berlin\npool: small_api")
    monkeypatch.setenv("SOURCES__SHOP__START_DATE", "2026-03-01")
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", "2024-01-01")
    plan = plan_of(source)
    assert (plan.start_date, plan.time_zone, plan.pool) == (
        date(2026, 3, 1),
        "Europe/Berlin",
        "small_api",
    )
    assert plan.origins["start_date"] == "SOURCES__SHOP__START_DATE"
    assert plan.origins["time_zone"] == "shop.yaml:2"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("enabled: maybe", "expected true or false, found 'maybe'"),
        ("partitions: dayly", "expected hourly, daily, weekly or monthly, found 'dayly'"),
        ("start_date: 2026-02-30", "expected a day from 1970-01-01"),
        ("start_date: 2026-1-1", "expected a day from 1970-01-01"),
        ("time_zone: EST", "expected UTC or an IANA time zone such as Europe/Berlin, found 'EST'"),
        ("time_zone: Europe/Berln", "expected UTC or an IANA time zone"),
        ("time_zone: '+02:00'", "expected UTC or an IANA time zone"),
        ("time_zone: ../../etc/localtime", "expected UTC or an IANA time zone"),
        ("schedule: every night", "expected a cron expression of five fields"),
        ("schedule: 61 * * * *", "expected a minute from 0 to 59 in a cron expression, found '61'"),
        ("schedule: 0 0 31 2 *", "'0 0 31 2 *' names no day"),
        ("lookback: 0", "expected a number of days from 1 to 366"),
        ("lookback: 3 days", "expected a number of days from 1 to 366, or a duration such as P3D"),
        ("pool: my pool", "expected letters, digits and _, found 'my pool'"),
        ("automation: cron", "expected schedule or conditions, found 'cron'"),
        ("retries: -1", "expected a whole number from 0 to 10, found"),
        ("retries: 11", "expected a whole number from 0 to 10, found"),
        ("owners: data", "expected an email address, or a team such as team:data, found 'data'"),
        ("owners: 'team:'", "expected an email address, or a team such as team:data"),
        ("owners: a@b.technology", "expected an email address, or a team such as team:data"),
        ("tags: dagster/x=1", "expected a key of letters, digits, '_', '-' and '.', at most 63"),
        ("tags: a=b c", "letters, digits, '_', '-' and '.' for 'a', found 'b c'"),
        (
            "cadence: sometimes",
            "expected hourly, daily, weekly, monthly, or a duration such as PT6H",
        ),
        ("docs_url: docs.example.com", "expected an address such as https://docs.example.com"),
        ("docs_url: 'https://docs example.com'", "expected an address such as"),
    ],
)
def test_a_wrong_value_is_an_error_with_its_place(
    line: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CatalogError, match=rf"^shop.yaml:1: {line.split(':')[0]}: .*") as error:
        shop(line)
    assert found in str(error.value)
    key, _, value = line.partition(": ")
    monkeypatch.setenv(f"SOURCES__SHOP__{key.upper()}", value.strip("'"))
    with pytest.raises(CatalogError, match=f"^the setting SOURCES__SHOP__{key.upper()}: ") as error:
        plan_of(shop())
    assert found in str(error.value)


@pytest.mark.parametrize("text", ["@daily", "*/15 6-20 * * mon-fri", "0 2 1,15 * *", "5 4 * * 7"])
def test_usual_cron_expressions_are_accepted(text: str) -> None:
    assert len(plain_cron(text).split()) == 5


def test_a_misspelt_key_is_an_error_with_its_line() -> None:
    with pytest.raises(CatalogError, match=r"^shop.yaml:1: time_zon: unknown key"):
        shop("time_zon: Europe/Berlin")


def test_a_parameter_of_the_api_keeps_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that the declaration already uses is not taken for one of the team."""
    text = SHOP.replace("items}", "{path: items, params: {p: {type: config, key: partitions}}}}")
    source = load_text(text, name="shop", file="shop.yaml")
    monkeypatch.setenv("SOURCES__SHOP__PARTITIONS", "7")
    assert plan_of(source).partitions == "daily"


def test_a_date_cannot_have_hourly_partitions() -> None:
    """All records of a day would be in its first hour, which is read before the day is over."""
    source = load_text(HOURLY_DATES, name="shop", file="shop.yaml")
    with pytest.raises(CatalogError, match=r"^shop.yaml:4: .*reports.*shop.yaml:1 sets hourly"):
        plan_of(source)


def test_the_instances_take_the_place_of_their_base(tmp_path: Path) -> None:
    text = f"source: shop\ninstances:\n  shop_eu: {{base_url: https://eu.shop.test}}\n  shop_us:\n{SHOP}"
    sources = catalog(tmp_path, shop=text)
    assert [*sources][-2:] == ["shop_eu", "shop_us"]
    assert "shop" not in sources
    eu = sources["shop_eu"]
    assert (eu.client.base_url, eu.dataset, eu.line) == ("https://eu.shop.test", "shop_eu", 3)
    assert [str(r) for r in eu.assets] == ["shop_eu/items"]
    assert eu.resources["items"].paginator is sources["shop_us"].resources["items"].paginator


def test_a_base_may_be_an_instance_of_itself_and_of_a_file_that_ships(tmp_path: Path) -> None:
    sources = catalog(
        tmp_path,
        shop=f"instances: [shop, shop_us]\n{SHOP}",
        observability_eu="base: observability\ntime_zone: Europe/Berlin\nrate_limit: {requests: 2, seconds: 1}\n",
    )
    assert {"shop", "shop_us", "observability", "observability_eu"} < sources.keys()
    own, shipped = sources["observability_eu"], sources["observability"]
    assert own.client.rate_limit is not None
    assert own.client.rate_limit.requests == 2
    assert shipped.client.rate_limit is None
    assert plan_of(own).time_zone == "Europe/Berlin"
    assert plan_of(shipped).time_zone == "UTC"


def test_the_nearest_value_wins_and_a_setting_wins_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"start_date: 2025-05-01\npool: shared\ninstances:\n  a: {{start_date: 2026-05-01}}\n  b:\n{SHOP}"
    sources = catalog(tmp_path, shop=text)
    monkeypatch.setenv("SOURCES__SHOP__START_DATE", "2024-01-01")
    monkeypatch.setenv("SOURCES__B__POOL", "own")
    a, b = plan_of(sources["a"]), plan_of(sources["b"])
    assert (a.start_date, a.origins["start_date"]) == (date(2026, 5, 1), "shop.yaml:4")
    assert (b.start_date, b.origins["start_date"]) == (
        date(2024, 1, 1),
        "SOURCES__SHOP__START_DATE",
    )
    assert (a.pool, b.pool) == ("shared", "own")


def test_instances_are_switched_off_with_their_file_but_not_with_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = catalog(
        tmp_path,
        shop=f"instances: [a, b]\n{SHOP}",
        other=f"enabled: false\n{SHOP}",
        copy="base: other\n",
    )
    monkeypatch.setenv("SOURCES__SHOP__ENABLED", "false")
    monkeypatch.setenv("SOURCES__B__ENABLED", "true")
    is_on = {name: plan_of(sources[name]).is_enabled for name in ("a", "b", "other", "copy")}
    assert is_on == {"a": False, "b": True, "other": False, "copy": True}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"x": "base: shp\n"}, "x.yaml:1: base: there is no source 'shp' to be the base"),
        ({"x": "base: shop\n", "y": "base: x\n"}, "y.yaml:1: base: 'x' has a base itself: name its base 'shop' here"),
        ({"x": "base: shop\nresources: []\n"}, "x.yaml:2: resources: a file with base takes resources from"),
        ({"x": "base: shop\nstart: 2026-01-01\n"}, "x.yaml:2: start: unknown key"),
        ({"x": "base: shop\ninstances: [a, a]\n"}, "x.yaml:2: instances: expected each name once, found 'a'"),
        ({"x": "base: shop\ninstances: []\n"}, "x.yaml:2: instances: expected at least one instance"),
        ({"x": "base: shop\ninstances: [A-1]\n"}, "x.yaml:2: instances.A-1: source name 'A-1': expected lower"),
        ({"x": "base: shop\ninstances:\n  a: {api_key: k}\n"}, "x.yaml:3: instances.a.api_key: "),
        ({"x": "base: shop\ninstances: [shop]\n"}, "x.yaml:2: source 'shop' is declared in shop.yaml:1 too"),
        ({"x": "base: shop\ninstances: [a]\n", "y": "base: shop\nsource: a\n"},
         "y.yaml:2: source 'a' is declared in x.yaml:2 too"),
        ({"x": f"source: t\ninstances: [a]\n{SHOP}", "y": f"source: t\n{SHOP}"},
         "y.yaml:1: source 't' is declared in x.yaml:1 too"),
        ({"x": "base: shop\ninstances: [my__a, my_a]\n"},
         "x.yaml:2: source 'my_a' and source 'my__a' in x.yaml:2 are both the dataset 'my_a'"),
    ],
)  # fmt: skip
def test_wrong_accounts_are_errors_with_both_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CatalogError, match=f"^{re.escape(message)}"):
        catalog(tmp_path, shop=SHOP, **files)

"""Names of sources, resources and settings: what they become, and who else has that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import CatalogError, catalog_files, load_catalog, load_text
from analytics_sync.cli import main
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.scripted_api import item

KEY = 'dlt.secrets["api_key"]'


def write(folder: Path, name: str, *resources: dict[str, Any], **client: Any) -> Path:
    """A catalog file of the source ``name``, with a line for each key of the file."""
    folder.mkdir(exist_ok=True)
    file = folder / f"file_of_{name[:50].strip()}.yaml"
    declared = {"source": name, "client": client, "resources": resources or [item()]}
    file.write_text(json.dumps(declared, indent=0))
    return file


def param(key: str, **keys: Any) -> dict[str, Any]:
    """A resource with one parameter from a setting."""
    return item({"params": {"p": {"type": "config", "key": key, **keys}}})


def refusal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """The one message of ``check`` and of the definitions, with a user's folder."""
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    with pytest.raises(CatalogError) as error:
        load_catalog(catalog_files(folder))
    assert main(["check"]) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert message == str(error.value)
    return message.replace(f"{folder.name}/", "")


@pytest.mark.parametrize(
    ("first", "later", "what"),
    [
        ("my_shop", "my__shop", "the dataset 'my_shop'"),
        ("my_shopx", "my_shop_", "the dataset 'my_shopx'"),
        ("a_b_c", "a___b__c", "the dataset 'a_b_c'"),
        ("a__b_c", "a_b__c", "the dataset 'a_b_c'"),
        ("delivery", "delivery_", None),
        ("shop", "shop_checks", "the step 'shop_checks'"),
    ],
)
def test_sources_whose_names_become_one_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: str,
    later: str,
    what: str | None,
) -> None:
    folder = tmp_path / "catalog"
    write(folder, later).rename(folder / "z.yaml")
    if first != "delivery":
        write(folder, first)
    if what is None:
        assert later in load_catalog(catalog_files(folder))
        return
    message = refusal(folder, monkeypatch, capsys)
    assert message == (
        f"z.yaml:2: source {later!r} and source {first!r} in file_of_{first}.yaml:2 are both {what}; "
        "give one of them another name"
    )


@pytest.mark.parametrize("name", ["delivery", "ci__pipelines"])
def test_the_shipped_sources_keep_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = tmp_path / "catalog"
    file = write(folder, name)
    message = refusal(folder, monkeypatch, capsys)
    assert message.startswith(f"{file.name}:2: source {name!r} ")
    assert ".yaml:" in message.removeprefix(f"{file.name}:2")
    monkeypatch.delenv("ANALYTICS_SYNC__CATALOG_DIR")
    assert main(["check", str(file)]) == 2, "one file is compared with those that ship"
    assert capsys.readouterr().err == f"catalog/{message}\n"


def test_one_file_is_compared_with_the_users_folder_but_not_with_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "catalog"
    file = write(folder, "my_shop")
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    (folder / "wrong.yaml").write_text("source: [")
    assert main(["check", str(file)]) == 0
    other = write(tmp_path / "draft", "my__shop")
    assert main(["check", str(other)]) == 2
    assert "file_of_my_shop.yaml:2 are both the dataset 'my_shop'" in capsys.readouterr().err


def test_a_job_of_the_project_is_no_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "catalog", "everything")
    message = refusal(tmp_path / "catalog", monkeypatch, capsys)
    assert "the job 'sync_everything' is the project's own" in message


def test_sensors_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cursor = {"incremental": {"cursor_path": "at"}}
    columns = {"id": "bigint", "at": "timestamp"}
    for source, name in (("shop", "eu_items"), ("shop_eu", "items")):
        write(tmp_path / "catalog", source, item(cursor, name=name, columns=columns, sensor={}))
    message = refusal(tmp_path / "catalog", monkeypatch, capsys)
    assert "are both the sensor 'new_shop_eu_items'" in message


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (
            {"auth": {"token": 'dlt.secrets["eu__token"]'}},
            {"auth": {"token": 'dlt.secrets["token"]'}},
        ),
        (
            {"auth": {"token": 'dlt.secrets["eu.token"]'}},
            {"auth": {"token": 'dlt.secrets["token"]'}},
        ),
        ({"headers": {"X-A": {"type": "config", "key": "eu__BASE_URL"}}}, {}),
        (
            {"headers": {"X-A": 'dlt.config["EU__Api_Key"]'}},
            {"auth": {"type": "api_key", "api_key": KEY}},
        ),
        (
            {"headers": {"X-A": 'dlt.config["eu__api_key_name"]'}},
            {"auth": {"type": "api_key", "api_key": KEY}},
        ),
    ],
)
def test_a_setting_of_one_source_is_none_of_another(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: dict[str, Any],
    later: dict[str, Any],
) -> None:
    folder = tmp_path / "catalog"
    write(folder, "shop", **first)
    write(folder, "shop__eu", **later)
    message = refusal(folder, monkeypatch, capsys)
    assert "file_of_shop__eu.yaml:" in message
    assert "the setting shop__eu." in message
    assert " and the setting shop." in message
    assert " in file_of_shop.yaml:" in message
    assert "are both the variable 'SOURCES__SHOP__EU__" in message


def test_settings_of_a_resource_are_compared_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "catalog"
    by_path = item({"path": "/x/{eu__region}"})
    write(folder, "shop", by_path)
    write(folder, "shop__eu", param("region"))
    assert "SOURCES__SHOP__EU__REGION" in refusal(folder, monkeypatch, capsys)


@pytest.mark.parametrize("other", ["eu__key", "EU.key", "eu__KEY"])
def test_settings_of_one_source_have_variables_of_their_own(tmp_path: Path, other: str) -> None:
    headers = {"X-A": 'dlt.secrets["eu.key"]', "X-B": {"type": "config", "key": other}}
    with pytest.raises(CatalogError) as error:
        load_catalog([write(tmp_path, "shop", headers=headers)])
    assert str(error.value).startswith("file_of_shop.yaml:6: the settings 'eu.key' in line 5 and ")
    assert f"{other!r} are both the variable SOURCES__SHOP__EU__KEY" in str(error.value)
    shared = {"X-A": 'dlt.secrets["eu.key"]', "X-B": 'dlt.secrets["eu.key"]'}
    assert load_catalog([write(tmp_path, "shop", headers=shared)])["shop"].settings == {"eu.key": 5}


@pytest.mark.parametrize(
    ("one", "other", "table"),
    [("a_b", "a__b", "a_b"), ("tail_", "tailx", "tailx"), ("orders__items", "orders_items", None)],
)
def test_resources_of_one_table_are_refused(
    tmp_path: Path, one: str, other: str, table: str | None
) -> None:
    file = write(tmp_path, "shop", item(name=one), item(name=other))
    with pytest.raises(CatalogError) as error:
        load_catalog([file])
    lines = file.read_text().splitlines()
    line = next(i for i, text in enumerate(lines, 1) if f'"{other}"' in text)
    first = next(i for i, text in enumerate(lines, 1) if f'"{one}"' in text)
    assert str(error.value) == (
        f"{file.name}:{line}: resource {other!r}: name: {one!r} in line {first - 1} has the table "
        f"{table or other!r} too; give one of them another name"
    )


@pytest.mark.parametrize(
    "name",
    [
        "public",
        "main",
        "temp",
        "system",
        "information_schema",
        "information__schema",
        "pg_catalog",
        "pg_toast",
        "pg__x",
        "shop_staging",
        "shop__staging",
        "shop_staging_0123456789abcdef",
    ],
)
def test_reserved_datasets_are_refused(tmp_path: Path, name: str) -> None:
    file = write(tmp_path, name)
    with pytest.raises(CatalogError, match=rf"^{file.name}:2: source: source name {name!r}: the "):
        load_catalog([file])


@pytest.mark.parametrize(
    "name",
    ["mains", "publics", "page", "pgx", "staging", "staging_area", "shop_staging_0123", "system_a"],
)
def test_names_like_reserved_ones_are_accepted(tmp_path: Path, name: str) -> None:
    assert build_definitions(load_catalog([write(tmp_path, name)]))


HOSTILE = [
    "shop\n",
    "shop\nx",
    "shop ",
    " shop",
    "Shop",
    "1shop",
    "_shop",
    "shöp",
    "shop\0",
    "shop-a",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_whole_name_is_looked_at(name: str) -> None:
    def load(source: str, *resources: dict[str, Any]) -> None:
        declared = {"source": source, "client": {}, "resources": resources or [item()]}
        load_text(json.dumps(declared), name="shop", file="shop.yaml")

    is_normalised = name in ("Shop", "shop-a")  # as the name of a resource
    wrongs = [lambda: load(name), lambda: load("shop", item({"path": "/"}, name=name))]
    for wrong in wrongs[: 1 if is_normalised else 2]:
        with pytest.raises(CatalogError, match=r"expected lower_snake_case|not valid") as error:
            wrong()
        assert "\n" not in str(error.value)
    with pytest.raises(CatalogError):
        load_text(json.dumps({"client": {}, "resources": [item()]}), name=name, file="shop.yaml")


@pytest.mark.parametrize("key", ["key\n", "a\nb", "a b", "", "a\0b", "a=b", "a/b"])
def test_a_whole_name_of_a_setting_is_looked_at(tmp_path: Path, key: str) -> None:
    resolve = {"type": "resolve", "resource": "items", "field": "id", "config": key}
    child = item({"path": "/x/{p}", "params": {"p": resolve}}, name="child")
    declarations: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
        ([param(key)], {}),
        ([item(), child], {}),
        ([item({"path": f"/x/{{{key or ' '}}}"})], {}),
        ([], {"headers": {"X-A": {"type": "secret", "key": key}}}),
        ([], {"auth": {"type": "api_key", "api_key": f'dlt.secrets["{key}"]'}}),
        ([], {"auth": {"token": f"{KEY}{key}" if key else ""}}),
    ]
    for resources, client in declarations:
        with pytest.raises(CatalogError) as error:
            load_catalog([write(tmp_path, "shop", *resources, **client)])
        assert "\n" not in str(error.value)
        assert str(error.value).startswith("file_of_shop.yaml:")


def test_names_that_postgres_would_cut_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "r" * 64
    file = write(tmp_path, "shop", item({"path": "/"}, name=long))
    sources = load_catalog([file])
    assert main(["check", str(file)]) == 0
    assert build_definitions(sources)
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    capsys.readouterr()
    assert main(["check", str(file)]) == 2
    message = capsys.readouterr().err.strip()
    assert (
        f"resource {long!r} has 64 characters, and names in PostgreSQL have at most 63" in message
    )
    (spec,) = build_definitions(sources).resolve_all_asset_specs()
    assert message in str(spec.description), "the file is broken, and takes no other down"


def test_a_name_that_dlt_would_refuse_is_refused_first(tmp_path: Path) -> None:
    assert load_catalog([write(tmp_path, "s" * 64)])
    with pytest.raises(CatalogError, match="expected at most 64 characters"):
        load_catalog([write(tmp_path, "s" * 65)])

"""Tests of the JSON Schema of a catalog file: it ships as it is generated, and agrees with the loader.

In: catalog files, whole and with a change. Out: the verdict of the loader, and that of the schema.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.yaml_config import parse_yaml
from analytics_sync.catalog.loader import BUILTIN, load_text
from analytics_sync.cli import main
from analytics_sync_tests.support.paths_source import __file__ as _SUPPORT

ROOT = Path(_SUPPORT).parents[2]
SHIPPED = BUILTIN / "catalog.schema.json"
MODELINE = "# yaml-language-server: $schema=catalog.schema.json\n"
UNKNOWN = ("unknown key", "a key of dlt")

ORDERS: dict[str, Any] = {
    "name": "orders",
    "description": "One order.",
    "owners": ["team:sales"],
    "tags": {"domain": "sales"},
    "cadence": "daily",
    "docs_url": "https://docs.example.org",
    "primary_key": ["id", "shop"],
    "write_disposition": {"disposition": "merge", "strategy": "upsert"},
    "schema_contract": {"columns": "evolve"},
    "required": ["id"],
    "deletes": "none",
    "max_table_nesting": 0,
    "parallelized": True,
    "columns": {
        "id": "bigint - The number",
        "shop": {"data_type": "text", "null_as": "", "aliases": ["store"], "nullable": True},
        "at": {"data_type": "timestamp", "format": "epoch_s", "description": "When"},
    },
    "processing_steps": [
        {"filter": {"field": "id", "op": ">", "value": 1}},
        {"filter": [{"field": "shop", "op": "exists"}]},
        {"map": {"rename": {"a": "b"}, "drop": ["c"], "set": {"d": 1}}},
        {"yield_map": {"field": "lines", "include": ["id", "shop"]}},
    ],
    "endpoint": {
        "path": "orders",
        "method": "post",
        "json": {"anything": {"x": 1}},
        "params": {
            "a": 1,
            "b": ["x", "y"],
            "c": {"type": "config", "key": "c", "optional": True, "default": "1"},
        },
        "headers": {"X-A": "a", "X-B": {"type": "secret", "key": "b", "optional": True}},
        "data_selector": ["data", "items"],
        "paginator": {"type": "cursor", "cursor_path": "next", "cursor_body_path": "after"},
        "incremental": {
            "cursor_path": "at",
            "start_param": "from",
            "end_param": "to",
            "param_format": "iso",
            "max_span": "P7D",
            "lag": 3600,
            "lookback": 3,
            "range_start": "closed",
        },
        "count_path": "total",
        "error_handler": {"max_retries": 2, "retry_on_status_codes": [202]},
        "response_actions": [{"status_code": 404, "content": "none", "action": "ignore"}],
    },
}
FILE: dict[str, Any] = {
    "source": "shop",
    "description": "A shop.",
    "enabled": True,
    "schedule": "0 5 * * *",
    "start_date": "2025-01-01",
    "partitions": "daily",
    "time_zone": "Europe/Berlin",
    "lookback": "P3D",
    "retries": 2,
    "client": {
        "base_url": "https://api.example.com",
        "auth": {"type": "bearer", "token": 'dlt.secrets["token"]'},
        "headers": {"X-C": "c"},
        "paginator": "single_page",
        "error_handler": {"backoff_factor": 1.5},
        "rate_limit": {"requests": 10, "seconds": 1},
        "max_connections": 4,
    },
    "resource_defaults": {"endpoint": {"params": {"limit": 100}}},
    "resources": [
        ORDERS,
        {
            "name": "lines",
            "endpoint": {
                "path": "orders/{order}/lines",
                "params": {"order": {"type": "resolve", "resource": "orders", "field": "id"}},
                "paginator": {"type": "offset", "limit": 10, "total_path": "total"},
            },
            "primary_key": "id",
            "include_from_parent": {"order_id": "id"},
            "skip_parents": {"shop": ["x"]},
            "sensor": None,
            "columns": [
                {"name": "id", "data_type": "bigint"},
                {"name": "order_id", "data_type": "text"},
            ],
        },
        {"name": "parts", "endpoint": "parts", "primary_key": "id"},
    ],
}
# Each is accepted, as a key of the resource.
SHORT_FORMS: list[dict[str, Any]] = [
    {"primary_key": "row_hash"},
    {"write_disposition": "replace"},
    {"schema_contract": "evolve"},
    {"include_from_parent": []},
    {"columns": {"id": "bigint", "a": "text - A text", "b": {"data_type": "json"}}},
    {"columns": [{"name": "id", "data_type": "bigint", "primary_key": True}]},
    {"processing_steps": [{"yield_map": "lines"}]},
    {"endpoint": {"data_selector": []}},
    {"endpoint": {"data_selector": "$"}},
    *({"endpoint": {"paginator": name}} for name in ("single_page", "auto", "cursor", "page_number")),
    *({"endpoint": {"paginator": name}} for name in ("json_link", "header_link", "header_cursor")),
    {"endpoint": {"paginator": {"type": "offset", "limit": 1, "cursor_path": None}}},
    {"endpoint": {"params": {"x": None, "y": 1.5, "z": True}}},
    {"endpoint": {"method": "POST", "data": "a=b"}},
    {"tags": "a=b,c=d"},
    {"owners": "team:a, team:b"},
]  # fmt: skip
# Each is refused by the models, as a key of the resource.
REFUSED: list[dict[str, Any]] = [
    {"columns": {"id": "number"}},
    {"columns": {"id": "number - A text"}},
    {"columns": {"id": {"data_type": "bigint", "type": "x"}}},
    {"columns": [{"data_type": "bigint"}]},
    {"write_disposition": "append"},
    {"write_disposition": {"disposition": "merge", "strategy": "scd2"}},
    {"write_disposition": {"disposition": "merge", "key": "x"}},
    {"schema_contract": "freeze"},
    {"endpoint": {"paginator": "offset"}},
    {"endpoint": {"paginator": {"next_url_path": "next"}}},
    {"endpoint": {"paginator": {"type": "json_link", "cursor_path": "next"}}},
    {"endpoint": {"paginator": "pages"}},
    {"endpoint": {"params": {"x": {"type": "other"}}}},
    {"endpoint": {"params": {"x": {"key": "y"}}}},
    {"endpoint": {"method": "PUT"}},
    {"deletes": "hard"},
]


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    found = json.loads(SHIPPED.read_text())
    jsonschema.Draft7Validator.check_schema(found)
    return jsonschema.Draft7Validator(found)


def _data(file: Path) -> dict[str, Any]:
    return parse_yaml(file.read_text(), file.name)[0]


def _with_resource(keys: dict[str, Any]) -> dict[str, Any]:
    resource = {"name": "parts", "endpoint": "parts", "primary_key": "id", **keys}
    return {"source": "shop", "client": {}, "resources": [resource]}


def _problem(data: dict[str, Any]) -> str:
    """The loader's problem with a file; empty if it loads."""
    try:
        load_text(json.dumps(data), name="shop", file="shop.yaml")
    except CatalogError as e:
        return str(e)
    return ""


def test_the_schema_that_ships_is_the_generated_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["json-schema"]) == 0
    assert SHIPPED.read_text() == capsys.readouterr().out, "run: make json-schema"


def test_each_key_has_a_text_for_people(schema: jsonschema.Draft7Validator) -> None:
    silent = [
        f"{model}.{key}"
        for model, definition in schema.schema["$defs"].items()
        for key, found in definition.get("properties", {}).items()
        if not found.get("description", "").endswith((".", ")"))
    ]
    assert silent == []


def test_shipped_files_and_examples_agree_with_the_schema(
    schema: jsonschema.Draft7Validator,
) -> None:
    shipped = sorted(BUILTIN.glob("*.yaml"))
    assert len(shipped) == 5
    for file in (*shipped, *sorted((ROOT / "examples").glob("*.yaml"))):
        problems = [f"{e.json_path}: {e.message[:200]}" for e in schema.iter_errors(_data(file))]
        assert not problems, (file.name, problems)
    for file in shipped:
        assert file.read_text().startswith(MODELINE), file.name


def test_a_file_with_a_base_and_instances_agrees_with_the_schema(
    schema: jsonschema.Draft7Validator,
) -> None:
    assert schema.is_valid({"base": "observability", "instances": {"eu": None, "us": {}}})
    assert schema.is_valid({**FILE, "instances": ["eu", "us"]})
    assert not schema.is_valid({"base": "observability", "client": {}})
    assert not schema.is_valid({"base": "observability", "instances": {"eu": {"unheard_of": 1}}})
    assert not schema.is_valid({"source": "shop", "client": {}})


def test_a_file_with_nearly_all_keys_is_right_for_both(schema: jsonschema.Draft7Validator) -> None:
    assert _problem(FILE) == ""
    assert [e.message[:200] for e in schema.iter_errors(FILE)] == []


@pytest.mark.parametrize("keys", SHORT_FORMS, ids=str)
def test_short_forms_are_accepted_by_both(
    keys: dict[str, Any], schema: jsonschema.Draft7Validator
) -> None:
    data = _with_resource(keys)
    assert _problem(data) == ""
    assert schema.is_valid(data)


@pytest.mark.parametrize("keys", REFUSED, ids=str)
def test_wrong_forms_are_refused_by_both(
    keys: dict[str, Any], schema: jsonschema.Draft7Validator
) -> None:
    data = _with_resource(keys)
    assert _problem(data)
    assert not schema.is_valid(data)


def test_a_truth_value_in_words_is_for_the_loader_only(
    schema: jsonschema.Draft7Validator,
) -> None:
    data = {**FILE, "enabled": "yes"}
    assert _problem(data) == ""
    assert not schema.is_valid(data)


def _mappings(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all mappings in a file."""
    if isinstance(data, dict):
        inner = [p for key, value in data.items() for p in _mappings(value, (*path, key))]
        return [path, *inner]
    if isinstance(data, list):
        return [p for n, value in enumerate(data) for p in _mappings(value, (*path, n))]
    return []


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


PLACES = _mappings(FILE)
KEYS = sorted({key for place in PLACES for key in _at(FILE, place)})


def _agree(data: dict[str, Any], schema: jsonschema.Draft7Validator) -> None:
    problem, is_valid = _problem(data), schema.is_valid(data)
    if not problem:
        assert is_valid
    if any(text in problem for text in UNKNOWN):
        assert not is_valid, problem


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)) or "file")
def test_an_unknown_key_is_refused_by_both_or_by_neither(
    place: tuple[Any, ...], schema: jsonschema.Draft7Validator
) -> None:
    data = copy.deepcopy(FILE)
    _at(data, place)["unheard_of"] = "text"
    problem = _problem(data)
    is_about_the_value = "is not among the columns" in problem
    assert schema.is_valid(data) == (not problem or is_about_the_value)


@settings(max_examples=8, deadline=None)
@given(place=st.sampled_from(PLACES), key=st.sampled_from(KEYS), other=st.sampled_from(KEYS))
def test_a_key_in_another_place_is_judged_alike(
    place: tuple[Any, ...], key: str, other: str, schema: jsonschema.Draft7Validator
) -> None:
    """A key is renamed to another key of the file, or added where others stand."""
    data = copy.deepcopy(FILE)
    mapping = _at(data, place)
    mapping[other] = mapping.pop(key, "text")
    _agree(data, schema)


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_mapping_without_one_of_its_keys_is_judged_alike(
    data: st.DataObject, schema: jsonschema.Draft7Validator
) -> None:
    place = data.draw(st.sampled_from(PLACES))
    changed = copy.deepcopy(FILE)
    del _at(changed, place)[data.draw(st.sampled_from(sorted(_at(FILE, place))))]
    _agree(changed, schema)


def test_the_command_writes_a_file_and_leaves_foreign_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, foreign = tmp_path / "catalog.schema.json", tmp_path / "package.json"
    for _ in range(2):  # an older schema of ours is renewed
        assert main(["json-schema", "--out", str(ours)]) == 0
    assert ours.read_text() == SHIPPED.read_text()
    foreign.write_text("{}")
    assert main(["json-schema", "--out", str(foreign)]) == 2
    assert "package.json: holds something else" in capsys.readouterr().err
    assert foreign.read_text() == "{}"
    assert main(["json-schema", "--out", str(tmp_path / "none" / "x.json")]) == 2


def test_convert_puts_the_schema_beside_the_files_that_name_it(tmp_path: Path) -> None:
    program, out = tmp_path / "shop.py", tmp_path / "out"
    program.write_text(
        'source = rest_api_source({"client": {"base_url": "https://a.example.com"}, '
        '"resources": [{"name": "orders", "primary_key": "id", "endpoint": {"path": "orders"}}]})'
    )
    assert main(["convert", str(program), "--out", str(out), "--name", "shop"]) == 0
    assert (out / "shop.yaml").read_text().startswith(MODELINE)
    assert (out / "catalog.schema.json").read_text() == SHIPPED.read_text()

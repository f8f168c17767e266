"""Catalog files: an invalid file gets one clear message with file, line, resource and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analytics_sync.catalog import (
    CatalogError,
    catalog_files,
    load_catalog,
    load_file,
    load_text,
)

GOOD = """\
source: shop
client:
  read_timeout: 5
  auth: {type: bearer, token: 'dlt.secrets["token"]'}
  headers: {X-Team: {type: config, key: team}}
resource_defaults:
  write_disposition: merge
resources:
  - name: items
    endpoint:
      path: /items
      paginator: single_page
    primary_key: id
    columns:
      id: bigint
      at: timestamp
  - name: kids
    endpoint:
      path: /items/{item}/kids
      params:
        item: {type: resolve, resource: items, field: id}
    primary_key: id
    columns:
      id: bigint
      itemId: bigint
    required: [id]
"""


def edited(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def columns_of(text: str) -> list[tuple[str, str | None]]:
    fields = load_text(text, name="x", file="shop.yaml").resources["items"].fields
    return [(field.data_type, field.description) for field in fields]


def test_a_column_is_described_in_the_short_form_or_in_that_of_dlt() -> None:
    long = "at: {data_type: timestamp, description: 'Sold - or given, UTC'}"
    short = "at: timestamp - Sold - or given, UTC"
    expected = [("bigint", None), ("timestamp", "Sold - or given, UTC")]
    assert columns_of(edited("at: timestamp", long)) == expected
    assert columns_of(edited("at: timestamp", short)) == expected


def test_the_file_is_good_as_it_stands() -> None:
    assert [*load_text(GOOD, name="x", file="shop.yaml").resources] == ["items", "kids"]


# name -> text in GOOD, its replacement, and the line, resource, key and words of the message
WRONG: dict[str, tuple[str, str, int, str, str, str]] = {
    "unknown key at the top": ("client:\n", "clientt: {}\nclient:\n", 2, "", "clientt", "unknown key"),
    "unknown type, with a description": ("at: timestamp", "at: time - When", 16, "items", "columns.at", "'time'"),
    "unknown key in client": ("read_timeout: 5", "read_timeot: 5", 3, "", "client.read_timeot", "unknown key"),
    "unknown key in auth": ("type: bearer,", "type: bearer, kind: x,", 4, "", "client.auth.kind", "unknown key"),
    "unknown key in a header": ("key: team}", "key: team, opt: 1}", 5, "", "client.headers.X-Team.opt", "unknown key"),
    "unknown key in the defaults": (
        "write_disposition: merge", "writedisposition: merge", 7, "", "resource_defaults.writedisposition", "unknown key",
    ),
    "unknown key in a resource": (
        "required: [id]", "requires: [id]", 26, "kids", "requires", "unknown key",
    ),
    "unknown key in an endpoint": ("/items\n", "/items\n      pth: /x\n", 12, "items", "endpoint.pth", "unknown key"),
    "unknown key in a paginator": (
        "single_page", "{type: offset, limit: 5, size: 9}", 12, "items", "endpoint.paginator.size", "unknown key",
    ),
    "unknown key in a parameter": (
        "field: id}", "field: id, form: x}", 21, "kids", "endpoint.params.item.form", "unknown key",
    ),
    "unknown key in a column": (
        "at: timestamp", "at: {data_type: timestamp, tz: UTC}", 16, "items", "columns.at.tz", "unknown key",
    ),
    "no name": ("- name: items\n    endpoint:", "- endpoint:", 9, "0", "name", "expected this key"),
    "no primary key": (
        "    primary_key: id\n    columns:\n      id: bigint\n      at", "    columns:\n      id: bigint\n      at", 9, "items", "primary_key", "expected primary_key",
    ),
    "no resources": ("resources:\n", "sources: {}\nresources: []\nrest:\n", 8, "", "sources", "unknown key"),
    "no token": ("type: bearer, token: 'dlt.secrets[\"token\"]'", "type: bearer", 4, "", "client.auth.token", "expected this key"),
    "unknown paginator": ("single_page", "by_page", 12, "items", "endpoint.paginator", "expected 'single_page', 'auto'"),
    "paginator without a type": ("single_page", "{limit: 5}", 12, "items", "endpoint.paginator", "expected a mapping with 'type'"),
    "unknown data type": ("at: timestamp", "at: datetime", 16, "items", "columns.at", "'timestamp'"),
    "unknown write disposition": ("write_disposition: merge", "write_disposition: upsert", 7, "", "resource_defaults.write_disposition", "'merge' or 'replace'"),
    "append": ("write_disposition: merge", "write_disposition: append", 7, "", "resource_defaults.write_disposition", "merge"),
    "wrong type of value": ("read_timeout: 5", "read_timeout: soon", 3, "", "client.read_timeout", "'soon'"),
    "a time that cannot be": ("read_timeout: 5", "read_timeout: -1", 3, "", "client.read_timeout", "-1"),
    "key that is no column": ("primary_key: id\n    columns:\n      id: bigint\n      at", "primary_key: uid\n    columns:\n      id: bigint\n      at", 13, "items", "primary_key", "'uid' is not among the columns; known: id, at"),
    "cursor that is no column": (
        "paginator: single_page", "incremental: {cursor_path: since}", 12, "items", "endpoint.incremental.cursor_path", "'since' is not among",
    ),
    "cursor that is no time": (
        "paginator: single_page", "incremental: {cursor_path: id}", 12, "items", "endpoint.incremental.cursor_path", "timestamp or date",
    ),
    "required that is no column": ("required: [id]", "required: [name]", 26, "kids", "required", "'name' is not among"),
    "inherited that is no column": (
        "required: [id]", "include_from_parent: {up: id}", 26, "kids", "include_from_parent", "'up' is not among",
    ),
    "two fields share a column": (
        "itemId: bigint", "itemId: bigint\n      item_id: bigint", 26, "kids", "columns.item_id", "'itemId' and 'item_id' would share the column 'item_id'",
    ),
    "a field takes the column of undeclared values": (
        "itemId: bigint", "_extra: json", 25, "kids", "columns._extra", "'_extra'",
    ),
    "an undeclared key takes the column of the time of reading": (
        "    primary_key: id\n    columns:\n      id: bigint\n      at: timestamp\n", "    primary_key: _read_at\n", 13, "items", "primary_key", "'_read_at'",
    ),
    "unknown field of the parent": ("field: id}", "field: di}", 20, "kids", "endpoint.params", "'di' is not among the columns of items"),
    "unknown parent": ("resource: items,", "resource: item,", 20, "kids", "endpoint.params", "'item' is not a resource of this file; known: items, kids"),
    "its own parent": ("resource: items,", "resource: kids,", 20, "kids", "endpoint.params", "kids <- kids"),
    "two parents": (
        "field: id}", "field: id}\n        x: {type: resolve, resource: kids, field: id}", 20, "kids", "endpoint.params", "expected one parent",
    ),
    "inherits without a parent": (
        "      at: timestamp", "      at: timestamp\n    include_from_parent: {at: at}", 17, "items", "include_from_parent", "there is no parent",
    ),
    "sensor on a snapshot": ("      at: timestamp", "      at: timestamp\n    sensor: {interval_seconds: 5}", 17, "items", "sensor", "expected endpoint.incremental"),
    "same resource twice": ("name: kids", "name: items", 17, "items", "name", "declared twice"),
    "source name": ("source: shop", "source: Shop-1", 1, "", "source", "lower_snake_case"),
    "resource name": ("name: items", "name: 1tems", 9, "1tems", "name", "lower_snake_case"),
    "secret in clear": (
        "'dlt.secrets[\"token\"]'", "abc123", 4, "", "client.auth.token", 'dlt.secrets["token"]',
    ),
    "same key twice": ("read_timeout: 5", "read_timeout: 5\n  read_timeout: 6", 4, "", "", "'read_timeout' is given twice"),
    "a tag that builds an object": ("read_timeout: 5", "read_timeout: !!python/object/apply:os.getcwd []", 3, "", "", "is not plain data"),
    "a tag on a scalar": ("read_timeout: 5", "read_timeout: !!python/name:os.getcwd ''", 3, "", "", "is not plain data"),
    "a tag on a mapping": ("headers: {X", "headers: !!set {X", 5, "", "", "is not plain data"),
    "an unknown tag": ("read_timeout: 5", "read_timeout: !env X", 3, "", "", "is not plain data"),
    "a number that is none": ("read_timeout: 5", "read_timeout: !!int five", 3, "", "", "not valid YAML"),
    "a document that holds itself": ("headers: {X-Team", "headers: &x {self: *x, X-Team", 5, "", "", "this alias refers to a node that contains it"),
    "YAML that breaks off": ("required: [id]", "required: [id", 27, "", "", "not valid YAML"),
    "no regular expression": ("field: id}", "field: id, match: '(a'}", 21, "kids", "endpoint.params.item.match", "regular expression"),
    "an expression without a group": ("field: id}", "field: id, match: 'a'}", 21, "kids", "endpoint.params.item.match", "one group"),
    "path with ..": ("path: /items\n", "path: /a/../items\n", 11, "items", "endpoint.path", "without '.', '..'"),
    "path with a query": ("path: /items\n", "path: /items?a=b\n", 11, "items", "endpoint.path", "'?'"),
    "a whole URL as path": ("path: /items\n", "path: https://other.com/items\n", 11, "items", "endpoint.path", "base_url"),
    "unknown parameter format": ("single_page", "single_page\n      incremental: {cursor_path: at, param_format: unix}", 13, "items", "endpoint.incremental.param_format", "strftime"),
    "a parameter format without days": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: m, param_format: '%Y-%m'}", 13, "items", "endpoint.incremental", "step: month"),
    "month without a parameter": ("single_page", "single_page\n      incremental: {cursor_path: at, step: month}", 13, "items", "endpoint.incremental", "start_param"),
    "an unknown time zone": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, param_format: date, time_zone: Mars/Olympus}", 13, "items", "endpoint.incremental.time_zone", "IANA time zone"),
    "a time zone that the format says": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, time_zone: Europe/Berlin}", 13, "items", "endpoint.incremental.time_zone", "without an offset"),
    "a time zone without a bound": ("single_page", "single_page\n      incremental: {cursor_path: at, param_format: date, time_zone: UTC}", 13, "items", "endpoint.incremental.time_zone", "no bound is sent"),
    "a span that is no duration": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, end_param: e, max_span: 1 day}", 13, "items", "endpoint.incremental.max_span", "PT24H"),
    "a span without an end": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, max_span: P1D}", 13, "items", "endpoint.incremental.max_span", "end_param"),
    "a span shorter than its bounds": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, end_param: e, param_format: date, max_span: P1D}", 13, "items", "endpoint.incremental.max_span", "range_start: closed"),
    "a delay of a month": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, step: month, delay: 60}", 13, "items", "endpoint.incremental.delay", "no step"),
    "a delay without an end": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, delay: 60}", 13, "items", "endpoint.incremental.delay", "end_param"),
    "a range that is ajar": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, range_end: ajar}", 13, "items", "endpoint.incremental.range_end", "'open' or 'closed'"),
    "a clock of twelve hours": ("single_page", "single_page\n      incremental: {cursor_path: at, start_param: s, param_format: '%Y-%m-%d %I:%M'}", 13, "items", "endpoint.incremental.param_format", "%p"),
    "method": ("single_page", "single_page\n      method: PUT", 13, "items", "endpoint.method", "'GET'"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_message_says_what_is_wrong_and_where(name: str) -> None:
    old, new, line, resource, key, words = WRONG[name]
    with pytest.raises(CatalogError) as caught:
        load_text(edited(old, new), name="x", file="shop.yaml")
    error = caught.value
    assert words in error.message
    assert (error.line, error.resource, error.key) == (line, resource, key)
    first_line = str(error).partition("\n")[0]
    assert first_line.startswith(f"shop.yaml:{line}: ")
    assert f"resource {resource!r}" in first_line or not resource
    assert first_line.endswith(error.message)
    assert "abc123" not in first_line


@pytest.mark.parametrize(
    "text", ["", "- a\n", "just words", "{", "a: b: c", "a: 1\n---\nb: 2\n", "\x00", "\tx: 1"]
)
def test_text_that_is_no_mapping_is_no_catalog_file(text: str) -> None:
    with pytest.raises(CatalogError, match=r"^x\.yaml"):
        load_text(text, name="x", file="x.yaml")


def test_parents_in_a_circle() -> None:
    circle = edited("path: /items\n", "path: /items/{kid}\n      params: {kid: {type: resolve, resource: kids, field: id}}\n")  # fmt: skip
    with pytest.raises(CatalogError, match=r"circle: .* <- ") as caught:
        load_text(circle, name="x", file="shop.yaml")
    assert caught.value.line in (9, 12, 18, 21)
    assert caught.value.resource in {"items", "kids"}


def test_a_source_needs_a_resource() -> None:
    with pytest.raises(CatalogError, match=r"x\.yaml:2: resources: expected at least one"):
        load_text("client: {}\nresources: []\n", name="x", file="x.yaml")


def test_two_files_of_one_source(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(CatalogError, match="another name") as caught:
        load_catalog([tmp_path / "a.yaml", tmp_path / "b.yml"])
    assert "a.yaml" in str(caught.value)
    assert "b.yml" in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"source: sh\xf6p\n")
    for path in (tmp_path / "none.yaml", tmp_path / "latin.yaml", tmp_path):
        with pytest.raises(CatalogError, match=re.escape(path.name)):
            load_file(path)


def test_a_source_without_a_name_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "my_shop.yaml").write_text(GOOD.replace("source: shop\n", ""))
    source = load_file(tmp_path / "my_shop.yaml")
    assert (source.name, source.file) == ("my_shop", "my_shop.yaml")
    assert [*load_catalog(catalog_files(tmp_path))][-1] == "my_shop"


def test_keys_of_a_resource_win_over_the_defaults() -> None:
    text = GOOD.replace(
        "  write_disposition: merge\n",
        "  write_disposition: merge\n  endpoint: {params: {a: 1, b: 2}, paginator: json_link}\n",
    ).replace("      paginator: single_page\n", "      params: {b: 3}\n")
    items = load_text(text, name="x", file="x").resources["items"]
    assert (dict(items.params), items.paginator.type) == ({"a": 1, "b": 3}, "json_link")


ANCHORS = GOOD.replace(
    "columns:\n      id: bigint\n      at", "columns: &c\n      id: bigint\n      at"
)


def test_an_alias_repeats_its_anchor() -> None:
    text = ANCHORS.replace("columns:\n      id: bigint\n      itemId: bigint\n", "columns: *c\n")
    resources = load_text(text, name="x", file="x").resources
    assert [f.name for f in resources["kids"].fields] == ["id", "at"]

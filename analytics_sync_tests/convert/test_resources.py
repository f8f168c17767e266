"""Keys of resources: windows and the format of their bounds, columns, keys, and what cannot be converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.convert.converting import HEAD_LINES, convert, of_resource

CURSOR = '"cursor_path": "changed", "start_param": "since"'
BOUNDS: dict[str, Any] = {
    '"initial_value": "2026-03-01T00:00:00Z"': None,
    '"initial_value": "2026-03-01T00:00:00.000Z"': "iso_ms",
    '"initial_value": "2026-03-01"': "date",
    '"initial_value": "2026-03-01 00:00:00"': "%Y-%m-%d %H:%M:%S",
    '"initial_value": "2026-03-01T00:00:00"': "%Y-%m-%dT%H:%M:%S",
    '"initial_value": "20260301"': "%Y%m%d",
    '"initial_value": 1772323200': "epoch_s",
    '"initial_value": 1772323200000': "epoch_ms",
    '"initial_value": datetime(2026, 3, 1).isoformat()': "%Y-%m-%dT%H:%M:%S",
    '"initial_value": datetime(2026, 3, 1).strftime("%d.%m.%Y")': "%d.%m.%Y",
    '"initial_value": (datetime.now() - timedelta(days=7)).strftime("%Y/%m/%d")': "%Y/%m/%d",
    '"initial_value": f"{datetime.now() - timedelta(days=7):%Y-%m-%d}"': "%Y-%m-%d",
    '"initial_value": pendulum.now().subtract(days=3).to_date_string()': "date",
    '"initial_value": int(time.time()) - 86400': "epoch_s",
    '"initial_value": int(time.time() * 1000)': "epoch_ms",
    '"initial_value": "2026-03-01T00:00:00Z", "convert": lambda v: v[:10]': "date",
    '"initial_value": "2026-03-01T00:00:00Z", "convert": lambda v: v.split("T")[0]': "date",
    '"initial_value": "2026-03-01T00:00:00Z", "convert": lambda v: v.replace("T", " ").replace("Z", "")': "%Y-%m-%d %H:%M:%S",
    '"initial_value": "2026-03-01T00:00:00Z", "convert": lambda v: int(pendulum.parse(v).timestamp())': "epoch_s",
    '"initial_value": "2026-03-01T00:00:00Z", "convert": lambda v: int(datetime.fromisoformat(v.replace("Z", "+00:00")).timestamp() * 1000)': "epoch_ms",
    '"initial_value": "2026-03-01T00:00:00Z", "convert": to_day': "%d.%m.%Y",
    '"initial_value": 1772323200, "convert": lambda v: datetime.fromtimestamp(v, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")': "%Y-%m-%dT%H:%M:%SZ",
    '"initial_value": 1772323200, "convert": str': "epoch_s",
    '"initial_value": os.getenv("START", "2026-03-01")': "date",
}  # fmt: skip
IMPORTS = """
import time
import pendulum
from datetime import datetime, timedelta, timezone
def to_day(value):
    if value is None:
        return value
    parsed = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")
    return parsed.strftime("%d.%m.%Y")
"""


@pytest.mark.parametrize("keys", BOUNDS)
def test_the_format_of_bounds_follows_from_the_values_that_dlt_sends(
    keys: str, tmp_path: Path
) -> None:
    program = of_resource(f'"endpoint": {{"incremental": {{{CURSOR}, {keys}}}}}', before=IMPORTS)
    converted = convert(tmp_path, program)
    assert converted.said == ""
    expected = {"cursor_path": "changed", "start_param": "since"}
    expected |= {"param_format": BOUNDS[keys]} if BOUNDS[keys] else {}
    assert converted.resource("items")["endpoint"]["incremental"] == expected
    fixed = "1772323200" in keys or '"2026-03-01' in keys or "2026, 3" in keys or "20260301" in keys
    assert converted.file.get("start_date") == ("2026-03-01" if fixed else None)


def test_text_around_a_bound_becomes_a_parameter(tmp_path: Path) -> None:
    program = of_resource("""
        "endpoint": {"params": {"filter": {"type": "incremental", "cursor_path": "changed",
            "initial_value": "2026-03-01T00:00:00Z", "convert": lambda v: f"changed ge '{v[:10]}'"}}}
    """)
    endpoint = convert(tmp_path, program).resource("items")["endpoint"]
    assert endpoint["params"] == {"filter": "changed ge '{incremental.start_value}'"}
    assert endpoint["incremental"] == {"cursor_path": "changed", "param_format": "date"}


def test_a_cursor_that_counts_is_a_timestamp_of_that_unit(tmp_path: Path) -> None:
    program = of_resource(
        f'"endpoint": {{"incremental": {{{CURSOR}, "initial_value": 1772323200000}}}}, '
        '"columns": {"changed": {"data_type": "bigint"}, "total": {"data_type": "decimal"}}'
    )
    resource = convert(tmp_path, program).resource("items")
    assert resource["columns"] == {
        "total": "decimal",
        "changed": {"data_type": "timestamp", "format": "epoch_ms"},
    }
    assert resource["schema_contract"] == "evolve"


def test_columns_are_hints(tmp_path: Path) -> None:
    program = of_resource("""
        "columns": {
            "total": {"data_type": "decimal", "nullable": False, "precision": 10},
            "name": {"description": "Who bought", "data_type": "text"},
            "tags": {"data_type": "complex"}, "note": {"nullable": True},
        }
    """)
    converted = convert(tmp_path, program)
    resource = converted.resource("items")
    assert resource["columns"] == {
        "total": {"data_type": "decimal", "nullable": False},
        "name": {"data_type": "text", "description": "Who bought"}, "tags": "json",
    }  # fmt: skip
    assert "note" in converted.text.splitlines()[1]


def test_a_name_with_a_line_break_adds_no_key_to_the_file(tmp_path: Path) -> None:
    program = of_resource(r'"columns": {"a\nextra: 1\u2028other: 2": {"nullable": True}}')
    converted = convert(tmp_path, program)
    assert "the hint of column a extra: 1 other: 2 is left out" in converted.text
    assert set(converted.file) == {"source", "client", "resources"}


DISPOSITIONS = {
    "": {"primary_key": "row_hash"},
    '"write_disposition": "append"': {"primary_key": "row_hash"},
    '"write_disposition": "merge"': {"primary_key": "row_hash", "write_disposition": "merge"},
    '"write_disposition": "replace"': {"write_disposition": "replace"},
    '"write_disposition": "append", "primary_key": "id"': {"primary_key": "id"},
    '"columns": [{"name": "id", "data_type": "bigint", "primary_key": True}]': {
        "primary_key": ["id"], "columns": {"id": "bigint"}, "schema_contract": "evolve",
    },
}  # fmt: skip


@pytest.mark.parametrize("keys", DISPOSITIONS)
def test_keys_of_rows(keys: str, tmp_path: Path) -> None:
    program = f"""
        rest_api_source({{"client": {{"base_url": "https://shop.example.com"}}, "resources": [{{"name": "items", {keys}}}]}})
    """
    converted = convert(tmp_path, program)
    assert converted.said == ""
    resource = converted.resource("items")
    assert resource == {"name": "items", "endpoint": {"path": "items"}, **DISPOSITIONS[keys]}


def test_a_query_in_a_path_becomes_parameters(tmp_path: Path) -> None:
    program = of_resource(
        '"endpoint": {"path": "items/?year=2020&kind=a&kind=b", "params": {"limit": 5}}'
    )
    endpoint = convert(tmp_path, program).resource("items")["endpoint"]
    assert endpoint == {"path": "items/", "params": {"year": "2020", "kind": ["a", "b"], "limit": 5}}  # fmt: skip


CODE = {
    '"endpoint": {"params": {"day": date.today()}}': "endpoint.params.day: the time of the run",
    '"endpoint": {"params": {"day": helper()}}': "endpoint.params.day: this is code",
    '"endpoint": {"params": {"day": SIZE}}': "endpoint.params.day: SIZE comes from outside of this file",
    '"endpoint": {"paginator": Own()}': "endpoint.paginator: paginator: an object of the class Own",
    '"endpoint": {"paginator": elsewhere.OffsetPaginator(5)}': "endpoint.paginator: paginator: this is code",
    '"endpoint": {"response_actions": [print]}': "endpoint.response_actions.0: a function for responses",
    '"endpoint": {"incremental": {"cursor_path": "id", "initial_value": 0}}': "the cursor is no time",
    '"endpoint": {"incremental": {"cursor_path": "day", "initial_value": "2026-03-01", "end_value": "2026-03-05"}}': "end_value",
    '"endpoint": {"incremental": {"cursor_path": "day", "initial_value": "2026-03-01", "convert": helper}}': "convert is code",
    '"endpoint": {"incremental": {"cursor_path": "day", "initial_value": "2026-03-01", "last_value_func": min}}': "last_value_func",
    '"columns": Model': "columns are a class",
    '"endpoint": {"params": {"a": chosen}}': "endpoint.params.a: a value that depends on a choice",
    '"endpoint": {"params": added}': "endpoint.params: a value that depends on a choice",
    '"endpoint": {"json": {"a": [round(2)]}}': "endpoint.json.a.0: this is code",
    '"endpoint": {"path": f"items/{helper()}"}': "endpoint.path: this is code",
    '"endpoint": {"json": {"a": int("10", base=16)}}': "endpoint.json.a: this is code",
    '"endpoint": {"json": {"a": json.dumps([1], indent=2)}}': "endpoint.json.a: this is code",
    '"endpoint": {"paginator": {"type": ["offset"]}}': "endpoint.paginator: type",
    '"endpoint": {"paginator": {"type": "page_number", "page": [1]}}': "endpoint.paginator: input should be",
    '"columns": {"a": {"data_type": ["text"]}}': "columns.a: input should be",
    '"columns": [{"name": ["x"], "data_type": "text"}]': "is not among the columns",
    '"merge_key": "day"': "merge_key",
    '"endpoint": {"path": "items/{of}", "params": {"of": "FILL_ME_IN"}}': "endpoint.params.of: FILL_ME_IN is a gap",
}  # fmt: skip
BEFORE = """
import json
import sys
import elsewhere
from datetime import date
from settings import SIZE
from helpers import helper
class Own(paginators.BasePaginator):
    pass
class Model:
    id: int
chosen, added = 1, {}
if sys.argv[1]:
    chosen = 2
    added["b"] = 1
for name in helper():
    added.update({name: 1})
"""


@pytest.mark.parametrize("keys", CODE)
def test_what_only_a_run_could_tell_is_a_to_do_and_no_file_that_loads(
    keys: str, tmp_path: Path
) -> None:
    converted = convert(tmp_path, of_resource(keys, before=BEFORE))
    assert converted.status == 1
    assert f"shop.py:{HEAD_LINES + 1}" not in converted.said
    assert "resource 'items'" in converted.said
    assert CODE[keys] in converted.said
    (tmp_path / "shop.yaml").write_text(converted.text)
    assert "TODO" in converted.file
    assert main(["check", str(tmp_path / "shop.yaml")]) == 2


def test_all_problems_of_all_sources_are_listed_at_once(tmp_path: Path) -> None:
    program = """
        import mine
        rest_api_source({
            "client": {"base_url": "https://shop.example.com", "auth": mine.Auth()},
            "resources": [
                {"name": "a", "primary_key": "id", "endpoint": {"params": {"x": mine.x}, "pagination": "offset"}},
                {"name": "b", "primary_key": "id", "endpoint": {"paginator": {"type": "pages"}, "selector": "b"}},
                {"name": "c", "primary_key": "id", "endpoint": "b/{resources.b.id}/c"},
                {"name": "d", "primary_key": "id", "endpoint": "d"},
            ],
        }, name="first")
        rest_api_source({
            "client": {"base_url": "https://shop.example.com", "auth": {"type": "basic", "user": "x"}},
            "resources": [mine.resource, "e"],
        }, name="second")
    """
    converted = convert(tmp_path, program)
    assert converted.status == 1
    lines = [line.split(": ", 1) for line in converted.said.splitlines()]
    first = HEAD_LINES + 1
    assert [place for place, _ in lines] == [
        f"shop.py:{first + n}" for n in (2, 4, 4, 5, 5, 11, 12)
    ]
    assert [f["source"] for f in converted.files] == ["first", "second"]
    assert [len(f["TODO"]) for f in converted.files] == [5, 2]


def test_other_resources_and_later_changes_of_a_source_are_to_dos(tmp_path: Path) -> None:
    program = """
        @dlt.resource
        def other():
            yield {"id": 1}
        @dlt.source
        def shop():
            yield from rest_api_resources({"client": {"base_url": "https://shop.example.com"}, "resources": ["a"]})
            yield other
        source = shop()
        source.a.apply_hints(primary_key="id")
        dlt.pipeline("p").run(source.with_resources("a").add_limit(1))
    """
    converted = convert(tmp_path, program)
    assert converted.status == 1
    assert "the resource other in Python code" in converted.said
    assert "apply_hints changes the source afterwards" in converted.said
    assert len(converted.said.splitlines()) == 2
    assert "with_resources is left out" in converted.text


def test_no_secret_of_the_program_is_written(tmp_path: Path) -> None:
    word = "xyzzy-4711"
    for client in (
        f'"auth": BearerTokenAuth(token="{word}")', f'"auth": APIKeyAuth("X-Key", "{word}")',
        f'"auth": HttpBasicAuth("me", password="{word}")', f'"headers": {{"Authorization": "Bearer {word}"}}',
        f'"headers": {{"X-Api-Key": f"{word}"}}', f'"base_url": "https://me:{word}@shop.example.com"',
    ):  # fmt: skip
        program = f'rest_api_source({{"client": {{"base_url": "https://shop.example.com", {client}}}, "resources": ["a"]}})'
        converted = convert(tmp_path, program)
        assert converted.status == 1, client
        assert word not in converted.text + converted.said, client
        assert "a secret does not belong into a catalog file" in converted.said, client


HOSTILE = {
    "an endless loop": "def f(n):\n    return f(n + 1)\nx = f(0)",
    "many rounds": "x = [[a, b, c, d] for a in range(999) for b in range(999) for c in range(999) for d in range(999)]",
    "a long text": 'x = "a" * 10**12',
    "a text that doubles": 'x = "a"\n' + "x = x + x\n" * 60,
    "a list that doubles": "x = [1]\n" + "x = x + x\n" * 60,
    "values that multiply": "x = [1]\n" + "x = [x] * 9\n" * 20,
    "a wide number": 'x = f"{1:99999999999}"',
    "a wide format": 'x = "%99999999999d" % 1',
    "a wide pattern": 'from datetime import datetime\nx = datetime(2026, 1, 1).strftime("%99999999Y")',
    "a large power": "x = 9 ** 9 ** 9",
    "a list in itself": "x = []\nx.append(x)",
    "a replacement": 'x = ("a" * 9999).replace("a", "b" * 9999)',
    "an exit": "import sys\nsys.exit(0)\nx = 1",
}


@pytest.mark.parametrize("form", HOSTILE)
def test_a_program_that_asks_for_too_much_work_ends_soon(form: str, tmp_path: Path) -> None:
    program = of_resource('"endpoint": {"params": {"x": x}}', before=HOSTILE[form])
    converted = convert(tmp_path, program)
    assert converted.status in {0, 1, 2}
    assert "Traceback" not in converted.said
    assert len(converted.said + converted.text) < 300_000

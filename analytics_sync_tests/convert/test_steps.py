"""Functions of a record: those with a form as data become it, the others are to-dos with their line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync_tests.convert.converting import HEAD_LINES, convert, of_resource

BEFORE = """
KINDS = ["a", "b"]
LEAST = 5
def big(record):
    "Keeps large orders."
    return record["total"] >= LEAST
def plain(record):
    record.pop("internal", None)
    del record["draft"]
    record["order_id"] = record.pop("id")
    record["origin"] = "shop"
    return record
def lines(record):
    for line in record["lines"]:
        line["order_id"] = record["id"]
        yield line
def copies(record):
    for line in record.get("lines") or []:
        yield {**line, "order_id": record["order"]["id"]}
def two(record):
    if record["a"]:
        return True
    return False
"""
FILTERS: dict[str, Any] = {
    'lambda x: x["status"] == "paid"': {"field": "status", "value": "paid"},
    'lambda x: "paid" == x["status"]': {"field": "status", "value": "paid"},
    'lambda x: x["status"] != "deleted"': {"field": "status", "op": "!=", "value": "deleted"},
    'lambda x: not x["status"] == "deleted"': {"field": "status", "op": "!=", "value": "deleted"},
    'lambda x: x.get("total") > LEAST': {"field": "total", "op": ">", "value": 5},
    'lambda x: LEAST < x["total"]': {"field": "total", "op": ">", "value": 5},
    'lambda x: x["a"]["b"].get("c") is None': {"field": "a.b.c", "op": "exists", "value": False},
    'lambda x: x.get("a", {}).get("b") is not None': {"field": "a.b", "op": "exists"},
    'lambda x: x["paid"] is True': {"field": "paid", "value": True},
    'lambda x: x["kind"] in KINDS': {"field": "kind", "op": "in", "value": ["a", "b"]},
    'lambda x: x["kind"] not in ("a",)': {"field": "kind", "op": "not in", "value": ["a"]},
    'lambda x: x["kind"] == "a" or x["kind"] == "b"': {"field": "kind", "op": "in", "value": ["a", "b"]},
    'lambda x: "new" in x["tags"]': {"field": "tags", "op": "contains", "value": "new"},
    'lambda x: x["a.b"] == 1': {"field": "['a.b']", "value": 1},
    'lambda x: x.get("total", 0) > 5': {"field": "total", "op": ">", "value": 5},
    'lambda x, least=7: x["total"] > least': {"field": "total", "op": ">", "value": 7},
    "big": {"field": "total", "op": ">=", "value": 5},
    'lambda x: 1 < x["n"] <= 9 and x["kind"] == "a"': [
        {"field": "n", "op": ">", "value": 1}, {"field": "n", "op": "<=", "value": 9}, {"field": "kind", "value": "a"},
    ],
}  # fmt: skip
MAPS: dict[str, Any] = {
    "plain": [
        {"map": {"drop": ["internal"]}}, {"map": {"drop": ["draft"]}},
        {"map": {"rename": {"id": "order_id"}}}, {"map": {"set": {"origin": "shop"}}},
    ],
    'lambda x: {k: v for k, v in x.items() if k not in ["internal", "draft"]}': [{"map": {"drop": ["internal", "draft"]}}],
    'lambda x: {k: v for k, v in x.items() if k != "draft"}': [{"map": {"drop": ["draft"]}}],
    'lambda x: {**x, "origin": "shop"}': [{"map": {"set": {"origin": "shop"}}}],
    'lambda x: x | {"least": LEAST}': [{"map": {"set": {"least": 5}}}],
}  # fmt: skip
FAN_OUTS: dict[str, Any] = {
    'lambda x: x["lines"]': "lines",
    'lambda x: x.get("a", {}).get("lines", [])': "a.lines",
    "lines": {"field": "lines", "include": {"order_id": "id"}},
    "copies": {"field": "lines", "include": {"order_id": "order.id"}},
}
CODE = (
    "lambda x: x['a']", "lambda x: x['a'].lower() == 'b'", "lambda x: x['a'] == x['b']", "two", "print",
    "lambda x: x['a'] == 1 or x['b'] == 2", "lambda x: x.get('n', 9) > 5", "lambda x: x['a'] == os.getcwd()",
    "lambda x: x['day'] > now", "lambda x: len(x['a']) > 1", "lambda x, y: x['a'] == 1",
)  # fmt: skip
CODE_OF_MAPS = (
    "lambda x: {'id': x['id']}", "lambda x: {**x, 'name': x['name'].lower()}", "lambda x: x['inner']", "two",
    "lambda x: x", "lambda x: x.pop('a')", "lambda x: {k: v for k, v in x.items() if v}",
)  # fmt: skip


STEPS = [
    *(("filter", function, [{"filter": data}]) for function, data in FILTERS.items()),
    *(("map", function, steps) for function, steps in MAPS.items()),
    *(("yield_map", function, [{"yield_map": data}]) for function, data in FAN_OUTS.items()),
]


@pytest.mark.parametrize(("kind", "function", "steps"), STEPS)
def test_a_function_with_a_form_as_data_becomes_it(
    kind: str, function: str, steps: list[Any], tmp_path: Path
) -> None:
    program = of_resource(f'"processing_steps": [{{"{kind}": {function}}}]', before=BEFORE)
    converted = convert(tmp_path, program)
    assert converted.said == ""
    assert converted.resource("items")["processing_steps"] == steps


@pytest.mark.parametrize("kind", ["filter", "map"])
def test_code_is_a_to_do_with_its_line_and_the_form_to_write(kind: str, tmp_path: Path) -> None:
    for function in CODE if kind == "filter" else CODE_OF_MAPS:
        program = of_resource(f'"processing_steps": [{{"{kind}": {function}}}]', before=BEFORE)
        converted = convert(tmp_path, program)
        assert converted.status == 1, function
        line = HEAD_LINES + BEFORE.count("\n") + 3
        assert f"shop.py:{line}: resource 'items': processing_steps.0.{kind}: this {kind} is code" in converted.said, function  # fmt: skip
        assert "write it as data: {" in converted.said
        assert len(converted.file["TODO"]) == 1

"""Odd values on every kind of resource: numbers, texts, depths, encodings, keys and cursors.

In: the faults of the sandbox. Out: for each value and kind, the value in ``_extra``, the record in
``_rejected``, or an error; and right rows after the next run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.extract.result import ReadResult
from analytics_sync.sandbox import Fault, ServedResponse
from analytics_sync.sandbox import faults as f
from analytics_sync.sandbox.data.json_path import drop, put
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.day_by_day import DayByDay, cursor_path, path_of
from analytics_sync_tests.support.fault_kinds import (
    ALL_KINDS,
    CHILD_KINDS,
    KINDS,
    WINDOWED_KINDS,
    kinds_of,
    resource_of,
)
from analytics_sync_tests.support.fault_lab import (
    END,
    START,
    Case,
    Lab,
    Rows,
    extras,
    parametrize_cases,
)

# --- values of an undeclared field and of declared texts ------------------------------------------

CASES: dict[str, Case] = {}
BIG = 123456789012345678901234567890


def in_extra(value: Any, field: str = "zz_fault") -> Callable[[Rows, ReadResult, Resource], None]:
    """A check: the undeclared field is in ``_extra`` with exactly this value."""

    def check(rows: Rows, result: ReadResult, resource: Resource) -> None:
        found = [e[field] for e in extras(rows) if field in e]
        assert found
        assert all(v == value and type(v) is type(value) for v in found)

    return check


def text_in_extra(text: str) -> Callable[[Rows, ReadResult, Resource], None]:
    """A check of the undecoded ``_extra``, for values too deep for the test's parser."""

    def check(rows: Rows, result: ReadResult, resource: Resource) -> None:
        found = [row["_extra"] for row in rows if row["_extra"] and "zz_fault" in row["_extra"]]
        assert found
        assert all(text in extra for extra in found)

    return check


VALUES: dict[str, tuple[bytes, Any]] = {
    "beyond-64-bit": (str(BIG).encode(), BIG),
    "just-beyond-64-bit": (b"18446744073709551616", 2**64),
    "below-64-bit": (b"-9223372036854775809", -(2**63) - 1),
    "beyond-64-bit-inside": (b'{"a": [%d]}' % BIG, {"a": [BIG]}),
    "nan": (b"NaN", "NaN"),
    "infinity": (b"-Infinity", "-Infinity"),
    "beyond-a-double": (b"1e400", "1e400"),
    "nul": (b'"a\\u0000b"', "a\\u0000b"),
    "nul-inside": (b'{"\\u0000": ["\\u0000"]}', {"\\u0000": ["\\u0000"]}),
    "lone-surrogate": (b'"a\\ud83dz"', "a\\ud83dz"),
    "pair-of-surrogates": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "duplicate-keys": (b'1, "zz_fault": 2', 2),
    "duplicate-keys-inside": (b'{"a": 1, "a": [2]}', {"a": [2]}),
    "500-deep": (b"[" * 500 + b"]" * 500, orjson.loads(b"[" * 500 + b"]" * 500)),
    "long-text": (b'"' + b"x" * 300_000 + b'"', "x" * 300_000),
    "controls": (b'"\\u0001\\u001f\\u007f\\u2028"', "\x01\x1f\x7f\u2028"),
}
for name, (raw, value) in VALUES.items():
    CASES[name] = Case(
        lambda r, raw=raw: f.at(Fault(change=f.spliced(r, raw))), check=in_extra(value)
    )
CASES["850-deep"] = Case(
    lambda r: f.at(Fault(change=f.spliced(r, b"[" * 850 + b"]" * 850))),
    check=text_in_extra("[" * 850 + "]" * 850),
)
CASES["1100-deep"] = Case(
    lambda r: f.at(Fault(change=f.spliced(r, b"[" * 1100 + b"]" * 1100))), error="nested too deep"
)
CASES["byte-order-mark"] = Case(
    lambda _: f.at(Fault(change=lambda a: ServedResponse(200, b"\xef\xbb\xbf" + a.body, a.headers)))
)
CASES["utf-16"] = Case(
    lambda _: f.at(
        Fault(change=lambda a: ServedResponse(200, a.body.decode().encode("utf-16"), a.headers))
    ),
    error="instead of JSON",
)
CASES["latin-1"] = Case(
    lambda r: f.at(Fault(change=f.spliced(r, b'"caf\xe9"'))), error="Set client.charset"
)


def plain_texts(resource: Resource) -> list[str]:
    """Text fields that neither keys, cursors, children nor aliases depend on."""
    return [
        field.name
        for field in resource.fields
        if field.data_type == "text" and len(field.path) == 1 and not field.aliases
        if field.column not in resource.key and field.name not in resource.inherited
        if field is not resource.cursor and field.name not in {"project_slug", "type"}
    ]


def with_nul(resource: Resource) -> f.Script:
    """Every plain text has a NUL after its first character."""
    names = plain_texts(resource)

    def spoil(records: list[Any]) -> list[Any]:
        for record in records:
            for name in names:
                if isinstance(record.get(name), str):
                    record[name] = f"{record[name][:1]}\0{record[name][1:]}"
        return records

    return f.at(Fault(change=f.records_changed(resource, spoil)))


def nul_in_extra(rows: Rows, result: ReadResult, resource: Resource) -> None:
    """The text with an escaped NUL is in ``_extra``, the text without it in the column."""
    kept = 0
    for row in rows:
        extra = json.loads(row["_extra"] or "{}")
        for field in resource.fields:
            if field.name in extra:
                text = row[field.column]
                assert extra[field.name] == f"{text[:1]}\\u0000{text[1:]}"
                kept += 1
    assert kept


CASES["nul-in-declared-texts"] = Case(
    with_nul,
    {kind for kind in ALL_KINDS - CHILD_KINDS if plain_texts(resource_of(kind))},
    check=nul_in_extra,
)

FAST = {
    "beyond-64-bit": kinds_of("observability"),
    "850-deep": {"single_object"},
    "1100-deep": {"single_object"},
    "nul-in-declared-texts": kinds_of("delivery"),
}


@parametrize_cases(CASES, FAST)
def test_an_odd_value_is_kept_exactly_or_is_an_error(lab: Lab, name: str, kind: str) -> None:
    lab.assert_guarantee(CASES[name], kind)


# --- records that cannot be placed ---------------------------------------------------------------

# Without kinds whose key comes from an alias, from the parent or from a default value. An object
# without its key is not a record.
KEYED = {
    kind
    for kind in KINDS
    if len(resource_of(kind).key) == 1 and not any(x.aliases for x in resource_of(kind).fields)
    if kind not in {"single_object"}
}


def spoiled(path: tuple[str, ...], value: Any) -> Callable[[list[Any]], list[Any]]:
    """A change of the first record of each page: another value at ``path``; ``...`` removes it."""

    def spoil(records: list[Any]) -> list[Any]:
        for record in records[:1]:
            if value is ...:
                drop(record, path)
            else:
                put(record, path, value)
        return records

    return spoil


def some_rejected(rows: Rows, result: ReadResult, resource: Resource) -> None:
    assert result.rejected
    assert all(r.record for r in result.rejected)
    assert result.rows > 0
    assert len(rows) >= result.rows


PLACE_CASES: dict[str, Case] = {}
for name, value in {"missing": ..., "null": None, "an-object": {"a": 1}}.items():
    PLACE_CASES[f"key-is-{name}"] = Case(
        lambda r, v=value: f.at(
            Fault(change=f.records_changed(r, spoiled(path_of(r, r.key[0]), v)))
        ),
        KEYED - {"month_stepped"},
        check=some_rejected,
        partial=True,
    )
for name, value in {
    "missing": ..., "null": None, "unparseable": "soon", "a-bool": True, "an-object": {}, "empty": "",
}.items():  # fmt: skip
    PLACE_CASES[f"cursor-is-{name}"] = Case(
        lambda r, v=value: f.at(Fault(change=f.records_changed(r, spoiled(cursor_path(r), v)))),
        WINDOWED_KINDS - {"windowed_child", "month_stepped"},
        check=some_rejected,
        partial=True,
    )


PLACE_FAST = {"cursor-is-unparseable": WINDOWED_KINDS, "key-is-missing": {"json_link"}}


@parametrize_cases(PLACE_CASES, PLACE_FAST)
def test_a_record_that_cannot_be_placed_is_rejected_alone(lab: Lab, name: str, kind: str) -> None:
    lab.assert_guarantee(PLACE_CASES[name], kind)


def test_rejected_records_are_kept_with_their_reason(days: DayByDay) -> None:
    resource = resource_of("json_link")
    change = f.records_changed(resource, spoiled(cursor_path(resource), "soon"))
    days.sandbox.faults = f.Plan({str(resource): f.at(Fault(change=change))})
    days.load(resource, START, END, 3)
    rows = duckdb_file.query(
        days.file, 'SELECT resource, reason, record FROM "observability"."_rejected"'
    )
    assert rows
    for name, reason, record in rows:
        assert (name, reason) == ("logs", "no usable cursor attributes.timestamp")
        assert json.loads(record)["attributes"]["timestamp"] == "soon"

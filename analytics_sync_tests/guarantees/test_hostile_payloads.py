"""Hostile payloads: no response runs code, writes elsewhere, loses a value or crashes a run.

In: the payloads of ``support/hostile_payloads.py``. Out: each value in its row or its record in
``_rejected``, and nothing else written.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from analytics_sync_tests.support import hostile_payloads as hostile
from analytics_sync_tests.support.hostile_oracle import (
    difference,
    escaped,
    escaped_text,
    holds_exactly,
    must_fit,
    parse,
    same_json,
    without_spaces,
)
from analytics_sync_tests.support.hostile_warehouse import GuardedWarehouse, guarded_warehouse
from analytics_sync_tests.support.scripted_api import item

TYPED = {
    "t": "text", "n": "bigint", "x": "double", "b": "bool", "at": "timestamp", "day": "date", "m": "decimal", "j": "json", "o.a": "text",
}  # fmt: skip
WINDOWED = {"incremental": {"cursor_path": "at"}}
COLUMNS: dict[str, dict[str, str]] = {
    "typed": {"id": "text", **TYPED},
    "nested": {"id": "text", "j": "json"},
    "members": {"id": "text", "t": "text", "o.a": "text"},
    "loose": {},
    "keys": {"id": "text", "n": "text"},
    "numbers": {"id": "bigint", "n": "text"},
    "cursors": {"id": "text", "at": "timestamp"},
    "eras": {"id": "text", "at": "timestamp"},
    "records": {"id": "text"},
}
OWN_COLUMNS = {"_extra", "_read_at", "_deleted_at", "_dlt_load_id"}


def payloads() -> dict[str, dict[str, str]]:
    """The members of records as JSON, by the name of the resource and of the payload."""

    def typed(value: str) -> str:
        names = [n for n in TYPED if n != "o.a"] if len(value) < 100_000 else ["t", "j"]
        return ", ".join(f'"{n}": {value}' for n in [*names, "u"])

    def nested(value: str) -> str:
        return f', "o": {{"a": {value}, "b": {value}}}' if len(value) < 100_000 else ""

    return {
        "typed": {n: f"{typed(v)}{nested(v)}" for n, v in hostile.values().items()},
        "nested": {n: f'"j": {v}, "u": {v}' for n, v in hostile.nested().items()},
        "members": hostile.members(),
        "loose": hostile.members(),
        "keys": {n: f'"id": {v}' for n, v in hostile.keys().items()},
        "numbers": {n: f'"id": {v}' for n, v in hostile.values().items() if n.startswith("number")},
        "cursors": {n: f'"at": {v}' for n, v in hostile.cursors().items()},
        "eras": {n: f'"at": {v}' for n, v in hostile.eras().items()},
        "records": hostile.records(),
    }


def record_json(resource: str, name: str, members: str) -> str:
    """The JSON of one record; a field holds the name of its payload."""
    if resource == "records":
        return members
    marker = "n" if resource in {"keys", "numbers"} else "id"
    return f'{{"{marker}": {json.dumps(name)}, {members}}}'


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> GuardedWarehouse:
    """A warehouse with all payloads, in one load."""
    made = guarded_warehouse(request, tmp_path_factory.mktemp("hostile"), request.param)
    bodies = {
        name: f"[{','.join(record_json(name, n, v) for n, v in some.items())}]"
        for name, some in PAYLOADS.items()
    }
    bodies["records"] = bodies["records"].replace("[", '[{"id": "good"}, ', 1)
    made.load({name: body.encode() for name, body in bodies.items()}, *RESOURCES)
    return made


RESOURCES = [
    item(WINDOWED if name == "cursors" else {}, name=name, columns=columns)
    for name, columns in COLUMNS.items()
]
PAYLOADS = payloads()
EMPTY = next(n for n, value in hostile.values().items() if value == '""')


def test_every_resource_is_read_and_nothing_else_is_touched(warehouse: GuardedWarehouse) -> None:
    assert not warehouse.failures
    warehouse.assert_untouched(*COLUMNS)
    for name, columns in COLUMNS.items():
        if columns:
            declared = {c.replace(".", "__") for c in columns} | OWN_COLUMNS
            found = warehouse.tables()["shop", name]
            assert found == declared - (set() if "_deleted_at" in found else {"_deleted_at"})


def differences(
    warehouse: GuardedWarehouse, name: str, payload: str | None = None
) -> dict[str, str]:
    """What the rows of a resource lack, by the name of the payload.

    Args:
        warehouse: The warehouse.
        name: The resource.
        payload: The only payload that was loaded; None means all.
    """
    rows = {row["id"]: row for row in warehouse.rows(name)}
    assert rows.keys() == ({payload} if payload else PAYLOADS[name].keys())
    columns = {"id": "text", **COLUMNS[name]}
    check = difference_of_undeclared if name == "loose" else difference
    found = {
        n: check(columns, parse(record_json(name, n, PAYLOADS[name][n])), rows[n]) for n in rows
    }
    return {n: text for n, text in found.items() if text}


def difference_of_undeclared(_: Any, sent: dict[str, Any], row: dict[str, Any]) -> str:
    """The first value that is neither in ``_extra`` nor in a column that data has named."""
    extra = parse(row["_extra"] or "{}")
    values = [v for column, v in row.items() if column not in OWN_COLUMNS and v is not None]
    for text in [v for v in values if isinstance(v, str)]:
        with suppress(ValueError):
            values.append(parse(text))
    for key, value in sent.items():
        if escaped(key) in extra:
            is_kept = same_json(extra[escaped(key)], escaped(value))
        else:
            is_kept = value in values
        if not is_kept:
            return f"{key!r:.40}: {value!r:.40}"
    return ""


@pytest.mark.parametrize("name", ["typed", "members", "eras"])
def test_every_value_is_in_its_column_or_in_extra(warehouse: GuardedWarehouse, name: str) -> None:
    assert not differences(warehouse, name)


@pytest.mark.parametrize("warehouse", ["postgres"], indirect=True)
def test_an_empty_text_is_not_null_in_postgres(warehouse: GuardedWarehouse) -> None:
    assert warehouse.query(f"SELECT t FROM shop.typed WHERE id = '{EMPTY}'") == [("",)]


def test_deeply_nested_values_are_kept(warehouse: GuardedWarehouse) -> None:
    rows = {row["id"]: row for row in warehouse.rows("nested")}
    assert rows.keys() == PAYLOADS["nested"].keys()
    for name, value in hostile.nested().items():
        assert without_spaces(rows[name]["j"]) == escaped_text(value)
        assert without_spaces(rows[name]["_extra"]) == f'{{"u":{escaped_text(value)}}}'


@pytest.mark.parametrize("name", ["keys", "numbers", "cursors"])
def test_no_key_or_cursor_takes_the_place_of_another(
    warehouse: GuardedWarehouse, name: str
) -> None:
    marker = "id" if name == "cursors" else "n"
    path = "at" if name == "cursors" else "id"
    kind = COLUMNS[name][path]
    rows = {row[marker]: row for row in warehouse.rows(name)}
    rejected = {
        record[marker]: record
        for row in warehouse.rows("_rejected")
        if row["resource"] == name
        for record in [parse(row["record"])]
    }
    sent = {n: parse(record_json(name, n, v)) for n, v in PAYLOADS[name].items()}
    loaded = [row[path] for row in rows.values()]
    for n, record in sent.items():
        value = record[path]
        if n in rows and name == "cursors":
            assert not difference({"id": "text", "at": kind}, record, rows[n])
        elif n in rows:
            assert holds_key(kind, rows[n][path], value), n
        elif n in rejected:
            assert same_json(rejected[n], escaped(record)), n
            assert value == "" or not must_fit(kind, value), n
        else:  # another record has the same key: 1 equals 1.0, and "1" equals 1
            assert any(holds_key(kind, other, value) for other in loaded), n
    assert not rows.keys() & rejected.keys()


def holds_key(kind: str, column: Any, sent: Any) -> bool:
    """Whether a key is exactly the value that was sent; a number is a text key by its text."""
    is_number = isinstance(sent, int | float) and not isinstance(sent, bool)
    return holds_exactly(kind, column, str(sent) if kind == "text" and is_number else sent)


def test_an_element_that_is_no_record_is_rejected_whole(warehouse: GuardedWarehouse) -> None:
    assert [row["id"] for row in warehouse.rows("records")] == ["good"]
    records = [r["record"] for r in warehouse.rows("_rejected") if r["resource"] == "records"]
    assert len(records) == len(PAYLOADS["records"])
    texts = [without_spaces(record) for record in records]
    # Longer records are too deep for the parser.
    decoded = [parse(record) for record in records if len(record) < 900]
    for name, value in PAYLOADS["records"].items():
        if name.startswith("deep"):
            assert escaped_text(value) in texts
        else:
            expected = escaped(parse(value))
            assert any(same_json(record, expected) for record in decoded), name


def test_names_in_data_make_at_most_500_columns(warehouse: GuardedWarehouse) -> None:
    columns = warehouse.tables()["shop", "loose"]
    assert all(re.fullmatch(r"[a-z0-9_]{1,63}", c) for c in columns)
    assert {"select", "table", "x_drop_table_victim_accounts_x"} & columns
    assert len(columns - OWN_COLUMNS) == 500
    assert not differences(warehouse, "loose")


@pytest.mark.parametrize(
    "destination", ["duckdb", pytest.param("postgres", marks=pytest.mark.slow)]
)
def test_later_runs_do_not_exceed_500_columns(
    request: pytest.FixtureRequest, tmp_path: Path, destination: str
) -> None:
    made = guarded_warehouse(request, tmp_path, destination)
    resource = item(name="loose", columns={})
    for run in range(2):
        record = {"id": run, **{f"run {run} {i}": i for i in range(400)}}
        made.load({"loose": json.dumps([record]).encode()}, resource)
        assert not made.failures
    columns = made.tables()["shop", "loose"] - OWN_COLUMNS
    assert len(columns) == 500
    second = next(row for row in made.rows("loose") if row["id"] == 1)
    assert second["run_1_98"] == 98
    assert parse(second["_extra"]) == {f"run 1 {i}": i for i in range(99, 400)}
    made.assert_untouched("loose")


ALONE = [
    (destination, name, payload)
    for name in ("typed", "members", "loose")
    for payload in PAYLOADS[name]
    for destination in ("duckdb", "postgres")
    # Rows are copied into PostgreSQL as CSV, which only odd texts can break.
    if destination == "duckdb"
    or (name == "typed" and payload.startswith(("csv", "control", "unicode")))
]


@pytest.mark.slow
@pytest.mark.parametrize(("destination", "name", "payload"), ALONE)
def test_each_payload_alone_is_kept(
    request: pytest.FixtureRequest, tmp_path: Path, destination: str, name: str, payload: str
) -> None:
    made = guarded_warehouse(request, tmp_path, destination)
    record = record_json(name, payload, PAYLOADS[name][payload])
    made.load({name: f"[{record}]".encode()}, RESOURCES[[*COLUMNS].index(name)])
    assert not made.failures
    assert not differences(made, name, payload)
    made.assert_untouched(name)

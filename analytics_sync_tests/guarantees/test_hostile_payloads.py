"""Whatever an API answers: it cannot choose where it is written or run, no value is lost, and
nothing crashes. The payloads are in ``hostile.py``
and ``hostile_bodies.py``.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.common.errors import ExtractError
from analytics_sync_tests.support import hostile_payloads as hostile
from analytics_sync_tests.support.hostile_bodies import bodies
from analytics_sync_tests.support.hostile_oracle import (
    complaint,
    escaped,
    is_said,
    must_fit,
    parse,
    plain,
    same,
    stored,
)
from analytics_sync_tests.support.hostile_warehouse import Place, a_place
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
OURS = {"_extra", "_read_at", "_deleted_at", "_dlt_load_id"}


def payloads() -> dict[str, dict[str, str]]:
    """Records by resource and name, as JSON."""

    def typed(value: str) -> str:
        names = [n for n in TYPED if n != "o.a"] if len(value) < 100_000 else ["t", "j"]
        return ", ".join(f'"{n}": {value}' for n in [*names, "u"])

    def inner(value: str) -> str:
        return f', "o": {{"a": {value}, "b": {value}}}' if len(value) < 100_000 else ""

    return {
        "typed": {n: f"{typed(v)}{inner(v)}" for n, v in hostile.values().items()},
        "nested": {n: f'"j": {v}, "u": {v}' for n, v in hostile.nested().items()},
        "members": hostile.members(),
        "loose": hostile.members(),
        "keys": {n: f'"id": {v}' for n, v in hostile.keys().items()},
        "numbers": {n: f'"id": {v}' for n, v in hostile.values().items() if n.startswith("number")},
        "cursors": {n: f'"at": {v}' for n, v in hostile.cursors().items()},
        "eras": {n: f'"at": {v}' for n, v in hostile.eras().items()},
        "records": hostile.records(),
    }


def wire(resource: str, name: str, inside: str) -> str:
    """One record as it goes out, told from others by its name."""
    if resource == "records":
        return inside
    marker = "n" if resource in {"keys", "numbers"} else "id"
    return f'{{"{marker}": {json.dumps(name)}, {inside}}}'


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A warehouse with all payloads, in one load."""
    made = a_place(request, tmp_path_factory.mktemp("hostile"), request.param)
    answers = {
        name: f"[{','.join(wire(name, n, v) for n, v in some.items())}]"
        for name, some in PAYLOADS.items()
    }
    answers["records"] = answers["records"].replace("[", '[{"id": "good"}, ', 1)
    made.load({n: a.encode() for n, a in answers.items()}, *RESOURCES)
    return made


RESOURCES = [
    item(WINDOWED if name == "cursors" else {}, name=name, columns=columns)
    for name, columns in COLUMNS.items()
]
PAYLOADS = payloads()
EMPTY = next(n for n, value in hostile.values().items() if value == '""')


def test_every_resource_is_read_and_nothing_else_is_touched(place: Place) -> None:
    assert not place.failures
    place.assert_untouched(*COLUMNS)
    for name, columns in COLUMNS.items():
        if columns:
            declared = {c.replace(".", "__") for c in columns} | OURS
            found = place.tables()["shop", name]
            assert found == declared - (set() if "_deleted_at" in found else {"_deleted_at"})


def complaints(place: Place, name: str, only: str | None = None) -> dict[str, str]:
    """What is missing, by the name of its payload."""
    rows = {row["id"]: row for row in place.rows(name)}
    assert rows.keys() == ({only} if only else PAYLOADS[name].keys())
    columns = {"id": "text", **COLUMNS[name]}
    check = missing if name == "loose" else complaint
    found = {n: check(columns, parse(wire(name, n, PAYLOADS[name][n])), rows[n]) for n in rows}
    return {n: why for n, why in found.items() if why}


def missing(_: Any, sent: dict[str, Any], row: dict[str, Any]) -> str:
    """What is neither in ``_extra`` nor in some column, where data has named them."""
    extra = parse(row["_extra"] or "{}")
    said = [v for c, v in row.items() if c not in OURS and v is not None]
    for text in [v for v in said if isinstance(v, str)]:
        with suppress(ValueError):
            said.append(parse(text))
    for key, value in sent.items():
        here = same(extra.get(escaped(key)), escaped(value))
        if not (here if escaped(key) in extra else value in said):
            return f"{key!r:.40}: {value!r:.40}"
    return ""


@pytest.mark.parametrize("name", ["typed", "members", "eras"])
def test_every_value_is_in_its_column_or_in_extra(place: Place, name: str) -> None:
    found = complaints(place, name)
    assert not found


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_an_empty_text_is_not_null_in_postgres(place: Place) -> None:
    assert place.ask(f"SELECT t FROM shop.typed WHERE id = '{EMPTY}'") == [("",)]


def test_what_is_nested_deep_lands(place: Place) -> None:
    rows = {row["id"]: row for row in place.rows("nested")}
    assert rows.keys() == PAYLOADS["nested"].keys()
    for name, value in hostile.nested().items():
        assert plain(rows[name]["j"]) == stored(value)
        assert plain(rows[name]["_extra"]) == f'{{"u":{stored(value)}}}'


@pytest.mark.parametrize("name", ["keys", "numbers", "cursors"])
def test_no_key_or_cursor_takes_the_place_of_another(place: Place, name: str) -> None:
    marker = "id" if name == "cursors" else "n"
    path = "at" if name == "cursors" else "id"
    kind = COLUMNS[name][path]
    rows = {row[marker]: row for row in place.rows(name)}
    rejected = {
        record[marker]: record
        for row in place.rows("_rejected")
        if row["resource"] == name
        for record in [parse(row["record"])]
    }
    sent = {n: parse(wire(name, n, v)) for n, v in PAYLOADS[name].items()}
    taken = [row[path] for row in rows.values()]
    for n, record in sent.items():
        value = record[path]
        if n in rows and name == "cursors":
            assert not complaint({"id": "text", "at": kind}, record, rows[n])
        elif n in rows:
            assert is_said(kind, rows[n][path], value), n
        elif n in rejected:
            assert same(rejected[n], escaped(record)), n
            assert not must_fit(kind, value), n
        else:  # another record has said the same key: 1 and 1.0, "1" and 1
            assert any(is_said(kind, other, value) for other in taken), n
    assert not rows.keys() & rejected.keys()


def test_what_is_no_record_is_rejected_whole(place: Place) -> None:
    assert [row["id"] for row in place.rows("records")] == ["good"]
    rows = [row for row in place.rows("_rejected") if row["resource"] == "records"]
    assert len(rows) == len(PAYLOADS["records"])
    found = [plain(row["record"]) for row in rows]
    for name, value in PAYLOADS["records"].items():
        if name.startswith("deep"):
            assert stored(value) in found
        else:
            wanted = escaped(parse(value))
            assert any(same(parse(r["record"]), wanted) for r in rows if len(r["record"]) < 900), (
                name
            )


def test_data_names_columns_within_bounds(place: Place) -> None:
    columns = place.tables()["shop", "loose"]
    assert all(re.fullmatch(r"[a-z0-9_]{1,63}", c) for c in columns)
    assert {"select", "table", "x_drop_table_victim_accounts_x"} & columns
    assert len(columns - OURS) == 500
    assert not complaints(place, "loose")


@pytest.mark.parametrize("kind", ["duckdb", pytest.param("postgres", marks=pytest.mark.slow)])
def test_later_runs_do_not_get_around_the_bound(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    made = a_place(request, tmp_path, kind)
    resource = item(name="loose", columns={})
    for run in range(2):
        record = {"id": run, **{f"run {run} {i}": i for i in range(400)}}
        made.load({"loose": json.dumps([record]).encode()}, resource)
        assert not made.failures
    columns = made.tables()["shop", "loose"] - OURS
    assert len(columns) == 500
    second = next(row for row in made.rows("loose") if row["id"] == 1)
    assert second["run_1_98"] == 98
    assert parse(second["_extra"]) == {f"run 1 {i}": i for i in range(99, 400)}
    made.assert_untouched("loose")


BODIES = bodies()
Answered = tuple[Place, set[str]]


@pytest.fixture(scope="module")
def answered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Answered:
    """A warehouse after one load of a resource for each body."""
    made = a_place(request, tmp_path_factory.mktemp("bodies"), "duckdb")
    names = {f"b{n:03}": body for n, (body, _) in enumerate(BODIES.values())}
    columns = {"id": "bigint", "t": "text"}
    made.load(names, *(item(name=name, columns=columns) for name in names))
    return made, {table for schema, table in made.tables() if schema == "shop"}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_right_rows_or_an_error_that_names_the_resource(
    answered: Answered, name: str
) -> None:
    place, tables = answered
    resource, (body, ids) = f"b{[*BODIES].index(name):03}", BODIES[name]
    assert (resource in tables) == (ids is not None) == (resource not in place.failures)
    if ids is not None:
        rows = sorted(place.rows(resource), key=lambda row: row["id"])
        assert [row["id"] for row in rows] == ids
        if "deep" in name:  # and not cut anywhere
            assert plain(rows[0]["_extra"]).count("[") == body.count(b"[") - 1
        elif len(ids) == 2 and "some" not in name:
            for sent, row in zip(parse(body.decode("utf-8-sig")), rows, strict=True):
                assert not complaint({"id": "bigint", "t": "text"}, sent, row)
        return
    error = place.failures[resource]
    assert isinstance(error, ExtractError)
    assert str(error).startswith(f"shop/{resource}: ")
    assert str(error).isprintable(), "one line, which does nothing to a terminal"
    assert len(str(error)) < 700
    assert "this is a bug" not in str(error).lower()


def test_bodies_touch_nothing_else(answered: Answered) -> None:
    place, _ = answered
    place.assert_untouched(
        *(f"b{n:03}" for n, (_, i) in enumerate(BODIES.values()) if i is not None)
    )


ALONE = [
    (kind, name, payload)
    for name in ("typed", "members", "loose")
    for payload in PAYLOADS[name]
    for kind in ("duckdb", "postgres")
    # the way into PostgreSQL is CSV: there texts are the trouble
    if kind == "duckdb" or (name == "typed" and payload.startswith(("csv", "control", "unicode")))
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name", "payload"), ALONE)
def test_each_alone(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, name: str, payload: str
) -> None:
    made = a_place(request, tmp_path, kind)
    record = wire(name, payload, PAYLOADS[name][payload])
    made.load({name: f"[{record}]".encode()}, RESOURCES[[*COLUMNS].index(name)])
    assert not made.failures
    assert not complaints(made, name, payload)
    made.assert_untouched(name)

"""Rows of earlier loads: a load that replaces what it should not is an error of a check.

In: days of a report whose key comes again each day; fields that the API does not send any more. Out: the
findings of each load, which fail ``primary_key_unique`` and ``declared_schema``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckSeverity

from analytics_sync.extract.evidence.findings import DECLARED_SCHEMA, PRIMARY_KEY_UNIQUE
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_in_dagster
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.each_warehouse import every_warehouse
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = every_warehouse

MONDAY = date(2024, 7, 1)
Record = dict[str, Any]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new DuckDB file."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    return tmp_path / "w.duckdb"


def report(
    cursor: str = "day", kind: str = "date", key: Any = "id", **incremental: Any
) -> dict[str, Any]:
    """A windowed resource; the API does not filter."""
    columns = {"id": "bigint", cursor: kind, "n": "bigint", "note": "text"}
    return item(
        {"incremental": {"cursor_path": cursor, **incremental}}, columns=columns, primary_key=key
    )


def day_of(day: int) -> str:
    """The day as text: 0 is Monday."""
    return str(MONDAY + timedelta(days=day))


def sync(
    api: Api, resource: dict[str, Any], records: Sequence[Record], *days: int
) -> dict[str, list[str]]:
    """Load the records of a day, or of the days from the first to the last; return all findings."""
    api.on("/items", list(records))
    window = None
    if days:
        window = day_window(MONDAY + timedelta(days=days[0]), MONDAY + timedelta(days=days[-1] + 1))
    with ReadRun(shop(resource), window) as run:
        load(run, "run")
        assert run.failures() == {}
        return run.result("items").findings.by_check()


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize("kind", ["date", "timestamp"])
def test_a_key_that_comes_again_each_day_is_a_finding(api: Api, kind: str) -> None:
    days = [[{"id": i, "day": day_of(d), "n": d} for i in range(4)] for d in range(3)]
    wrong = report(kind=kind)
    assert sync(api, wrong, days[0], 0) == {}
    found = sync(api, wrong, days[1], 1)
    (message,) = found[PRIMARY_KEY_UNIQUE]
    assert message.startswith("4 of 4 rows replaced rows of other windows: ")
    assert "Correct primary_key [id] of resource 'items': add day" in message
    assert sync(api, wrong, days[1], 1) == {}, "the same day again replaces its own rows"
    assert PRIMARY_KEY_UNIQUE in sync(api, wrong, days[2], 2)


@pytest.mark.usefixtures("warehouse")
def test_a_key_with_its_day_is_right(api: Api) -> None:
    records = [{"id": i, "day": day_of(d), "n": d} for d in range(3) for i in range(4)]
    right = report(key=["id", "day"])
    for days in ((0,), (1,), (2,), (1,), (0, 2)):
        assert sync(api, right, records, *days) == {}


@pytest.mark.usefixtures("warehouse")
def test_a_key_without_its_day_in_a_read_of_several_days(api: Api) -> None:
    records = [{"id": i, "day": day_of(d), "n": d} for d in range(3) for i in range(4)]
    assert PRIMARY_KEY_UNIQUE in sync(api, report(), records, 0, 2)


# cursor, records of one response, the key that a record outside the day has too
BOTH_SIDES: dict[str, tuple[str, list[tuple[Any, int]], str | None]] = {
    "one key": ("day", [(1, 0), (2, 0), (2, 1)], "id=2"),
    "both keys": ("day", [(1, 0), (2, 0), (2, 1), (1, -1)], "id=1; id=2"),
    "no key of the day": ("day", [(1, 0), (2, 1), (2, -1)], None),
    "versions": ("updated_at", [(1, 0), (2, 0), (2, 1)], None),
    "no key at all": ("day", [(1, 0), (None, 0), (None, 1), ([], 0), ([], 1)], None),
}


@pytest.mark.parametrize("name", BOTH_SIDES)
def test_a_record_outside_the_window_has_the_same_key(api: Api, file: Path, name: str) -> None:
    cursor, sent, shared = BOTH_SIDES[name]
    records = [{"id": key, cursor: day_of(day)} for key, day in sent]
    found = sync(api, report(cursor), records, 0).get(PRIMARY_KEY_UNIQUE, [])
    assert bool(found) == bool(shared)
    if shared:
        assert f"for example {shared}. Correct primary_key [id]" in found[0]


def test_responses_of_different_times_prove_nothing(api: Api, file: Path) -> None:
    pages = [[{"id": 1, "day": day_of(0)}], [{"id": 1, "day": day_of(1)}], []]
    resource = report()
    resource["endpoint"]["paginator"] = {"type": "page_number", "base_page": 0}
    script: Any = lambda _, query, __: pages[int(query["page"])]  # noqa: E731
    api.on("/items", script)
    window = day_window(MONDAY, MONDAY + timedelta(days=1))
    with ReadRun(shop(resource), window) as run:
        load(run, "run")
        assert run.result("items").findings.by_check() == {}


# cursor, keys of incremental, moved records of 60, whether they show a wrong key
MOVED: dict[str, tuple[str, dict[str, Any], int, bool]] = {
    "time of creation": ("created_at", {}, 1, True),
    "time of change": ("updated_at", {}, 60, False),
    "parameter of changes": ("at", {"start_param": "updated_since"}, 60, False),
    "last time": ("lastSeen", {}, 60, False),
    "few": ("due", {}, 3, False),
    "many": ("due", {}, 4, True),
    "declared to change": ("due", {"cursor_changes": True}, 60, False),
    "declared to stay": ("due", {"cursor_changes": False}, 1, True),
    "declared against its name": ("created_at", {"cursor_changes": True}, 60, False),
}


@pytest.mark.parametrize("name", MOVED)
def test_records_that_move_to_another_window(api: Api, file: Path, name: str) -> None:
    cursor, incremental, moved, is_wrong = MOVED[name]
    resource = report(cursor, "timestamp", **incremental)
    before = [{"id": i, cursor: day_of(0)} for i in range(60)]
    after = [{"id": i, cursor: day_of(1)} for i in (*range(moved), *range(100, 160 - moved))]
    assert sync(api, resource, before, 0) == {}
    found = sync(api, resource, after, 1)
    assert (PRIMARY_KEY_UNIQUE in found) == is_wrong
    if is_wrong:
        assert found[PRIMARY_KEY_UNIQUE][0].startswith(f"{moved} of 60 rows")


def test_a_longer_window_counts_its_own_rows(api: Api, file: Path) -> None:
    resource = report("at", "timestamp", lag="P1D")
    assert sync(api, resource, [{"id": i, "at": day_of(0)} for i in range(9)], 0) == {}
    moved = [{"id": i, "at": f"{day_of(0)}T23:00:00Z"} for i in range(9)]
    assert sync(api, resource, moved, 1) == {}


def people(count: int = 30, **other: Any) -> list[Record]:
    """Records of a snapshot; a field that is ``...`` is left out."""
    fields = {"name": "x", "note": "y", **other}
    return [{"id": i, **{n: v for n, v in fields.items() if v is not ...}} for i in range(count)]


SNAPSHOT = item(columns={"id": "bigint", "name": "text", "note": {"data_type": "text", "aliases": ["memo", "a.b"]}})  # fmt: skip


@pytest.mark.usefixtures("warehouse")
def test_a_field_that_is_gone_is_a_finding(api: Api) -> None:
    assert sync(api, SNAPSHOT, people()) == {}
    found = sync(api, SNAPSHOT, people(note=...))
    (message,) = found[DECLARED_SCHEMA]
    assert message.startswith("No record has a field that 30 rows had")
    assert ": note (30). The load replaced values by null." in message
    assert sync(api, SNAPSHOT, people()) == {}


@pytest.mark.usefixtures("warehouse")
def test_columns_that_the_table_does_not_have_yet(api: Api) -> None:
    """The rows have no value of them in ``_extra`` either."""
    nothing = people(name=..., note=..., at=...)
    assert sync(api, item(), nothing) == {}
    assert sync(api, SNAPSHOT, nothing) == {}
    more = {**SNAPSHOT["columns"], "at": "date"}
    windowed = item({"incremental": {"cursor_path": "at"}}, columns=more)
    assert sync(api, windowed, people(name=..., note=..., at=day_of(0)), 0) == {}


# records of the second read, whether the field counts as gone
SECOND: dict[str, tuple[list[Record], bool]] = {
    "null": (people(note=None), False),
    "one null": ([*people(29, note=...), {"id": 30, "note": None}], True),
    "an early null": ([{"id": 30, "note": None}, *people(29, note=...)], False),
    "under an alias": (people(note=..., memo="z"), False),
    "null under an alias": (people(note=..., a=None), False),
    "an object without it": (people(note=..., a={"c": 1}), True),
    "dots": (people(note=..., **{"a.b": None}), False),
    "renamed": (people(note=..., Note="z"), True),
    "no records": ([], False),
    "two records": (people(2, note=...), True),
    "one record": (people(1, note=...), False),
}


@pytest.mark.parametrize("name", SECOND)
def test_what_counts_as_gone(api: Api, file: Path, name: str) -> None:
    records, is_gone = SECOND[name]
    assert sync(api, SNAPSHOT, people()) == {}
    assert (DECLARED_SCHEMA in sync(api, SNAPSHOT, records)) == is_gone


@pytest.mark.parametrize(("filled", "is_gone"), [(1, False), (5, False), (8, True), (300, True)])
def test_a_rare_field_is_gone_only_if_chance_is_unlikely(
    api: Api, file: Path, filled: int, is_gone: bool
) -> None:
    some = [*people(filled), *({**r, "id": r["id"] + 500} for r in people(300 - filled, note=...))]
    assert sync(api, SNAPSHOT, some) == {}
    assert (DECLARED_SCHEMA in sync(api, SNAPSHOT, people(300, note=...))) == is_gone


def events(day: int, count: int, **fields: Any) -> list[Record]:
    return [
        {"id": 1_000_000 + day * 1000 + i, "day": day_of(day), "n": 1, **fields}
        for i in range(count)
    ]


def test_a_field_that_is_gone_from_a_day_that_had_it(api: Api, file: Path) -> None:
    assert sync(api, report(), events(0, 12, note="x"), 0) == {}
    assert DECLARED_SCHEMA in sync(api, report(), events(0, 12), 0)


@pytest.mark.parametrize(("count", "is_gone"), [(19, False), (20, True)])
def test_a_new_day_needs_more_records_to_show_it(
    api: Api, file: Path, count: int, is_gone: bool
) -> None:
    assert sync(api, report(), events(0, 40, note="x"), 0) == {}
    assert (DECLARED_SCHEMA in sync(api, report(), events(1, count), 1)) == is_gone


# the day of the earlier rows, whether the field counts as gone from day 0
BESIDE = {"before": (-1, True), "after": (8, True), "far": (-60, True), "too far": (-90, False)}


@pytest.mark.parametrize("name", BESIDE)
def test_a_new_day_is_compared_with_the_nearest_days(api: Api, file: Path, name: str) -> None:
    day, is_gone = BESIDE[name]
    assert sync(api, report(), events(day, 40, note="x"), day) == {}
    found = sync(api, report(), events(0, 40), 0)
    assert (DECLARED_SCHEMA in found) == is_gone
    if is_gone:
        assert "a field that 40 rows of the windows beside it had" in found[DECLARED_SCHEMA][0]


def test_a_field_that_the_nearest_days_do_not_have_is_not_gone(api: Api, file: Path) -> None:
    assert sync(api, report(), events(0, 400, note="x"), 0) == {}
    assert DECLARED_SCHEMA in sync(api, report(), events(1, 40), 1)
    assert sync(api, report(), events(2, 40), 2) == {}, "the change was told when it came"


@pytest.mark.parametrize(("days_ago", "is_gone"), [(3, True), (60, False)])
def test_children_without_a_time_are_compared_with_rows_that_were_read_lately(
    api: Api, file: Path, days_ago: int, is_gone: bool
) -> None:
    lines = {
        "path": "/items/{item}/lines",
        "params": {"item": {"type": "resolve", "resource": "items", "field": "id"}},
    }
    columns = {"id": "bigint", "note": "text"}
    source = shop(report(), item(lines, name="lines", columns=columns))

    def found(day: int, **fields: Any) -> dict[str, list[str]]:
        api.on("/items", events(day, 1))
        key = events(day, 1)[0]["id"]
        api.on(f"/items/{key}/lines", [{"id": key + i, **fields} for i in range(20)])
        with ReadRun(
            source, day_window(MONDAY + timedelta(day), MONDAY + timedelta(day + 1))
        ) as run:
            load(run, "run")
            return run.result("lines").findings.by_check()

    assert found(0, note="x") == {}
    duckdb_file.run(file, f"UPDATE shop.lines SET _read_at = _read_at - INTERVAL {days_ago} DAY")
    assert (DECLARED_SCHEMA in found(1)) == is_gone


def test_a_new_day_may_lack_what_comes_later(api: Api, file: Path) -> None:
    """An end comes later, and so does a field that one record in ten does not have."""
    resource = report()
    resource["columns"]["ended"] = "timestamp"
    some = [*events(0, 36, note="x", ended="2024-07-01T12:00:00Z"), *events(0, 40)[36:]]
    assert sync(api, resource, some, 0) == {}
    assert sync(api, resource, events(1, 40), 1) == {}


# values of ``price``, whether no value fits
VALUES: dict[str, tuple[list[Any], bool]] = {
    "texts": (["1.50"] * 10, True),
    "few texts": (["1.50"] * 9, False),
    "texts and null": ([None, *["1.50"] * 10, None], True),
    "one number": ([*["1.50"] * 10, 1.5], False),
    "objects": ([{"amount": 1}] * 10, True),
    "null": ([None] * 30, False),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_field_of_which_no_value_fits_is_a_finding(api: Api, file: Path, name: str) -> None:
    values, is_wrong = VALUES[name]
    resource = item(columns={"id": "bigint", "price": "double"})
    found = sync(api, resource, [{"id": i, "price": v} for i, v in enumerate(values)])
    assert (DECLARED_SCHEMA in found) == is_wrong
    if is_wrong:
        assert "price as double (10 values, for example " in found[DECLARED_SCHEMA][0]


def test_the_findings_fail_the_checks(api: Api, file: Path, tmp_path: Path) -> None:
    home = make_dagster_home(tmp_path / "dagster")
    source = {"shop": shop(report())}

    def run(day: int, **fields: Any) -> dict[str, Any]:
        api.on("/items", [{"id": i, "day": day_of(day), **fields} for i in range(20)])
        result = run_in_dagster(home, source, ["shop/items"], MONDAY + timedelta(days=day))
        assert result.success is (day == 700)  # a wrong key blocks
        return {c.check_name: c for c in result.get_asset_check_evaluations()}

    checks = run(700, note="x")
    assert checks[PRIMARY_KEY_UNIQUE].passed
    assert checks[DECLARED_SCHEMA].passed
    checks = run(701)
    for name in (PRIMARY_KEY_UNIQUE, DECLARED_SCHEMA):
        assert not checks[name].passed
        assert checks[name].severity is AssetCheckSeverity.ERROR
        assert checks[name].description

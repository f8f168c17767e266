"""Records that cannot be placed, timestamps in every spelling, edges of windows, data that moves while
it is read: once is once, and what has no place is kept apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Resource
from analytics_sync.common.window import Window
from analytics_sync.sandbox import Fault, Options, Sandbox
from analytics_sync.sandbox import faults as f
from analytics_sync.sandbox.data.json_path import drop, get_or_none, put
from analytics_sync_tests.support.fault_lab import (
    CHILDREN,
    KINDS,
    PAGED,
    SOURCES,
    TINY,
    Case,
    Lab,
    ReadResult,
    Rows,
    pick,
    resource_of,
    run,
    table,
)
from analytics_sync_tests.support.oracle import actual_rows, assert_same, expected_rows

# --- records without a place ----------------------------------------------------------------------

WINDOWED = {kind for kind in KINDS if resource_of(kind).incremental}
# an alias, the parent or a stand-in may supply the key; an object without its key is no record
KEYED = {
    kind
    for kind in KINDS
    if len(resource_of(kind).key) == 1 and not any(x.aliases for x in resource_of(kind).fields)
    if kind not in {"single_object"}
}


def spoiled(path: tuple[str, ...], value: Any) -> Any:
    """The first record of each answer has something else at ``path``, or nothing."""

    def spoil(records: list[Any]) -> list[Any]:
        for record in records[:1]:
            if value is ...:
                drop(record, path)
            else:
                put(record, path, value)
        return records

    return spoil


def one_apart(rows: Rows, reading: ReadResult, resource: Resource) -> None:
    assert reading.rejected
    assert all(r.record for r in reading.rejected)
    assert reading.rows > 0
    assert len(rows) >= reading.rows


CASES: dict[str, Case] = {}
for name, value in {"missing": ..., "null": None, "an-object": {"a": 1}}.items():
    CASES[f"key-is-{name}"] = Case(
        lambda r, v=value: f.at(Fault(change=f.records_changed(r, spoiled(_path(r, r.key[0]), v)))),
        KEYED - {"month_stepped"},
        check=one_apart,
        partial=True,
    )
for name, value in {
    "missing": ..., "null": None, "unparseable": "soon", "a-bool": True, "an-object": {}, "empty": "",
}.items():  # fmt: skip
    CASES[f"cursor-is-{name}"] = Case(
        lambda r, v=value: f.at(Fault(change=f.records_changed(r, spoiled(_cursor(r), v)))),
        WINDOWED - {"windowed_child", "month_stepped"},
        check=one_apart,
        partial=True,
    )


def _path(resource: Resource, column: str) -> tuple[str, ...]:
    return next(x.path for x in resource.fields if x.column == column)


def _cursor(resource: Resource) -> tuple[str, ...]:
    assert resource.cursor is not None
    return resource.cursor.path


FAST = {"cursor-is-unparseable": WINDOWED, "key-is-missing": {"json_link"}}


@pick(CASES, FAST)
def test_records_without_a_place(lab: Lab, name: str, kind: str) -> None:
    lab.judge(CASES[name], kind)


# --- a world of its own, because its data changes ----------------------------------------------------


class Own:
    """A sandbox that serves one day after the other into a file."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, **options: Any) -> None:
        self.file = folder / "own.duckdb"
        self.sandbox = Sandbox(SOURCES, Options(**{**TINY, **options}))
        settings = self.sandbox.settings()
        for name, value in {**settings, "DESTINATION__DUCKDB__CREDENTIALS": str(self.file)}.items():
            patch.setenv(name, value)

    def days(self, resource: Resource, first: date, last: date, step: int = 1) -> None:
        day = first
        while day < last:
            after = min(day + timedelta(days=step), last)
            window = Window(_midnight(day), _midnight(after))
            failures, _ = run(SOURCES[resource.source], [resource.name], window)
            assert not failures, failures
            day = after

    def expected(self, resource: Resource, first: date, last: date) -> list[dict[str, Any]]:
        return self.sandbox.ledger(resource.source).expected(resource.name, first, last)

    def table(self, resource: Resource) -> Rows:
        return table(self.file, resource)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Own]:
    made = Own(tmp_path, monkeypatch)
    with made.sandbox:
        yield made


CUT = sorted(WINDOWED - CHILDREN - {"month_stepped"})
START, END = TINY["start"], TINY["end"]
assert isinstance(START, date)
assert isinstance(END, date)
EDGE = START + timedelta(days=1)


def spellings(kind: str) -> dict[str, str]:
    """Instants around midnight between two days, as a server might spell them."""
    day, before = f"{EDGE}", f"{START}"
    return {
        "midnight": f"{day}T00:00:00Z",
        "the-same-midnight": f"{day}T00:00:00Z",
        "midnight-with-offset": f"{day}T02:00:00+02:00",
        "midnight-behind": f"{before}T19:00:00-05:00",
        "midnight-with-fraction": f"{day}T00:00:00.000Z",
        "a-microsecond-before": f"{before}T23:59:59.999999Z",
        "a-millisecond-before": f"{before}T23:59:59.999Z",
        "a-millisecond-after": f"{day}T00:00:00.001+00:00",
        "looks-like-the-day-before": f"{before}T23:30:00-01:00",
        "looks-like-the-day-after": f"{day}T00:30:00+01:00",
        "half-hour-zone": f"{day}T05:30:00+05:30",
    }


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k == "json_link" else pytest.mark.slow) for k in CUT]
)
@pytest.mark.parametrize("step", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_edges_of_windows(own: Own, kind: str, step: int) -> None:
    """Records on and around midnight, in all spellings: each in one day, whatever the days are."""
    resource = resource_of(kind)
    ledger = own.sandbox.ledger(resource.source)
    served = ledger.records(resource.name)
    for version, stamp in zip(served, spellings(kind).values(), strict=False):
        record = version.record
        key = tuple(get_or_none(record, _path(resource, k)) for k in resource.key)
        value: Any = stamp
        if resource.cursor is not None and resource.cursor.format == "epoch_ms":
            value = int(datetime.fromisoformat(stamp).timestamp() * 1000)
        ledger.update(resource.name, key, {".".join(_cursor(resource)): value})
    own.days(resource, START, END, step)
    assert assert_same(resource, own.table(resource), own.expected(resource, START, END)) >= 12
    # a day that is read again changes nothing
    before = [{**row, "_dlt_load_id": None, "_read_at": None} for row in own.table(resource)]
    own.days(resource, EDGE, EDGE + timedelta(days=1))
    assert [
        {**row, "_dlt_load_id": None, "_read_at": None} for row in own.table(resource)
    ] == before


CLOCKS = {"spring": date(2025, 3, 30), "autumn": date(2025, 10, 26), "leap": date(2024, 2, 29),
          "new-year": date(2024, 12, 31), "end-of-month": date(2025, 4, 30)}  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=() if k == "windowed_by_server" else pytest.mark.slow) for k in (*CUT, "month_stepped")],
)  # fmt: skip
@pytest.mark.parametrize("name", CLOCKS)
def test_days_of_clock_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    """Local clocks jump, months and years end: a day is 24 hours UTC all the same."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    day = CLOCKS[name]
    first, last = day - timedelta(days=1), day + timedelta(days=2)
    made = Own(tmp_path, monkeypatch, start=first, end=last)
    resource = resource_of(kind)
    with made.sandbox:
        made.days(resource, first, last)
        assert assert_same(resource, made.table(resource), made.expected(resource, first, last))


MOVING = sorted(PAGED - {"month_stepped"})


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        pytest.param(what, kind, id=f"{what}-on-{kind}",
                     marks=() if kind in {"page_number", "json_link"} else pytest.mark.slow)
        for what in ("inserted", "deleted", "updated")
        for kind in MOVING
    ],
)  # fmt: skip
def test_data_that_moves_while_it_is_paged(own: Own, what: str, kind: str) -> None:
    """Between the first page and the second: nothing that stood still is lost or doubled."""
    resource = resource_of(kind)
    ledger = own.sandbox.ledger(resource.source)
    source = SOURCES[resource.source]
    window = Window(_midnight(START), _midnight(END))
    assert not run(source, [resource.name], window)[0]
    still = own.expected(resource, START, END)
    done: list[Any] = []

    def move(request: Any, number: int) -> None:
        if number != 2:
            return
        records = ledger.records(resource.name)
        keys = [tuple(get_or_none(v.record, _path(resource, k)) for k in resource.key) for v in records]
        if what == "deleted":
            ledger.delete(resource.name, keys[0])
            done.append(keys[0])
        elif what == "inserted":
            record = records[5].record
            for part in resource.key:
                put(record, _path(resource, part), "000-new")
                for alias in next(x for x in resource.fields if x.column == part).aliases:
                    drop(record, alias)
            ledger.add(resource.name, record)
            done.append(("000-new",) * len(resource.key))
        else:
            text = next(
                x for x in resource.fields
                if x.data_type == "text" and x.column not in resource.key and not x.aliases
                and x is not resource.cursor and len(x.path) == 1
            )  # fmt: skip
            ledger.update(resource.name, keys[0], {text.name: "moved"})
            done.append(keys[0])

    own.sandbox.faults = f.Plan({str(resource): move})
    failures, _ = run(source, [resource.name], window)
    own.sandbox.faults = None
    assert not failures, failures
    assert done
    have = actual_rows(resource, own.table(resource))
    for key, row in expected_rows(resource, still).items():
        if not any(part == gone for part, gone in zip(key, done[0], strict=False)):
            assert have[key] == row
    assert not run(source, [resource.name], window)[0]
    have = actual_rows(resource, own.table(resource))
    want = expected_rows(resource, own.expected(resource, START, END))
    assert {key: have.get(key) for key in want} == want
    # what the API no longer lists may stay; nothing else may
    assert len(set(have) - set(want)) <= (1 if what == "deleted" else 0)


def test_rejected_records_are_kept_with_their_reason(own: Own) -> None:
    resource = resource_of("json_link")
    change = f.records_changed(resource, spoiled(_cursor(resource), "soon"))
    own.sandbox.faults = f.Plan({str(resource): f.at(Fault(change=change))})
    own.days(resource, START, END, 3)
    import duckdb

    with duckdb.connect(str(own.file), read_only=True) as connection:
        rows = connection.execute(
            'SELECT resource, reason, record FROM "observability"."_rejected"'
        ).fetchall()
    assert rows
    for name, reason, record in rows:
        assert (name, reason) == ("logs", "no usable cursor attributes.timestamp")
        assert json.loads(record)["attributes"]["timestamp"] == "soon"

"""Windows of time: instants in every spelling, special days, and data that changes during a read.

In: the sandbox, with changed records. Out: each record is in exactly one window, and no unchanged
record is lost.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Resource
from analytics_sync.sandbox import Request
from analytics_sync.sandbox import faults as f
from analytics_sync.sandbox.data.json_path import drop, put
from analytics_sync_tests.support.day_by_day import DayByDay, cursor_path, key_of
from analytics_sync_tests.support.fault_kinds import (
    CHILD_KINDS,
    PAGED_KINDS,
    SOURCES,
    WINDOWED_KINDS,
    resource_of,
)
from analytics_sync_tests.support.fault_lab import END, START, WINDOW, run, without_load
from analytics_sync_tests.support.oracle import actual_rows, assert_same, expected_rows

FILTERED = sorted(WINDOWED_KINDS - CHILD_KINDS - {"month_stepped"})
SECOND_DAY = START + timedelta(days=1)


def midnight_spellings() -> list[str]:
    """Instants at and around midnight between the first two days, as servers spell them."""
    day, before = SECOND_DAY, START
    return [
        f"{day}T00:00:00Z",
        f"{day}T00:00:00Z",  # two records at the same instant
        f"{day}T02:00:00+02:00",
        f"{before}T19:00:00-05:00",
        f"{day}T00:00:00.000Z",
        f"{before}T23:59:59.999999Z",
        f"{before}T23:59:59.999Z",
        f"{day}T00:00:00.001+00:00",
        f"{before}T23:30:00-01:00",  # on the second day in UTC
        f"{day}T00:30:00+01:00",  # on the first day in UTC
        f"{day}T05:30:00+05:30",
    ]


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k == "json_link" else pytest.mark.slow) for k in FILTERED]
)
@pytest.mark.parametrize("step", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_record_at_midnight_is_in_exactly_one_window(
    days: DayByDay, kind: str, step: int
) -> None:
    resource = resource_of(kind)
    ledger = days.sandbox.ledger(resource.source)
    records = [version.record for version in ledger.records(resource.name)]
    for record, spelling in zip(records, midnight_spellings(), strict=False):
        value: Any = spelling
        if resource.cursor is not None and resource.cursor.format == "epoch_ms":
            value = int(datetime.fromisoformat(spelling).timestamp() * 1000)
        changes = {".".join(cursor_path(resource)): value}
        ledger.update(resource.name, key_of(resource, record), changes)
    days.load(resource, START, END, step)
    assert assert_same(resource, days.table(resource), days.expected(resource, START, END)) >= 12
    before = without_load(days.table(resource))
    days.load(resource, SECOND_DAY, SECOND_DAY + timedelta(days=1))
    assert without_load(days.table(resource)) == before, "a second read of a day changes nothing"


SPECIAL_DAYS = {
    "spring": date(2025, 3, 30),
    "autumn": date(2025, 10, 26),
    "leap": date(2024, 2, 29),
    "new-year": date(2024, 12, 31),
    "end-of-month": date(2025, 4, 30),
}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(k, marks=() if k == "windowed_by_server" else pytest.mark.slow)
        for k in (*FILTERED, "month_stepped")
    ],
)
@pytest.mark.parametrize("name", SPECIAL_DAYS)
def test_a_day_is_24_utc_hours_when_local_clocks_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    """The same holds at the end of a month, of a year and of a leap year's February."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    day = SPECIAL_DAYS[name]
    first, end = day - timedelta(days=1), day + timedelta(days=2)
    days = DayByDay(tmp_path, monkeypatch, start=first, end=end)
    resource = resource_of(kind)
    with days.sandbox:
        days.load(resource, first, end)
        assert assert_same(resource, days.table(resource), days.expected(resource, first, end))


class ChangeOnSecondPage:
    """A script of the sandbox: one record changes when the second page is requested.

    Args:
        days: The sandbox.
        resource: The resource that is read.
        change: ``inserted``, ``deleted`` or ``updated``.
    """

    def __init__(self, days: DayByDay, resource: Resource, change: str) -> None:
        self._ledger = days.sandbox.ledger(resource.source)
        self._resource = resource
        self._change = getattr(self, f"_{change}")
        self.key: tuple[Any, ...] = ()
        """The key of the record, once it has changed."""

    def __call__(self, _: Request, number: int) -> None:
        if number == 2:
            records = [v.record for v in self._ledger.records(self._resource.name)]
            self.key = self._change(records)

    def _deleted(self, records: list[Any]) -> tuple[Any, ...]:
        key = key_of(self._resource, records[0])
        self._ledger.delete(self._resource.name, key)
        return key

    def _inserted(self, records: list[Any]) -> tuple[Any, ...]:
        record = records[5]
        for field in self._resource.fields:
            if field.column in self._resource.key:
                put(record, field.path, "000-new")
                for alias in field.aliases:
                    drop(record, alias)
        self._ledger.add(self._resource.name, record)
        return ("000-new",) * len(self._resource.key)

    def _updated(self, records: list[Any]) -> tuple[Any, ...]:
        resource = self._resource
        text = next(
            x for x in resource.fields
            if x.data_type == "text" and x.column not in resource.key and not x.aliases
            and x is not resource.cursor and len(x.path) == 1
        )  # fmt: skip
        key = key_of(resource, records[0])
        self._ledger.update(resource.name, key, {text.name: "moved"})
        return key


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        pytest.param(
            change,
            kind,
            id=f"{change}-on-{kind}",
            marks=() if kind in {"page_number", "json_link"} else pytest.mark.slow,
        )
        for change in ("inserted", "deleted", "updated")
        for kind in sorted(PAGED_KINDS - {"month_stepped"})
    ],
)
def test_no_unchanged_record_is_lost_when_data_changes_between_two_pages(
    days: DayByDay, change: str, kind: str
) -> None:
    resource = resource_of(kind)
    source = SOURCES[resource.source]
    assert not run(source, [resource.name], WINDOW)[0]
    before = days.expected(resource, START, END)
    script = ChangeOnSecondPage(days, resource, change)
    days.sandbox.faults = f.Plan({str(resource): script})
    failures, _ = run(source, [resource.name], WINDOW)
    days.sandbox.faults = None
    assert not failures, failures
    assert script.key
    actual = actual_rows(resource, days.table(resource))
    for key, row in expected_rows(resource, before).items():
        if not any(part == changed for part, changed in zip(key, script.key, strict=False)):
            assert actual[key] == row
    assert not run(source, [resource.name], WINDOW)[0]
    actual = actual_rows(resource, days.table(resource))
    expected = expected_rows(resource, days.expected(resource, START, END))
    assert {key: actual.get(key) for key in expected} == expected
    # The row of the deleted record may stay, and no other.
    assert len(set(actual) - set(expected)) <= (1 if change == "deleted" else 0)

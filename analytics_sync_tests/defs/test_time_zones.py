"""Partitions of an hour, a day, a week and a month, in zones that change their clocks.

Each run reads the sandbox over HTTP. The tables must then hold exactly the records of the partitions, as
the ledger and ``zoneinfo`` count them: a day has 23 or 25 hours, and an hour may come twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    ExecuteInProcessResult,
    TimeWindowPartitionsDefinition,
    build_schedule_context,
)

from analytics_sync.catalog import load_text
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support import postgres_server
from analytics_sync_tests.support.dagster_runs import run_in_dagster, table_specs
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.world import World

ZONED = """
source: zoned
start_date: 2025-01-01
client: {}
resource_defaults: {primary_key: id}
resources:
  - name: events
    endpoint: {path: v1/events, data_selector: data, paginator: {type: offset, limit: 40, cursor_path: null},
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: iso_ms}}
    columns: {id: text, at: timestamp, note: text}
  - name: notes
    endpoint: {path: "v1/events/{event}/notes", data_selector: data, paginator: single_page,
      params: {event: {type: resolve, resource: events, field: id}}}
    include_from_parent: {event: id}
    columns: {id: text, event: text}
"""
REPORTS = """
  - name: reports
    endpoint: {path: v1/reports, data_selector: data, paginator: {type: offset, limit: 40, cursor_path: null},
      incremental: {cursor_path: day, start_param: from, end_param: to, param_format: date, time_zone: UTC}}
    columns: {id: text, day: date, total: bigint}
"""
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
STALE = {"freshness"}  # the days of these tests are long past
SPRING, AUTUMN = date(2025, 3, 30), date(2025, 10, 26)  # when Berlin changes its clocks


@pytest.fixture
def zoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zoned]:
    place = Zoned(tmp_path, monkeypatch)
    yield place
    place.close()


class Zoned:
    """A source with partitions of a test, on a sandbox with the days of the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._world: World | None = None

    def serve(
        self, partitions: str, zone: str, day: date, *, days: int = 3, more: str = ""
    ) -> World:
        """Serve the days around a day, 60 records each."""
        keys = f"partitions: {partitions}\ntime_zone: {zone}\n"
        source = load_text(keys + ZONED + more, name="zoned", file="zoned.yaml")
        start, end = day - timedelta(days=days), day + timedelta(days=days)
        sizes = {"rows_per_day": 60, "rows_per_parent": 1, "max_page": 40, "max_chain": 0}
        world = World(self._folder, {"zoned": source}, start=start, end=end, **sizes)
        self._world = world.__enter__()
        for name, value in world.environment.items():
            self._monkeypatch.setenv(name, value)
        return world

    def close(self) -> None:
        if self._world is not None:
            self._world.__exit__(None, None, None)


def load(
    world: World, first: str, last: str = "", *, assets: tuple[str, ...] = ("events",)
) -> ExecuteInProcessResult:
    """Load a range of partitions, by their keys."""
    names = [f"zoned/{name}" for name in assets]
    result = run_in_dagster(world.home, world.sources, names, first, last or None)  # type: ignore[arg-type]
    assert result.success
    return result


def check(world: World, start: datetime, end: datetime, *assets: str) -> None:
    """The tables hold the records of [start, end), and no others."""
    for name in assets or ("events",):
        resource = world.sources["zoned"].resources[name]
        records = world.expected(f"zoned/{name}", start, end)
        assert records, "the window has records"
        assert_same(resource, world.table(f"zoned/{name}"), records)


def local(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[misc, arg-type]


@pytest.mark.slow
def test_the_hour_before_a_change_is_followed_by_the_hour_after_it(zoned: Zoned) -> None:
    world = zoned.serve("hourly", BERLIN, SPRING)
    load(world, "2025-03-30-01:00", "2025-03-30-03:00", assets=("events", "notes"))
    start = datetime(2025, 3, 30, 0, tzinfo=UTC)
    check(world, start, start + timedelta(hours=2), "events", "notes")


def test_an_hour_that_comes_twice_is_two_partitions(zoned: Zoned) -> None:
    world = zoned.serve("hourly", BERLIN, AUTUMN)
    start, hour = datetime(2025, 10, 26, 0, tzinfo=UTC), timedelta(hours=1)
    first, second = hours_named(world, "2025-10-26-02:00")
    load(world, first)
    check(world, start, start + hour)
    load(world, second)
    check(world, start, start + 2 * hour)


@pytest.mark.slow
def test_all_hours_of_a_long_day_are_one_run_and_each_is_materialized(zoned: Zoned) -> None:
    world = zoned.serve("hourly", BERLIN, AUTUMN)
    load(world, "2025-10-26-00:00", "2025-10-26-23:00")
    check(world, local(BERLIN, 2025, 10, 26), local(BERLIN, 2025, 10, 27))
    with DagsterInstance.from_config(str(world.home)) as instance:
        done = instance.get_materialized_partitions(AssetKey(["zoned", "events"]))
    assert len(done) == 25


@pytest.mark.slow
@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [(BERLIN, SPRING, 23), (BERLIN, AUTUMN, 25), ("America/Santiago", date(2025, 9, 7), 23)],
    ids=["spring", "autumn", "no midnight"],
)
def test_a_day_has_the_hours_that_its_zone_gives_it(
    zoned: Zoned, zone: str, day: date, hours: int
) -> None:
    world = zoned.serve("daily", zone, day)
    after = day + timedelta(days=1)
    start, end = local(zone, *day.timetuple()[:3]), local(zone, *after.timetuple()[:3])
    assert end - start == timedelta(hours=hours)
    load(world, str(day))
    check(world, start, end)
    load(world, str(after))
    check(world, start, local(zone, *(day + timedelta(days=2)).timetuple()[:3]))


@pytest.mark.slow
def test_a_week_begins_on_monday_and_a_month_on_its_first_day(zoned: Zoned) -> None:
    world = zoned.serve("weekly", BERLIN, SPRING, days=10)
    load(world, "2025-03-24")
    check(world, local(BERLIN, 2025, 3, 24), local(BERLIN, 2025, 3, 31))


@pytest.mark.slow
def test_a_month_with_a_change_of_clocks(zoned: Zoned) -> None:
    world = zoned.serve("monthly", BERLIN, AUTUMN, days=40)
    load(world, "2025-10-01")
    check(world, local(BERLIN, 2025, 10, 1), local(BERLIN, 2025, 11, 1))


def test_a_date_is_the_day_of_the_partition_in_any_zone(zoned: Zoned) -> None:
    """West of Greenwich, a date read as midnight UTC would lie in the partition of the day before."""
    world = zoned.serve("daily", NEW_YORK, date(2025, 11, 2), more=REPORTS)
    result = load(world, "2025-11-02", "2025-11-03", assets=("events", "reports"))
    assert {e.check_name for e in result.get_asset_check_evaluations() if not e.passed} <= STALE
    check(world, datetime(2025, 11, 2, tzinfo=UTC), datetime(2025, 11, 4, tzinfo=UTC), "reports")
    check(world, local(NEW_YORK, 2025, 11, 2), local(NEW_YORK, 2025, 11, 4))
    assert {row["day"] for row in world.table("zoned/reports")} == {
        date(2025, 11, 2),
        date(2025, 11, 3),
    }


@pytest.mark.parametrize(
    ("partitions", "tick", "newest"),
    [
        ("hourly", datetime(2025, 10, 26, 1, 15, tzinfo=UTC), "2025-10-26-02:00"),
        ("hourly", datetime(2025, 10, 26, 2, 15, tzinfo=UTC), "2025-10-26-02:00+0100"),
        ("hourly", datetime(2025, 3, 30, 2, 15, tzinfo=UTC), "2025-03-30-03:00"),
        ("daily", local(BERLIN, 2025, 3, 31, 2, 15), "2025-03-30"),
        ("weekly", local(BERLIN, 2025, 3, 31, 2, 15), "2025-03-24"),
        ("monthly", local(BERLIN, 2025, 11, 1, 2, 15), "2025-10-01"),
    ],
)
def test_a_schedule_reads_the_newest_partition_that_is_over(
    partitions: str, tick: datetime, newest: str
) -> None:
    keys = f"partitions: {partitions}\ntime_zone: {BERLIN}\n"
    defs = build_definitions({"zoned": load_text(keys + ZONED, name="zoned", file="zoned.yaml")})
    schedule = defs.resolve_schedule_def(f"{partitions}_zoned")
    with DagsterInstance.ephemeral() as instance:
        context = build_schedule_context(
            instance=instance,
            scheduled_execution_time=tick,
            repository_def=defs.get_repository_def(),
        )
        requests = schedule.evaluate_tick(context).run_requests
    assert requests
    assert requests[0].partition_key == newest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value", "first"),
    [("PARTITIONS", "weekly", "2025-03-24"), ("TIME_ZONE", NEW_YORK, "2025-03-29")],
)
def test_a_partition_that_has_grown_is_not_taken_for_read(
    zoned: Zoned, monkeypatch: pytest.MonkeyPatch, key: str, value: str, first: str
) -> None:
    """A Monday has the key of its week, and a day the key of the day in another zone.

    Dagster shows the partition as materialized after the change. The check finds what is missing.
    """
    world = zoned.serve("daily", BERLIN, SPRING)
    load(world, first)
    monkeypatch.setenv(f"SOURCES__ZONED__{key}", value)
    checks = load(world, "2025-03-31").get_asset_check_evaluations()
    failed = {e.check_name: str(e.description) for e in checks if not e.passed}
    assert failed.keys() - STALE == {"history"}
    assert first in failed["history"]
    load(world, first)
    checks = load(world, "2025-03-31").get_asset_check_evaluations()
    assert {e.check_name for e in checks if not e.passed} <= STALE


@pytest.mark.slow
def test_the_command_line_takes_the_second_of_two_hours(
    zoned: Zoned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = zoned.serve("hourly", BERLIN, AUTUMN)
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis" / "zoned.yaml").write_text(ZONED)
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(tmp_path / "apis"))
    monkeypatch.setenv("SOURCES__ZONED__PARTITIONS", "hourly")
    monkeypatch.setenv("SOURCES__ZONED__TIME_ZONE", BERLIN)
    module = ("-m", "analytics_sync.definitions")
    select = ("dagster", "asset", "materialize", "--select", "zoned/events")
    world.command(*select, "--partition", "2025-10-26-02:00+0100", *module)
    start, hour = datetime(2025, 10, 26, 1, tzinfo=UTC), timedelta(hours=1)
    check(world, start, start + hour)
    hours = "2025-10-26-01:00...2025-10-26-03:00"
    world.command(*select, "--partition-range", hours, *module)
    check(world, start - 2 * hour, start + 2 * hour)


@pytest.mark.slow
def test_an_hour_that_comes_twice_in_postgres(
    zoned: Zoned, monkeypatch: pytest.MonkeyPatch, postgres: Postgres
) -> None:
    world = zoned.serve("hourly", BERLIN, AUTUMN)
    address = postgres.database()
    for name, value in postgres_server.settings(address).items():
        monkeypatch.setenv(name, value)
    start, hour = datetime(2025, 10, 26, 0, tzinfo=UTC), timedelta(hours=1)
    for number, key in enumerate(hours_named(world, "2025-10-26-02:00"), 1):
        load(world, key)
        records = world.expected("zoned/events", start, start + number * hour)
        events = world.sources["zoned"].resources["events"]
        assert_same(events, postgres_server.table(address, "zoned/events"), records)


def hours_named(world: World, name: str) -> list[str]:
    """The keys of the partitions that begin at a local hour."""
    spec = next(iter(table_specs(build_definitions(world.sources))))
    assert isinstance(spec.partitions_def, TimeWindowPartitionsDefinition)
    return [key for key in spec.partitions_def.get_partition_keys() if key.startswith(name)]

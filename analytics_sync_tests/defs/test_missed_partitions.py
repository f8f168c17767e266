"""No holes: the schedule requests the days that Dagster's history shows as missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, RunRequest

from analytics_sync.catalog import CatalogError, load_text
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.dagster_runs import (
    make_dagster_home,
    metadata,
    module_instance,
    step_failure,
)
from analytics_sync_tests.support.nights import RANGE, Nights
from analytics_sync_tests.support.scripted_api import Api, item, shop_api
from analytics_sync_tests.support.scripted_api import shop as shop_of

SHOP = """
client: {}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint: {path: /orders, paginator: single_page,
      incremental: {cursor_path: at, start_param: from, end_param: to%s}}
    columns: {id: text, at: timestamp}
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page,
      params: {order: {type: resolve, resource: orders, field: id}}}
    columns: {id: text}
  - name: events
    endpoint: {path: /events, paginator: single_page, incremental: {cursor_path: at}}
    columns: {id: text, at: timestamp}
  - name: shops
    endpoint: {path: /shops, paginator: single_page}
    columns: {id: text}
"""
DAYS = [f"2026-03-{day:02}" for day in range(1, 32)]
NIGHT = "2026-03-11T02:15"  # yesterday is 03-10
BEFORE = DAYS[6:9]  # 07 to 09
ORDERS = SHOP[: SHOP.index("  - name: lines")]
SLOW = pytest.mark.slow
Shop = Callable[..., Nights]
_numbers = count()
api = shop_api
instance = module_instance


@pytest.fixture
def shop(instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Makes a shop: two windowed resources, a child, and a snapshot. Its first day is 2026-03-07."""

    def make(incremental: str = "", text: str = SHOP, start: str = "2026-03-07") -> Nights:
        monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", start)
        name = f"shop{next(_numbers)}"
        text = text.replace("%s", f", {incremental}" if incremental else "")
        return Nights(instance, load_text(text, name=name, file="shop.yaml"))

    return make


def test_a_quiet_night_reads_yesterday_and_the_snapshots(shop: Shop) -> None:
    nights = shop()
    nights.read(*BEFORE)
    (request,) = nights.tick(NIGHT)
    assert request.partition_key == "2026-03-10"
    assert request.asset_selection is None
    assert request.tags["analytics_sync/reason"] == "missing"


def test_days_of_a_machine_that_was_off_are_requested(shop: Shop) -> None:
    nights = shop(start="2026-03-06")
    nights.read("2026-03-06")
    windowed = "events, lines, orders"
    assert nights.asked(NIGHT) == {"10": "*", "07": windowed, "08": windowed, "09": windowed}


def test_only_the_last_days_are_requested_and_older_ones_are_named(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = shop(text=ORDERS, start="2026-03-01")
    nights.read(*DAYS[:2])
    asked = nights.asked("2026-03-23T02:15")  # off for 20 days
    assert list(asked) == ["22", "16", "17", "18", "19", "20", "21"]
    log = capsys.readouterr().err
    assert "2026-03-03...2026-03-15" in log
    assert "start a backfill" in log
    assert "2026-03-16...2026-03-22 of orders" in log


def test_a_project_that_starts_requests_no_day_before_its_start_date(shop: Shop) -> None:
    assert list(shop().asked("2026-03-10T02:15")) == ["09", "07", "08"]
    assert list(shop().asked("2026-03-07T02:15")) == ["-"], "no day is over yet"


@pytest.mark.slow
def test_a_failed_night_is_requested_again_until_it_is_repaired(shop: Shop) -> None:
    nights = shop()
    nights.read(*BEFORE)
    nights.fail("2026-03-07")
    nights.fail("2026-03-10")
    assert nights.asked(NIGHT) == {"10": "*", "07": "events, lines, orders"}
    nights.read("2026-03-07", "2026-03-10")
    assert nights.asked(NIGHT) == {"-": "shops"}


def test_only_the_resources_that_failed_are_read_again(shop: Shop) -> None:
    nights = shop()
    nights.read(*BEFORE)
    nights.fail("2026-03-09", of=["events"])
    nights.fail("2026-03-07", "2026-03-08", of=["orders", "lines"])
    assert nights.asked(NIGHT) == {
        "10": "*", "07": "lines, orders", "08": "lines, orders", "09": "events",
    }  # fmt: skip


def test_a_day_that_was_read_before_it_was_over_is_read_again(shop: Shop) -> None:
    nights = shop()
    nights.read("2026-03-07", "2026-03-09")
    nights.read("2026-03-08", began="2026-03-08T23:59:59", of=["orders"])
    nights.read("2026-03-08", began="2026-03-09T00:00:00", of=["events", "lines"])
    nights.read("2026-03-10", began="2026-03-10T16:00")
    assert nights.asked(NIGHT) == {"10": "*", "08": "orders"}


@pytest.mark.slow
def test_the_latest_of_many_reads_of_a_day_counts(shop: Shop) -> None:
    nights = shop(text=ORDERS)
    nights.read(*BEFORE)
    for minute in range(0, 60, 5):  # a sensor reads a day again and again
        nights.read("2026-03-09", began=f"2026-03-09T12:{minute:02}")
    nights.read("2026-03-10", began="2026-03-11T00:10")
    assert nights.asked(NIGHT) == {"09": "*"}


def test_a_delay_moves_the_end_of_a_day(shop: Shop) -> None:
    nights = shop("delay: PT12H")
    nights.read(*BEFORE)
    nights.read("2026-03-09", began="2026-03-10T02:15", of=["orders", "lines"])
    assert nights.asked(NIGHT) == {"10": "events, shops", "09": "lines, orders"}


def test_a_day_whose_end_the_api_did_not_give_is_read_again(shop: Shop) -> None:
    nights = shop()
    nights.read(*BEFORE, "2026-03-10")
    nights.read("2026-03-09", of=["events"], read_up_to="2026-03-09T22:00:00+00:00")
    nights.read("2026-03-08", of=["events"], read_up_to="2026-03-09T22:00:00+00:00")
    assert nights.asked(NIGHT) == {"09": "events", "-": "shops"}


def test_a_day_in_progress_is_not_requested_twice(shop: Shop) -> None:
    nights = shop()
    nights.start("2026-03-07", "2026-03-09")
    assert nights.asked(NIGHT) == {"10": "*"}
    nights.start("2026-03-10", of=["events"])
    assert nights.asked(NIGHT) == {"10": "lines, orders, shops"}


@pytest.mark.slow
def test_a_run_that_never_ended_holds_a_day_for_one_night(shop: Shop) -> None:
    now = datetime.now(UTC)
    yesterday = str(now.date() - timedelta(days=1))
    nights = shop(start=yesterday)
    nights.start(yesterday)  # the machine is switched off here
    day = yesterday[8:]
    assert list(nights.asked((now + timedelta(hours=1)).isoformat())) == ["-"]
    assert nights.asked((now + timedelta(hours=25)).isoformat())[day] == "events, lines, orders"
    waits = nights.start(yesterday)
    nights.instance.report_run_canceled(waits)
    assert nights.asked((now + timedelta(hours=1)).isoformat()) == {day: "*"}, (
        "a canceled run read nothing"
    )


def test_late_changes_are_read_again_each_night(shop: Shop) -> None:
    nights = shop("lookback: 3")
    nights.read(*BEFORE)
    assert nights.asked(NIGHT) == {"10": "*", "07..09": "lines, orders"}
    (_, again) = nights.tick(NIGHT)
    assert again.tags["analytics_sync/reason"] == "lookback"
    nights.read("2026-03-10")
    assert nights.asked("2026-03-12T02:15") == {"11": "*", "08..10": "lines, orders"}


@pytest.mark.slow
def test_a_lookback_reads_a_day_once_a_night(shop: Shop) -> None:
    nights = shop("lookback: P2D")
    nights.read("2026-03-07", "2026-03-08")
    nights.read("2026-03-09", began="2026-03-11T00:30")
    assert nights.asked(NIGHT) == {"10": "*", "08": "lines, orders"}
    nights.fail("2026-03-08")
    nights.start("2026-03-09")
    assert nights.asked(NIGHT) == {"10": "*", "08": "events, lines, orders"}


@pytest.mark.slow
def test_a_long_lookback_is_one_run(shop: Shop) -> None:
    nights = shop("lookback: 20", ORDERS)
    nights.read(*DAYS[6:28])
    assert nights.asked("2026-03-31T02:15") == {"30": "*", "29": "*", "10..28": "*"}


def test_many_missed_days_become_ranges(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__CATCH_UP_DAYS", "20")
    monkeypatch.setenv("ANALYTICS_SYNC__CATCH_UP_RUNS", "2")
    nights = shop(text=ORDERS, start="2026-03-12")
    nights.read(*DAYS[15:16], *DAYS[18:25])
    assert nights.asked("2026-03-31T02:15") == {"30": "*", "12..18": "*", "26..29": "*"}
    (_, first, _) = nights.tick("2026-03-31T02:15")
    assert [first.tags[tag] for tag in RANGE] == ["2026-03-12", "2026-03-18"]
    assert first.partition_key is None


@pytest.mark.slow
def test_one_range_run_if_a_team_wants_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__CATCH_UP_RUNS", "1")
    assert shop().asked(NIGHT) == {"10": "*", "07..09": "events, lines, orders"}


def test_a_tick_that_is_evaluated_again_gives_the_same_run_keys(shop: Shop) -> None:
    nights = shop()
    nights.read("2026-03-07", "2026-03-08")
    before = [request.run_key for request in nights.tick(NIGHT)]
    assert len(set(before)) == 2
    nights.start("2026-03-10")  # the first run was launched, then the daemon died
    snapshots, missed = nights.tick(NIGHT)
    assert [snapshots.run_key, missed.run_key] == before
    assert snapshots.partition_key is None
    assert not set(before) & {request.run_key for request in nights.tick("2026-03-12T02:15")}


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("Europe/Berlin", "2025-03-30", "22:00"),  # 23 hours
        pytest.param("Europe/Berlin", "2025-10-26", "23:00", marks=SLOW),  # 25 hours
        pytest.param("Asia/Kolkata", "2025-03-30", "18:30", marks=SLOW),
        pytest.param("Pacific/Auckland", "2025-03-30", "11:00", marks=SLOW),
    ],
)
def test_a_day_is_over_at_midnight_in_its_zone(shop: Shop, zone: str, day: str, end: str) -> None:
    nights = shop(text=f"time_zone: {zone}\n{ORDERS}", start=day)
    over = datetime.fromisoformat(f"{day}T{end}")
    before, after = ((over + timedelta(seconds=n)).isoformat() for n in (-1, 0))
    assert nights.asked(before) == {}
    nights.read(day, began=before)
    assert nights.asked(after) == {day[8:]: "*"}
    nights.read(day, began=after)
    assert nights.asked(after) == {}
    # seven calendar days, whether or not one of them has 23 or 25 hours
    tick = (over + timedelta(days=7, hours=2)).isoformat()
    assert len(nights.asked(tick)) == 7


def test_missed_hours_are_a_range(shop: Shop) -> None:
    nights = shop(text=f"partitions: hourly\n{ORDERS}", start="2026-03-10")
    nights.read("2026-03-10-05:00")
    newest, *others = nights.tick(NIGHT)
    assert newest.partition_key == "2026-03-11-01:00"
    asked = [r.partition_key or "...".join(r.tags[tag] for tag in RANGE) for r in others]
    assert asked == ["2026-03-10-00:00...2026-03-10-04:00", "2026-03-10-06:00...2026-03-11-00:00"]


@pytest.mark.parametrize(
    ("kind", "at", "keys"),
    [
        ("weekly", "2026-03-30T02:15", ["2026-03-23", "2026-03-16"]),
        pytest.param("monthly", "2026-03-20T02:15", ["2026-02-01", "2026-01-01"], marks=SLOW),
    ],
)
def test_long_partitions_are_looked_at_three_back(
    shop: Shop, kind: str, at: str, keys: list[str]
) -> None:
    nights = shop(text=f"partitions: {kind}\n{ORDERS}", start="2025-11-01")
    nights.read("2026-03-09", "2025-12-01")
    assert [request.partition_key for request in nights.tick(at)] == keys


def test_a_source_without_windows_reads_its_snapshots(shop: Shop) -> None:
    nights = shop(
        text="{client: {}, resources: [{name: shops, primary_key: id, endpoint: /shops, columns: {id: text}}]}"
    )
    assert nights.asked(NIGHT) == {"-": "*"}


def test_a_night_without_work_says_so(shop: Shop) -> None:
    nights = shop(text=SHOP[: SHOP.index("  - name: shops")])
    nights.read(*BEFORE, "2026-03-10")
    assert nights.tick(NIGHT) == []
    assert "all partitions of the last days are read" in (nights.skipped or "")


@pytest.mark.parametrize("value", ["0", "seven", "1001"])
@pytest.mark.parametrize("name", ["CATCH_UP_DAYS", "CATCH_UP_RUNS"])
def test_a_wrong_number_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ANALYTICS_SYNC__{name}", value)
    with pytest.raises(
        ValueError, match=f"ANALYTICS_SYNC__{name} is '{value}'; expected a whole"
    ) as error:
        build_definitions({"shop": shop_of(item())})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["0", "-1", "true", "1.5", "400", "P0D", "P2Y", "soon", "[3]"])
def test_a_wrong_lookback_is_named(value: str) -> None:
    text = SHOP.replace("%s", f", lookback: {value}")
    with pytest.raises(CatalogError, match=r"shop\.yaml:7: .*lookback: .*(expected|number)"):
        load_text(text, name="shop", file="shop.yaml")


def test_a_failed_night_is_repaired_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    """The same with runs: one resource fails, the others are loaded; the next night reads it alone."""
    today = datetime.now(UTC).date()
    first, second = (str(today - timedelta(days=n)) for n in (2, 1))
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", first)
    api.on("/orders", [{"id": 1, "at": f"{first}T12:00:00Z"}])
    api.on("/orders/*", [])
    api.on("/events", (403, {}, {}))
    api.on("/shops", [{"id": "s"}])
    source = load_text(SHOP.replace("%s", ""), name="shop", file="shop.yaml")
    home = make_dagster_home(tmp_path / "dagster")
    with DagsterInstance.from_config(str(home)) as instance:
        nights = Nights(instance, source)
        (request,) = nights.tick(f"{second}T02:15")
        assert not nights.run(request).success
        api.on("/events", [{"id": "e", "at": f"{first}T12:00:00Z"}])
        newest, missed = nights.tick(f"{today}T02:15")
        assert (newest.partition_key, newest.asset_selection) == (second, None)
        assert (missed.partition_key, missed.asset_selection) == (
            first,
            [AssetKey(["shop", "events"])],
        )
        result = nights.run(missed)
        assert result.success
        assert {c.asset_key.path[-1] for c in result.get_asset_check_evaluations()} == {"events"}
        assert nights.asked(f"{today}T02:15") == {second[8:]: "*"}
    read = 'select cast("at" as date)::text from shop.'
    for table in ("orders", "events"):
        assert duckdb_file.query(tmp_path / "warehouse.duckdb", read + table) == [(first,)]


@pytest.mark.slow
def test_what_is_read_of_today_is_read_again_tomorrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    """A run says when it began to read, whenever it ended."""
    today = datetime.now(UTC).date()
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", str(today))
    api.on("/orders", [{"id": 1, "at": f"{today}T00:00:00Z"}])
    source = load_text(ORDERS.replace("%s", ""), name="shop", file="shop.yaml")
    home = make_dagster_home(tmp_path / "dagster")
    with DagsterInstance.from_config(str(home)) as instance:
        nights = Nights(instance, source)
        before = datetime.now(UTC)
        result = nights.run(RunRequest(partition_key=str(today)))
        (made,) = metadata(result).values()
        began = datetime.fromisoformat(made["reading_began"])
        assert before <= began <= datetime.now(UTC)
        tomorrow = today + timedelta(days=1)
        (request,) = nights.tick(f"{tomorrow}T02:15")
        assert request.partition_key == str(today)
        assert request.tags["analytics_sync/reason"] == "read before it was over"


def test_a_run_without_a_partition_is_refused_before_the_first_request(
    tmp_path: Path, api: Api
) -> None:
    api.on("/shops", [{"id": "s"}])
    source = load_text(SHOP.replace("%s", ""), name="shop", file="shop.yaml")
    with DagsterInstance.ephemeral() as instance:
        nights = Nights(instance, source)
        result = nights.run(RunRequest())
        assert not result.success
        assert api.seen == []
        message = step_failure(result).description.splitlines()[0]
        for part in (
            "shop: ",
            "sync_shop",
            "orders",
            "events",
            "--partition-range",
            "No request was sent",
        ):
            assert part in message
        assert nights.run(RunRequest(asset_selection=[AssetKey(["shop", "shops"])])).success

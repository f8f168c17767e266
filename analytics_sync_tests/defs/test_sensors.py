"""The sensors: which partitions a tick requests, and what it says about those that it does not."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dagster import build_sensor_context

from analytics_sync.catalog import Source, load_text
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
ITEMS = item(
    {"incremental": {"cursor_path": "at"}}, columns={"id": "bigint", "at": "timestamp"}, sensor={}
)


class Sensor:
    """The sensor of ``shop/items``.

    Args:
        api: The API. It lists the given times, newest first.
        source: The source with the sensor.
    """

    def __init__(self, api: Api, source: Source | None = None) -> None:
        self._api = api
        self._defs = build_definitions({"shop": source or shop(ITEMS)})
        self.cursor: str | None = None
        self.skipped = ""

    def tick(self, *times: datetime | str) -> list[str]:
        """The partitions that a tick requests; it begins where the last one ended."""
        self._api.on("/items", [{"id": n, "at": str(time)} for n, time in enumerate(times)])
        sensor = self._defs.resolve_sensor_def("new_shop_items")
        context = build_sensor_context(
            cursor=self.cursor, repository_def=self._defs.get_repository_def()
        )
        result: Any = sensor.evaluate_tick(context)
        self.cursor, self.skipped = result.cursor or self.cursor, result.skip_message or ""
        return [request.partition_key for request in result.run_requests or ()]


@pytest.fixture
def now() -> datetime:
    """The present, away from midnight: a test does not pass it."""
    return datetime.now(UTC)


def days(first: date, last: date) -> list[str]:
    return [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]


def test_more_days_than_one_tick_requests_follow_in_the_next_ones(api: Api, now: datetime) -> None:
    sensor = Sensor(api)
    sensor.tick(now - timedelta(days=40))
    newest = datetime(now.year, now.month, now.day, tzinfo=UTC)  # the first instant of a day counts
    asked = [sensor.tick(newest) for _ in range(4)]
    assert [len(keys) for keys in asked] == [14, 14, 13, 0]
    assert [key for keys in asked for key in keys] == days(
        (now - timedelta(days=40)).date(), now.date()
    )
    assert "nothing newer" in sensor.skipped


def test_a_tick_says_which_days_follow(
    api: Api, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    sensor = Sensor(api)
    sensor.tick(now - timedelta(days=20))
    sensor.tick(now)
    log = capsys.readouterr().err
    assert "21 partitions have new records" in log
    assert f"{(now - timedelta(days=6)).date()}...{now.date()} by later ticks" in log


def test_no_partition_before_the_start_date_is_requested(
    api: Api, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = (now - timedelta(days=2)).date()
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", str(start))
    sensor = Sensor(api)
    assert sensor.tick(now - timedelta(days=9)) == []
    assert f"before the first partition ({start})" in sensor.skipped
    assert sensor.tick(now - timedelta(days=1)) == [str(now.date() - timedelta(days=1))]
    sensor.cursor = (now - timedelta(days=9)).isoformat()
    assert sensor.tick(now) == days(start, now.date())


def test_records_of_the_future_hide_no_others(api: Api, now: datetime) -> None:
    sensor = Sensor(api)
    assert sensor.tick("2099-12-31T00:00:00Z", now + timedelta(days=1)) == []
    assert "dated in the future" in sensor.skipped
    yesterday = now - timedelta(days=1)
    assert sensor.tick("2099-12-31T00:00:00Z", yesterday) == [str(yesterday.date())]
    assert sensor.tick("2099-12-31T00:00:00Z", now, yesterday)[-1] == str(now.date())
    assert sensor.tick("2099-12-31T00:00:00Z", now, yesterday) == []


def test_a_clock_that_is_ahead_asks_for_no_partition_of_tomorrow(api: Api, now: datetime) -> None:
    sensor = Sensor(api)
    assert sensor.tick(now + timedelta(minutes=4)) == [str(now.date())]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_a_date_is_the_day_in_the_zone_of_the_partitions(api: Api, zone: str) -> None:
    columns = {"id": "bigint", "at": "date"}
    text = {"client": {}, "time_zone": zone, "resources": [{**ITEMS, "columns": columns}]}
    sensor = Sensor(api, load_text(json.dumps(text), name="shop", file="shop.yaml"))
    today = datetime.now(ZoneInfo(zone)).date()
    assert sensor.tick(str(today + timedelta(days=1))) == []
    assert sensor.tick(str(today - timedelta(days=1))) == [str(today - timedelta(days=1))]
    assert sensor.tick(str(today))[-1] == str(today)


def test_a_record_belongs_to_its_day_in_the_zone(api: Api, now: datetime) -> None:
    zone = ZoneInfo("Pacific/Auckland")
    text = {"client": {}, "time_zone": zone.key, "resources": [ITEMS]}
    sensor = Sensor(api, load_text(json.dumps(text), name="shop", file="shop.yaml"))
    midnight = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    before = midnight - timedelta(seconds=1)
    assert sensor.tick(before.astimezone(UTC)) == [str(before.date())]
    assert sensor.tick(midnight.astimezone(UTC))[-1] == str(midnight.date())

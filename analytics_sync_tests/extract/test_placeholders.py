"""Placeholders: times that stand for no time, such as the year 1, 0 since 1970, or the year 9999.

In: records with such a cursor. Out: rejected records, because no window would ever hold them; and
listings, bounds and sensors that they do not mislead.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.common.window import Window
from analytics_sync.extract.convert.cursor import CursorReader
from analytics_sync.extract.evidence.findings import WINDOW_BOUNDS
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

START = datetime(2024, 7, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
REASON = "cursor at is a placeholder for no time"
# column, values that stand for no time
PLACEHOLDERS: dict[str, tuple[Any, list[Any]]] = {
    "text": (
        "timestamp",
        [
            "0001-01-01T00:00:00Z",
            "0001-01-01T02:00:00",
            "1899-12-30T00:00:00Z",
            "1900-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "1970-01-01T05:30:00+05:30",
            "2038-01-19T03:14:07Z",
            "2999-12-31T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
        ],
    ),
    "date": ("date", ["0001-01-01", "1900-01-01", "1970-01-01", "9999-12-31"]),
    "seconds": ({"data_type": "timestamp", "format": "epoch_s"}, [0, 2**31 - 1, 253402300799]),
    "milliseconds": ({"data_type": "timestamp", "format": "epoch_ms"}, [0, 253402300799999]),
}


def windowed(column: Any = "timestamp", **incremental: Any) -> dict[str, Any]:
    """A resource with the cursor ``at``."""
    columns = {"id": "bigint", "at": column}
    return item({"incremental": {"cursor_path": "at", **incremental}}, columns=columns)


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_a_record_without_a_time_is_rejected_by_every_window(api: Api, name: str) -> None:
    column, values = PLACEHOLDERS[name]
    good: Any = {"date": "2024-07-01", "milliseconds": 1719792000000}.get(name, 1719792000)
    sent = [{"id": i, "at": value} for i, value in enumerate(values)]
    api.on("/items", [*sent, {"id": 99, "at": good}])
    outcome = read(shop(windowed(column)), DAY)
    reading = outcome.readings["items"]
    assert outcome.ids() == [99]
    assert [(r.record, r.reason) for r in reading.rejected] == [(r, REASON) for r in sent]
    assert reading.outside_window == 0


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-03T00:00:00Z",
        "1900-01-01T00:00:01Z",
        "1970-01-02T00:00:00Z",
        "2899-12-31T00:00:00Z",
    ],
)
def test_any_other_time_is_in_a_window_of_its_own(api: Api, text: str) -> None:
    api.on("/items", [{"id": 1, "at": text}])
    outcome = read(shop(windowed()), DAY)
    assert outcome.ids() == []
    assert outcome.readings["items"].outside_window == 1
    assert not outcome.readings["items"].rejected


@pytest.mark.parametrize(
    "day", [date(1, 1, 1), date(1900, 1, 1), date(1970, 1, 1), date(9998, 1, 1)]
)
def test_a_window_that_holds_the_time_keeps_the_record(api: Api, day: date) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    api.on("/items", [{"id": 1, "at": start.isoformat()}])
    assert read(shop(windowed()), Window(start, start + timedelta(days=1))).ids() == [1]
    assert read(shop(windowed())).ids() == [1], "a read of everything needs no window"


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_placeholder_does_not_end_an_ordered_listing(api: Api, order: str) -> None:
    """Both ends of time may come first in a listing, whatever its order is."""
    no_time = [{"id": 8, "at": "0001-01-01T00:00:00Z"}, {"id": 9, "at": "9999-12-31T00:00:00Z"}]
    pages = [no_time, [{"id": 1, "at": "2024-07-01T10:00:00Z"}], []]
    api.on("/items", lambda _, query, __: pages[int(query["page"]) - 1])
    resource = windowed(row_order=order)
    resource["endpoint"]["paginator"] = {"type": "page_number", "base_page": 1}
    outcome = read(shop(resource), DAY)
    assert outcome.ids() == [1]
    assert [r.record for r in outcome.readings["items"].rejected] == no_time


def test_a_placeholder_does_not_hide_bounds_of_another_zone(api: Api) -> None:
    """The API reads bounds nine hours east, and one record has no time."""
    records = [{"id": i, "at": (START + timedelta(hours=i - 24)).isoformat()} for i in range(72)]

    def answer(_: str, query: dict[str, str], __: Any) -> list[dict[str, Any]]:
        low, high = (
            datetime.fromisoformat(query[n]).replace(tzinfo=UTC) - timedelta(hours=9)
            for n in ("from", "to")
        )
        inside = [r for r in records if low <= datetime.fromisoformat(r["at"]) < high]
        return [{"id": 99, "at": "0001-01-01T00:00:00Z"}, *inside]

    api.on("/items", answer)
    bounds = {"start_param": "from", "end_param": "to", "time_zone": "UTC"}
    source = shop(windowed(param_format="%Y-%m-%dT%H:%M:%S", **bounds))
    (message,) = read(source, DAY).readings["items"].findings.of(WINDOW_BOUNDS)
    assert "Etc/GMT-9 would fit" in message


def test_a_sensor_looks_past_placeholders() -> None:
    resource = shop(windowed(row_order="desc")).resources["items"]
    records = [{"id": 1, "at": t} for t in ("9999-12-31T00:00:00Z", "2024-07-01T10:00:00Z")]
    assert CursorReader(resource).newest_cursor(records) == START + timedelta(hours=10)
    assert CursorReader(resource).newest_cursor(records[:1]) is None

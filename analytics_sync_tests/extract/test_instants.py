"""Instants: each accepted form means one instant, and every other text goes to ``_extra``.

In: texts and numbers in timestamp, date and cursor columns. Out: the column, ``_extra``, ``_rejected``.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.common.window import Window
from analytics_sync.extract.convert.arrays import ARROW
from analytics_sync.extract.convert.converter import Converter
from analytics_sync.extract.convert.instants import parse_day, parse_instant
from analytics_sync.extract.evidence.findings import DECLARED_SCHEMA
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

START = datetime(2024, 7, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
NOON = START + timedelta(hours=12)
MILLISECOND = timedelta(milliseconds=1)
SECONDS = int(NOON.timestamp())


def column(declared: Any, value: Any) -> tuple[Any, Any]:
    """The value of the column and the value in ``_extra``."""
    resource = shop(item(columns={"id": "bigint", "at": declared})).resources["items"]
    (row,) = Converter(resource).convert([{"id": 1, "at": value}]).table.to_pylist()
    return row["at"], json.loads(row["_extra"] or "{}").get("at")


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-01T12:00Z",
        "2024-07-01 12Z",
        "2024-07-01t12:00:00z",
        "2024-07-01T12:00:00,000Z",
        "2024-07-01T14:00:00+02",
        "2024-07-01 14:00:00 +0200",
        "2024-07-01 12:00:00 UTC",
        "2024-07-01T12:00:00GMT",
        "2024-07-01 12:00:00.000000 +0000 UTC",
        "Mon, 01 Jul 2024 12:00:00 GMT",
        "Mon, 1 Jul 2024 08:00:00 -0400",
        "1 Jul 2024 12:00 UT",
        "Mon, 01 Jul 2024 12:00:00 +0000 (UTC)",
        "2024-07-01 21:00:00 Asia/Tokyo",
        "2024-07-01T08:00:00[America/New_York]",
        "2024-07-01T17:45+05:45[Asia/Kathmandu]",
        "2024-07-01T12:00:00Z[UTC]",
        "2024-07-01T12:00:00Z[Asia/Kathmandu]",
        "2024-07-01 10:00:00 Etc/GMT+2",
    ],
)
def test_each_listed_form_is_one_instant(text: str) -> None:
    assert column("timestamp", text) == (NOON, None)


@pytest.mark.parametrize(
    "text",
    [
        "1719835200",
        "1719835200000",
        "20240701",
        "20240701T120000Z",
        "2024-07-01T120000Z",
        "2024-183",
        "2024-W27-1",
        "2024-W27-1T12:00:00Z",
        "2024-07",
        "2024",
        "2024-7-1 12:00:00",
        "01/07/2024 12:00:00",
        "07/01/2024",
        "2024/07/01 12:00:00",
        "2024-07-01_12:00:00",
        "2024-07-01T12:00:00+02:00:30",
        "2024-07-01T12:00:00+24:00",
        "2024-07-01T12:00:00+02:60",
        "2024-07-01T12:00:60Z",
        "2024-07-01T24:00:00Z",
        "2024-06-31T12:00:00Z",
        "0000-07-01T12:00:00Z",
        "2024-07-01T12:00:00 CST",
        "2024-07-01T12:00:00 Mars/Base",
        "2024-07-01T12:00:00 America/Argentina",
        "2024-07-01T12:00:00 Area/../../../etc/passwd",
        "2024-07-01T12:00:00+01:00[America/New_York]",
        "2024-07-01T12:00:00 +0100 UTC",
        "Tue, 01 Jul 2024 12:00:00 GMT",
        "Mon, 01 Jul 24 12:00:00 GMT",
        "Mon, 01 Jul 2024 12:00:00 EST",
        "Monday, 01-Jul-24 12:00:00 GMT",
        "Mon Jul  1 12:00:00 2024",
        "Mon Jul 01 2024 12:00:00 GMT+0000 (UTC)",
        " 2024-07-01T12:00:00Z",
        "2024-07-01T12:00:00Z\n",
        "٢٠٢٤-07-01T12:00:00Z",
        "noon",
    ],
)
def test_any_other_text_goes_to_extra(text: str) -> None:
    assert column("timestamp", text) == (None, text)


@pytest.mark.parametrize(
    "text", ["20240701", "2024-W27-1", "2024-183", "2024-7-1", "1719835200", "0000-07-01"]
)
def test_a_day_is_year_month_and_day(text: str) -> None:
    assert column("date", text) == (None, text)
    assert column("date", "2024-07-01") == (date(2024, 7, 1), None)


def test_a_local_time_is_an_instant_only_if_its_zone_had_it_once() -> None:
    twice, never = "2024-11-03T01:30:00", "2024-03-10T02:30:00"
    for text in (f"{twice} America/New_York", f"{never}[America/New_York]"):
        assert column("timestamp", text) == (None, text)
    for offset, hour in (("-04:00", 5), ("-05:00", 6)):
        found, extra = column("timestamp", f"{twice}{offset}[America/New_York]")
        assert (found, extra) == (datetime(2024, 11, 3, hour, 30, tzinfo=UTC), None)
    text = f"{never}-05:00[America/New_York]"
    assert column("timestamp", text) == (None, text)


# format, value, instant, whether the value is in _extra too
EPOCHS: dict[str, tuple[str, Any, datetime | None, bool]] = {
    "milliseconds": ("epoch_ms", f"{SECONDS}125", NOON + 125 * MILLISECOND, False),
    "milliseconds with a fraction": ("epoch_ms", f"{SECONDS}000.5", NOON + MILLISECOND / 2, False),
    "seconds": ("epoch_s", f"{SECONDS}", NOON, False),
    "seconds with a fraction": ("epoch_s", f"{SECONDS}.125", NOON + 125 * MILLISECOND, False),
    "seconds, too fine": ("epoch_s", f"{SECONDS}.0000001", NOON, True),
    "before 1970": ("epoch_s", "-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), False),
    "eight digits": ("epoch_s", "20240701", datetime(1970, 8, 23, 6, 25, 1, tzinfo=UTC), False),
    "too far": ("epoch_s", f"{SECONDS}000", None, True),
    "exponent": ("epoch_s", "1.7e9", None, True),
    "plus": ("epoch_s", "+1", None, True),
    "digits of another script": ("epoch_s", "١٢٣", None, True),
    "a date all the same": ("epoch_ms", "2024-07-01T12:00:00Z", NOON, False),
    "seconds for milliseconds": ("epoch_ms", SECONDS, None, True),
    "seconds with a fraction for milliseconds": ("epoch_ms", SECONDS + 0.5, None, True),
    "text of seconds for milliseconds": ("epoch_ms", f"{SECONDS}", None, True),
    "milliseconds of 1970": ("epoch_ms", 10**9 - 1, datetime(1970, 1, 12, 13, 46, 39, 999000, tzinfo=UTC), False),
    "milliseconds of May 1970": ("epoch_ms", 10**10, datetime(1970, 4, 26, 17, 46, 40, tzinfo=UTC), False),
    "far and fine": ("epoch_ms", 253402300799123, datetime(9999, 12, 31, 23, 59, 59, 123000, tzinfo=UTC), False),
}  # fmt: skip


@pytest.mark.parametrize("name", EPOCHS)
def test_epochs_follow_the_declared_unit(name: str) -> None:
    unit, value, instant, is_in_extra = EPOCHS[name]
    found = column({"data_type": "timestamp", "format": unit}, value)
    assert found == (instant, value if is_in_extra else None)


@pytest.mark.parametrize("unit", [None, "epoch_s"])
def test_no_record_is_lost_whose_cursor_is_an_epoch_as_text(api: Api, unit: str | None) -> None:
    sent = [{"id": i, "at": f"{SECONDS + i}.5"} for i in range(20)]
    api.on("/items", sent)
    columns = {"id": "bigint", "at": {"data_type": "timestamp", "format": unit}}
    outcome = read(shop(item({"incremental": {"cursor_path": "at"}}, columns=columns)), DAY)
    reading = outcome.readings["items"]
    if unit:
        assert outcome.ids() == list(range(20))
        assert outcome.rows["items"][0]["at"] == NOON + timedelta(seconds=0.5)
    else:
        assert [r.record for r in reading.rejected] == sent
        assert {r.reason for r in reading.rejected} == {"no usable cursor at"}


def test_no_record_is_lost_whose_cursor_is_in_seconds_and_not_in_milliseconds(api: Api) -> None:
    sent = [{"id": i, "at": SECONDS + i} for i in range(20)]
    api.on("/items", sent)
    columns = {"id": "bigint", "at": {"data_type": "timestamp", "format": "epoch_ms"}}
    reading = read(shop(item({"incremental": {"cursor_path": "at"}}, columns=columns)), DAY)
    found = reading.readings["items"]
    assert [r.record for r in found.rejected] == sent
    assert found.outside_window == 0
    (message,) = found.findings.of(DECLARED_SCHEMA)
    assert message.startswith("20 of 20 records were rejected")


ALMOST = st.from_regex(
    r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}"
    r"([Tt _]?[0-2][0-9](:?[0-6][0-9](:?[0-6][0-9]([.,][0-9]{0,9})?)?)?)?"
    r" ?(Z|z|UTC|[+-][0-2][0-9](:?[0-6][0-9](:?[0-6][0-9])?)?)?",
    fullmatch=True,
)
USUAL = st.tuples(
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),
    st.sampled_from(["T", " "]),
    st.sampled_from(["", "Z", "+00:00", "-0530", "+14", "-23:59"]),
).map(lambda t: t[0].isoformat(t[1]) + t[2])


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.one_of(ALMOST, USUAL))
def test_arrow_reads_nothing_that_is_not_listed_and_nothing_otherwise(text: str) -> None:
    found, day = parse_instant(text), parse_day(text)
    if not text.startswith("0000"):  # a year that the converter refuses after the cast
        for kind in (ARROW["timestamp"], pa.timestamp("us")):
            if (instant := by_arrow(text, kind)) is not None:
                assert found == (instant.replace(tzinfo=UTC), True)
        assert by_arrow(text, ARROW["date"]) in (None, day)


def by_arrow(text: str, kind: pa.DataType) -> Any:
    """The value by Arrow's cast; None if Arrow refuses the text."""
    try:
        return pa.array([text]).cast(kind)[0].as_py()
    except pa.ArrowInvalid:
        return None

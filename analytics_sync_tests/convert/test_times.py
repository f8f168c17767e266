"""Times that are known: each has the text that Python gives it, and another zone than UTC is a to-do."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics_sync_tests.convert.converting import convert, of_resource

IMPORTS = "from datetime import date, datetime, timedelta, timezone\n"
TIMES = {
    "date(2026, 3, 1).isoformat()": "2026-03-01",
    "date.fromisoformat('2026-03-01').isoformat()": "2026-03-01",
    "datetime(2026, 3, 1).date().isoformat()": "2026-03-01",
    "datetime(2026, 3, 1).isoformat()": "2026-03-01T00:00:00",
    "datetime(2026, 3, 1, hour=5).isoformat()": "2026-03-01T05:00:00",
    "datetime(year=2026, month=3, day=1).isoformat()": "2026-03-01T00:00:00",
    "datetime(2026, 3, 1, 0, 0, 0, 5).isoformat()": "2026-03-01T00:00:00.000005",
    "datetime(2026, 3, 1, tzinfo=timezone.utc).isoformat()": "2026-03-01T00:00:00+00:00",
    "datetime(2026, 3, 1, tzinfo=None).isoformat()": "2026-03-01T00:00:00",
    "pendulum.datetime(2026, 3, 1, tz='UTC').isoformat()": "2026-03-01T00:00:00+00:00",
    "datetime.fromisoformat('2026-03-01T00:00:00Z').isoformat()": "2026-03-01T00:00:00+00:00",
    "datetime.utcfromtimestamp(1772323200).isoformat()": "2026-03-01T00:00:00",
    "datetime.fromtimestamp(1772323200, timezone.utc).isoformat()": "2026-03-01T00:00:00+00:00",
}


@pytest.mark.parametrize("written", TIMES)
def test_a_known_time_has_the_text_that_python_gives_it(written: str, tmp_path: Path) -> None:
    if "pendulum" not in written and "utcfrom" not in written:  # no dependency; deprecated
        names: dict[str, str] = {}
        exec(f"{IMPORTS}x = {written}", names)
        assert names["x"] == TIMES[written]
    program = of_resource(
        '"endpoint": {"params": {"x": x}}', before=f"import pendulum\n{IMPORTS}x = {written}"
    )
    converted = convert(tmp_path, program)
    assert (converted.status, converted.said) == (0, "")
    assert str(converted.resource("items")["endpoint"]["params"]["x"]) == TIMES[written]


@pytest.mark.parametrize(
    "written",
    [
        "datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=2))).isoformat()",
        "pendulum.datetime(2026, 3, 1, tz='Europe/Berlin').isoformat()",
        "datetime.fromisoformat('2026-03-01T00:00:00+02:00').isoformat()",
        "datetime.fromtimestamp(1772323200, timezone(timedelta(hours=2))).isoformat()",
        "datetime.strptime('2026-03-01 +0200', '%Y-%m-%d %z').isoformat()",
        "datetime(2026, 3, 1).isoformat(' ')",
        "datetime(2026, 3, 1).isoformat(timespec='minutes')",
    ],
)
def test_another_zone_or_spelling_is_a_to_do(written: str, tmp_path: Path) -> None:
    program = of_resource(
        '"endpoint": {"params": {"x": x}}', before=f"import pendulum\n{IMPORTS}x = {written}"
    )
    converted = convert(tmp_path, program)
    assert converted.status == 1
    assert "endpoint.params.x: " in converted.said

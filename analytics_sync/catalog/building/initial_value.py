"""The format of bounds, as ``initial_value`` spells it.

In: the ``initial_value`` of a dlt configuration, which dlt sends as it is with its first request. Out: the
``param_format`` that spells all bounds so. Partitions set the start, so that the value itself has no effect.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

_MILLISECONDS_FROM = 10**11  # seconds until the year 5138
_SECONDS_FROM = 10**8  # the year 1973
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_COMPACT_DAY = re.compile(r"(19|20)\d{6}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00|\+0000)?")


class NoTime(ValueError):
    """The value is a number that stands for no time."""


def format_of(value: Any) -> str | None:
    """The format of a value; None if it has none that is known.

    Raises:
        NoTime: The value is a number that stands for no time.
    """
    if isinstance(value, datetime):
        return "iso"
    if isinstance(value, date):
        return "date"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip()
    if isinstance(value, str) and _COMPACT_DAY.fullmatch(text):
        return "%Y%m%d"
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return _of_number(float(text))
    if _DAY.fullmatch(text):
        return "date"
    return _of_instant(text)


def _of_number(number: float) -> str:
    if 0 < number < _SECONDS_FROM:
        raise NoTime(
            f"{number:g} is no time. A window is cut by time: leave incremental out, and each run reads the "
            "whole listing"
        )
    return "epoch_ms" if number >= _MILLISECONDS_FROM else "epoch_s"


def _of_instant(text: str) -> str | None:
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    separator, fraction, offset = found[1], found[2] or "", found[3] or ""
    if separator == "T" and offset == "Z" and len(fraction) in (0, 4):
        return "iso_ms" if fraction else "iso"
    return f"%Y-%m-%d{separator}%H:%M:%S{'.%f' if fraction else ''}{offset}"

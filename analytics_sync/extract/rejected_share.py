"""The share of rejected records: too many of them show that the declaration is wrong.

In: a finished read. Out: the finding for the whole read, and for single partitions. In a read of many days one
day may be rejected as a whole, and be a small part of all records. A rejected record belongs to the time of its
cursor; without one, to the time that was requested; without that, to all partitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analytics_sync.catalog.tables import REJECTED
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.converter import NO_KEY
from analytics_sync.extract.result import ReadResult

_FEW_REJECTED = 10  # more than one record in so many shows that the declaration is wrong


def too_many_rejected(result: ReadResult) -> str:
    """The finding when more than a few records of a read are rejected; otherwise empty."""
    reasons, rejected = result.rejected.reasons, len(result.rejected)
    without_key = sum(n for reason, n in reasons.items() if reason.startswith(NO_KEY))
    # A record outside the window needs no key, so that it says nothing about the keys.
    in_window = result.records - result.outside_window - (rejected - without_key)
    if not (_is_many(rejected, result.records) or _is_many(without_key, in_window)):
        return ""
    outside = (
        f"{result.outside_window} records are outside the window. " if result.outside_window else ""
    )
    return _message(result, reasons, result.records, outside)


def too_many_rejected_in(result: ReadResult, windows: Sequence[Window]) -> list[str]:
    """The finding for each of some windows; empty where few records are rejected."""
    cursor = result.resource.cursor
    has_dates = cursor is not None and cursor.data_type == "date"
    times = [w.of_dates() if has_dates else w for w in windows]
    certain: list[Counter[str]] = [Counter() for _ in windows]
    shared: dict[tuple[int, ...], Counter[str]] = {}
    for (place, reason), count in result.rejected.places.items():
        numbers = _numbers(place, times)
        if len(numbers) == 1:
            certain[numbers[0]][reason] += count
        else:
            shared.setdefault(numbers, Counter())[reason] += count
    rows = _rows_in(result, windows)
    found = [""] * len(windows)
    for number, reasons in enumerate(certain):
        of = rows[number] + reasons.total()
        if _is_many(reasons.total(), of):
            found[number] = _message(result, reasons, of)
    for numbers, reasons in shared.items():
        of = sum(rows[n] for n in numbers) + reasons.total()
        if len(numbers) == len(windows):
            of = max(of, result.records)
        if _is_many(reasons.total(), of):
            said = _message(
                result, reasons, of, "It is on each day: their partition is not known. "
            )
            for number in numbers:
                found[number] = f"{found[number]} {said}".lstrip()
    return found


def _numbers(place: Window | None, windows: Sequence[Window]) -> tuple[int, ...]:
    """The numbers of the windows that records of a time may be in: all, if it is not known or beside them."""
    found = tuple(n for n, window in enumerate(windows) if place and window.overlaps(place))
    return found or tuple(range(len(windows)))


def _rows_in(result: ReadResult, windows: Sequence[Window]) -> list[int]:
    if result.buffer is None or result.resource.cursor is None:
        return [0] * len(windows)
    return result.buffer.times.rows_in(windows)


def _is_many(rejected: int, of: int) -> bool:
    return rejected * _FEW_REJECTED > of


def _message(result: ReadResult, reasons: Counter[str], of: int, outside: str = "") -> str:
    counts = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    return (
        f"{reasons.total()} of {of} records were rejected and are in {REJECTED}: {counts}. {outside}"
        "Correct primary_key, incremental.cursor_path, data_selector, or the types in "
        f"columns of resource {result.resource.name!r}."
    )

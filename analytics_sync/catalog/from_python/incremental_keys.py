"""The keys of ``incremental``: which field windows a resource, and how the API wants its bounds.

In: values of the interpreter. Out: plain data. The format of bounds follows from ``convert`` or from
``initial_value``, because dlt sends the value of the cursor itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from analytics_sync.catalog.files.yaml_config import Path
from analytics_sync.catalog.from_python.bound_formats import bound_format
from analytics_sync.catalog.from_python.draft import Draft
from analytics_sync.catalog.from_python.values import Known, Moment, Setting, Value

_HARMLESS = frozenset({"type", "primary_key", "allow_external_schedulers"})
_FORMATS = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "date"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{3}(?:Z|\+00:00)"), "iso_ms"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)"), "iso"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?"), "%Y-%m-%dT%H:%M:%S"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d"), "%Y-%m-%dT%H:%M"),
    (re.compile(r"\d{4}/\d\d/\d\d"), "%Y/%m/%d"),
    (re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d"), "%Y%m%d"),
    (re.compile(r"\d{9,10}(?:\.0)?"), "epoch_s"),
    (re.compile(r"\d{12,13}(?:\.0)?"), "epoch_ms"),
)
_YEARS_BACK = 2000


@dataclass(frozen=True, slots=True)
class WindowField:
    """What an ``incremental`` says of the field that windows a resource.

    ``unit`` is the unit of a number; ``first_day`` the day of its ``initial_value``.
    """

    path: str
    unit: str | None
    first_day: date | None


def format_of(text: Any) -> str | None:
    """The ``param_format`` of a value; None for a value of no format that is known."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    return next((name for pattern, name in _FORMATS if pattern.fullmatch(str(text))), None)


def _known(initial: Value | None) -> Any:
    """An ``initial_value``; the default of one that is a setting."""
    data = initial.data if initial else None
    return data.default if isinstance(data, Setting) else data


def own_format(initial: Value | None) -> str | None:
    """The format of an ``initial_value``, which is that of the cursor in records; None if it is not known."""
    data = _known(initial)
    return data.pattern if isinstance(data, Moment) else format_of(data)


def write_incremental(draft: Draft, value: Value, path: Path) -> tuple[Any, WindowField | None]:
    """The plain ``incremental``, and its cursor."""
    if not isinstance(value.data, dict):
        return draft.plain(value, path), None
    result: dict[str, Any] = {}
    draft.mark(path, value)
    for key, item in value.data.items():
        here = (*path, str(key))
        if item.data is None or key in _HARMLESS:
            continue
        match key:
            case "convert" | "transform" | "initial_value":
                continue
            case "end_value":
                if not (isinstance(item.data, Moment) and item.data.fixed is None):
                    draft.todo(
                        "end_value: windows end at the present; leave it out, or keep the records before it by a filter in processing_steps",
                        item.line,
                        here,
                    )
            case "last_value_func":
                if not (isinstance(item.data, Known) and item.data.last == "max"):
                    draft.todo(
                        "last_value_func: windows are cut by time; only max is known",
                        item.line,
                        here,
                    )
            case "on_cursor_value_missing":
                _missing(draft, item, here)
            case _:
                result[str(key)] = draft.plain(item, here)
    return result, _bounds(draft, value, path, result)


def _missing(draft: Draft, item: Value, path: Path) -> None:
    if item.data == "raise":
        return
    draft.todo(
        f"on_cursor_value_missing: {item.data!r}: a record without a time is in no window, and goes to _rejected; "
        "leave incremental out to read all records each time",
        item.line, path,
    )  # fmt: skip


def _bounds(draft: Draft, value: Value, path: Path, result: dict[str, Any]) -> WindowField | None:
    """Add ``param_format``, and tell what is known of the cursor."""
    keys = value.data
    initial, convert = keys.get("initial_value"), keys.get("convert") or keys.get("transform")
    own = _format_of_value(draft, initial, (*path, "initial_value"))
    sent = own
    if convert is not None and convert.data is not None:
        found = bound_format(convert, own)
        sent = found[0] if found else None
        if sent is None:
            draft.todo(
                "convert is code; write the format that the API wants as param_format",
                convert.line,
                (*path, "convert"),
            )
    if sent is not None and sent != "iso":
        result["param_format"] = sent
        draft.lines.setdefault((*path, "param_format"), (convert or initial or value).line)
    cursor = result.get("cursor_path")
    if not isinstance(cursor, str):
        return None
    return WindowField(cursor, own if own in {"epoch_s", "epoch_ms"} else None, _day(initial, own))


def _format_of_value(draft: Draft, initial: Value | None, path: Path) -> str | None:
    if initial is None or initial.data is None:
        return None
    data, found = _known(initial), own_format(initial)
    if found is not None or isinstance(data, Moment):
        return found
    if data is None:
        draft.note(
            f"{path[-1]} is a setting: check that {'.'.join(map(str, path[:-1]))}.param_format is right",
            initial.line,
        )
    elif isinstance(data, str | int | float):
        draft.todo(
            "the cursor is no time: windows are cut by time; leave incremental out to read all records each time",
            initial.line, path,
        )  # fmt: skip
    else:
        draft.todo(
            "initial_value: the format of bounds is not known; write it as param_format",
            initial.line,
            path,
        )
    return None


def _day(initial: Value | None, form: str | None) -> date | None:
    """The first day that the original reads; None if it is not known, or before the year 2000."""
    data = _known(initial)
    if isinstance(data, Moment) and data.fixed:
        return data.fixed.date()
    if not isinstance(data, str | int | float) or form is None:
        return None
    text = str(data)
    if form in {"epoch_s", "epoch_ms"}:
        seconds = float(text) / (1000 if form == "epoch_ms" else 1)
        day = date(1970, 1, 1) + timedelta(days=int(seconds // 86400))
    else:
        digits = re.sub(r"\D", "", text)[:8]
        try:
            day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        except ValueError:
            return None
    return day if day.year >= _YEARS_BACK else None

"""Rules about windows: bounds that are missing, fixed, or in another format than the API reads.

In: a resource. Out: defects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.building.initial_value import NoTime, format_of
from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.param_format import directives
from analytics_sync.catalog.config.texts import texts_in
from analytics_sync.catalog.plan import plan_of
from analytics_sync.commands.lint.defect import (
    PARAMS,
    Defect,
    Path,
    Rule,
    in_body,
    in_query,
    number_of,
    plain,
)

_INCREMENTAL = ("endpoint", "incremental")
_TIME_WORDS = re.compile(
    r"since|after|before|until|from|start|begin|end|date|updated|modified|created|time|gte|lte|min|max|to$"
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_COMPARED_DAY = re.compile(r"[<>=:(\s]\s*['\"]?\d{4}-\d\d-\d\d")
_CREATED = re.compile(
    r"creat|insert|start|open|placed|occur|submitted|received|added|signup|registered"
)
_CHANGED = re.compile(r"updat|modif|chang|edited|touched|lastmod")
_CALENDAR = frozenset({"year", "month", "quarter", "week", "fiscalyear", "yearmonth"})
_SECONDS = range(10**9, 2 * 10**9)
_ISO = ("iso", "iso_ms")
_EPOCHS = ("epoch_s", "epoch_ms")
_EPOCH_NAME = re.compile(r"epoch|unix|(?:^|[_\-.])ts$|timestamp_?s$")
_MILLIS_NAME = re.compile(r"millis|(?:_|\b)ms$|Ms$")


def window_without_end(_: Source, resource: Resource) -> Iterator[Defect]:
    """Each partition reads everything from its start to the present."""
    incremental = resource.incremental
    if incremental is None or not incremental.sends_bounds or incremental.row_order:
        return
    if incremental.start_param and not incremental.end_param:
        yield Defect(
            (*_INCREMENTAL, "start_param"),
            f"requests have a start ({incremental.start_param}) and no end: each day of a backfill reads all "
            "later days again",
            "declare end_param if the API has one, or row_order if its pages are ordered by the cursor",
        )


def window_without_start(_: Source, resource: Resource) -> Iterator[Defect]:
    """Each partition reads everything up to its end."""
    incremental = resource.incremental
    if (
        incremental
        and incremental.end_param
        and not incremental.start_param
        and not incremental.row_order
    ):
        yield Defect(
            (*_INCREMENTAL, "end_param"),
            f"requests have an end ({incremental.end_param}) and no start: each day reads all earlier days again",
            "declare start_param if the API has one, or row_order if its pages are ordered by the cursor",
        )


def time_format(_: Source, resource: Resource) -> Iterator[Defect]:
    """The format of the bounds contradicts other keys of the declaration."""
    incremental = resource.incremental
    if incremental is None or not (incremental.start_param or incremental.end_param):
        return
    said = next(filter(None, _format_problems(resource, incremental)), None)
    if said is not None:
        reason, proposal = said
        yield Defect((*_INCREMENTAL, "param_format"), reason, proposal)


def _format_problems(
    resource: Resource, incremental: Incremental
) -> Iterator[tuple[str, str] | None]:
    spelled = incremental.param_format
    yield _of_pattern(spelled)
    yield _of_initial_value(incremental)
    yield _of_cursor(resource, incremental)
    for name in filter(None, (incremental.start_param, incremental.end_param)):
        if _MILLIS_NAME.search(name) and spelled != "epoch_ms":
            yield (
                f"{name} is named like milliseconds, and bounds are sent as {spelled}",
                "declare param_format: epoch_ms",
            )
        elif _EPOCH_NAME.search(name) and spelled not in _EPOCHS and "%s" not in spelled:
            yield (
                f"{name} is named like seconds since 1970, and bounds are sent as {spelled}",
                "declare param_format: epoch_s",
            )


def _of_pattern(spelled: str) -> tuple[str, str] | None:
    """What is wrong with a strftime pattern."""
    found = directives(spelled)
    if not found:
        return None
    if re.search(r"%Y[-/.]?%M|%M[-/.]?%d|%d[-/.]?%M", spelled):
        return (
            f"{spelled} has minutes (%M) in the place of the month",
            f"write {spelled.replace('%M', '%m', 1)}",
        )
    if re.search(r"%[HI]:?%m", spelled):
        return f"{spelled} has the month (%m) in the place of minutes", "write %H:%M"
    if found & {"y", "D"}:
        return f"{spelled} has a year of two digits", "write %Y"
    if not found & {"Y", "G", "s", "F", "c", "x"}:
        return f"{spelled} has no year", "write %Y, or name a format such as date"
    if "S" in found and "M" not in found and "T" not in found:
        return f"{spelled} has seconds and no minutes", "write %H:%M:%S"
    return None


def _of_initial_value(incremental: Incremental) -> tuple[str, str] | None:
    """Whether ``initial_value`` has another format than bounds."""
    try:
        found = format_of(incremental.initial_value)
    except NoTime:
        return None
    spelled = incremental.param_format
    if found is None or found == spelled or {found, spelled} <= {"iso", "iso_ms"}:
        return None
    if found == "date" and spelled not in _EPOCHS:  # a day is how people write an instant, too
        return None
    if "%" in found or ("%" in spelled and (found not in _EPOCHS or "%s" in spelled)):
        return None
    return (
        f"initial_value {incremental.initial_value!r} is {found}, and bounds are sent as {spelled}",
        f"declare param_format: {found}, or correct initial_value",
    )


def _of_cursor(resource: Resource, incremental: Incremental) -> tuple[str, str] | None:
    """Whether the records hold numbers of one unit, and bounds have another."""
    unit = resource.cursor.format if resource.cursor else None
    spelled = incremental.param_format
    is_declared = "param_format" in incremental.model_fields_set
    if unit is None or spelled == unit:
        return None
    if spelled in _EPOCHS or not is_declared:
        return (
            f"the records hold {incremental.cursor_path} as {unit}, and bounds are sent as {spelled}"
            f"{'' if is_declared else ' by default'}",
            f"declare param_format: {unit}, or iso if the API wants ISO 8601",
        )
    return None


def days_for_hours(source: Source, resource: Resource) -> Iterator[Defect]:
    """Hourly partitions, and bounds that are whole days: each hour reads a day."""
    incremental = resource.incremental
    if (
        incremental is None
        or not incremental.sends_bounds
        or plan_of(source).partitions != "hourly"
    ):
        return
    found = directives(incremental.param_format)
    if incremental.param_format == "date" or (
        found and not found & {"H", "I", "T", "s", "c", "X", "R"}
    ):
        yield Defect(
            (*_INCREMENTAL, "param_format"),
            f"partitions are hourly, and bounds are days ({incremental.param_format}): each hour reads a whole day",
            "declare partitions: daily, or a param_format with a time of day if the API takes one",
        )


def fixed_time(_: Source, resource: Resource) -> Iterator[Defect]:
    """A time stands in the request as a constant: what is older, or newer, is never read."""
    for place, name, value in _constants(resource):
        if "version" in name.casefold():
            continue
        if _is_fixed_time(name, value):
            yield Defect(
                (*place, name),
                f"{name}: {value} is one point in time in every request: records outside of it are never read",
                "declare endpoint.incremental with start_param and end_param, or remove the parameter",
            )
    segments = [part for part in resource.path.split("/") if part]
    for before, segment in pairwise(segments):  # the first one may be the version of the API
        if _DAY.fullmatch(segment) and before != "api":
            yield Defect(
                ("endpoint", "path"),
                f"{segment} in the path is one day in every request: the records of other days are never read",
                "declare endpoint.incremental, and {incremental.start_value} in the path",
            )


def cursor_never_changes(_: Source, resource: Resource) -> Iterator[Defect]:
    """The window is cut by the time of creation, and records have a time of change."""
    incremental = resource.incremental
    if incremental is None or resource.cursor is None or incremental.lookback or incremental.lag:
        return
    if incremental.cursor_changes is not None or incremental.row_order:
        return
    if not _CREATED.search(plain(incremental.cursor_path)):
        return
    changed = next(
        (
            f.name
            for f in resource.fields
            if f.data_type in ("timestamp", "date") and _CHANGED.search(plain(f.path[-1]))
        ),
        None,
    )
    sent = plain(f"{incremental.start_param or ''} {incremental.end_param or ''}")
    if changed is not None and not _CREATED.search(sent):
        yield Defect(
            (*_INCREMENTAL, "cursor_path"),
            f"windows are cut by {incremental.cursor_path}, and records change later ({changed}): a day that was "
            "read does not see the change",
            f"declare cursor_path: {changed} if the API filters by it, or lookback for late changes. If neither "
            "is possible, say cursor_changes: false",
        )


RULES = (
    Rule("window-without-end", "bounds have a start and no end", window_without_end),
    Rule("window-without-start", "bounds have an end and no start", window_without_start),
    Rule("time-format", "the format of the bounds contradicts a name, a value or the cursor", time_format),
    Rule("days-for-hours", "hourly partitions and bounds that are days", days_for_hours),
    Rule("fixed-time", "a time stands in the request as a constant", fixed_time),
    Rule("cursor-never-changes", "windows by the time of creation, and records that change later", cursor_never_changes),
)  # fmt: skip


def _constants(resource: Resource) -> Iterator[tuple[Path, str, Any]]:
    """The constants of the query and of the body, and the fixed parts of its texts."""
    yield from in_query(resource)
    for name, text in resource.texts.items():
        fixed = [part for t in texts_in(text) for part in t.parts if isinstance(part, str)]
        if not any("incremental" in slot for t in texts_in(text) for slot in t.names):
            yield PARAMS, name, " ".join(fixed)
    yield from in_body(resource)


def _is_fixed_time(name: str, value: Any) -> bool:
    is_named = bool(_TIME_WORDS.search(plain(name)))
    if isinstance(value, str) and _COMPARED_DAY.search(value):
        return True
    if isinstance(value, str) and _DAY.match(value.strip()):
        return is_named
    number = number_of(value)
    if number is not None and plain(name) in _CALENDAR:
        return True
    if number is None or not is_named:
        return False
    return int(number) in _SECONDS or int(number / 1000) in _SECONDS

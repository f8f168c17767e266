"""Servers that differ, and reads of a window from one of them.

In: sources. Out: sandboxes that differ in page size, in the number of the first page and in whether
the bounds of a filter are inclusive; and the rows that a run reads from them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync.sandbox.messages import Fault, Request
from analytics_sync_tests.support.histories import to_datetime
from analytics_sync_tests.support.scripted_api import rows_of

VARIANTS = [(1, 1), (2, 0), (3, 1), (50, 0), (5, 0), (50, 1)]
"""The page size and the number of the first page. Every other server excludes both bounds."""


@contextmanager
def serve(sources: Iterable[Source], sizes: Mapping[str, int]) -> Iterator[list[Sandbox]]:
    """Running servers, one of each variant, with the same records.

    The environment is restored afterwards, because ``read`` changes it.

    Args:
        sources: The sources to serve.
        sizes: Options of the sandbox for the number of records.
    """
    sources = list(sources)
    environment = dict(os.environ)
    os.environ["NO_PROXY"] = "127.0.0.1"
    days = {"start": date(2024, 2, 28), "end": date(2024, 3, 2)}
    try:
        with ExitStack() as stack:
            servers = []
            for index, (max_page, first_page) in enumerate(VARIANTS):
                options = Options(
                    **{"max_page": max_page, "first_page": first_page, **days, **sizes}
                )
                faults = ExclusiveBounds(sources) if index % 2 else None
                servers.append(stack.enter_context(Sandbox(sources, options, faults=faults)))
            yield servers
    finally:
        os.environ.clear()
        os.environ.update(environment)


class ExclusiveBounds:
    """Makes both bounds of a filter exclusive in a sandbox, where they are inclusive.

    It moves the bounds in the request inwards, by the smallest step of their format. Where the
    format cannot express the moved upper bound, this bound stays inclusive.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.name: source for source in sources}

    def __call__(self, request: Request) -> Fault | None:
        source = self._sources.get(request.source)
        resource = source.resources.get(request.resource or "") if source else None
        incremental = resource.incremental if resource is not None else None
        assert isinstance(request.query, dict)
        if incremental is None or incremental.step or "page_cursor" in request.query:
            return None
        low, high = incremental.start_param or "", incremental.end_param or ""
        values = request.query.get(low, [])
        if low == high and len(values) == 2:
            request.query[low] = [
                _moved(values[0], incremental.param_format, 1),
                _moved(values[1], incremental.param_format, -1),
            ]
        elif low != high:
            if values:
                request.query[low] = [_moved(values[-1], incremental.param_format, 1)]
            for value in request.query.get(high, [])[-1:]:
                # The same parameter may hold the cursor of a page: letters and digits.
                if not value.isalnum() or value.lstrip("-").isdigit():
                    request.query[high] = [_moved(value, incremental.param_format, -1)]
        return None


def _moved(value: str, param_format: str, sign: int) -> str:
    """A bound, moved by the smallest step of its format; unchanged if that cannot be expressed."""
    match param_format:
        case "iso" | "iso_ms":
            moved = datetime.fromisoformat(value) + sign * timedelta(milliseconds=1)
            return moved.isoformat()
        case "date":
            return (date.fromisoformat(value) + timedelta(days=sign)).isoformat()
        case "epoch_ms":
            return str(int(value) + sign)
        case "epoch_s" if sign > 0:
            return str(int(value) + 1)
        case _ if "%" in param_format and (unit := _step(param_format, sign)):
            return (datetime.strptime(value, param_format) + sign * unit).strftime(param_format)
        case _:
            return value


def _step(pattern: str, sign: int) -> timedelta | None:
    """The smallest step of a pattern; None if it cannot express an exclusive upper bound."""
    if "%f" in pattern:
        return timedelta(milliseconds=1)
    if "%M" not in pattern:
        return timedelta(days=1)
    if sign < 0:
        return None
    return timedelta(seconds=1) if "%S" in pattern else timedelta(minutes=1)


def read(
    source: Source, sandbox: Sandbox, names: Iterable[str], low: int, high: int
) -> dict[str, list[dict[str, Any]]]:
    """The rows of a window by resource, as a run reads them from a sandbox.

    Args:
        source: The source.
        sandbox: The server.
        names: The resources.
        low: The start of the window, in microseconds since 1970.
        high: The end of the window, in microseconds since 1970.
    """
    os.environ.update(sandbox.settings())
    window = Window(to_datetime(low), to_datetime(high))
    names = list(names)
    # Nothing is loaded here, so that a journal would pass pages on to the next read.
    with ReadRun(source, window, names, resume=False) as run:
        rows = {name: rows_of(run.result(name)) for name in names}
    for row in (row for found in rows.values() for row in found):
        assert row.pop("_deleted_at", None) is None
    return rows


def by_id(rows: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Rows by key. A key with two rows fails here."""
    rows = list(rows)
    keyed = {row["id"]: row for row in rows}
    assert len(keyed) == len(rows)
    return keyed

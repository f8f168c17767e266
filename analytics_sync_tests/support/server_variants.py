"""Servers of several manners, and readings of windows from them.

In: a source. Out: empty sandboxes that differ in page sizes, in what they count pages from and in
whether the bounds of a filter count; and rows by key, as a run reads them.
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
from analytics_sync_tests.support.histories import moment

MANNERS = [(1, 1), (2, 0), (3, 1), (50, 0), (5, 0), (50, 1)]
"""Most records on a page, and the first page's number; every other server counts its bounds out."""


@contextmanager
def serve(sources: Iterable[Source], sizes: Mapping[str, int]) -> Iterator[list[Sandbox]]:
    """Servers, one of each manner, with the same records; settings are as before afterwards.

    Args:
        sources: What to serve.
        sizes: Options of the sandbox that say how many records there are.
    """
    sources = list(sources)
    kept = dict(os.environ)
    os.environ["NO_PROXY"] = "127.0.0.1"
    days = {"start": date(2024, 2, 28), "end": date(2024, 3, 2)}
    try:
        with ExitStack() as stack:
            made = []
            for index, (most, first) in enumerate(MANNERS):
                options = Options(max_page=most, first_page=first, **days, **sizes)  # type: ignore[arg-type]
                faults = BoundsLeftOut(sources) if index % 2 else None
                made.append(stack.enter_context(Sandbox(sources, options, faults=faults)))
            yield made
    finally:
        os.environ.clear()
        os.environ.update(kept)


class BoundsLeftOut:
    """Makes a sandbox, which counts both bounds of a filter in, leave both out.

    It moves the bounds in the request by the smallest step their spelling has. Where the sandbox
    could not read the result, the upper bound stays.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.name: source for source in sources}

    def __call__(self, request: Request) -> Fault | None:
        source = self._sources.get(request.source)
        resource = source.resources.get(request.resource or "") if source else None
        own = resource.incremental if resource is not None else None
        assert isinstance(request.query, dict)
        if own is None or own.step or "page_cursor" in request.query:
            return None
        low, high = own.start_param or "", own.end_param or ""
        values = request.query.get(low, [])
        if low == high and len(values) == 2:
            request.query[low] = [
                _moved(values[0], own.param_format, 1),
                _moved(values[1], own.param_format, -1),
            ]
        elif low != high:
            if values:
                request.query[low] = [_moved(values[-1], own.param_format, 1)]
            for value in request.query.get(high, [])[-1:]:
                if not value.isalnum() or value.lstrip("-").isdigit():  # else a page's cursor
                    request.query[high] = [_moved(value, own.param_format, -1)]
        return None


def _moved(value: str, spelling: str, sign: int) -> str:
    match spelling:
        case "iso" | "iso_ms":
            moved = datetime.fromisoformat(value) + sign * timedelta(milliseconds=1)
            return moved.isoformat()
        case "date":
            return (date.fromisoformat(value) + timedelta(days=sign)).isoformat()
        case "epoch_ms":
            return str(int(value) + sign)
        case "epoch_s" if sign > 0:
            return str(int(value) + 1)
        case _ if "%" in spelling and (unit := _step(spelling, sign)):
            return (datetime.strptime(value, spelling) + sign * unit).strftime(spelling)
        case _:
            return value


def _step(pattern: str, sign: int) -> timedelta | None:
    """The smallest step of a pattern; None where an end that is left out cannot be spelled."""
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
    """Rows by resource, as a run of this window reads them."""
    os.environ.update(sandbox.settings())
    found: dict[str, list[dict[str, Any]]] = {}
    names = list(names)
    # nothing is loaded here: what is read must not be kept for the next
    with ReadRun(source, Window(moment(low), moment(high)), names, resume=False) as run:
        for name in names:
            buffer = run.result(name).buffer
            assert buffer is not None
            found[name] = [row for table in buffer.tables() for row in table.to_pylist()]
            assert len(found[name]) == buffer.rows
            for row in found[name]:  # a snapshot's column for what is not listed any more
                assert row.pop("_deleted_at", None) is None
                assert row.pop("_read_at") is not None
    return found


def by_id(rows: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Rows by key; a key that comes twice fails here."""
    rows = list(rows)
    keyed = {row["id"]: row for row in rows}
    assert len(keyed) == len(rows)
    return keyed

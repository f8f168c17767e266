"""Second reads: they tell whether rows that a first read has missed are gone, or elsewhere.

In: scopes with missing rows. Out: finished reads that may have found some of them. Their rows are not
loaded. Three things hide a row from a complete read. In a listing by offset or page number, a row moves to
the page before when another row is deleted meanwhile. A record whose cursor changes moves to another
window, which this run has not read: the second read begins with the same window and ends in the future.
And a listing in an order may break it behind the end of the window: the second read goes to the last page.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config.paginators import Offset, PageNumber
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.cursor_kind import CursorKind, cursor_kind
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.gone.scope import Scope, scope_to_mark

log = logging.getLogger(__name__)

_AHEAD = timedelta(days=1)  # no record changes later than this, whatever the clock of the API
# A cursor of which nobody knows what it is may move either way, as the date of an appointment.
_AROUND = timedelta(days=366)

Confirmation = tuple[Scope, ReadResult] | str
"""A scope and the second read that speaks for its rows, or why there is none."""


def needs_second_read(run: ReadRun, scope: Scope) -> bool:
    """Whether rows that a read has missed may be listed in spite of it."""
    resource = scope.resource
    if scope.window is not None and (
        _moves(resource) or _stops_early(resource) or not run.result(resource.name).rows
    ):
        return True
    if scope.parents is not None:  # a parent that was missed has no row in the scope
        return _rows_may_slip(resource)
    return any(map(_rows_may_slip, _listings(run.source, resource)))


@contextmanager
def second_reads(run: ReadRun, scopes: Mapping[str, Scope]) -> Iterator[Mapping[str, Confirmation]]:
    """Read resources again, and keep what was read for the time of the block.

    Args:
        run: The first run.
        scopes: The rows that its reads speak for, by resource.
    """
    by_window: dict[Window | None, list[str]] = {}
    for name, scope in scopes.items():
        by_window.setdefault(_window(run, scope), []).append(name)
    found: dict[str, Confirmation] = {}
    with ExitStack() as stack:
        for window, names in by_window.items():
            try:
                source = _to_the_end(run.source, names)
                again = stack.enter_context(_again(run, source, window, names))
                again.start(run.tables)
                failed = again.failures()
            except ExtractError as e:
                found |= dict.fromkeys(names, _not_read(e))
                continue
            for name in names:
                found[name] = (
                    _not_read(failed[name])
                    if name in failed
                    else _confirmation(again, scopes[name])
                )
        yield found


def _again(run: ReadRun, source: Source, window: Window | None, names: Iterable[str]) -> ReadRun:
    return ReadRun(source, window, names, resume=False, stop=run.stop, progress=run.progress)


def _confirmation(again: ReadRun, scope: Scope) -> Confirmation:
    result = again.result(scope.resource.name)
    second = scope_to_mark(again, result)
    if not isinstance(second, Scope):
        return f"of the second read, {second}"
    if scope.window is not None and result.read_up_to is not None and _moves(scope.resource):
        return (
            f"the API gives no records after {result.read_up_to.isoformat(timespec='seconds')} yet, and "
            "rows may have moved there"
        )
    return (scope if second.parents is None else scope.only_parents(second.parents)), result


def _window(run: ReadRun, scope: Scope) -> Window | None:
    """The window of the second read: as of the first, and all that rows may have moved to."""
    window = run.window
    if scope.window is None or window is None or not _moves(scope.resource):
        return window
    now = datetime.now(UTC)
    if cursor_kind(scope.resource) is CursorKind.CHANGES:
        return replace(window, end=max(window.end, now + _AHEAD))
    return replace(window, start=window.start - _AROUND, end=max(window.end, now + _AROUND))


def _moves(resource: Resource) -> bool:
    return cursor_kind(resource) is not CursorKind.FIXED


def _stops_early(resource: Resource) -> bool:
    """Whether a read ends where the declared order says that the window ends."""
    return resource.incremental is not None and resource.incremental.row_order is not None


def _to_the_end(source: Source, names: Iterable[str]) -> Source:
    """The source, of which these resources are read to the end of their listing."""
    resources = dict(source.resources)
    for name in names:
        resource = resources[name]
        if resource.incremental is not None:
            whole = resource.incremental.model_copy(update={"row_order": None})
            resources[name] = replace(resource, incremental=whole)
    return replace(source, resources=resources)


def _listings(source: Source, resource: Resource) -> tuple[Resource, ...]:
    return (resource, *source.ancestors(resource))


def _rows_may_slip(resource: Resource) -> bool:
    """Whether a read may miss a row that the API lists, because pages are counted."""
    return isinstance(resource.paginator, Offset | PageNumber)


def _not_read(error: Exception) -> str:
    log.warning("rows that may be gone are not marked: %s", error)
    return f"they could not be read a second time: {error}"

"""Walks over the pages of one resource.

In: an errand, a parent's values, the bounds of a part of the window. Out: the pages of the walks that
read that, one after the other. A walk may ask for pages ahead of their turn; it never takes one that
does not fit the page before it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.common.errors import HttpStatusError, PaginationStuck, Place
from analytics_sync.common.json_path import lookup
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.converter import Converter
from analytics_sync.extract.incremental import window_params
from analytics_sync.extract.journal import Journal, KeptPages
from analytics_sync.extract.parents import Parent, inherit
from analytics_sync.extract.prefetch import Prefetcher
from analytics_sync.extract.rest_client.paginator import PageRequest, paginator_for, whole_number
from analytics_sync.extract.rest_client.record_selector import select
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.rest_client.urls import (
    check_query_values,
    fill_path,
    join,
    placeholders,
    placeholders_with_slash,
)
from analytics_sync.extract.result import Page, ReadResult

_Mark = tuple[list[int | None], set[str]]


@dataclass(frozen=True)
class ReadContext:
    """What is read, which part of it, and where things are taken down.

    Attributes:
        window: None for everything.
        deadline: On the monotonic clock.
    """

    resource: Resource
    window: Window | None
    place: Place
    result: ReadResult
    journal: Journal
    deadline: float


class PageReader:
    """The walks of one errand. Threads may share it.

    Args:
        errand: What is read.
        session: HTTP.
        settings: For setting-bound parameters.
        ahead: For requests ahead of their turn.
    """

    def __init__(
        self, context: ReadContext, session: Session, settings: Settings, ahead: Executor
    ) -> None:
        self._context = context
        self._session = session
        self._settings = settings
        self._ahead = ahead

    def pages(
        self, parent: Parent | None, slice_: Window | None, *, ignore_journal: bool = False
    ) -> Generator[Page, None, None]:
        """The records of each page of one walk, or of one walk a month where the API wants that.

        Args:
            parent: Whose child is read; None when the resource is none.
            part: What the API is asked to cut on; None for everything.
            afresh: Whether pages that an earlier run has kept are of no use.
        """
        context, redact = self._context, self._session.redact
        resource = context.resource
        own = resource.incremental if resource.cursor else None
        params = self._params(parent)
        inside = set(placeholders(resource.path))
        values = {n: params[n] for n in inside}
        path = fill_path(
            resource.path, values, placeholders_with_slash(resource), context.place, redact
        )
        url = join(self._session.base_url, path)
        query = {n: v for n, v in params.items() if n not in inside}
        given = {n: v for n, v in query.items() if n in resource.resolved or n in resource.settings}
        check_query_values(given, context.place, redact)
        walks: list[dict[str, object]] = window_params(own, slice_) if own and slice_ else [{}]
        for bounds in walks:
            kept_pages = self._context.journal.walk(
                url, {**query, **bounds}, ignore_journal=ignore_journal
            )
            with closing(self._walk(url, {**query, **bounds}, parent, kept_pages)) as walk:
                yield from walk

    def _walk(
        self, url: str, query: dict[str, object], parent: Parent | None, kept_pages: KeptPages
    ) -> Generator[Page, None, None]:
        context = self._context
        resource, window, place, result = (
            context.resource, context.window, context.place, context.result,
        )  # fmt: skip
        paginator = paginator_for(resource.paginator, place, self._session.redact)
        order = resource.incremental.row_order if resource.incremental else None
        converter = Converter(resource) if order and window else None
        step = paginator.first_request()
        reported_total: int | None = None
        got = 0
        before: _Mark | None = None

        def fetch(step: PageRequest) -> Response:
            return self._session.get(
                step.link or url,
                {} if step.link else {**query, **step.params},
                place=place,
                policy=resource.error_handler,
                counters=result.counters,
                headers=resource.headers,
                deadline=context.deadline,
            )

        kept_pages.revalidate(
            lambda step: _unless_refused(fetch, step),
            lambda a, b: self._keys(a) == self._keys(b),
        )
        with closing(Prefetcher(self._ahead, fetch)) as ahead:
            for number in range(self._session.max_pages):
                answer = kept_pages.get(number, step)
                is_new = answer is None
                if answer is None:
                    try:
                        answer = self._foreseen(ahead, step, before) or fetch(step)
                    except HttpStatusError as e:
                        if result.children is None and e.status in resource.ignored_statuses:
                            result.ended(
                                f"status {e.status}, ignored",
                                reported_total,
                                got,
                                proven_complete=False,
                            )
                            return
                        raise
                records = self._records(answer)
                next_page = paginator.advance(answer, records)
                if is_new:  # and known to be a page
                    kept_pages.add(number, step, answer)
                if number == 0 and resource.count_path is not None:
                    reported_total = whole_number(answer.body, resource.count_path)
                if next_page.request is not None and is_new and not ahead:
                    steps = paginator.predict(next_page.request, answer, records, reported_total)
                    ahead.prefetch(steps, self._session.at_once(len(answer.raw)))
                before = self._mark(answer) if ahead else None
                past_window = (
                    converter and window and converter.is_past(records, window, order == "desc")
                )
                if next_page.keep:
                    got += len(records)
                    with result.counters.lock:
                        result.pages += 1
                    own = inherit(records, parent) if parent is not None else records
                    at, size = answer.received_at, len(answer.raw)
                    # the next page shall find this one's memory free, and still in the cache
                    del answer, records
                    yield Page(own, at, size, last=next_page.request is None)
                    del own
                if next_page.request is None:
                    kept_pages.end()
                    result.ended(
                        next_page.end,
                        reported_total,
                        got,
                        proven_complete=next_page.proven_complete,
                    )
                    return
                if past_window:
                    kept_pages.end()
                    result.ended("the window's edge", None, got, proven_complete=True)
                    return
                step = next_page.request
        raise PaginationStuck(
            place,
            f"more than {self._session.max_pages:,} pages.",
            "If there really are that many, raise client.max_pages.",
        )

    def _foreseen(
        self, ahead: Prefetcher, step: PageRequest, before: _Mark | None
    ) -> Response | None:
        """The page that was asked for ahead of its turn, if it follows the page before.

        It may have been answered earlier than that one. Had something been added or deleted between
        the two, a row could have slipped from the one to the other unseen; then the totals differ, or
        a row is in both, and what was asked for is of no use.
        """
        answer = ahead.get(step)
        if answer is None:
            return None
        total, keys = self._mark(answer)
        if before is None or total != before[0] or not keys.isdisjoint(before[1]):
            ahead.close()
            return None
        return answer

    def _mark(self, answer: Response) -> _Mark:
        """The totals that an answer tells, and the keys of its records."""
        return self._total(answer), {repr(key) for key in self._keys(answer)}

    def _total(self, answer: Response) -> list[int | None]:
        """How many records or pages the answer says that there are."""
        resource = self._context.resource
        paths = (resource.count_path, getattr(resource.paginator, "total_path", None))
        return [whole_number(answer.body, path) for path in paths if path]

    def _records(self, answer: Response) -> list[Any]:
        redact = self._session.redact
        said = f"GET {redact(answer.url)}"
        return select(answer.body, self._context.resource, self._context.place, said, redact)

    def _keys(self, answer: Response) -> list[list[Any]]:
        """What tells the records of a page apart, in their order."""
        paths = self._context.resource.primary_key
        return [[lookup(record, path) for path in paths] for record in self._records(answer)]

    def _params(self, parent: Parent | None) -> dict[str, object]:
        resource: Resource = self._context.resource
        params: dict[str, object] = {}
        from_parent = dict(parent.params) if parent else {}
        for name, declared in resource.params.items():
            if name in resource.settings:
                params[name] = self._settings.param(
                    resource.settings[name], f"{resource.name}: parameter {name}"
                )
            else:
                params[name] = from_parent.get(
                    name, None if name in resource.resolved else declared
                )
        return params


def _unless_refused(fetch: Callable[[PageRequest], Response], step: PageRequest) -> Response | None:
    """None when the API does not take that request any more: cursors expire."""
    try:
        return fetch(step)
    except HttpStatusError as e:
        if 400 <= e.status < 500 and e.status not in {401, 403, 429}:
            return None
        raise

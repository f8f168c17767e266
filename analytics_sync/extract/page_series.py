"""The page series: the pages of one request series, from its first request to its end.

In: the request of the series. Out: the pages, one after the other. The paginator decides
which request follows and where the series ends. Responses come from the journal, from the prefetcher or
from a new request.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import closing
from typing import Any

from analytics_sync.common.errors import HttpStatusError, PaginationStuck
from analytics_sync.common.json_path import lookup
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.evidence.param_evidence import ParamEvidence
from analytics_sync.extract.evidence.staleness import judge_age
from analytics_sync.extract.journal.kept_pages import KeptPages
from analytics_sync.extract.judges.gaps import GapJudge
from analytics_sync.extract.judges.ignored import doubt_ignored
from analytics_sync.extract.judges.row_order import RowOrder
from analytics_sync.extract.judges.secrets_in_pages import advance, judge_keys
from analytics_sync.extract.judges.series_end import SeriesEnd
from analytics_sync.extract.parents import Parent, inherit
from analytics_sync.extract.prefetch import Prefetcher
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.requester import Requester
from analytics_sync.extract.rest_client.paginators.paginator import (
    NextPage,
    PageRequest,
    paginator_for,
    whole_number,
)
from analytics_sync.extract.rest_client.record_selector import has_null_list, select
from analytics_sync.extract.rest_client.resource_request import ResourceRequest
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.urls import MAX_SHOWN_URL
from analytics_sync.extract.result import Page
from analytics_sync.extract.row_hash import row_hash, with_row_hash
from analytics_sync.extract.trial import TRIAL_END

_Fingerprint = tuple[list[int | None], set[str]]
"""The totals that a response reports, and the keys of its records."""


class PageSeries:
    """One request series. Make a new one for each series.

    Args:
        context: The context of the read.
        session: Sends the requests.
        prefetch_pool: Threads for prefetched requests.
        request: The request, without the parameters of the paginator.
        parent: The parent whose children are read; None when the resource is no child.
        kept_pages: The pages of this series in the journal.
    """

    def __init__(
        self,
        context: ReadContext,
        session: Session,
        prefetch_pool: Executor,
        request: ResourceRequest,
        parent: Parent | None,
        kept_pages: KeptPages,
    ) -> None:
        resource = context.resource
        self._context = context
        self._resource = resource
        self._session = session
        self._parent = parent
        self._kept_pages = kept_pages
        self._requester = Requester(context, session, request)
        self._params = ParamEvidence(resource, request.query)
        self._limit = context.page_limit
        self._processing = context.processing
        self._has_steps = bool(resource.steps)
        self._prefetcher = Prefetcher(prefetch_pool, self._requester.fetch)
        self._paginator = paginator_for(resource.paginator, context.place, session.redact)
        self._end = SeriesEnd(context, self._paginator)
        self._gaps = GapJudge(context, session.redact)
        self._order = _row_order(context)
        self._series = object()  # identifies the series, and keeps nothing of it alive
        self._full_pages = 0
        self._reported_total: int | None = None
        self._received = 0
        self._left_out = 0
        self._previous: _Fingerprint | None = None
        self._latest: tuple[Response | None, list[Any]] = (None, [])

    def pages(self) -> Generator[Page, None, None]:
        """Read all pages.

        Raises:
            ExtractError: A request failed, or the pages do not end.
        """
        self._kept_pages.revalidate(self._requester.fetch_unless_refused, self._has_same_keys)
        request = self._paginator.first_request()
        with closing(self._prefetcher):
            for number in range(self._session.max_pages):
                if self._limit is not None and not self._limit.take():
                    self._reported_total = None
                    self._record_end(TRIAL_END, proven_complete=False)
                    return
                try:
                    response, is_new = self._response(number, request)
                except HttpStatusError as e:
                    self._record_end_by_status(number, e)
                    return
                left_out: list[Any] = []
                selected = self._records(response, self._received > 0, left_out)
                elements = [*selected, *left_out] if left_out else selected
                records = self._processing.apply(selected) if self._has_steps else selected
                self._gaps.judge_left_out(left_out)
                self._gather_evidence(response, selected)
                if number == 0 and self._resource.count_path is not None:
                    total = whole_number(response.body, self._resource.count_path)
                    self._reported_total = self._paginator.reported_total = total
                    self._context.result.announce(total)
                next_page = advance(self._paginator, self._session, response, elements)
                if is_new:  # not before the paginator has accepted the response as a page
                    self._kept_pages.add(number, request, response)
                self._look_ahead(next_page.request, response, elements, is_new)
                if self._resource.response_actions:
                    self._latest = response, elements
                past_window = self._order is not None and self._order.is_past_window(records)
                proven = self._judge(number, next_page, response, elements, past_window)
                if next_page.keep:
                    self._left_out += len(elements) - len(records)
                    page = self._page(response, records, last=next_page.request is None)
                    # Free this page before the next one arrives, while it is still in the cache.
                    del response, records, elements, left_out, selected
                    yield page
                    del page
                if next_page.request is None or past_window:
                    break
                request = next_page.request
            else:
                raise self._too_many_pages()
        self._kept_pages.finish()
        if next_page.request is None:
            self._record_end(next_page.end, proven_complete=proven)
        else:
            self._reported_total = None  # it counts the whole listing, not only the part read
            self._record_end("the window's edge", proven_complete=True)

    def _gather_evidence(self, response: Response, records: list[Any]) -> None:
        """Note what a page says against the declaration."""
        result, redact = self._context.result, self._session.redact
        if response.unmasked is not None:
            judge_keys(self._context, self._keys(response), self._keys(response.unmasked))
        result.filter_evidence.add(response.body, records)
        context = self._context
        age = judge_age(response, context.window, self._resource)
        for said in filter(None, (self._params.judge(records), age)):
            context.add_finding(COMPLETE, redact(said))

    def _judge(
        self,
        number: int,
        next_page: NextPage,
        response: Response,
        records: list[Any],
        past_window: bool,
    ) -> bool:
        """Whether the end proves that nothing was left out; true while the series goes on.

        Raises:
            PaginationStuck: The response says that there is more.
            InvalidResponse: The response speaks of an error and holds no records.
        """
        self._gaps.judge(response, records)
        if next_page.request is None and not past_window:
            return self._end.is_proven(next_page, response, records)
        if number == 0:
            self._end.remember_totals(response, records)
        return True

    def _record_end_by_status(self, number: int, error: HttpStatusError) -> None:
        """Record that a status ended the series; raise the error if the status is no end.

        Args:
            number: The number of the page, from 0.
            error: The error of its response.
        """
        end = None if error.is_failure else self._paginator.end_by_refusal(error.status)
        response, records = self._latest
        if end is not None:
            self._record_end(end.end, proven_complete=self._end.is_proven(end, None, ()))
            return
        if not error.is_ignored or response is None:  # series without a page are judged together
            raise error
        doubt_ignored(error, self._context.result, self._context.place)
        end = self._paginator.end_by_ignored(error.status, response)
        self._record_end(end.end, proven_complete=self._end.is_proven(end, response, records))

    def _response(self, number: int, request: PageRequest) -> tuple[Response, bool]:
        """The response to a request, and whether it is new to the journal."""
        kept = self._kept_pages.get(number, request)
        if kept is not None:
            return kept, False
        return self._prefetched(request) or self._requester.fetch(request), True

    def _prefetched(self, request: PageRequest) -> Response | None:
        """The prefetched response to a request, if it fits the page before.

        The prefetched page may be older than the page before it. If a record was added or deleted in
        between, a row may have moved across the page boundary. The totals then differ, or both pages
        hold the same key; in either case the page is fetched again.
        """
        response = self._prefetcher.get(request)
        if response is None:
            return None
        totals, keys = self._fingerprint(response)
        previous = self._previous
        if previous is None or totals != previous[0] or not keys.isdisjoint(previous[1]):
            self._prefetcher.close()
            return None
        return response

    def _look_ahead(
        self, request: PageRequest | None, response: Response, records: list[Any], is_new: bool
    ) -> None:
        """Prefetch the pages that the paginator predicts, unless some are on their way already."""
        may_send = is_new and self._limit is None
        if request is not None and may_send and not self._prefetcher:
            requests = self._paginator.predict(request, response, records, self._reported_total)
            self._prefetcher.prefetch(
                requests, self._session.max_concurrent_requests(len(response.raw))
            )
        self._previous = self._fingerprint(response) if self._prefetcher else None

    def _page(self, response: Response, records: list[Any], *, last: bool) -> Page:
        result = self._context.result
        self._received += len(records)
        self._full_pages += bool(records)
        with result.counters.lock:
            result.pages += 1
        parent = self._parent
        if parent is not None:
            records = inherit(records, parent)
        if self._resource.has_row_hash:
            records = with_row_hash(records, "" if parent is None else parent.key)
        return Page(
            records,
            response.received_at,
            len(response.raw),
            last=last,
            parent=parent,
            series=self._series,
            number=self._full_pages,
            window=self._context.slice_,
        )

    def _record_end(self, reason: str, *, proven_complete: bool) -> None:
        total = self._reported_total
        if total is not None:
            total = max(0, total - self._left_out)  # it counts all elements
        context = self._context
        context.result.record_end(
            reason, total, self._received, context.slice_, proven_complete=proven_complete
        )

    def _too_many_pages(self) -> PaginationStuck:
        return PaginationStuck(
            self._context.place,
            f"more than {self._session.max_pages:,} pages.",
            "If there really are that many, raise client.max_pages.",
        )

    def _fingerprint(self, response: Response) -> _Fingerprint:
        paths = (self._resource.count_path, getattr(self._resource.paginator, "total_path", None))
        totals = [whole_number(response.body, path) for path in paths if path]
        return totals, {repr(key) for key in self._keys(response)}

    def _has_same_keys(self, one: Response, other: Response) -> bool:
        return self._keys(one) == self._keys(other)

    def _keys(self, response: Response) -> list[list[Any]]:
        """The primary keys of the elements of a page: of its records, and of those left out."""
        paths = self._resource.primary_key
        left_out: list[Any] = []
        selected = self._records(response, True, left_out)
        elements = [*(self._processing.apply(selected) if self._has_steps else selected), *left_out]
        if self._resource.has_row_hash:
            return [[row_hash(e)] if isinstance(e, dict) else [e] for e in elements]
        return [[lookup(element, path) for path in paths] for element in elements]

    def _records(self, response: Response, may_be_null: bool, left_out: list[Any]) -> list[Any]:
        """The records of a page.

        Args:
            response: The response.
            may_be_null: Whether null in place of the list is an empty page, if the response also
                says that no page follows.
            left_out: Receives the elements that the selector leaves out. The paginator counts them.
        """
        if (
            may_be_null
            and has_null_list(response.body, self._resource)
            and self._paginator.says_no_more(response)
        ):
            return []
        redact = self._session.redact
        request_name = f"{self._resource.method} {redact(response.url)[:MAX_SHOWN_URL]}"
        return select(
            response.body, self._resource, self._context.place, request_name, redact, left_out
        )


def _row_order(context: ReadContext) -> RowOrder | None:
    """Follows the order that a resource declares; None without one, and without a window."""
    incremental, window = context.resource.incremental, context.window
    if incremental is None or incremental.row_order is None or window is None:
        return None
    return RowOrder(incremental, window, context.result)

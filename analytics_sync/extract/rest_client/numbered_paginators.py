"""Paginators that count: by page number and by offset.

In: pages, and a reported total if the API sends one. Out: requests with the next number, also for
pages that are still to come, so that they can be prefetched. A server that ignores the number sends
the same page again; the paginator compares each page with the page before to notice that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from analytics_sync.catalog import paginators as p
from analytics_sync.common.errors import PaginationStuck, Place
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.base_paginator import (
    END_EMPTY_PAGE,
    END_NO_MORE,
    NextPage,
    PageRequest,
    Paginator,
    is_last_by_flag,
    whole_number,
)
from analytics_sync.extract.rest_client.response import Response

_MAX_SAMPLE_RECORDS = 50
_Sample = tuple[int, list[Any]]  # the length of a page, and some of its records


class _NumberedPaginator(Paginator):
    """The part that page numbers and offsets share: the page size and the page before."""

    _config: p.PageNumber | p.Offset

    def __init__(
        self,
        config: p.PageNumber | p.Offset,
        place: Place,
        redact: Callable[[str], str] = str,
    ) -> None:
        super().__init__(config, place, redact)
        self._limit_params: dict[str, object] = (
            {config.limit_param: config.limit} if config.limit_param else {}
        )
        self._record_count = 0
        self._sample: _Sample | None = None
        self._previous_sample: _Sample | None = None

    def advance(self, response: Response, records: list[Any]) -> NextPage:
        """Judge a page as the base class does, then remember it for the comparison."""
        self._sample = _take_sample(records)
        next_page = super().advance(response, records)
        self._record_count += len(records)
        self._previous_sample = self._sample
        return next_page

    def _end_of_series(self, response: Response, records: list[Any]) -> NextPage | None:
        """The end, by an empty page or by the API's flag; None if the series goes on."""
        if not records:
            return NextPage(None, END_EMPTY_PAGE)
        if is_last_by_flag(self._config.has_more_path, response):
            return NextPage(None, END_NO_MORE)
        return None

    def _total(self, response: Response) -> int | None:
        path = self._config.total_path
        return whole_number(response.body, path) if path else None

    def _repeats_previous(self) -> bool:
        return self._sample == self._previous_sample

    def _same_page(self, param: str) -> PaginationStuck:
        return PaginationStuck(
            self._place,
            f"the API answered the same page again although {param!r} had moved on.",
            "It seems to ignore that parameter; correct the paginator's declaration.",
        )


class PageNumberPaginator(_NumberedPaginator):
    """Counts pages in a query parameter.

    Without a declared ``base_page`` the first request carries no page number, and the second asks
    for page 1. If page 1 is the first page again, the server counts from 1, otherwise from 0.
    """

    _config: p.PageNumber
    _page: int | None = None  # the number in the latest request; None before the first number
    _first_page = 0

    def first_request(self) -> PageRequest:
        """The request of ``base_page``, or a request without a page number."""
        params = dict(self._limit_params)
        if self._config.base_page is not None:
            self._page = self._first_page = self._config.base_page
            params[self._config.page_param] = self._config.base_page
        return PageRequest(params)

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        config = self._config
        if (end := self._end_of_series(response, records)) is not None:
            return end
        keep = True
        if self._repeats_previous():
            # the first request had no page parameter: this server counts from 1
            if self._page != 1 or config.base_page is not None:
                raise self._same_page(config.page_param)
            keep = False
            self._first_page = 1
        page = 1 if self._page is None else self._page + 1
        total = self._total(response)
        if total is not None and page - self._first_page >= total:
            return NextPage(None, "the last page of the total", keep)
        if config.maximum_page is not None and page > config.maximum_page:
            return NextPage(None, "maximum_page", keep, proven_complete=False)
        self._page = page
        return NextPage(PageRequest({config.page_param: page, **self._limit_params}), keep=keep)

    def predict(
        self,
        request: PageRequest,
        response: Response,
        records: list[Any],
        reported_total: int | None,
    ) -> Iterator[PageRequest]:
        """The requests up to the last page; without ``total_path`` one more, up to the empty page."""
        config = self._config
        if not records or self._page is None:
            return
        total = self._total(response)
        if total is None and reported_total is not None:
            total = -(-reported_total // len(records))
        if total is None or (config.base_page is None and self._page == 1):
            return  # it is not known yet whether this server counts from 1
        end = self._first_page + total + (config.total_path is None)
        for page in range(self._page, end):
            yield PageRequest({**request.params, config.page_param: page})


class OffsetPaginator(_NumberedPaginator):
    """Counts records in a query parameter, or follows a cursor that the API sends instead.

    The offset grows by the number of records received, because servers cap page sizes.
    """

    _config: p.Offset

    def first_request(self) -> PageRequest:
        """The request of the declared first offset."""
        return PageRequest({**self._limit_params, self._config.offset_param: self._config.offset})

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        config = self._config
        if (by_cursor := self._cursor_instead(response, records)) is not None:
            return by_cursor
        if (end := self._end_of_series(response, records)) is not None:
            return end
        total = self._total(response)
        if self._repeats_previous():
            return self._end_of_ignored_offset(records, total)
        offset = config.offset + self._record_count + len(records)
        if total is not None and offset >= total:
            return NextPage(None, "the total")
        if config.maximum_offset is not None and offset >= config.maximum_offset:
            return NextPage(None, "maximum_offset", proven_complete=False)
        return NextPage(PageRequest({config.offset_param: offset, **self._limit_params}))

    def _cursor_instead(self, response: Response, records: list[Any]) -> NextPage | None:
        """The next page by a cursor in the body; None while the API sends no cursor.

        An object that usually holds the cursor, but holds none, ends the series. So does a body
        without a cursor once the series has followed one.
        """
        path = self._config.cursor_path
        if path is None:
            return None
        cursor = lookup(response.body, path)
        parent_path = path.rpartition(".")[0]
        if (
            cursor is MISSING
            and not self._seen
            and not (parent_path and isinstance(lookup(response.body, parent_path), dict))
        ):
            return None
        return self._follow_cursor(
            cursor,
            self._config.cursor_param,
            records,
            limit_params=self._limit_params,
            stop_after_empty_page=True,
        )

    def _end_of_ignored_offset(self, records: list[Any], total: int | None) -> NextPage:
        """The end after a repeated page, if all records fitted into the first page.

        Raises:
            PaginationStuck: There may be more records than the first page holds.
        """
        config = self._config
        has_all = total is None or config.offset + self._record_count >= total
        is_second_page = self._record_count == len(records)
        if not (len(records) < config.limit and is_second_page and has_all):
            raise self._same_page(config.offset_param)
        # Without a total, the server may also cap its pages. Then a record that is absent from
        # this response is not proven to be gone.
        return NextPage(None, "the one page, again", keep=False, proven_complete=total is not None)

    def predict(
        self,
        request: PageRequest,
        response: Response,
        records: list[Any],
        reported_total: int | None,
    ) -> Iterator[PageRequest]:
        """The requests up to the total; none when the series follows a cursor."""
        param = self._config.offset_param
        start = request.params.get(param)
        if not records or self._seen or not isinstance(start, int):
            return
        total = self._total(response)
        end = reported_total + 1 if total is None and reported_total is not None else total or 0
        for offset in range(start, max(end, start), len(records)):
            yield PageRequest({**request.params, param: offset})


def _take_sample(records: list[Any]) -> _Sample:
    """The length and some records of a page: enough to recognize the page, small in memory."""
    return len(records), records[:: 1 + len(records) // _MAX_SAMPLE_RECORDS]

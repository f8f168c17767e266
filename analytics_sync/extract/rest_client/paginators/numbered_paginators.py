"""Paginators that count pages, and the part that they share with offsets.

In: pages, and a reported total if the API sends one. Out: requests with the next number, also for
pages that are still to come, so that they can be prefetched. A server that ignores the number sends
the same page again; the paginator compares each page with the page before to notice that.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from typing import Any

from analytics_sync.catalog.config import paginators as p
from analytics_sync.common.errors import PaginationStuck, Place
from analytics_sync.common.json_path import MISSING, lookup, lookup_around
from analytics_sync.extract.rest_client.paginators.base_paginator import (
    END_EMPTY_PAGE,
    END_NO_MORE,
    NextPage,
    PageRequest,
    Paginator,
)
from analytics_sync.extract.rest_client.paginators.declared_values import (
    is_last_by_flag,
    whole_number,
)
from analytics_sync.extract.rest_client.paginators.signs_of_more import Sign, says_all_read
from analytics_sync.extract.rest_client.response import Response

_EMPTY_PAGES_BETWEEN = 2  # in a row, between pages of uneven length
_CAPS = 1000  # servers stop to count at a multiple of this
_REFUSALS = frozenset({400, 404, 410, 416, 422})

END_TOTAL = "the total"
END_REPEATED = "the last page, again"


class NumberedPaginator(Paginator):
    """The part that page numbers and offsets share: the page size, the total, the page before.

    A total is a claim. Some servers stop to count, others report the length of the page. So a total
    ends the series only if the last page is shorter than the page before. After a full page the
    series requests one page more.
    """

    _config: p.PageNumber | p.Offset
    advice = "Correct the total, the flag or the type in the declaration of the paginator."
    _sign_of_more = "and none of them said that there is no more"

    def __init__(
        self,
        config: p.PageNumber | p.Offset,
        place: Place,
        redact: Callable[[str], str] = str,
    ) -> None:
        super().__init__(config, place, redact)
        self._limit_params: dict[str, object] = (
            {config.limit_name: config.limit} if config.limit_name else {}
        )
        self._is_beyond_total = False  # whether the latest request goes beyond the total
        self._is_total_wrong = False  # whether records came from beyond the total
        self._capped_total: int | None = None
        # whether pages between others may be empty
        self._is_sparse = not config.stop_after_empty_page
        self._latest_total: int | None = None
        if self._is_sparse and (config.total_path is not None or self._maximum is not None):
            self._max_empty_pages = inf  # the declaration ends the series

    @property
    @abstractmethod
    def _maximum(self) -> int | None:
        """The declared number or offset at which the series ends; None without one."""

    def advance(self, response: Response, records: list[Any]) -> NextPage:
        """Judge a page as the base class does, after a look at the total."""
        self._latest_total = self._total(response)
        if records and self._is_beyond_total and not self._is_earlier_page(records):
            self._is_total_wrong, self._is_beyond_total = True, False
        return super().advance(response, records)

    def end_by_refusal(self, status: int) -> NextPage | None:
        """The end, when the API refuses the page beyond the total."""
        if not self._is_beyond_total or status not in _REFUSALS:
            return None
        if self._capped_total is None:
            return NextPage(None, END_TOTAL)
        return NextPage(
            None,
            END_TOTAL,
            evidence=f"The API said {self._capped_total:,} records at {self._config.total_path}, a "
            f"number at which it may stop to count, and refused the next page with status {status}. "
            "Read less at a time: declare incremental.",
        )

    def end_by_ignored(self, status: int, latest: Response) -> NextPage:
        """The end: proven by a status for "no such page", unless the latest page named a further one."""
        if self._seen:
            return super().end_by_ignored(status, latest)
        end = f"status {status} after the last page, ignored"
        path = self._config.has_more_path
        has_more = path is not None and lookup(latest.body, path) is not MISSING
        evidence = self._missing(latest)
        if not evidence and (has_more or (status >= 400 and status not in _REFUSALS)):
            evidence = self._broken_off(status)
        return NextPage(None, end, evidence=evidence)

    def says_no_more(self, response: Response) -> bool:
        """Whether the flag says so, or the total is reached."""
        total = self._total(response) if isinstance(self._config, p.Offset) else None
        total = self.reported_total if total is None else total
        is_reached = total is not None and self.progress.records >= total
        return is_reached or super().says_no_more(response)

    def is_followed(self, sign: Sign, end: str, response: Response) -> bool:
        """Whether it is a page number or an offset, which servers count on beyond the end."""
        is_number = sign.kind == "cursor" and str(sign.value).isdigit()
        return is_number or super().is_followed(sign, end, response)

    def _end_of_series(self, response: Response, records: list[Any]) -> NextPage | None:
        """The end, by an empty page or by the API's flag; None if the series goes on.

        If an empty page is declared to be no end, it is one beyond the total only.
        """
        if not records and not self._is_sparse:
            return NextPage(None, END_EMPTY_PAGE, evidence=self._missing(response))
        if not records and (self._is_beyond_total or self._is_total_wrong):
            return NextPage(None, END_EMPTY_PAGE, evidence=self._too_small_total())
        if is_last_by_flag(self._config.has_more_path, response):
            return NextPage(None, END_NO_MORE)
        return None

    def _missing(self, response: Response) -> str:
        """What the total says against an empty page as the end; empty if it says nothing."""
        return ""

    def _end_by_total(
        self, read: int, total: int | None, response: Response, records: list[Any]
    ) -> NextPage | None:
        """The end by a total that is reached and credible; None if the series goes on.

        Args:
            read: Records or pages read, this page included.
            total: The total in the same unit; None without one.
            response: The response of this page.
            records: Its records.
        """
        self._is_beyond_total = False
        if total is None or read < total or self._is_total_wrong:
            return None
        self._is_beyond_total = True
        is_capped = is_lower_bound(self._config.total_path or "", response) or (
            isinstance(self._config, p.Offset) and total >= _CAPS and total % _CAPS == 0
        )
        self._capped_total = total if is_capped else None
        previous = self._memory.latest
        is_short = previous is not None and len(records) < previous[0]
        is_short &= not self._is_sparse
        is_credible = is_short and read == total and not is_capped
        return NextPage(None, END_TOTAL) if is_credible else None

    def _has_read_all(self, response: Response, records: list[Any]) -> bool:
        """Whether the pages before this repeated page hold all records, by the API's own word."""
        config, read = self._config, self.progress
        # A total of records may be the length of the page, and the number may have no effect.
        is_in_doubt = read.pages == 1 and config.limit is not None and len(records) >= config.limit
        if self._is_beyond_total and self._capped_total is None:
            return not (is_in_doubt and isinstance(config, p.Offset))
        if self.reported_total is not None:
            return read.records >= self.reported_total and not is_in_doubt
        return self._total(response) is None and says_all_read(response, records, read)

    def _total(self, response: Response) -> int | None:
        path = self._config.total_path
        total = whole_number(response.body, path) if path else None
        # an empty page between others may lack the total
        return self._latest_total if self._is_sparse and total is None else total

    def _too_small_total(self) -> str:
        """What records beyond the total say against an empty page as the end."""
        if not self._is_total_wrong:
            return ""
        return (
            f"Records came from beyond the total at {self._config.total_path}, and an empty page "
            "proves no end, because stop_after_empty_page is false: declare has_more_path."
        )

    def _is_earlier_page(self, records: list[Any]) -> bool:
        """Whether the page is the page before again, or the first one after others."""
        return bool(self._memory.earlier_page(records))

    def _same_page(self, param: str, records: list[Any]) -> PaginationStuck:
        return PaginationStuck(
            self._place,
            f"the API answered {self._memory.earlier_page(records)}, although {param!r} had moved on.",
            "It seems to ignore that parameter, or to answer so beyond the end: correct the paginator's "
            "declaration, or declare total_path or has_more_path.",
        )


class PageNumberPaginator(NumberedPaginator):
    """Counts pages in a query parameter.

    Without a declared ``base_page`` the first request carries no page number, and the second asks
    for page 1. If page 1 is the first page again, the server counts from 1, otherwise from 0.
    """

    _config: p.PageNumber
    _page: int | None = None  # the number in the latest request; None before the first number
    _first_page = 0

    @property
    def _maximum(self) -> int | None:
        return self._config.maximum_page

    def first_request(self) -> PageRequest:
        """The request of ``base_page``, or a request without a page number."""
        params = dict(self._limit_params)
        if self._config.base_page is not None:
            self._page = self._first_page = self._config.base_page
            params[self._config.page_name] = self._config.base_page
        return PageRequest(params)

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        config = self._config
        if (end := self._end_of_series(response, records)) is not None:
            return end
        keep = True
        if self._is_earlier_page(records):
            # the first request had no page parameter: this server counts from 1
            if self._page != 1 or config.base_page is not None:
                if self._has_read_all(response, records):
                    return NextPage(None, END_REPEATED, keep=False)
                raise self._same_page(config.page_name, records)
            keep = False
            self._first_page = 1
        page = 1 if self._page is None else self._page + 1
        read = page - self._first_page
        if end := self._end_by_total(read, self._total(response), response, records):
            return replace(end, end="the last page of the total", keep=keep)
        if self._maximum is not None and page > self._maximum:
            return NextPage(None, "maximum_page", keep, proven_complete=False)
        self._page = page
        return NextPage(PageRequest({config.page_name: page, **self._limit_params}), keep=keep)

    def _end_of_series(self, response: Response, records: list[Any]) -> NextPage | None:
        """The end. After pages of uneven length, one empty page is none, and three prove nothing.

        A server that leaves records out after it has cut the pages sends such pages.
        """
        end = super()._end_of_series(response, records)
        if end is None or records or self._is_sparse or not self._memory.is_uneven:
            return end
        is_between = self._empty_pages < _EMPTY_PAGES_BETWEEN
        return None if is_between else replace(end, proven_complete=False)

    def _missing(self, response: Response) -> str:
        """The pages that the total still counts.

        A total of records that is declared as a total of pages says nothing.
        """
        total = self._total(response)
        read = self.progress
        if total is None or read.pages >= total or read.records == total:
            return ""
        return (
            f"The API said {total:,} pages at {self._config.total_path}, and the page after "
            f"{read.pages:,} pages was empty: run again, or correct total_path."
        )

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
        if self._maximum is not None:
            end = min(end, self._maximum + 1)
        for page in range(self._page, end):
            yield PageRequest({**request.params, config.page_name: page})


def is_lower_bound(path: str, response: Response) -> bool:
    """Whether the object that holds the total says that the total is a lower bound."""
    around = lookup_around(response.body, path)
    return isinstance(around, dict) and around.get("relation") in ("gte", "gt", "at_least")

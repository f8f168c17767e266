"""The paginator that counts records, or follows a cursor that the API sends instead.

In: pages, and a reported total if the API sends one. Out: requests with the next offset, also for pages
that are still to come, so that they can be prefetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from analytics_sync.catalog.config import paginators as p
from analytics_sync.common.errors import PaginationStuck
from analytics_sync.common.json_path import MISSING, lookup, lookup_around
from analytics_sync.extract.rest_client.paginators.base_paginator import (
    END_EMPTY_PAGE,
    END_NO_MORE,
    NextPage,
    PageRequest,
    more_without,
)
from analytics_sync.extract.rest_client.paginators.numbered_paginators import (
    END_REPEATED,
    NumberedPaginator,
    is_lower_bound,
)
from analytics_sync.extract.rest_client.paginators.signs_of_more import Sign
from analytics_sync.extract.rest_client.response import Response


class OffsetPaginator(NumberedPaginator):
    """Counts records in a query parameter, or follows a cursor that the API sends instead.

    The offset grows by the number of records received, because servers cap page sizes. If empty pages
    are no end, the API leaves records out of its pages, and the offset grows by ``limit``.
    """

    _config: p.Offset
    _position = 0  # how many records the requests have passed
    _longest_page = 0
    _is_limit_in_doubt = False  # whether the offset passed more records than a page held

    @property
    def _maximum(self) -> int | None:
        return self._config.maximum_offset

    def first_request(self) -> PageRequest:
        """The request of the declared first offset."""
        return PageRequest({**self._limit_params, self._config.offset_name: self._config.offset})

    def advance(self, response: Response, records: list[Any]) -> NextPage:
        """Judge a page as the base class does, then doubt an end after pages that are all short."""
        self._longest_page = max(self._longest_page, len(records))
        next_page = super().advance(response, records)
        if next_page.request is None and not next_page.evidence:
            return replace(next_page, evidence=self._capped_pages(response))
        return next_page

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        config = self._config
        if (by_cursor := self._cursor_instead(response, records)) is not None:
            return by_cursor
        if (end := self._end_of_series(response, records)) is not None:
            return end
        total = self._total(response)
        if self._is_earlier_page(records):
            if self._has_read_all(response, records):
                return NextPage(None, END_REPEATED, keep=False)
            return self._end_of_ignored_offset(records, total)
        step = max(config.limit, len(records)) if self._is_sparse else len(records)
        self._position += step
        if (end := self._end_by_total(self._position, total, response, records)) is not None:
            return end
        self._is_limit_in_doubt |= step > len(records)
        offset = config.offset + self._position
        if self._maximum is not None and offset >= self._maximum:
            return NextPage(None, "maximum_offset", proven_complete=False)
        return NextPage(PageRequest({config.offset_name: offset, **self._limit_params}))

    def error_of_signs(self, signs: list[Sign], end: str) -> PaginationStuck | None:
        """An error if the series followed a cursor."""
        if not self._seen or end in (END_EMPTY_PAGE, END_NO_MORE):
            return None
        looked_for = f"cursor at {self._config.cursor_path!r}"
        return more_without(looked_for, "Look at cursor_path.", signs, self._place)

    def is_followed(self, sign: Sign, end: str, response: Response) -> bool:
        """Whether it is the declared cursor on the empty page that ends the series, too."""
        if self._seen and not (sign.kind == "cursor" and end == END_EMPTY_PAGE):
            return end == END_NO_MORE and sign.kind in ("flag", "cursor")
        return super().is_followed(sign, end, response)

    def _missing(self, response: Response) -> str:
        """The records beyond a total that the API calls a lower bound."""
        total = self._total(response)
        if total is None or not is_lower_bound(self._config.total_path or "", response):
            return ""
        if self.progress.records > total:
            return ""
        return (
            f"The API said at least {total:,} records at {self._config.total_path}, and "
            f"{self.progress.records:,} were read. Read less at a time: declare incremental."
        )

    def _capped_pages(self, response: Response) -> str:
        """What pages that are all short say against steps of ``limit``; empty if they say nothing."""
        limit, total, read = self._config.limit, self._total(response), self.progress.records
        is_full = self._longest_page >= limit or (total is not None and read >= total)
        if not self._is_limit_in_doubt or is_full:
            return ""
        return (
            f"The offset moved by limit={limit:,}, because stop_after_empty_page is false, and no page "
            f"held more than {self._longest_page:,} records. If the API caps its pages, records are "
            "missing: set limit to the length of its pages."
        )

    def _cursor_instead(self, response: Response, records: list[Any]) -> NextPage | None:
        """The next page by a cursor in the body; None while the API sends no cursor.

        An object that usually holds the cursor, but holds none, ends the series. So does a body
        without a cursor once the series has followed one.
        """
        path = self._config.cursor_path
        if path is None:
            return None
        cursor = lookup(response.body, path)
        around = lookup_around(response.body, path)
        has_place = isinstance(around, dict) and around is not response.body
        if cursor is MISSING and not self._seen and not has_place:
            return None
        return self._follow_cursor(
            cursor,
            self._config.cursor_param,
            response,
            records,
            limit_params=self._limit_params,
            stop_after_empty_page=self._config.stop_after_empty_page,
        )

    def _end_of_ignored_offset(self, records: list[Any], total: int | None) -> NextPage:
        """The end after a repeated page, if all records fitted into the first page.

        Raises:
            PaginationStuck: There may be more records than the first page holds.
        """
        config = self._config
        has_all = total is None or self.progress.records >= total
        is_second_page = self.progress.pages == 1
        if not (len(records) < config.limit and is_second_page and has_all):
            raise self._same_page(config.offset_name, records)
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
        param = self._config.offset_name
        start = request.params.get(param)
        if not records or self._seen or not isinstance(start, int):
            return
        total = self._total(response)
        total = reported_total if total is None else total
        if total is None:
            return
        # one page beyond the total, unless the last page is short
        end = self._config.offset + total + 1
        if self._maximum is not None:
            end = min(end, self._maximum)
        for offset in range(start, max(end, start), len(records)):
            yield PageRequest({**request.params, param: offset})

"""The judge of the end of a request series.

In: the end that the paginator decided, and the last response. Out: whether the end proves that nothing
was left out; an error or a finding when the response says that there is more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.rest_client.paginators.base_paginator import NextPage, Paginator
from analytics_sync.extract.rest_client.paginators.declared_values import whole_number
from analytics_sync.extract.rest_client.paginators.signs_at_path import signs_at_path
from analytics_sync.extract.rest_client.paginators.signs_of_more import (
    Progress,
    Sign,
    signs_of_more,
)
from analytics_sync.extract.rest_client.response import Response


class SeriesEnd:
    """Judges the end of one request series.

    Args:
        context: The context of the read.
        paginator: The paginator of the series.
    """

    def __init__(self, context: ReadContext, paginator: Paginator) -> None:
        self._context = context
        self._paginator = paginator
        self._first_totals: dict[str, int] = {}

    def remember_totals(self, response: Response, records: Sequence[Any]) -> None:
        """Keep the totals of the first of several pages.

        Records that are added while a listing is read raise the total of the last page. So a total
        counts only if the first page reports it too.
        """
        signs = self._signs(response, records)
        self._first_totals = {s.place: s.value for s in signs if s.kind == "total"}

    def is_proven(self, end: NextPage, response: Response | None, records: Sequence[Any]) -> bool:
        """Whether nothing was left out.

        Args:
            end: The decision of the paginator.
            response: The last response; None when the API refused the last request.
            records: Its records, as they are in the body.

        Raises:
            PaginationStuck: The response says that there is more, and the paginator found no way.
        """
        context, paginator = self._context, self._paginator
        if end.evidence:
            context.add_finding(COMPLETE, end.evidence)
        signs = [] if response is None else self._doubts(end.end, response, records)
        if not signs:
            return end.proven_complete and not end.evidence
        # The total of a filtered listing may count the whole listing.
        is_mistakable = self._is_filtered() and all(s.kind == "total" for s in signs)
        error = paginator.error_of_signs(signs, end.end)
        if error is not None and not is_mistakable:
            raise error
        said = "; ".join(sign.text for sign in signs)
        context.add_finding(
            COMPLETE, f"The API says that there is more: {said}. {paginator.advice}"
        )
        return False

    def _doubts(self, end: str, response: Response, records: Sequence[Any]) -> list[Sign]:
        """The signs of more that the paginator does not know."""
        declared = self._has_declared_total(response)
        return [
            sign
            for sign in self._signs(response, records)
            if not (sign.kind == "total" and (declared or self._is_new_total(sign)))
            and not self._paginator.is_followed(sign, end, response)
        ]

    def _has_declared_total(self, response: Response) -> bool:
        """Whether a total is where the declaration says, so that it takes the place of all others."""
        resource = self._context.resource
        paths = (resource.count_path, getattr(resource.paginator, "total_path", None))
        return self._paginator.reported_total is not None or any(
            whole_number(response.body, path) is not None for path in paths if path
        )

    def _is_new_total(self, sign: Sign) -> bool:
        """Whether the first page reported a lower total, which was reached."""
        return self._first_totals.get(sign.place, sign.read + 1) <= sign.read

    def _signs(self, response: Response, records: Sequence[Any]) -> list[Sign]:
        progress: Progress = self._paginator.progress
        signs = signs_of_more(response, records, progress, self._context.resource.selector)
        if path := self._paginator.path:
            signs += signs_at_path(response.body, path, records)
        return signs

    def _is_filtered(self) -> bool:
        """Whether the API filters the listing by the window."""
        incremental = self._context.resource.incremental
        return (
            self._context.window is not None
            and incremental is not None
            and bool(incremental.start_param or incremental.end_param)
        )

"""Paginators of one page: declared as such, or not declared at all.

In: the one page. Out: the end; or an error when the page of an undeclared paginator links to another.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog.config.paginators import JsonLink
from analytics_sync.common.errors import PaginationStuck
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.paginators.base_paginator import (
    END_ONE_PAGE,
    NextPage,
    Paginator,
)
from analytics_sync.extract.rest_client.paginators.link_paginators import JsonLinkPaginator
from analytics_sync.extract.rest_client.paginators.signs_of_more import Sign
from analytics_sync.extract.rest_client.response import Response

_ODATA_LINK = "['@odata.nextLink']"


class SinglePagePaginator(Paginator):
    """Ends after one page, whatever the page holds."""

    advice = "The table holds the first page only: declare a paginator in place of single_page."

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        return NextPage(None, END_ONE_PAGE)


class UndeclaredPaginator(SinglePagePaginator):
    """Ends after one page, but refuses a page with a link to a next page.

    Without a declaration, nobody knows whether the link leads to records that belong to the table.
    ``@odata.nextLink`` is followed: OData defines its meaning.
    """

    advice = "The table holds the first page only: declare a paginator."
    _odata: JsonLinkPaginator | None = None

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        if self._odata is not None or lookup(response.body, _ODATA_LINK) not in (MISSING, None):
            if self._odata is None:
                link = JsonLink(next_url_path=_ODATA_LINK)
                self._odata = JsonLinkPaginator(link, self._place, self._redact)
            return self._odata.advance(response, records)
        return super()._next_page(response, records)

    def error_of_signs(self, signs: list[Sign], end: str) -> PaginationStuck | None:
        """An error for a link; other signs may be mistaken, and the rows are loaded."""
        if not any(sign.kind == "link" for sign in signs):
            return None
        return PaginationStuck(
            self._place,
            "the answer links to a next page, but no paginator is declared.",
            "Declare paginator: json_link, header_link or another type, or single_page if one "
            "page is enough.",
        )

"""Paginators of one page: declared as such, or not declared at all.

In: the pages. Out: the end after the first page; or the next link of a listing whose paginator nobody
declared, where it is certain.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog.config.paginators import HeaderLink, JsonLink
from analytics_sync.common.errors import PaginationStuck
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.paginators.base_paginator import (
    END_ONE_PAGE,
    NextPage,
    Paginator,
    more_without,
)
from analytics_sync.extract.rest_client.paginators.link_header import MalformedLinkHeader
from analytics_sync.extract.rest_client.paginators.link_paginators import (
    HeaderLinkPaginator,
    JsonLinkPaginator,
    header_link,
)
from analytics_sync.extract.rest_client.paginators.next_links import (
    NextLink,
    is_one_object,
    next_links,
)
from analytics_sync.extract.rest_client.paginators.signs_of_more import Sign
from analytics_sync.extract.rest_client.response import Response

_ODATA_LINK = "['@odata.nextLink']"
_RELATION = "next"


class SinglePagePaginator(Paginator):
    """Ends after one page, whatever the page holds."""

    advice = "The table holds the first page only: declare a paginator in place of single_page."

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        return NextPage(None, END_ONE_PAGE)


class UndeclaredPaginator(SinglePagePaginator):
    """Follows the next link of the first page where it is certain; ends after one page otherwise.

    Certain are a ``Link`` header with ``rel=next``, ``@odata.nextLink``, and an address at a place where dlt
    looks for it. From the first page on, the paginator is the one that a user would declare. A link
    elsewhere is an error: nobody knows whether it leads to records that belong to the table.
    """

    advice = "The table holds the first page only: declare a paginator."
    _link: HeaderLinkPaginator | JsonLinkPaginator | None = None
    _where = ""  # the place of the followed link, in words

    @property
    def path(self) -> str | None:
        """The place of the link that is followed."""
        return None if self._link is None else self._link.path

    def advance(self, response: Response, records: list[Any]) -> NextPage:
        """Judge a page as the paginator of its links does.

        Raises:
            PaginationStuck: As the paginator of links; or there are several next links.
            InvalidResponse: A link has the wrong type.
        """
        if self._link is None:
            self._link = self._found(response, records)
        if self._link is None:
            return super().advance(response, records)
        next_page = self._link.advance(response, records)
        self.progress = self._link.progress
        return next_page

    def says_no_more(self, response: Response) -> bool:
        """Whether the place of the followed link is there and empty."""
        return self._link is not None and self._link.says_no_more(response)

    def is_followed(self, sign: Sign, end: str, response: Response) -> bool:
        """Whether the paginator of the followed link knows the sign."""
        if self._link is None:
            return super().is_followed(sign, end, response)
        return self._link.is_followed(sign, end, response)

    def error_of_signs(self, signs: list[Sign], end: str) -> PaginationStuck | None:
        """An error for a link, and for every sign after links that were followed.

        Other signs on the only page may be mistaken, and the rows are loaded.
        """
        if self._link is not None:
            return more_without(f"further {self._where}", self.advice, signs, self._place)
        if not any(sign.kind == "link" for sign in signs):
            return None
        return PaginationStuck(
            self._place,
            "the answer links to a next page, but no paginator is declared.",
            "Declare paginator: json_link, header_link or another type, or single_page if one "
            "page is enough.",
        )

    def _found(
        self, response: Response, records: list[Any]
    ) -> HeaderLinkPaginator | JsonLinkPaginator | None:
        """The paginator of the link on the first page; None without a certain link."""
        if lookup(response.body, _ODATA_LINK) not in (MISSING, None):
            return self._in_body(_ODATA_LINK, "@odata.nextLink")
        if is_one_object(response, records):
            return None
        try:
            header = header_link(response, _RELATION)
        except MalformedLinkHeader:  # it is a sign of more
            return None
        if header:
            self._follow("link with rel='next' in the header Link", "paginator: header_link")
            return HeaderLinkPaginator(HeaderLink(), self._place, self._redact)
        links = next_links(response, records)
        if not links:
            return None
        if len(links) > 1 or not links[0].is_certain:
            raise self._doubtful(links)
        return self._in_body(links[0].path, links[0].place)

    def _doubtful(self, links: list[NextLink]) -> PaginationStuck:
        """The error of links of which none is certain."""
        found = "different next links" if len(links) > 1 else "a next link"
        places = " and ".join(repr(link.place) for link in links)
        return PaginationStuck(
            self._place,
            f"no paginator is declared, and the answer has {found} at {places}.",
            f"Declare paginator: {_as_json_link(links[0].path)} if it leads to the next page, or "
            "single_page if one page is enough.",
        )

    def _in_body(self, path: str, place: str) -> JsonLinkPaginator:
        self._follow(f"link at {place!r}", f"paginator: {_as_json_link(path)}")
        return JsonLinkPaginator(JsonLink(next_url_path=path), self._place, self._redact)

    def _follow(self, where: str, declared: str) -> None:
        self._where = where
        self.advice = (
            "No paginator is declared, so the next links were followed: declare the one that the API "
            f"documents in place of {declared}."
        )


def _as_json_link(path: str) -> str:
    """The declaration of a link at a place."""
    return f'{{type: json_link, next_url_path: "{path}"}}'

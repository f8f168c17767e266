"""Paginators that follow a link: a URL from the body or from the ``Link`` header of the page before.

In: pages. Out: requests of the linked URL; the end when a page holds no link. The session, not the
paginator, refuses a link to another origin.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

from analytics_sync.catalog.config import paginators as p
from analytics_sync.common.errors import InvalidResponse, PaginationStuck
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.paginators.base_paginator import (
    END_NO_MORE,
    NextPage,
    PageRequest,
    Paginator,
    more_without,
)
from analytics_sync.extract.rest_client.paginators.declared_values import is_empty
from analytics_sync.extract.rest_client.paginators.link_header import MalformedLinkHeader, find_link
from analytics_sync.extract.rest_client.paginators.signs_of_more import Sign
from analytics_sync.extract.rest_client.response import Response

_END_NO_LINK = "no further link"


class _LinkPaginator(Paginator):
    """The part that both kinds of links share."""

    def _follow_link(self, link: str | None, response: Response, records: list[Any]) -> NextPage:
        if not link:
            return NextPage(None, _END_NO_LINK)
        with suppress(ValueError):  # the session refuses an invalid URL when it is to be followed
            link = urljoin(response.url, link)
        if (end := self._end_of_repeated(link, response, records)) is not None:
            return end
        return NextPage(PageRequest(link=link))

    def is_followed(self, sign: Sign, end: str, response: Response) -> bool:
        """Whether it is the link on a page that a flag calls the last one, too."""
        is_last = end == END_NO_MORE and sign.kind == "link"
        return is_last or super().is_followed(sign, end, response)


class JsonLinkPaginator(_LinkPaginator):
    """Takes the link from the body."""

    _config: p.JsonLink

    @property
    def path(self) -> str | None:
        """The place of the link."""
        return self._config.next_url_path

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        path = self._config.next_url_path
        link = lookup(response.body, path)
        if is_empty(link):
            link = None
        if link is not None and not isinstance(link, str):
            raise InvalidResponse(
                self._place,
                f"the link at {path!r} is {type(link).__name__}, not text.",
                "Correct next_url_path.",
            )
        return self._follow_link(link, response, records)

    def says_no_more(self, response: Response) -> bool:
        """Whether the place of the link is there and empty."""
        link = lookup(response.body, self._config.next_url_path)
        return link is not MISSING and is_empty(link)

    def error_of_signs(self, signs: list[Sign], end: str) -> PaginationStuck | None:
        """An error: the link may be at another place."""
        looked_for = f"link at {self._config.next_url_path!r}"
        return more_without(looked_for, "Look at next_url_path.", signs, self._place)


class HeaderLinkPaginator(_LinkPaginator):
    """Takes the link from the ``Link`` header."""

    _config: p.HeaderLink

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        try:
            link = header_link(response, self._config.links_next_key)
        except MalformedLinkHeader as e:
            raise InvalidResponse(
                self._place,
                f"the Link header cannot be read from here on: {self._redact(str(e))!r}.",
                "Report it to the API, or declare another paginator.",
            ) from e
        return self._follow_link(link, response, records)

    def error_of_signs(self, signs: list[Sign], end: str) -> PaginationStuck | None:
        """An error: the link may have another relation type."""
        looked_for = f"link with rel={self._config.links_next_key!r} in the header Link"
        return more_without(looked_for, "Look at links_next_key.", signs, self._place)


def header_link(response: Response, relation: str) -> str | None:
    """The URL with this ``rel`` in the ``Link`` header, or None.

    Raises:
        MalformedLinkHeader: The header cannot be read.
    """
    return find_link(response.headers.get("link", ""), relation)

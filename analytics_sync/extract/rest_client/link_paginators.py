"""Paginators that follow a link: a URL from the body or from the ``Link`` header of the page before.

In: pages. Out: requests of the linked URL; the end when a page holds no link. The session, not the
paginator, refuses a link to another origin.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

from requests.utils import parse_header_links

from analytics_sync.catalog import paginators as p
from analytics_sync.common.errors import InvalidResponse
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.base_paginator import NextPage, PageRequest, Paginator
from analytics_sync.extract.rest_client.response import Response

_END_NO_LINK = "no further link"


class _LinkPaginator(Paginator):
    """The part that both kinds of links share."""

    def _follow_link(self, link: str | None, response: Response, records: list[Any]) -> NextPage:
        if not link:
            return NextPage(None, _END_NO_LINK)
        with suppress(ValueError):  # the session refuses an invalid URL when it is to be followed
            link = urljoin(response.url, link)
        self._refuse_repeated(link, records)
        return NextPage(PageRequest(link=link))


class JsonLinkPaginator(_LinkPaginator):
    """Takes the link from the body."""

    _config: p.JsonLink

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        path = self._config.next_url_path
        link = lookup(response.body, path)
        if link is MISSING:
            link = None
        if link is not None and not isinstance(link, str):
            raise InvalidResponse(
                self._place,
                f"the link at {path!r} is {type(link).__name__}, not text.",
                "Correct next_url_path.",
            )
        return self._follow_link(link, response, records)


class HeaderLinkPaginator(_LinkPaginator):
    """Takes the link from the ``Link`` header."""

    _config: p.HeaderLink

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        link = header_link(response, self._config.links_next_key)
        return self._follow_link(link, response, records)


def header_link(response: Response, relation: str) -> str | None:
    """The URL with this ``rel`` in the ``Link`` header, or None."""
    header = response.headers.get("link")
    links = parse_header_links(header) if header else []
    return next((str(link["url"]) for link in links if link.get("rel") == relation), None)

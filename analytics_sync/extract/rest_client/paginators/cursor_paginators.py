"""Paginators that send a cursor back: a value from the body or from a header of the page before.

In: pages. Out: requests with the cursor in a query parameter; the end when a page holds no cursor.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog.config import paginators as p
from analytics_sync.common.errors import PaginationStuck
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.paginators.base_paginator import (
    END_EMPTY_PAGE,
    END_NO_MORE,
    NextPage,
    Paginator,
    more_without,
)
from analytics_sync.extract.rest_client.paginators.declared_values import is_empty, is_last_by_flag
from analytics_sync.extract.rest_client.paginators.signs_at_path import lacks_cursor
from analytics_sync.extract.rest_client.paginators.signs_of_more import Sign
from analytics_sync.extract.rest_client.response import Response


class CursorPaginator(Paginator):
    """Takes the cursor from the body."""

    _config: p.Cursor

    @property
    def path(self) -> str | None:
        """The place of the cursor."""
        return self._config.cursor_path

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        config = self._config
        if is_last_by_flag(config.has_more_path, response):
            return NextPage(None, END_NO_MORE)
        cursor = lookup(response.body, config.cursor_path or "")
        if cursor is MISSING and lacks_cursor(response.body, config.cursor_path or "", records):
            raise PaginationStuck(
                self._place,
                f"the cursor path {config.cursor_path!r} ends at an element without that key.",
                "Correct cursor_path: without a cursor the rest of the listing would be missing.",
            )
        if (
            is_empty(cursor)
            and config.has_more_path
            and lookup(response.body, config.has_more_path) is not MISSING
        ):
            raise PaginationStuck(
                self._place,
                f"the API says that there is more, but hands out no cursor at "
                f"{config.cursor_path!r}.",
                "Correct cursor_path or has_more_path.",
            )
        return self._follow_cursor(
            cursor,
            config.cursor_name,
            response,
            records,
            stop_after_empty_page=config.stop_after_empty_page,
        )

    def says_no_more(self, response: Response) -> bool:
        """Whether the place of the cursor is there and empty, or the flag says so."""
        cursor = lookup(response.body, self._config.cursor_path or "")
        return (cursor is not MISSING and is_empty(cursor)) or super().says_no_more(response)

    def is_followed(self, sign: Sign, end: str, response: Response) -> bool:
        """Whether it is the declared cursor, or a cursor on the empty page that ends the series."""
        if end == END_EMPTY_PAGE and sign.kind in ("cursor", "link"):
            return True
        own = lookup(response.body, self._config.cursor_path or "")
        return super().is_followed(sign, end, response) or (
            sign.kind in ("cursor", "link") and sign.value == own
        )

    def error_of_signs(self, signs: list[Sign], end: str) -> PaginationStuck | None:
        """An error, unless the series ended as it is declared to end."""
        if end in (END_EMPTY_PAGE, END_NO_MORE):
            return None
        looked_for = f"cursor at {self._config.cursor_path!r}"
        return more_without(looked_for, "Look at cursor_path.", signs, self._place)


class HeaderCursorPaginator(Paginator):
    """Takes the cursor from a response header."""

    _config: p.HeaderCursor

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        cursor = response.headers.get(self._config.cursor_key.lower(), MISSING)
        if isinstance(cursor, str) and cursor.strip().lower() in ("0", "false", "null"):
            cursor = None  # a header holds text only
        return self._follow_cursor(cursor, self._config.cursor_param, response, records)

    def error_of_signs(self, signs: list[Sign], end: str) -> PaginationStuck | None:
        """An error: the header of the cursor may have another name."""
        looked_for = f"cursor in the header {self._config.cursor_key!r}"
        return more_without(looked_for, "Look at cursor_key.", signs, self._place)

"""Paginators that send a cursor back: a value from the body or from a header of the page before.

In: pages. Out: requests with the cursor in a query parameter; the end when a page holds no cursor.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog import paginators as p
from analytics_sync.common.errors import PaginationStuck
from analytics_sync.common.json_path import MISSING, breaks_off_below, lookup
from analytics_sync.extract.rest_client.base_paginator import (
    END_NO_MORE,
    NextPage,
    Paginator,
    is_last_by_flag,
)
from analytics_sync.extract.rest_client.response import Response


class CursorPaginator(Paginator):
    """Takes the cursor from the body."""

    _config: p.Cursor

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        config = self._config
        if is_last_by_flag(config.has_more_path, response):
            return NextPage(None, END_NO_MORE)
        cursor = lookup(response.body, config.cursor_path or "")
        if cursor is MISSING and breaks_off_below(response.body, config.cursor_path or ""):
            raise PaginationStuck(
                self._place,
                f"the cursor path {config.cursor_path!r} ends at an element without that key.",
                "Correct cursor_path: without a cursor the rest of the listing would be missing.",
            )
        if (
            cursor in (MISSING, None, "")
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
            config.cursor_param or "",
            records,
            stop_after_empty_page=config.stop_after_empty_page,
        )


class HeaderCursorPaginator(Paginator):
    """Takes the cursor from a response header."""

    _config: p.HeaderCursor

    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        cursor = response.headers.get(self._config.cursor_key.lower(), MISSING)
        return self._follow_cursor(cursor, self._config.cursor_param, records)

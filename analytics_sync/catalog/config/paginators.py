"""Declared paginators: dlt's types and keys, and what dlt lacks.

In: the ``paginator`` value of a catalog file. Out: one frozen model per type. The behaviour of a
type is in ``extract/rest_client/paginators/paginator.py``. The behaviour of a server of that type is in
``sandbox/api/pagination.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, PositiveInt, model_validator

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.paths import ResponsePath

_NO_END = "stop_after_empty_page: false needs another end: expected total_path, has_more_path or {} beside it"


class SinglePage(Model):
    """One response holds all records."""

    type: Literal["single_page"] = "single_page"


class Auto(Model):
    """No paginator is declared: one page, and an error if the response shows a second one."""

    type: Literal["auto"] = "auto"


class PageNumber(Model):
    """A query parameter counts the pages.

    Without ``base_page`` the first request has no page parameter. The second request then finds
    out whether the server counts from 0 or from 1. ``limit`` is the page size, sent as
    ``limit_param``.
    """

    type: Literal["page_number"] = "page_number"
    base_page: int | None = None
    page_param: str = "page"
    limit_param: str | None = None
    limit: PositiveInt | None = None
    total_path: ResponsePath | None = None
    maximum_page: int | None = None
    has_more_path: ResponsePath | None = None
    stop_after_empty_page: bool = True

    @model_validator(mode="after")
    def _has_end(self) -> PageNumber:
        if not self.stop_after_empty_page:
            if self.total_path is None and self.maximum_page is None and self.has_more_path is None:
                raise ValueError(_NO_END.format("maximum_page"))
            if self.base_page is None:
                raise ValueError(
                    "stop_after_empty_page: false needs base_page: an empty first page does not "
                    "show whether the API counts from 0 or from 1"
                )
        return self


class Offset(Model):
    """A query parameter skips records.

    Some servers ignore an offset and return a cursor. When a response holds a string at
    ``cursor_path``, the next request sends that string as ``cursor_param`` instead of the offset.
    """

    type: Literal["offset"] = "offset"
    limit: PositiveInt
    offset: int = 0
    offset_param: str = "offset"
    limit_param: str | None = "limit"
    total_path: ResponsePath | None = None
    maximum_offset: int | None = None
    has_more_path: ResponsePath | None = None
    stop_after_empty_page: bool = True
    cursor_path: ResponsePath | None = "cursor.before"
    cursor_param: str = "before"

    @model_validator(mode="after")
    def _has_end(self) -> Offset:
        ends = (self.total_path, self.maximum_offset, self.has_more_path)
        if not self.stop_after_empty_page and all(end is None for end in ends):
            raise ValueError(_NO_END.format("maximum_offset"))
        return self


class Cursor(Model):
    """The body holds the cursor of the next page, which is sent as a query parameter.

    ``cursor_path`` may start with ``..``: the reader then searches the path at any depth.
    """

    type: Literal["cursor"] = "cursor"
    cursor_path: ResponsePath | None = None
    cursor_param: str | None = None
    has_more_path: ResponsePath | None = None
    stop_after_empty_page: bool = False


class JsonLink(Model):
    """The body holds the URL of the next page."""

    type: Literal["json_link"] = "json_link"
    next_url_path: ResponsePath = "next"


class HeaderLink(Model):
    """The ``Link`` header holds the URL of the next page."""

    type: Literal["header_link"] = "header_link"
    links_next_key: str = "next"


class HeaderCursor(Model):
    """A response header holds the cursor of the next page, which is sent as a query parameter."""

    type: Literal["header_cursor"] = "header_cursor"
    cursor_key: str = "next"
    cursor_param: str = "cursor"


def _shorthand(value: Any) -> Any:
    """``paginator: json_link`` is short for ``paginator: {type: json_link}``."""
    return {"type": value} if isinstance(value, str) else value


PaginatorConfig = Annotated[
    Annotated[
        SinglePage | Auto | PageNumber | Offset | Cursor | JsonLink | HeaderLink | HeaderCursor,
        Discriminator("type"),
    ],
    BeforeValidator(_shorthand),
]

"""How an endpoint hands out its pages: dlt's paginator types and keys, plus what the design adds.

In: the ``paginator`` value of a catalog file. Out: one frozen model per type. What a type means at
run time is in ``extract/rest_client/paginator.py``; what it means for a server is in ``sandbox/api/pagination.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, PositiveInt


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SinglePage(_Model):
    """One answer holds everything."""

    type: Literal["single_page"] = "single_page"


class Auto(_Model):
    """Not declared: one page, and an error if the answer shows that there is another."""

    type: Literal["auto"] = "auto"


class PageNumber(_Model):
    """Pages counted by a query parameter.

    ``base_page`` left out: the first request goes without the parameter, and the second finds out
    whether the server counts from 0 or from 1. ``limit`` is the page size, sent as ``limit_param``.
    """

    type: Literal["page_number"] = "page_number"
    base_page: int | None = None
    page_param: str = "page"
    limit_param: str | None = None
    limit: PositiveInt | None = None
    total_path: str | None = None
    maximum_page: int | None = None
    has_more_path: str | None = None
    stop_after_empty_page: bool = True


class Offset(_Model):
    """Records skipped by a query parameter.

    When an answer holds a string at ``cursor_path``, the walk goes on with ``cursor_param`` set to
    it instead of the offset: some servers ignore an offset and hand out a cursor.
    """

    type: Literal["offset"] = "offset"
    limit: PositiveInt
    offset: int = 0
    offset_param: str = "offset"
    limit_param: str | None = "limit"
    total_path: str | None = None
    maximum_offset: int | None = None
    has_more_path: str | None = None
    stop_after_empty_page: bool = True
    cursor_path: str | None = "cursor.before"
    cursor_param: str = "before"


class Cursor(_Model):
    """The next page's cursor stands in the body and goes into a query parameter.

    ``cursor_path`` may start with ``..``: the place is then searched at any depth.
    """

    type: Literal["cursor"] = "cursor"
    cursor_path: str | None = None
    cursor_param: str | None = None
    has_more_path: str | None = None
    stop_after_empty_page: bool = False


class JsonLink(_Model):
    """The next page's URL stands in the body."""

    type: Literal["json_link"] = "json_link"
    next_url_path: str = "next"


class HeaderLink(_Model):
    """The next page's URL stands in the ``Link`` header."""

    type: Literal["header_link"] = "header_link"
    links_next_key: str = "next"


class HeaderCursor(_Model):
    """The next page's cursor stands in a response header and goes into a query parameter."""

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

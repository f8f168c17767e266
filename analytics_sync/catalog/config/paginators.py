"""Declared paginators: dlt's types and keys, and what dlt lacks.

In: the ``paginator`` value of a catalog file. Out: one frozen model per type. The behaviour of a
type is in ``extract/rest_client/paginators/paginator.py``. The behaviour of a server of that type is in
``sandbox/api/pagination.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, PositiveInt, model_validator

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.paths import FieldPath, ResponsePath

_NO_END = "stop_after_empty_page: false needs another end: expected total_path, has_more_path or {} beside it"


class _Paginator(Model):
    """What all paginators have."""

    @property
    def body_paths(self) -> frozenset[str]:
        """The parameters of this paginator that stand in the body of a request, by their paths."""
        return frozenset()


class SinglePage(_Paginator):
    """One response holds all records."""

    type: Literal["single_page"] = "single_page"


class Auto(_Paginator):
    """No paginator is declared: certain links of the first page are followed, and nothing else."""

    type: Literal["auto"] = "auto"


class PageNumber(_Paginator):
    """A query parameter counts the pages.

    Without ``base_page`` the first request has no page parameter. The second request then finds
    out whether the server counts from 0 or from 1. ``limit`` is the page size, sent as
    ``limit_param``.
    """

    type: Literal["page_number"] = "page_number"
    base_page: int | None = None
    page_param: str = "page"
    page_body_path: FieldPath | None = None
    limit_param: str | None = None
    limit: PositiveInt | None = None
    total_path: ResponsePath | None = None
    maximum_page: int | None = None
    has_more_path: ResponsePath | None = None
    stop_after_empty_page: bool = True

    @property
    def body_paths(self) -> frozenset[str]:
        """The place of the page number, if the body has it."""
        return frozenset({self.page_body_path} if self.page_body_path else ())

    @property
    def limit_name(self) -> str | None:
        """The parameter of the page size; None if no request has it."""
        return self.limit_param

    @property
    def page_name(self) -> str:
        """The parameter or the place in the body."""
        return self.page_body_path or self.page_param

    @model_validator(mode="after")
    def _has_end(self) -> PageNumber:
        _check_either(self, "page_param", "page_body_path")
        if not self.stop_after_empty_page:
            if self.total_path is None and self.maximum_page is None and self.has_more_path is None:
                raise ValueError(_NO_END.format("maximum_page"))
            if self.base_page is None:
                raise ValueError(
                    "stop_after_empty_page: false needs base_page: an empty first page does not "
                    "show whether the API counts from 0 or from 1"
                )
        return self


class Offset(_Paginator):
    """A query parameter skips records.

    Some servers ignore an offset and return a cursor. When a response holds a string at
    ``cursor_path``, the next request sends that string as ``cursor_param`` instead of the offset.
    """

    type: Literal["offset"] = "offset"
    limit: PositiveInt
    offset: int = 0
    offset_param: str = "offset"
    offset_body_path: FieldPath | None = None
    limit_param: str | None = "limit"
    limit_body_path: FieldPath | None = None
    total_path: ResponsePath | None = None
    maximum_offset: int | None = None
    has_more_path: ResponsePath | None = None
    stop_after_empty_page: bool = True
    cursor_path: ResponsePath | None = "cursor.before"
    cursor_param: str = "before"

    @property
    def body_paths(self) -> frozenset[str]:
        """The places of the offset and the limit, if the body has them."""
        return frozenset(filter(None, (self.offset_body_path, self.limit_body_path)))

    @property
    def offset_name(self) -> str:
        """The parameter or the place in the body."""
        return self.offset_body_path or self.offset_param

    @property
    def limit_name(self) -> str | None:
        """The parameter or the place in the body; None if no request has the limit."""
        return self.limit_body_path or self.limit_param

    @model_validator(mode="after")
    def _has_end(self) -> Offset:
        _check_either(self, "offset_param", "offset_body_path")
        _check_either(self, "limit_param", "limit_body_path")
        ends = (self.total_path, self.maximum_offset, self.has_more_path)
        if not self.stop_after_empty_page and all(end is None for end in ends):
            raise ValueError(_NO_END.format("maximum_offset"))
        return self


class Cursor(_Paginator):
    """The body holds the cursor of the next page, which is sent as a query parameter.

    ``cursor_path`` may start with ``..``: the reader then searches the path at any depth.
    """

    type: Literal["cursor"] = "cursor"
    cursor_path: ResponsePath | None = None
    cursor_param: str | None = None
    cursor_body_path: FieldPath | None = None
    has_more_path: ResponsePath | None = None
    stop_after_empty_page: bool = False

    @property
    def body_paths(self) -> frozenset[str]:
        """The place of the cursor, if the body has it."""
        return frozenset({self.cursor_body_path} if self.cursor_body_path else ())

    @property
    def cursor_name(self) -> str:
        """The parameter or the place in the body."""
        return self.cursor_body_path or self.cursor_param or ""

    @model_validator(mode="after")
    def _has_one_place(self) -> Cursor:
        _check_either(self, "cursor_param", "cursor_body_path")
        return self


class JsonLink(_Paginator):
    """The body holds the URL of the next page."""

    type: Literal["json_link"] = "json_link"
    next_url_path: ResponsePath = "next"


class HeaderLink(_Paginator):
    """The ``Link`` header holds the URL of the next page."""

    type: Literal["header_link"] = "header_link"
    links_next_key: str = "next"


class HeaderCursor(_Paginator):
    """A response header holds the cursor of the next page, which is sent as a query parameter."""

    type: Literal["header_cursor"] = "header_cursor"
    cursor_key: str = "next"
    cursor_param: str = "cursor"


def _check_either(paginator: _Paginator, param: str, body_path: str) -> None:
    """Refuse a paginator that declares a parameter and a place in the body for one value."""
    both = {param, body_path}
    if both <= paginator.model_fields_set and all(getattr(paginator, key) for key in both):
        raise ValueError(f"expected {param} or {body_path}, found both")


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

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
    """The kind of paginator."""


class Auto(_Paginator):
    """No paginator is declared: certain links of the first page are followed, and nothing else."""

    type: Literal["auto"] = "auto"
    """The kind of paginator."""


class PageNumber(_Paginator):
    """A query parameter counts the pages.

    Without ``base_page`` the first request has no page parameter. The second request then finds
    out whether the server counts from 0 or from 1. ``limit`` is the page size, sent as
    ``limit_param``.
    """

    type: Literal["page_number"] = "page_number"
    """The kind of paginator."""
    base_page: int | None = None
    """The number of the first page. Without it, the second request finds out whether the API counts from 0 or
    from 1."""
    page_param: str = "page"
    """The query parameter of the page number."""
    page_body_path: FieldPath | None = None
    """The place of the page number in the body of a POST request."""
    limit_param: str | None = None
    """The query parameter of the page size (ours)."""
    limit: PositiveInt | None = None
    """The page size (ours)."""
    total_path: ResponsePath | None = None
    """The path in a response to the number of pages."""
    maximum_page: int | None = None
    """The number of the last page."""
    has_more_path: ResponsePath | None = None
    """The path in a response to a flag that says whether there are more pages."""
    stop_after_empty_page: bool = True
    """Whether an empty page is the end."""

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
    """The kind of paginator."""
    limit: PositiveInt
    """The page size."""
    offset: int = 0
    """The first offset."""
    offset_param: str = "offset"
    """The query parameter of the offset."""
    offset_body_path: FieldPath | None = None
    """The place of the offset in the body of a POST request."""
    limit_param: str | None = "limit"
    """The query parameter of the page size."""
    limit_body_path: FieldPath | None = None
    """The place of the page size in the body of a POST request."""
    total_path: ResponsePath | None = None
    """The path in a response to the number of records."""
    maximum_offset: int | None = None
    """The offset at which reading stops."""
    has_more_path: ResponsePath | None = None
    """The path in a response to a flag that says whether there are more pages."""
    stop_after_empty_page: bool = True
    """Whether an empty page is the end."""
    cursor_path: ResponsePath | None = "cursor.before"
    """The path in a response to a cursor, which is followed in place of the offset if it is there (ours)."""
    cursor_param: str = "before"
    """The query parameter of that cursor (ours)."""

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
    """The kind of paginator."""
    cursor_path: ResponsePath | None = None
    """The path in a response to the cursor of the next page."""
    cursor_param: str | None = None
    """The query parameter of the cursor."""
    cursor_body_path: FieldPath | None = None
    """The place of the cursor in the body of a POST request."""
    has_more_path: ResponsePath | None = None
    """The path in a response to a flag that says whether there are more pages."""
    stop_after_empty_page: bool = False
    """Whether an empty page is the end."""

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
    """The kind of paginator."""
    next_url_path: ResponsePath = "next"
    """The path in a response to the URL of the next page."""


class HeaderLink(_Paginator):
    """The ``Link`` header holds the URL of the next page."""

    type: Literal["header_link"] = "header_link"
    """The kind of paginator."""
    links_next_key: str = "next"
    """The rel of the next link."""


class HeaderCursor(_Paginator):
    """A response header holds the cursor of the next page, which is sent as a query parameter."""

    type: Literal["header_cursor"] = "header_cursor"
    """The kind of paginator."""
    cursor_key: str = "next"
    """The header that holds the cursor of the next page."""
    cursor_param: str = "cursor"
    """The query parameter of the cursor."""


def _check_either(paginator: _Paginator, param: str, body_path: str) -> None:
    """Refuse a paginator that declares a parameter and a place in the body for one value."""
    both = {param, body_path}
    if both <= paginator.model_fields_set and all(getattr(paginator, key) for key in both):
        raise ValueError(f"expected {param} or {body_path}, found both")


def _shorthand(value: Any) -> Any:
    """``paginator: json_link`` is short for ``paginator: {type: json_link}``."""
    return {"type": value} if isinstance(value, str) else value


_ByType = Annotated[
    SinglePage | Auto | PageNumber | Offset | Cursor | JsonLink | HeaderLink | HeaderCursor,
    Discriminator("type"),
]
_Name = Literal[
    "single_page", "auto", "page_number", "cursor", "json_link", "header_link", "header_cursor"
]
PaginatorConfig = Annotated[
    _ByType, BeforeValidator(_shorthand, json_schema_input_type=_ByType | _Name)
]

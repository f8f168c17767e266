"""The pagination of the server: one pager for every paginator that a catalog file can declare.

In: the matching versions in order, and the request.
Out: one page of versions, and the body values and headers that lead to the next page.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config import paginators as p
from analytics_sync.sandbox.api.filters import HEX, Position, View, text_at
from analytics_sync.sandbox.data.json_path import Path
from analytics_sync.sandbox.data.response_shape import cursor_in_record, is_bare
from analytics_sync.sandbox.data.tables import Version
from analytics_sync.sandbox.messages import Refused, Request
from analytics_sync.sandbox.options import Options

_SIZE_PARAM = re.compile(r"limit|size|count|per_?page", re.IGNORECASE)
# A catalog file declares no cursor parameter for links, so links use this one.
_LINK_CURSOR_PARAM = "page_cursor"


@dataclass(frozen=True, slots=True)
class ServedPage:
    """One page.

    Attributes:
        versions: The records.
        body_values: Dotted path in the body -> the value there.
        headers: Headers that lead to the next page.
    """

    versions: list[Version]
    body_values: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Pager:
    """Cuts the records of one resource into pages.

    Args:
        resource: The resource; its paginator decides the form of pages.
        options: The maximum page size, and the number of the first page.
    """

    def __init__(self, resource: Resource, options: Options) -> None:
        self._paginator = resource.paginator
        self._cursor_in_record = cursor_in_record(resource)
        if self._cursor_in_record is not None:
            pass  # a bare list has a place for it
        elif is_bare(resource, options) and isinstance(self._paginator, p.Cursor | p.JsonLink):
            # A bare list has no place for a cursor or a link.
            self._paginator = p.SinglePage()
        elif is_bare(resource, options) and isinstance(self._paginator, p.Offset):
            self._paginator = self._paginator.model_copy(update={"cursor_path": None})
        self._max_page = options.max_page
        self._first_page = options.first_page
        names = [n for n, v in resource.params.items() if isinstance(v, int)]
        body = resource.post.json if resource.post is not None else None
        names += (
            [n for n, v in body.items() if isinstance(v, int)] if isinstance(body, dict) else []
        )
        names += resource.sensor.params if resource.sensor is not None else ()
        limit_name = getattr(self._paginator, "limit_name", None)
        self._size_params = [limit_name] if limit_name else []
        self._size_params += [*dict.fromkeys(n for n in names if _SIZE_PARAM.search(n)), "limit"]

    def page(self, view: View, request: Request) -> ServedPage:
        """The requested page.

        Raises:
            Refused: 400 for a cursor that this server never issued. 422 for a page number, an
                offset or a size that is no whole number.
        """
        if self._cursor_in_record is not None:
            return self._after_record(self._cursor_in_record, view, request)
        match self._paginator:
            case p.PageNumber() as numbered:
                return self._numbered(numbered, view, request)
            case p.Offset(cursor_path=None) as offset:
                return self._offset(offset, view, request)
            case p.Offset() as offset:
                return self._record_cursor(offset, view, request)
            case p.Cursor() as cursor if (
                cursor.stop_after_empty_page or "offset" in cursor.cursor_name
            ):
                return self._offset_cursor(cursor, view, request)
            case p.Cursor() | p.JsonLink() | p.HeaderLink() | p.HeaderCursor():
                return self._opaque_cursor(view, request)
            case _:
                return ServedPage(view.versions)

    def _size(self, request: Request) -> int:
        for name in self._size_params:
            if (value := request.one(name)) is not None:
                return min(_number(name, value, minimum=1), self._max_page)
        return self._max_page

    def _numbered(self, paginator: p.PageNumber, view: View, request: Request) -> ServedPage:
        size, count = self._size(request), len(view.versions)
        base = self._first_page if paginator.base_page is None else paginator.base_page
        value = request.one(paginator.page_name)
        number = base if value is None else _number(paginator.page_name, value, minimum=0)
        # A server that counts from 1 sends its first page for page 0.
        start = max(number - base, 0) * size
        page = ServedPage(view.versions[start : start + size])
        if paginator.total_path is not None:
            page.body_values[paginator.total_path] = -(-count // size)
        if paginator.has_more_path is not None:
            page.body_values[paginator.has_more_path] = start + size < count
        return page

    def _offset(self, paginator: p.Offset, view: View, request: Request) -> ServedPage:
        size, count = self._size(request), len(view.versions)
        value = request.one(paginator.offset_name)
        start = 0 if value is None else _number(paginator.offset_name, value, minimum=0)
        page = ServedPage(view.versions[start : start + size])
        if paginator.total_path is not None:
            page.body_values[paginator.total_path] = count
        if paginator.has_more_path is not None:
            page.body_values[paginator.has_more_path] = start + size < count
        return page

    def _record_cursor(self, paginator: p.Offset, view: View, request: Request) -> ServedPage:
        """A page of a server that ignores the offset; its cursor is the page's oldest record."""
        size, count = self._size(request), len(view.versions)
        values = [v for v in request.query.get(paginator.cursor_param, []) if HEX.match(v)]
        # Positions of the orders "newest" and "created" are negative, cursors are not.
        sign = -1 if view.positions and _is_descending(view.positions[0]) else 1
        start = 0
        if values:
            ms, number = int(values[-1][:12], 16), int(values[-1][12:], 16)
            start = _index(view, (sign * ms, sign * number))
        page = ServedPage(view.versions[start : start + size])
        if len(page.versions) == size and paginator.cursor_path is not None:
            first, second = (abs(int(n)) for n in view.positions[start + size - 1])
            page.body_values[paginator.cursor_path] = f"{first:012x}{second:012x}"
        if paginator.total_path is not None:
            page.body_values[paginator.total_path] = count
        if paginator.has_more_path is not None:
            page.body_values[paginator.has_more_path] = start + size < count
        return page

    def _offset_cursor(self, paginator: p.Cursor, view: View, request: Request) -> ServedPage:
        """A page of a server whose cursor is the next offset; some send it on an empty page too."""
        size, count = self._size(request), len(view.versions)
        name = paginator.cursor_name or "cursor"
        value = request.one(name)
        start = 0 if value is None else _number(name, value, minimum=0)
        page = ServedPage(view.versions[start : start + size])
        if paginator.stop_after_empty_page or start + size < count:
            page.body_values[paginator.cursor_path or "cursors.next"] = start + len(page.versions)
        if paginator.has_more_path is not None:
            page.body_values[paginator.has_more_path] = start + size < count
        return page

    def _after_record(self, field: Path, view: View, request: Request) -> ServedPage:
        """A page of a server whose cursor is a field of the last record. An empty page is the end."""
        paginator = self._paginator
        size, count = self._size(request), len(view.versions)
        value = request.one(cursor_name_of(paginator) or "cursor")
        last = view.last_with(field)
        if value is not None and value not in last:
            _refuse_cursor()
        start = 0 if value is None else last[value] + 1
        end = min(start + size, count)
        # Records with the same value are on the same page: the cursor leads beyond all of them.
        if end > start:
            end = last[text_at(view.versions[end - 1], field)] + 1
        page = ServedPage(view.versions[start:end])
        if has_more := getattr(paginator, "has_more_path", None):
            page.body_values[has_more] = end < count
        return page

    def _opaque_cursor(self, view: View, request: Request) -> ServedPage:
        """A page of a server whose cursor is the position of the last record, encoded as text."""
        paginator = self._paginator
        size, count = self._size(request), len(view.versions)
        name = cursor_name_of(paginator) or _LINK_CURSOR_PARAM
        value = request.one(name)
        start = 0 if not value else _index(view, _decode(value))
        end = start + size
        page = ServedPage(view.versions[start:end])
        token = _encode(view.positions[end - 1]) if end < count else None
        match paginator:
            case p.Cursor():
                if token is not None:
                    page.body_values[paginator.cursor_path or "cursors.next"] = token
                if paginator.has_more_path is not None:
                    page.body_values[paginator.has_more_path] = token is not None
            case p.JsonLink() if token is not None:
                page.body_values[paginator.next_url_path] = request.link({name: token})
            case p.HeaderLink() if token is not None:
                link = request.link({name: token})
                page.headers["Link"] = f'<{link}>; rel="{paginator.links_next_key}"'
            case p.HeaderCursor() if token is not None:
                page.headers[paginator.cursor_key] = token
        return page


def cursor_name_of(paginator: p.PaginatorConfig) -> str | None:
    """The parameter that takes a cursor, or its place in the body; None without one."""
    if isinstance(paginator, p.Cursor):
        return paginator.cursor_name or None
    return getattr(paginator, "cursor_param", None)


def _is_descending(position: Position) -> bool:
    return isinstance(position[-1], int) and position[-1] < 0


def _index(view: View, position: Position) -> int:
    try:
        return view.after(position)
    except TypeError:
        _refuse_cursor()


def _encode(position: Position) -> str:
    return b64encode(orjson.dumps(position)).decode()


def _decode(token: str) -> Position:
    try:
        position = orjson.loads(b64decode(token, validate=True))
    except ValueError:
        _refuse_cursor()
    return tuple(position) if isinstance(position, list) else _refuse_cursor()


def _refuse_cursor() -> NoReturn:
    raise Refused(400, "this cursor was never handed out")


def _number(name: str, value: str, *, minimum: int) -> int:
    if not value.isascii() or not value.isdigit() or int(value) < minimum:
        raise Refused(
            422, f"parameter {name} must be a whole number from {minimum}, found {value!r}"
        )
    return int(value)

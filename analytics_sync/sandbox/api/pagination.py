"""The server's side of every paginator a catalog file can declare.

In: the matching versions in order, and the request. Out: one page of them, and what the answer says
about the next: places in the body to fill, headers to send.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.catalog import paginators as p
from analytics_sync.sandbox.api.filters import HEX, Position, View
from analytics_sync.sandbox.data.response_shape import is_bare
from analytics_sync.sandbox.data.tables import Version
from analytics_sync.sandbox.messages import Refused, Request
from analytics_sync.sandbox.options import Options

_SIZE = re.compile(r"limit|size|count|per_?page", re.IGNORECASE)
# the parameter that links carry: theirs is not declared
_LINK_CURSOR = "page_cursor"


@dataclass(frozen=True, slots=True)
class ServedPage:
    """One page.

    Attributes:
        versions: Its records.
        places: Dotted place in the body -> what stands there.
        headers: Headers that say where the next page is.
    """

    versions: list[Version]
    places: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Pager:
    """Cuts the answers of one resource into pages.

    Args:
        resource: Whose paginator it plays.
        options: The largest page, and what page numbers count from.
    """

    def __init__(self, resource: Resource, options: Options) -> None:
        self._paginator = resource.paginator
        if is_bare(resource, options) and isinstance(self._paginator, p.Cursor | p.JsonLink):
            # a bare list has no room to say where the next page is
            self._paginator = p.SinglePage()
        elif is_bare(resource, options) and isinstance(self._paginator, p.Offset):
            self._paginator = self._paginator.model_copy(update={"cursor_path": None})
        self._most = options.max_page
        self._first_page = options.first_page
        names = {
            n: None for n, v in resource.params.items() if isinstance(v, int) and _SIZE.search(n)
        }
        if resource.sensor is not None:
            names |= {n: None for n in resource.sensor.params if _SIZE.search(n)}
        self._size_names = [n for n in (getattr(self._paginator, "limit_param", None),) if n]
        self._size_names += [*names, "limit"]

    def page(self, view: View, request: Request) -> ServedPage:
        """The page the request asks for.

        Raises:
            Refused: 400 for a cursor never handed out, 422 for a number that is none.
        """
        match self._paginator:
            case p.PageNumber() as numbered:
                return self._numbered(numbered, view, request)
            case p.Offset(cursor_path=None) as offset:
                return self._offset(offset, view, request)
            case p.Offset() as before:
                return self._before(before, view, request)
            case p.Cursor() as counted if counted.stop_after_empty_page or "offset" in (
                counted.cursor_param or ""
            ):
                return self._counted(counted, view, request)
            case p.Cursor() | p.JsonLink() | p.HeaderLink() | p.HeaderCursor():
                return self._opaque(view, request)
            case _:
                return ServedPage(view.versions)

    def _size(self, request: Request) -> int:
        for name in self._size_names:
            if (value := request.one(name)) is not None:
                return min(_number(name, value, least=1), self._most)
        return self._most

    def _numbered(self, paginator: p.PageNumber, view: View, request: Request) -> ServedPage:
        size, count = self._size(request), len(view.versions)
        base = self._first_page if paginator.base_page is None else paginator.base_page
        asked = request.one(paginator.page_param)
        page = base if asked is None else _number(paginator.page_param, asked, least=0)
        # a server that counts from 1 answers page 0 with its first page
        start = max(page - base, 0) * size
        places: dict[str, Any] = {}
        if paginator.total_path is not None:
            places[paginator.total_path] = -(-count // size)
        if paginator.has_more_path is not None:
            places[paginator.has_more_path] = start + size < count
        return ServedPage(view.versions[start : start + size], places)

    def _offset(self, paginator: p.Offset, view: View, request: Request) -> ServedPage:
        size, count = self._size(request), len(view.versions)
        asked = request.one(paginator.offset_param)
        start = 0 if asked is None else _number(paginator.offset_param, asked, least=0)
        places: dict[str, Any] = {}
        if paginator.total_path is not None:
            places[paginator.total_path] = count
        if paginator.has_more_path is not None:
            places[paginator.has_more_path] = start + size < count
        return ServedPage(view.versions[start : start + size], places)

    def _before(self, paginator: p.Offset, view: View, request: Request) -> ServedPage:
        """Such servers ignore an offset and name the oldest record of the page instead."""
        size = self._size(request)
        asked = [v for v in request.query.get(paginator.cursor_param, []) if HEX.match(v)]
        # positions of the order from new to old count backwards
        sign = -1 if view.positions and _counts_down(view.positions[0]) else 1
        start = 0
        if asked:
            ms, number = int(asked[-1][:12], 16), int(asked[-1][12:], 16)
            start = _index(view, (sign * ms, sign * number))
        versions = view.versions[start : start + size]
        places: dict[str, Any] = {}
        if len(versions) == size and paginator.cursor_path is not None:
            first, second = (abs(int(n)) for n in view.positions[start + size - 1])
            places[paginator.cursor_path] = f"{first:012x}{second:012x}"
        if paginator.total_path is not None:
            places[paginator.total_path] = len(view.versions)
        if paginator.has_more_path is not None:
            places[paginator.has_more_path] = start + size < len(view.versions)
        return ServedPage(versions, places)

    def _counted(self, paginator: p.Cursor, view: View, request: Request) -> ServedPage:
        """Such servers hand out the next offset; some go on with it on an empty page."""
        size, count = self._size(request), len(view.versions)
        name = paginator.cursor_param or "cursor"
        asked = request.one(name)
        start = 0 if asked is None else _number(name, asked, least=0)
        versions = view.versions[start : start + size]
        places: dict[str, Any] = {}
        if paginator.stop_after_empty_page or start + size < count:
            places[paginator.cursor_path or "cursors.next"] = start + len(versions)
        if paginator.has_more_path is not None:
            places[paginator.has_more_path] = start + size < count
        return ServedPage(versions, places)

    def _opaque(self, view: View, request: Request) -> ServedPage:
        paginator = self._paginator
        size, count = self._size(request), len(view.versions)
        name = getattr(paginator, "cursor_param", None) or _LINK_CURSOR
        asked = request.one(name)
        start = 0 if not asked else _index(view, _decoded(asked))
        end = start + size
        page = ServedPage(view.versions[start:end])
        token = _encoded(view.positions[end - 1]) if end < count else None
        match paginator:
            case p.Cursor():
                if token is not None:
                    page.places[paginator.cursor_path or "cursors.next"] = token
                if paginator.has_more_path is not None:
                    page.places[paginator.has_more_path] = token is not None
            case p.JsonLink() if token is not None:
                page.places[paginator.next_url_path] = request.link({name: token})
            case p.HeaderLink() if token is not None:
                link = request.link({name: token})
                page.headers["Link"] = f'<{link}>; rel="{paginator.links_next_key}"'
            case p.HeaderCursor() if token is not None:
                page.headers[paginator.cursor_key] = token
        return page


def _counts_down(position: Position) -> bool:
    return isinstance(position[-1], int) and position[-1] < 0


def _index(view: View, position: Position) -> int:
    try:
        return view.after(position)
    except TypeError:
        _unknown()


def _encoded(position: Position) -> str:
    return b64encode(orjson.dumps(position)).decode()


def _decoded(token: str) -> Position:
    try:
        position = orjson.loads(b64decode(token, validate=True))
    except ValueError:
        _unknown()
    return tuple(position) if isinstance(position, list) else _unknown()


def _unknown() -> NoReturn:
    raise Refused(400, "this cursor was never handed out")


def _number(name: str, value: str, *, least: int) -> int:
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise Refused(422, f"parameter {name} must be a whole number from {least}, found {value!r}")
    return int(value)

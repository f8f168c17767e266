"""Manners of paging: pages of other sizes, positions counted otherwise, cursors elsewhere.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

import threading
from typing import Any

from analytics_sync.catalog.config import paginators as p
from analytics_sync.sandbox.data.json_path import drop, get_or_none, put
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Subject, manner
from analytics_sync.sandbox.messages import Request, ServedResponse

_CAP = 3
_GAP = "gap~"


@manner("pages", "harmless", bodies.is_list)
def page_size_capped(subject: Subject) -> Hooks:
    """Pages hold at most 3 records, whatever size the client asks for."""

    def ask(request: Request) -> Request:
        names = bodies.size_params(subject, request)
        capped = {n: str(min(int(request.one(n) or _CAP), _CAP)) for n in names}
        return bodies.with_query(request, **capped)

    return Hooks(ask=ask)


@manner(
    "pages",
    "provable",
    lambda s: bodies.is_numbered(s) and isinstance(s.resource.paginator, p.Offset),
)
def offset_from_1(subject: Subject) -> Hooks:
    """The offset of the first record is 1; offset 0 is taken for it."""

    def ask(request: Request) -> Request:
        start = max(bodies.position(subject, request) - 1, 0)
        return bodies.with_query(request, **{bodies.position_param(subject): str(start)})

    return Hooks(ask=ask)


@manner(
    "pages",
    "provable",
    lambda s: bodies.is_enveloped(s) and isinstance(s.resource.paginator, p.PageNumber),
)
def empty_page_with_more(subject: Subject) -> Hooks:
    """The second page is empty with ``has_more: true``; its records come on the third."""
    second = bodies.first_position(subject) + 1

    def ask(request: Request) -> Request:
        number = bodies.position(subject, request)
        number -= number >= second
        return bodies.with_query(request, **{bodies.position_param(subject): str(number)})

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        if bodies.position(subject, request) != second:
            return response
        body = bodies.decoded(bodies.with_list(subject, response, []))
        return bodies.with_body(response, {**body, "has_more": True})

    return Hooks(ask=ask, reply=reply)


@manner("pages", "harmless", bodies.ends_without_token)
def empty_page_inside(subject: Subject) -> Hooks:
    """Every second page of a listing by cursor or link is empty, with the next cursor."""
    name = bodies.token_param(subject)

    def ask(request: Request) -> Request:
        token = request.one(name) or ""
        return bodies.with_query(request, **{name: token.removeprefix(_GAP) or None})

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        token = request.one(name)
        if not token or token.startswith(_GAP):
            return response
        body = bodies.decoded(bodies.with_list(subject, response, []))
        bodies.put_token(subject, request, body, f"{_GAP}{token}")
        return bodies.with_body(response, body)

    return Hooks(ask=ask, reply=reply)


@manner("pages", "provable", bodies.has_token)
def link_in_header_only(subject: Subject) -> Hooks:
    """The next page is a ``Link`` header; the body has no cursor and no link."""
    name, path = bodies.token_param(subject), bodies.token_path(subject)
    is_link = isinstance(subject.resource.paginator, p.JsonLink)

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        body = bodies.decoded(response)
        if (token := get_or_none(body, path)) is None:
            return response
        drop(body, path)
        link = token if is_link else request.link({name: str(token)})
        return bodies.with_header(bodies.with_body(response, body), "Link", f'<{link}>; rel="next"')

    return Hooks(reply=reply)


def _token_moved(subject: Subject, **instead: Any) -> Hooks:
    """The cursor leaves its place; ``instead`` holds keys of the body, None for the cursor itself."""
    path = bodies.token_path(subject)

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        body = bodies.decoded(response)
        if (token := get_or_none(body, path)) is None:
            return response
        drop(body, path)
        for key, value in instead.items():
            put(body, (key,), token if value is None else value)
        return bodies.with_body(response, body)

    return Hooks(reply=reply)


@manner("pages", "provable", bodies.has_token)
def cursor_renamed(subject: Subject) -> Hooks:
    """The cursor is in another place than declared, and ``has_more`` is true."""
    return _token_moved(subject, following=None, has_more=True)


@manner("pages", "provable", bodies.has_token)
def token_under_another_name(subject: Subject) -> Hooks:
    """The cursor is ``next_page_token`` instead of where it is declared."""
    return _token_moved(subject, next_page_token=None)


# A record outside the window is not kept, so that it may come again unnoticed.
@manner("pages", "provable", lambda s: bodies.is_numbered(s) and s.resource.cursor is None)
def unstable_order(subject: Subject) -> Hooks:
    """From the third page on, the first record of a page is one of the first page instead."""
    lock = threading.Lock()
    first_records: dict[str, Any] = {}
    name, first = bodies.position_param(subject), bodies.first_position(subject)

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        number = bodies.position(subject, request)
        some = bodies.records(subject, response)
        listing = request.link({name: ""})
        with lock:
            if number <= first and some:
                first_records[listing] = some[0]
                return response
            early = first_records.get(listing)
        is_far = number - first >= 2 * (1 if _counts_pages(subject) else len(some) + 1)
        if early is None or not is_far:
            return response
        return bodies.with_records(
            subject, response, lambda found: [early, *found[1:]] if found else found
        )

    return Hooks(reply=reply)


def _counts_pages(subject: Subject) -> bool:
    return isinstance(subject.resource.paginator, p.PageNumber)


@manner(
    "pages",
    "provable",
    lambda s: bodies.is_numbered(s) and isinstance(s.resource.paginator, p.PageNumber),
)
def filtered_after_paging(subject: Subject) -> Hooks:
    """The first page comes in two uneven ones, and an empty page follows before the others."""
    first = bodies.first_position(subject)

    def ask(request: Request) -> Request:
        number = max(bodies.position(subject, request) - 2, first)
        return bodies.with_query(request, **{bodies.position_param(subject): str(number)})

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        parts = {0: slice(1), 1: slice(1, None), 2: slice(0)}
        part = parts.get(max(bodies.position(subject, request) - first, 0))
        if part is None:
            return response
        return bodies.with_records(subject, response, lambda some: some[part])

    return Hooks(ask=ask, reply=reply)

"""Manners of repeated pages: last pages that lead on, and pages that come again.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

import threading
from itertools import count
from typing import Any

from analytics_sync.catalog.config import paginators as p
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Promise, Subject, manner, register
from analytics_sync.sandbox.messages import Request, ServedResponse

_AGAIN = "again~"
_NEW = "new~"


def _register_itself(name: str, about: str, promise: Promise, flag: dict[str, Any]) -> None:
    def make(subject: Subject) -> Hooks:
        token, path = bodies.token_param(subject), bodies.token_path(subject)
        is_link = isinstance(subject.resource.paginator, p.JsonLink)
        lock = threading.Lock()
        last: dict[str, ServedResponse] = {}  # the last page of each listing

        def ask(request: Request) -> Request:
            is_again = request.one(token) == _AGAIN
            return bodies.with_query(request, **{token: None}) if is_again else request

        def reply(request: Request, response: ServedResponse) -> ServedResponse:
            listing = request.link({token: ""})
            is_again = request.one(token) == _AGAIN
            with lock:
                if is_again:
                    response = bodies.with_records(
                        subject, last.get(listing, response), lambda some: some[-1:]
                    )
                body = bodies.decoded(response)
                if not is_again and get_or_none(body, path) is not None:
                    return response
                last[listing] = response
            put(body, path, request.link({token: _AGAIN}) if is_link else _AGAIN)
            return bodies.with_body(response, {**body, **flag})

        return Hooks(ask=ask, reply=reply)

    register(name, about, "pages", promise, bodies.ends_without_token, make)


_register_itself(
    "last-page-leads-to-itself", "The last page leads to its last record, which leads to itself.",
    "provable", {},
)  # fmt: skip
_register_itself(
    "last-page-leads-to-itself-with-flag",
    "The last page leads to its last record, which leads to itself, with ``end_of_stream: true``.",
    "harmless", {"end_of_stream": True},
)  # fmt: skip


@manner("pages", "provable", bodies.ends_without_token)
def cursor_ignored(subject: Subject) -> Hooks:
    """Every page is the first page, with a new cursor or link."""
    token = bodies.token_param(subject)
    numbers = count()

    def ask(request: Request) -> Request:
        return bodies.with_query(request, **{token: None})

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        if not bodies.records(subject, response):
            return response
        body = bodies.decoded(response)
        bodies.put_token(subject, request, body, f"{_NEW}{next(numbers)}")
        return bodies.with_body(response, body)

    return Hooks(ask=ask, reply=reply)


@manner("end", "provable", bodies.is_numbered)
def first_page_beyond_the_end(subject: Subject) -> Hooks:
    """A page beyond the last one is the first page again."""
    lock = threading.Lock()
    first_pages: dict[str, ServedResponse] = {}
    name, first = bodies.position_param(subject), bodies.first_position(subject)

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        listing = request.link({name: ""})
        with lock:
            if bodies.position(subject, request) <= first:
                first_pages[listing] = response
            if bodies.records(subject, response):
                return response
            return first_pages.get(listing, response)

    return Hooks(reply=reply)


@manner(
    "end",
    "harmless",
    lambda s: bodies.is_list(s) and isinstance(s.resource.paginator, p.HeaderLink),
)
def next_link_without_results(subject: Subject) -> Hooks:
    """Every page has a ``Link`` to a next page; on the last page it says ``results="false"``."""
    paginator = subject.resource.paginator
    assert isinstance(paginator, p.HeaderLink)
    relation = paginator.links_next_key

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        found = response.headers.get("Link")
        link = found or f'<{request.link({"page": "none"})}>; rel="{relation}"'
        more = str(found is not None).lower()
        return bodies.with_header(response, "Link", f'{link}; results="{more}"')

    return Hooks(reply=reply)

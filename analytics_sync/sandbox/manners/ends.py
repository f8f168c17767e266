"""Manners of ends: totals that are wrong, flags that stay, last pages of odd forms.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from analytics_sync.catalog.config import paginators as p
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import Path, get_or_none, put
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Promise, Subject, manner, register
from analytics_sync.sandbox.messages import Request, ServedResponse

_END = "end~"
_ROUND = 10  # the largest total that total-capped reports


@manner("end", "provable", lambda s: bodies.is_enveloped(s) and not bodies.is_single(s))
def more_forever(subject: Subject) -> Hooks:
    """``has_more`` is true on every page, the last one included."""
    declared = getattr(subject.resource.paginator, "has_more_path", None) or "has_more"
    return Hooks(reply=_values({path_of(declared): lambda _: True}))


def _total_path(subject: Subject) -> str | None:
    paginator = subject.resource.paginator
    if isinstance(paginator, p.Offset) and paginator.total_path:
        return paginator.total_path
    return subject.resource.count_path


def _has_total(subject: Subject) -> bool:
    return bodies.is_enveloped(subject) and _total_path(subject) is not None


def _register_total(name: str, about: str, promise: Promise, edit: Callable[[int], int]) -> None:
    def make(subject: Subject) -> Hooks:
        path = path_of(_total_path(subject) or "")
        return Hooks(reply=_values({path: lambda old: edit(old) if isinstance(old, int) else old}))

    register(name, about, "total", promise, _has_total, make)


_register_total(
    "total-too-large", "The total is larger than the number of records.", "provable",
    lambda n: n + 7,
)  # fmt: skip
_register_total(
    "total-too-small", "The total is smaller than the number of records.", "provable",
    lambda n: max(n - 3, 0),
)  # fmt: skip


@manner("total", "provable", _has_total)
def total_capped(subject: Subject) -> Hooks:
    """The total is 10 at most, with the relation ``gte`` beside it."""
    path = path_of(_total_path(subject) or "")
    cap = _values({path: lambda old: min(old, _ROUND) if isinstance(old, int) else old})
    relation = _values({(*path[:-1], "relation"): lambda _: "gte"})
    return Hooks(reply=lambda request, response: relation(request, cap(request, response)))


@manner("total", "provable", lambda s: bodies.is_enveloped(s) and not _has_total(s))
def undeclared_total(subject: Subject) -> Hooks:
    """The body holds an undeclared ``total`` of a million."""
    return Hooks(reply=_values({("total",): lambda _: 1_000_000}))


def _values(
    changes: Mapping[Path, Callable[[Any], Any]],
) -> Callable[[Request, ServedResponse], ServedResponse]:
    """A reply with other values: path in the body -> function of the value there."""

    def reply(_: Request, response: ServedResponse) -> ServedResponse:
        body = bodies.decoded(response)
        for path, edit in changes.items():
            put(body, path, edit(get_or_none(body, path)))
        return bodies.with_body(response, body)

    return reply


def _register_end(name: str, about: str, value: Any) -> None:
    def make(subject: Subject) -> Hooks:
        path = bodies.token_path(subject)

        def reply(_: Request, response: ServedResponse) -> ServedResponse:
            body = bodies.decoded(response)
            if get_or_none(body, path) is not None:
                return response
            put(body, path, value)
            return bodies.with_body(response, body)

        return Hooks(reply=reply)

    register(name, about, "end", "harmless", bodies.has_token, make)


_register_end("end-is-null", "The last page has null as its cursor or link.", None)
_register_end("end-is-false", "The last page has false as its cursor or link.", False)
_register_end("end-is-empty-text", 'The last page has "" as its cursor or link.', "")
_register_end("end-is-zero", "The last page has 0 as its cursor or link.", 0)


def _register_last(name: str, about: str, records: Any) -> None:
    def make(subject: Subject) -> Hooks:
        token, path = bodies.token_param(subject), bodies.token_path(subject)
        is_link = isinstance(subject.resource.paginator, p.JsonLink)

        def ask(request: Request) -> Request:
            is_beyond = request.one(token) == _END
            return bodies.with_query(request, **{token: None}) if is_beyond else request

        def reply(request: Request, response: ServedResponse) -> ServedResponse:
            if request.one(token) == _END:
                body = bodies.decoded(bodies.with_list(subject, response, records))
                put(body, path, None)
                flag = False
            else:
                body, flag = bodies.decoded(response), True
                if get_or_none(body, path) is None:
                    put(body, path, request.link({token: _END}) if is_link else _END)
            if has_more := getattr(subject.resource.paginator, "has_more_path", None):
                put(body, path_of(has_more), flag)
            return bodies.with_body(response, body)

        return Hooks(ask=ask, reply=reply)

    register(name, about, "pages", "harmless", bodies.ends_without_token, make)


_register_last("empty-page-at-end", "A cursor leads to one more page, which is empty.", [])
_register_last("null-page-at-end", "A cursor leads to one more page, with null for records.", None)


@manner("end", "provable", lambda s: bodies.is_numbered(s) and bodies.is_enveloped(s))
def null_beyond_the_end(subject: Subject) -> Hooks:
    """A page beyond the last one has null in place of its records."""
    return Hooks(
        reply=lambda _, response: (
            response
            if bodies.records(subject, response)
            else bodies.with_list(subject, response, None)
        )
    )


@manner("end", "provable", bodies.is_numbered)
def not_found_beyond_the_end(subject: Subject) -> Hooks:
    """A page beyond the last one is answered with 404."""
    first = bodies.first_position(subject)

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        if bodies.position(subject, request) <= first or bodies.records(subject, response):
            return response
        return ServedResponse(404, b'{"message": "no such page"}')

    return Hooks(reply=reply)


@manner("end", "provable", bodies.is_numbered)
def last_page_again(subject: Subject) -> Hooks:
    """A page beyond the last one is the last page again."""
    lock = threading.Lock()
    last: dict[str, tuple[int, ServedResponse]] = {}
    name, first = bodies.position_param(subject), bodies.first_position(subject)

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        number = bodies.position(subject, request)
        listing = request.link({name: ""})
        with lock:
            if bodies.records(subject, response) or number <= first:
                if number <= first or number >= last.get(listing, (first, response))[0]:
                    last[listing] = number, response
                return response
            return last.get(listing, (number, response))[1]

    return Hooks(reply=reply)


def _register_half(name: str, about: str, path: str, value: Callable[[Request], Any]) -> None:
    def make(subject: Subject) -> Hooks:
        def reply(request: Request, response: ServedResponse) -> ServedResponse:
            sign = _values({path_of(path): lambda _: value(request)})
            return sign(request, _half(subject, response))

        return Hooks(reply=reply)

    register(name, about, "pages", "provable", _is_single_envelope, make)


def _is_single_envelope(subject: Subject) -> bool:
    return bodies.is_single(subject) and bodies.is_enveloped(subject)


def _half(subject: Subject, response: ServedResponse) -> ServedResponse:
    return bodies.with_records(subject, response, lambda some: some[: (len(some) + 1) // 2])


_register_half(
    "half-with-next-link", "A listing of one page is its first half, and a next link.",
    "links.next", lambda request: request.link({"page": "2"}),
)  # fmt: skip
_register_half(
    "half-with-has-more", "A listing of one page is its first half, and ``has_more: true``.",
    "has_more", lambda _: True,
)  # fmt: skip
_register_half(
    "half-with-total", "A listing of one page is its first half, and a larger total.",
    "total", lambda _: 1_000_000,
)  # fmt: skip
_register_half(
    "half-with-token", "A listing of one page is its first half, and a token.",
    "next_page_token", lambda _: "dG9rZW4",
)  # fmt: skip


@manner("pages", "provable", bodies.is_single)
def half_with_link_header(subject: Subject) -> Hooks:
    """A listing of one page is its first half, and a ``Link`` header."""

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        link = request.link({"page": "2"})
        return bodies.with_header(_half(subject, response), "Link", f'<{link}>; rel="next"')

    return Hooks(reply=reply)

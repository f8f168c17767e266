"""Bodies and queries: what the manners read from them and change in them.

In: a subject, a request or a response.
Out: records, cursors and flags; a request with other parameters, a response with another body.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from analytics_sync.catalog.config import paginators as p
from analytics_sync.sandbox.api.pagination import cursor_name_of
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import Path, put
from analytics_sync.sandbox.data.response_shape import cursor_in_record, is_bare, is_object
from analytics_sync.sandbox.faults import in_place_of_records, records_changed
from analytics_sync.sandbox.manners.manner import Subject
from analytics_sync.sandbox.messages import Request, ServedResponse

_SIZE_PARAM = re.compile(r"limit|size|count|per_?page", re.IGNORECASE)
_LINK_CURSOR_PARAM = "page_cursor"  # as the sandbox names it in its links


# --- what a subject is -------------------------------------------------------------------------


def is_list(subject: Subject) -> bool:
    """Whether a response is a list of records, in an envelope or bare."""
    return subject.resource.selector is not None and not is_object(
        subject.resource, subject.options
    )


def is_enveloped(subject: Subject) -> bool:
    """Whether a response is an object with a list of records inside."""
    return is_list(subject) and not is_bare(subject.resource, subject.options)


def is_numbered(subject: Subject) -> bool:
    """Whether pages are requested by number or offset."""
    paginator = subject.resource.paginator
    return is_list(subject) and (
        isinstance(paginator, p.PageNumber)
        or (isinstance(paginator, p.Offset) and paginator.cursor_path is None)
    )


def has_token(subject: Subject) -> bool:
    """Whether a body holds the cursor or the link of the next page."""
    return (
        is_enveloped(subject)
        and isinstance(subject.resource.paginator, p.Cursor | p.JsonLink)
        and cursor_in_record(subject.resource) is None
    )


def ends_without_token(subject: Subject) -> bool:
    """Whether the last page has no cursor. An empty page ends other listings."""
    return has_token(subject) and not getattr(
        subject.resource.paginator, "stop_after_empty_page", False
    )


def is_single(subject: Subject) -> bool:
    """Whether one response holds all records."""
    return is_list(subject) and isinstance(subject.resource.paginator, p.SinglePage | p.Auto)


def has_children(subject: Subject) -> bool:
    """Whether requests of other resources take values from the records."""
    return any(r.parent == subject.resource.name for r in subject.source.resources.values())


# --- requests ----------------------------------------------------------------------------------


def token_param(subject: Subject) -> str:
    """The parameter that takes the cursor of a page."""
    paginator = subject.resource.paginator
    if isinstance(paginator, p.JsonLink):
        return _LINK_CURSOR_PARAM
    return cursor_name_of(paginator) or "cursor"


def position_param(subject: Subject) -> str:
    """The parameter that takes the number or the offset of a page."""
    paginator = subject.resource.paginator
    if isinstance(paginator, p.PageNumber):
        return paginator.page_name
    assert isinstance(paginator, p.Offset)
    return paginator.offset_name


def first_position(subject: Subject) -> int:
    """The number or the offset of the first page."""
    paginator = subject.resource.paginator
    if isinstance(paginator, p.PageNumber):
        base = paginator.base_page
        return subject.options.first_page if base is None else base
    return 0


def position(subject: Subject, request: Request) -> int:
    """The requested number or offset."""
    value = request.one(position_param(subject)) or ""
    return int(value) if value.isdigit() else first_position(subject)


def with_query(request: Request, **changes: str | list[str] | None) -> Request:
    """The request with other parameters; None removes one. Links keep the client's parameters."""
    query = {name: list(values) for name, values in request.query.items()}
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = [value] if isinstance(value, str) else value
    return replace(request, query=query)


def size_params(subject: Subject, request: Request) -> list[str]:
    """The parameters that ask for a page size; ``limit`` if the request has none."""
    declared = getattr(subject.resource.paginator, "limit_name", None)
    names = [
        name
        for name, values in request.query.items()
        if (name == declared or _SIZE_PARAM.search(name)) and values[-1].isdigit()
    ]
    return names or [declared or "limit"]


class EveryOther:
    """Whether a request is the first, the third, ... with its address."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> bool:
        with self._lock:
            address = request.link({})
            self._counts[address] += 1
            return self._counts[address] % 2 == 1


# --- responses ---------------------------------------------------------------------------------


def token_path(subject: Subject) -> Path:
    """The place of the cursor or link in the body."""
    paginator = subject.resource.paginator
    if isinstance(paginator, p.JsonLink):
        return path_of(paginator.next_url_path)
    return path_of(getattr(paginator, "cursor_path", None) or "cursors.next")


def put_token(subject: Subject, request: Request, body: Any, token: str) -> None:
    """Set the cursor, or a link with it, in a body, and the flag that there is more."""
    paginator = subject.resource.paginator
    is_link = isinstance(paginator, p.JsonLink)
    link_or_token = request.link({token_param(subject): token}) if is_link else token
    put(body, token_path(subject), link_or_token)
    if has_more := getattr(paginator, "has_more_path", None):
        put(body, path_of(has_more), True)


def decoded(response: ServedResponse) -> Any:
    """The body."""
    return orjson.loads(response.body)


def with_body(response: ServedResponse, body: Any) -> ServedResponse:
    """The response with another body."""
    return replace(response, body=orjson.dumps(body))


def records(subject: Subject, response: ServedResponse) -> list[Any]:
    """The records of a response."""
    found: list[Any] = []

    def take(some: list[Any]) -> list[Any]:
        found.extend(some)
        return some

    records_changed(subject.resource, take)(response)
    return found


def with_records(
    subject: Subject, response: ServedResponse, edit: Callable[[list[Any]], list[Any]]
) -> ServedResponse:
    """The response with ``edit`` of its records."""
    return records_changed(subject.resource, edit)(response)


def with_list(subject: Subject, response: ServedResponse, value: Any) -> ServedResponse:
    """The response with ``value`` in place of its list of records."""
    return in_place_of_records(subject.resource, value)(response)


def with_header(response: ServedResponse, name: str, value: str) -> ServedResponse:
    """The response with one more header."""
    return replace(response, headers={**response.headers, name: value})

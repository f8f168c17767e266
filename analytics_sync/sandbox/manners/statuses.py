"""Manners of statuses: answers that are not ready, limits under other names, 204 for nothing.

In: a subject.
Out: the functions of each manner.
Where a status says "later", the first, third, ... request with an address gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from analytics_sync.sandbox.faults import status
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Promise, Subject, manner, register
from analytics_sync.sandbox.messages import Request, ServedResponse

Form = tuple[int, Mapping[str, str], Any]


def _register_later(name: str, about: str, promise: Promise, form: Callable[[], Form]) -> None:
    def make(subject: Subject) -> Hooks:
        is_first = bodies.EveryOther()

        def ask(request: Request) -> Request | ServedResponse:
            response = status(*form()).response if is_first(request) else None
            return response or request

        return Hooks(ask=ask)

    register(name, about, "status", promise, lambda _: True, make)


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


_SOON = 2  # seconds
_LIMITED = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0"}
_RESETS: dict[str, tuple[str, Callable[[], str]]] = {
    "seconds": ("in seconds from now", lambda: str(_SOON)),
    "ms": ("in milliseconds from now", lambda: str(_SOON * 1000)),
    "epoch": ("in seconds since 1970", lambda: str(int(_in(_SOON).timestamp()))),
    "epoch-ms": ("in milliseconds since 1970", lambda: str(int(_in(_SOON).timestamp() * 1000))),
    "iso": ("as ISO 8601", lambda: _in(_SOON).isoformat()),
    "http-date": ("as an HTTP date", lambda: format_datetime(_in(_SOON), usegmt=True)),
    "absurd": ("as an absurd number", lambda: "99999999999999999999"),
}


def _limited(spell: Callable[[], str]) -> Callable[[], Form]:
    return lambda: (429, {**_LIMITED, "X-RateLimit-Reset": spell()}, None)


for _name, (_about, _spell) in _RESETS.items():
    _register_later(
        f"limited-reset-{_name}", f"First 429, with the limit's reset time {_about}.", "harmless",
        _limited(_spell),
    )  # fmt: skip
_register_later(
    "limited-retry-now", "First 429, with ``Retry-After: 0``.", "harmless",
    lambda: (429, {"Retry-After": "0"}, None),
)  # fmt: skip
_register_later(
    "unavailable-first", "First 502.", "harmless", lambda: (502, {}, None),
)  # fmt: skip
_register_later(
    "forbidden-with-retry-after", "First 403, with ``Retry-After``.", "harmless",
    lambda: (403, {"Retry-After": str(_SOON)}, {"message": "Forbidden"}),
)  # fmt: skip
_register_later(
    "not-found-when-limited", "First 404, with no request left in the limit's headers.",
    "harmless", lambda: (404, _LIMITED, {"message": "Not Found"}),
)  # fmt: skip
_register_later(
    "forbidden-says-rate-limit", "First 403, with a rate limit in its body.", "harmless",
    lambda: (403, {}, {"message": "API rate limit exceeded"}),
)  # fmt: skip
_register_later(
    "accepted-first", "First 202 without records.", "provable",
    lambda: (202, {}, {"status": "pending"}),
)  # fmt: skip


@manner("status", "provable", bodies.is_list)
def accepted_with_empty_list(subject: Subject) -> Hooks:
    """First 202 with an empty list."""
    is_first = bodies.EveryOther()

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        if not is_first(request):
            return response
        empty = bodies.with_list(subject, response, [])
        return ServedResponse(202, empty.body, response.headers)

    return Hooks(reply=reply)


@manner("status", "provable", bodies.is_list)
def no_content_when_empty(subject: Subject) -> Hooks:
    """204 without a body in place of an empty page."""
    return Hooks(
        reply=lambda _, response: (
            response if bodies.records(subject, response) else ServedResponse(204, b"")
        )
    )

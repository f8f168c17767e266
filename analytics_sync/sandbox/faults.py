"""Faults of APIs that users have seen, as functions and constants with names.

In: a resource's declaration.
Out: scripts, which choose the fault of each request. Give a ``Plan`` of them to ``Sandbox.faults``.
A fault may change the correct response: one page can then name a wrong next page.
"""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import Path, get_or_none, put
from analytics_sync.sandbox.data.record_place import RecordPlace
from analytics_sync.sandbox.messages import Fault, Request, ServedResponse

# (request, its number among the requests of its resource, from 1) -> the fault, or None
Script = Callable[[Request, int], Fault | None]
Change = Callable[[ServedResponse], ServedResponse]
ELSEWHERE = "http://192.0.2.1:81"  # RFC 5737: no machine has this address


class Plan:
    """Scripts by ``source/resource``; every other resource gets its correct responses."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self._scripts = scripts
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Fault | None:
        name = f"{request.source}/{request.resource}"
        if (script := self._scripts.get(name)) is None:
            return None
        with self._lock:
            self._numbers[name] += 1
            number = self._numbers[name]
        return script(request, number)


def at(fault: Fault, first: int = 1, last: int | None = None) -> Script:
    """``fault`` for the requests ``first`` to ``last``; None as ``last`` means no end."""
    return lambda _, n: fault if first <= n and (last is None or n <= last) else None


def once(fault: Fault, number: int = 1) -> Script:
    """``fault`` for one request."""
    return at(fault, number, number)


# --- statuses ----------------------------------------------------------------------------------


def status(code: int, headers: Mapping[str, str] | None = None, body: Any = None) -> Fault:
    """A response with this status; None as ``body`` sends one error that names the status."""
    content = {"errors": [f"status {code}"]} if body is None else body
    return Fault(ServedResponse(code, orjson.dumps(content), headers or {}))


def busy() -> dict[str, tuple[Fault, float]]:
    """Name -> every form of status 429, and the seconds that the form tells the client to wait."""
    now = datetime.now(UTC).replace(microsecond=0)
    in_60_s, in_30_s = now + timedelta(seconds=60), now + timedelta(seconds=30)
    forms: dict[str, tuple[dict[str, str], Any, float]] = {
        "429": ({}, None, 2),
        "429-retry-after-seconds": ({"Retry-After": "7"}, None, 7),
        "429-retry-after-date": ({"Retry-After": format_datetime(in_30_s, usegmt=True)}, None, 30),
        "429-x-retry-after": ({"X-Retry-After": "5"}, None, 5),
        "429-x-ratelimit-wait": ({"X-Ratelimit-Wait": "6"}, None, 6),
        "429-x-ratelimit-reset-seconds": ({"X-RateLimit-Reset": "12"}, None, 12),
        "429-x-ratelimit-reset-date": ({"X-RateLimit-Reset": format_datetime(in_60_s)}, None, 60),
        "429-x-ratelimit-reset-instant": (
            {"X-RateLimit-Reset": str(int(in_30_s.timestamp()))}, None, 30,
        ),
        "429-wait-in-body": ({}, {"wait": 8}, 8),
        "429-ms-before-next-in-body": ({}, {"errors": [{"data": {"msBeforeNext": 1500}}]}, 1.5),
    }  # fmt: skip
    return {name: (status(429, headers, body), s) for name, (headers, body, s) in forms.items()}


# --- transfer ----------------------------------------------------------------------------------


def wire(timeout: float) -> dict[str, Fault]:
    """Responses that arrive in part or not at all; ``timeout`` is the client's, in seconds."""
    return {
        "read-timeout": Fault(delay=2 * timeout),
        "stalled-body": Fault(stall=2 * timeout),
        "hung-up-at-once": Fault(cut=0),
        "reset-at-once": Fault(cut=0, reset=True),
        "hung-up-in-mid-body": Fault(cut=-20),
        "reset-in-mid-body": Fault(cut=-20, reset=True),
        "truncated-json": Fault(change=lambda a: replace(a, body=a.body[:-20])),
        "truncated-gzip": Fault(change=lambda a: packed(a, cut=12)),
        "damaged-gzip": Fault(change=lambda a: packed(a, damage=True)),
        "gzip-that-is-none": Fault(change=lambda a: _encoded(a, a.body)),
        "content-length-too-long": Fault(length=20),
        "content-length-too-short": Fault(length=-20),
    }


def packed(response: ServedResponse, cut: int = 0, *, damage: bool = False) -> ServedResponse:
    """The response as gzip, without its last ``cut`` bytes, or with 8 bytes inverted."""
    body = gzip.compress(response.body, mtime=0)
    if damage:
        middle = len(body) // 2
        inverted = bytes(b ^ 0xFF for b in body[middle : middle + 8])
        body = body[:middle] + inverted + body[middle + 8 :]
    return _encoded(response, body[: len(body) - cut])


def _encoded(response: ServedResponse, body: bytes) -> ServedResponse:
    return replace(response, body=body, headers={**response.headers, "Content-Encoding": "gzip"})


def bomb(megabytes: int, layers: int = 1) -> Fault:
    """A small response that decompresses to ``megabytes`` of spaces."""
    body = b" " * (megabytes << 20)
    for _ in range(layers):
        body = gzip.compress(body, 9)
    return Fault(ServedResponse(200, body, {"Content-Encoding": ", ".join(["gzip"] * layers)}))


# --- successful responses without data ---------------------------------------------------------

NO_DATA: dict[str, ServedResponse] = {
    "html": ServedResponse(200, b"<html>Please log in</html>", content_type="text/html"),
    "text": ServedResponse(200, b"all is well", content_type="text/plain"),
    "empty-body": ServedResponse(200, b""),
    "no-content": ServedResponse(204, b""),
    "null": ServedResponse(200, b"null"),
    "true": ServedResponse(200, b"true"),
    "number": ServedResponse(200, b"0"),
    "string": ServedResponse(200, b'"busy"'),
    "empty-object": ServedResponse(200, b"{}"),
    "error-body": ServedResponse(200, b'{"error": "quota exceeded"}'),
    "errors-body": ServedResponse(
        200, b'{"errors": [{"title": "quota exceeded"}], "success": false}'
    ),
    "list-of-strings": ServedResponse(200, b'["a", "b"]'),
    "nested-10000-deep": ServedResponse(200, b"[" * 10_000 + b"]" * 10_000),
    "redirect-without-target": ServedResponse(302, b""),
}


def renamed(resource: Resource) -> Change:
    """Rename the outermost key of the records; in one bare object, rename its primary key."""

    def change(response: ServedResponse) -> ServedResponse:
        body = orjson.loads(response.body)
        path = RecordPlace(resource).keys or path_of(resource.primary_key[0])
        return _with(response, {f"new_{k}" if k == path[0] else k: v for k, v in body.items()})

    return change


def in_place_of_records(resource: Resource, value: Any) -> Change:
    """Replace the list of records with ``value``."""

    def change(response: ServedResponse) -> ServedResponse:
        body, path = orjson.loads(response.body), RecordPlace(resource).keys
        if not path or isinstance(body, list):
            return _with(response, value)
        put(body, path, value)
        return _with(response, body)

    return change


# --- pagination --------------------------------------------------------------------------------


def previous_again(first: int, last: int | None = None) -> Script:
    """Repeat the response before request ``first`` up to request ``last``; None means no end."""
    previous: list[ServedResponse] = []

    def remember(response: ServedResponse) -> ServedResponse:
        previous[:] = [response]
        return response

    def script(_: Request, n: int) -> Fault | None:
        if n < first:
            return Fault(change=remember)
        return Fault(previous[0]) if last is None or n <= last else None

    return script


def cursors(resource: Resource, value: Callable[[int, list[Any]], Any]) -> Script:
    """Send ``value(number of the request, correct cursors so far)`` as the cursor or link."""
    path = _cursor_path(resource)
    correct: list[Any] = []

    def script(_: Request, n: int) -> Fault | None:
        def change(response: ServedResponse) -> ServedResponse:
            body = orjson.loads(response.body)
            correct.append(get_or_none(body, path))
            put(body, path, value(n, correct))
            return _with(response, body)

        return Fault(change=change)

    return script


def _cursor_path(resource: Resource) -> Path:
    """The path of the cursor or link in the body; empty if the body has neither."""
    paginator = resource.paginator
    path = getattr(paginator, "next_url_path", None) or getattr(paginator, "cursor_path", None)
    return path_of(path) if path else ()


def moved(resource: Resource, page: int, share: float) -> Script:
    """Move the last ``share`` of the records of page ``page`` to the next page."""
    moving: list[Any] = []

    def take(records: list[Any]) -> list[Any]:
        keep = len(records) - round(len(records) * share)
        moving[:] = records[keep:]
        return records[:keep]

    def insert(records: list[Any]) -> list[Any]:
        return moving + records

    def script(_: Request, n: int) -> Fault | None:
        edit = {page: take, page + 1: insert}.get(n)
        return Fault(change=records_changed(resource, edit)) if edit else None

    return script


def shortened(resource: Resource, keep: int) -> Fault:
    """Send only the first ``keep`` records of a page, as a server that caps page sizes does."""
    return Fault(change=records_changed(resource, lambda records: records[:keep]))


def repeated(resource: Resource) -> Script:
    """Repeat the records of the previous page on every page."""
    previous: list[Any] = []

    def append_previous(records: list[Any]) -> list[Any]:
        earlier, previous[:] = list(previous), records
        return records + earlier if records else records

    return at(Fault(change=records_changed(resource, append_previous)))


# --- records -----------------------------------------------------------------------------------


def records_changed(resource: Resource, edit: Callable[[list[Any]], list[Any]]) -> Change:
    """Replace the records of a response with ``edit(records)``."""

    place = RecordPlace(resource)

    def change(response: ServedResponse) -> ServedResponse:
        body = orjson.loads(response.body)
        if not place.has_records(body):
            is_record = isinstance(body, dict) and not place.keys
            return _with(response, edit([body])[0]) if is_record else response
        found = place.find(body)
        keys = {id(record): key for key, record in found}
        edited = edit([record for _, record in found])
        if len(edited) == len(found):
            kept = zip((key for key, _ in found), edited, strict=True)
            return _with(response, place.replace(body, list(kept)))
        return _with(response, place.replace(body, [(keys.get(id(r)), r) for r in edited]))

    return change


def spliced(resource: Resource, raw: bytes, field: str = "zz_fault") -> Change:
    """Add a field to the first record; its value is the bytes ``raw``, which need not be JSON."""
    marker = "@spliced@"

    def add_marker(records: list[Any]) -> list[Any]:
        return [{**records[0], field: marker}, *records[1:]] if records else records

    def change(response: ServedResponse) -> ServedResponse:
        changed = records_changed(resource, add_marker)(response)
        return replace(changed, body=changed.body.replace(f'"{marker}"'.encode(), raw))

    return change


def _with(response: ServedResponse, body: Any) -> ServedResponse:
    return replace(response, body=orjson.dumps(body))

"""Everything that was ever seen to go wrong with an API, by name.

In: a resource's declaration. Out: scripts: what goes wrong with which of its requests. Give a
``Plan`` of them to ``Sandbox.faults``. A script sees the honest response, so that a fault may be that
one page in the middle lies about where the next one is.
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
from analytics_sync.sandbox.data.json_path import Path, get_or_none, put
from analytics_sync.sandbox.messages import Fault, Request, ServedResponse

# (request, its number among those of the resource, from 1) -> what goes wrong
Script = Callable[[Request, int], Fault | None]
Change = Callable[[ServedResponse], ServedResponse]
ELSEWHERE = "http://192.0.2.1:81"  # an address that no machine has


class Plan:
    """Scripts by ``source/resource``; everything else is answered honestly."""

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
    """``fault`` for the requests ``first`` to ``last``; from ``first`` on without ``last``."""
    return lambda _, n: fault if first <= n and (last is None or n <= last) else None


def once(fault: Fault, number: int = 1) -> Script:
    """``fault`` for one request."""
    return at(fault, number, number)


# --- statuses ----------------------------------------------------------------------------------


def status(code: int, headers: Mapping[str, str] | None = None, body: Any = None) -> Fault:
    """A response of this status."""
    said = {"errors": [f"status {code}"]} if body is None else body
    return Fault(ServedResponse(code, orjson.dumps(said), headers or {}))


def busy() -> dict[str, tuple[Fault, float]]:
    """Every way to say "too many requests, come back later" -> the seconds it means."""
    soon = datetime.now(UTC).replace(microsecond=0)
    minute, half = soon + timedelta(seconds=60), soon + timedelta(seconds=30)
    told: dict[str, tuple[dict[str, str], Any, float]] = {
        "429": ({}, None, 2),
        "429-retry-after-seconds": ({"Retry-After": "7"}, None, 7),
        "429-retry-after-date": ({"Retry-After": format_datetime(half, usegmt=True)}, None, 30),
        "429-x-retry-after": ({"X-Retry-After": "5"}, None, 5),
        "429-x-ratelimit-wait": ({"X-Ratelimit-Wait": "6"}, None, 6),
        "429-x-ratelimit-reset-seconds": ({"X-RateLimit-Reset": "12"}, None, 12),
        "429-x-ratelimit-reset-date": ({"X-RateLimit-Reset": format_datetime(minute)}, None, 60),
        "429-x-ratelimit-reset-instant": (
            {"X-RateLimit-Reset": str(int(half.timestamp()))}, None, 30,
        ),
        "429-wait-in-body": ({}, {"wait": 8}, 8),
        "429-ms-before-next-in-body": ({}, {"errors": [{"data": {"msBeforeNext": 1500}}]}, 1.5),
    }  # fmt: skip
    return {name: (status(429, headers, body), s) for name, (headers, body, s) in told.items()}


# --- the wire ----------------------------------------------------------------------------------


def wire(patience: float) -> dict[str, Fault]:
    """Answers that do not arrive, or only in part; ``patience`` is the client's, in seconds."""
    return {
        "read-timeout": Fault(delay=2 * patience),
        "stalled-body": Fault(stall=2 * patience),
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
    """The response as gzip, without its last ``cut`` bytes, or with other bytes in its middle."""
    body = gzip.compress(response.body, mtime=0)
    if damage:
        middle = len(body) // 2
        body = (
            body[:middle] + bytes(b ^ 0xFF for b in body[middle : middle + 8]) + body[middle + 8 :]
        )
    return _encoded(response, body[: len(body) - cut])


def _encoded(response: ServedResponse, body: bytes) -> ServedResponse:
    return replace(response, body=body, headers={**response.headers, "Content-Encoding": "gzip"})


def bomb(megabytes: int, layers: int = 1) -> Fault:
    """A small response that unpacks to a large one."""
    body = b" " * (megabytes << 20)
    for _ in range(layers):
        body = gzip.compress(body, 9)
    return Fault(ServedResponse(200, body, {"Content-Encoding": ", ".join(["gzip"] * layers)}))


# --- answers with status 200 that are no data --------------------------------------------------

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
    """The key that holds the records has another name; in one bare object, its primary key."""

    def change(response: ServedResponse) -> ServedResponse:
        body = orjson.loads(response.body)
        outer = (_place(resource.selector) or tuple(resource.primary_key[0].split(".")))[0]
        return _with(response, {f"new_{k}" if k == outer else k: v for k, v in body.items()})

    return change


def in_place_of_records(resource: Resource, value: Any) -> Change:
    """Something else stands where the records should."""

    def change(response: ServedResponse) -> ServedResponse:
        body, place = orjson.loads(response.body), _place(resource.selector)
        if not place or isinstance(body, list):
            return _with(response, value)
        put(body, place, value)
        return _with(response, body)

    return change


# --- paging ------------------------------------------------------------------------------------


def previous_again(number: int, last: int | None = None) -> Script:
    """From request ``number`` on, the response to the one before ``number`` comes again."""
    kept: list[ServedResponse] = []

    def keep(response: ServedResponse) -> ServedResponse:
        kept[:] = [response]
        return response

    def script(_: Request, n: int) -> Fault | None:
        if n < number:
            return Fault(change=keep)
        return Fault(kept[0]) if last is None or n <= last else None

    return script


def cursors(resource: Resource, value: Callable[[int, list[Any]], Any]) -> Script:
    """Another cursor or link: ``value`` of the request's number and of all honest ones so far."""
    place = cursor_place(resource)
    honest: list[Any] = []

    def script(_: Request, n: int) -> Fault | None:
        def change(response: ServedResponse) -> ServedResponse:
            body = orjson.loads(response.body)
            honest.append(get_or_none(body, place))
            put(body, place, value(n, honest))
            return _with(response, body)

        return Fault(change=change)

    return script


def cursor_place(resource: Resource) -> Path:
    """Where the response says how to go on; empty where it does not."""
    paginator = resource.paginator
    path = getattr(paginator, "next_url_path", None) or getattr(paginator, "cursor_path", None)
    return tuple(path.split(".")) if path else ()


def moved(resource: Resource, page: int, share: float) -> Script:
    """The last ``share`` of a page's records comes on the next page instead."""
    held: list[Any] = []

    def script(_: Request, n: int) -> Fault | None:
        def out(records: list[Any]) -> list[Any]:
            keep = len(records) - round(len(records) * share)
            held[:] = records[keep:]
            return records[:keep]

        def into(records: list[Any]) -> list[Any]:
            return held + records

        how = {page: out, page + 1: into}.get(n)
        return Fault(change=records_changed(resource, how)) if how else None

    return script


def shortened(resource: Resource, keep: int) -> Fault:
    """A page with the first ``keep`` records only: the server caps it."""
    return Fault(change=records_changed(resource, lambda records: records[:keep]))


def repeated(resource: Resource) -> Script:
    """Every page holds the records of the one before as well."""
    before: list[Any] = []

    def script(_: Request, n: int) -> Fault | None:
        def both(records: list[Any]) -> list[Any]:
            earlier, before[:] = list(before), records
            return records + earlier if records else records

        return Fault(change=records_changed(resource, both))

    return script


# --- records -----------------------------------------------------------------------------------


def records_changed(resource: Resource, how: Callable[[list[Any]], list[Any]]) -> Change:
    """The response with other records at their place."""

    def change(response: ServedResponse) -> ServedResponse:
        body = orjson.loads(response.body)
        place = _place(resource.selector)
        if isinstance(body, list):
            return _with(response, how(body))
        held = get_or_none(body, place) if place else body
        if isinstance(held, list):
            put(body, place, how(held))
        elif (resource.selector or "").endswith(".*"):
            put(body, place, {str(i): r for i, r in enumerate(how(list(held.values())))})
        else:
            body = how([body])[0]
        return _with(response, body)

    return change


def spliced(resource: Resource, raw: bytes, field: str = "zz_fault") -> Change:
    """The first record of the response has one more field; ``raw`` is what stands there on the wire."""
    mark = "@spliced@"

    def first(records: list[Any]) -> list[Any]:
        return [{**records[0], field: mark}, *records[1:]] if records else records

    def change(response: ServedResponse) -> ServedResponse:
        changed = records_changed(resource, first)(response)
        return replace(changed, body=changed.body.replace(f'"{mark}"'.encode(), raw))

    return change


def _place(selector: str | None) -> Path:
    plain = (selector or "$").removeprefix("$").removesuffix(".*").removesuffix("[*]").strip(".")
    return tuple(plain.split(".")) if plain else ()


def _with(response: ServedResponse, body: Any) -> ServedResponse:
    return replace(response, body=orjson.dumps(body))

"""Manners of gaps: half of a page, with a status or a word that says so.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Subject, register
from analytics_sync.sandbox.messages import Request, ServedResponse


def _register_half(
    name: str,
    about: str,
    beside: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    keep: Callable[[list[Any]], list[Any]] = lambda some: some[: len(some) // 2],
) -> None:
    fits = bodies.is_enveloped if beside else bodies.is_list

    def make(subject: Subject) -> Hooks:
        def reply(_: Request, response: ServedResponse) -> ServedResponse:
            if not bodies.records(subject, response):
                return response
            half = bodies.with_records(subject, response, keep)
            if beside:
                half = bodies.with_body(half, {**bodies.decoded(half), **beside})
            return replace(half, status=status, headers={**half.headers, **(headers or {})})

        return Hooks(reply=reply)

    register(name, about, "gaps", "provable", fits, make)


_register_half("partial-content", "206 with half of the records.", {}, status=206)
_register_half(
    "multi-status", "207 with half of the records, and errors for the others.",
    {"errors": [{"status": 503}]}, status=207,
)  # fmt: skip
_register_half(
    "errors-beside-records", "Half of the records, and errors beside them.",
    {"errors": [{"message": "one server did not answer"}]},
)  # fmt: skip
_register_half("timed-out", "Half of the records, and ``timed_out``.", {"timed_out": True})
_register_half(
    "error-without-records", 'An empty list, with ``status: "error"``.',
    {"status": "error", "message": "Internal error"}, keep=lambda _: [],
)  # fmt: skip
_register_half(
    "refusal-without-records", 'An empty list, with ``status: "OVER_QUERY_LIMIT"``.',
    {"status": "OVER_QUERY_LIMIT"}, keep=lambda _: [],
)  # fmt: skip
_register_half(
    "wait-without-records", "An empty list, with ``Retry-After``.", {},
    headers={"Retry-After": "2"}, keep=lambda _: [],
)  # fmt: skip

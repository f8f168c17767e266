"""Manners of values: numbers, times and texts in other forms than usual.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.data.timestamps import read, to_datetime
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.fields import plain_fields
from analytics_sync.sandbox.manners.manner import Hooks, Record, Subject, manner, register
from analytics_sync.sandbox.manners.raw_numbers import placeholder
from analytics_sync.sandbox.messages import ServedResponse

_LONG = ("1234567890123456.78", "123456789012345678901234567890", "0.12345678901234567890123")


@manner("digits", "harmless", bodies.is_list)
def long_numbers(subject: Subject) -> Hooks:
    """Undeclared fields and JSON fields hold numbers with more digits than a double holds."""
    fields = [f for f in plain_fields(subject) if f.data_type == "json"][:1]

    def record(record: Record) -> Record:
        record["zz_long"] = [placeholder(n) for n in _LONG]
        for field in fields:
            put(record, field.path, {"amount": placeholder(_LONG[0])})
        return record

    return Hooks(record=record)


def _times(subject: Subject) -> list[Field]:
    inherited = set(subject.resource.inherited)
    return [
        f
        for f in subject.resource.fields
        if f.data_type == "timestamp"
        and f.name not in inherited
        and f.column not in subject.resource.key
    ]


def _register_time(name: str, about: str, spell: Callable[[int], Any]) -> None:
    def make(subject: Subject) -> Hooks:
        fields = _times(subject)

        def record(record: Record) -> Record:
            for field in fields:
                for path in (field.path, *field.aliases):
                    if (ms := read(field, get_or_none(record, path))) is not None:
                        put(record, path, spell(ms))
            return record

        return Hooks(record=record)

    register(name, about, "times", "provable", lambda s: bool(_times(s)), make)


def _naive(ms: int) -> datetime:
    return to_datetime(ms).replace(tzinfo=None)


_register_time("epoch-text", "Times are milliseconds since 1970, as text.", str)
_register_time("epoch-number", "Times are milliseconds since 1970.", lambda ms: ms)
_register_time(
    "http-dates", "Times are RFC 1123 dates.",
    lambda ms: format_datetime(to_datetime(ms).astimezone(UTC), usegmt=True),
)  # fmt: skip
_register_time(
    "utc-suffix", "Times end in `` UTC``.", lambda ms: f"{_naive(ms).isoformat(' ')} UTC"
)
_register_time(
    "zone-in-brackets", "Times end in a zone's name in brackets.",
    lambda ms: f"{_naive(ms).isoformat()}Z[UTC]",
)  # fmt: skip
_register_time(
    "day-first", "Times are written day first, without a zone.",
    lambda ms: _naive(ms).strftime("%d/%m/%Y %H:%M:%S"),
)  # fmt: skip


def _milliseconds(subject: Subject) -> list[Field]:
    return [f for f in _times(subject) if f.format == "epoch_ms"]


@manner("times", "provable", lambda s: bool(_milliseconds(s)))
def seconds_for_milliseconds(subject: Subject) -> Hooks:
    """Times that are declared as milliseconds since 1970 are seconds."""
    fields = _milliseconds(subject)

    def record(record: Record) -> Record:
        for field in fields:
            for path in (field.path, *field.aliases):
                if (ms := read(field, get_or_none(record, path))) is not None:
                    put(record, path, ms // 1000)
        return record

    return Hooks(record=record)


_NUMBERS = frozenset({"bigint", "double", "decimal"})


def _numbers(subject: Subject) -> list[Field]:
    return [f for f in plain_fields(subject) if f.data_type in _NUMBERS]


@manner("digits", "provable", lambda s: bool(_numbers(s)))
def grouped_digits(subject: Subject) -> Hooks:
    """Numbers are texts with commas between their thousands."""
    fields = _numbers(subject)

    def record(record: Record) -> Record:
        for field in fields:
            value = get_or_none(record, field.path)
            if isinstance(value, int | float) and not isinstance(value, bool):
                put(record, field.path, f"{value + 1000:,}")
        return record

    return Hooks(record=record)


def _register_charset(name: str, about: str, charset: str) -> None:
    def make(subject: Subject) -> Hooks:
        def record(record: Record) -> Record:
            record["zz_name"] = "Zoë"
            return record

        def encode(response: ServedResponse) -> ServedResponse:
            if not response.body:
                return response
            body = response.body.decode().encode(charset, errors="replace")
            kind = f"application/json; charset={charset}"
            return replace(response, body=body, content_type=kind)

        return Hooks(record=record, encode=encode)

    register(name, about, "charset", "harmless", bodies.is_list, make)


# Not ISO 8859-1: it has no character for some of the sandbox's texts.
_register_charset("utf-16", "Bodies are in UTF-16, as their headers say.", "utf-16")
_register_charset("gb18030", "Bodies are in GB 18030, as their headers say.", "gb18030")

"""Generated values: a declared field and a record's number -> always the same value.

In: a field and a record's number.
Out: a value that fits the field's data type and reads like a value of such a field.
A value depends only on (seed, source, resource, number, field). So a record stays the same,
whatever other records the sandbox generates. Times and states of one record agree with each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.sandbox.data.documents import json_maker
from analytics_sync.sandbox.data.lifetimes import (
    Lifetimes,
    ends,
    is_instant,
    is_open,
    is_rare,
    last_name,
)
from analytics_sync.sandbox.data.texts import text_maker, unique_text, url_maker
from analytics_sync.sandbox.data.timestamps import DAY_MS, spell

# (64 random bits, number of the record, instant of the record in ms) -> value
Maker = Callable[[int, int, int], Any]

_URL = re.compile(r"url|uri|href|website|avatar|image|link|icon$")
_ID = re.compile(r"(^|_)u?u?ids?$|[a-z]Ids?$")
_MONEY = re.compile(r"price|amount|total|cost|revenue|balance|fee|tax|paid")
_SHARE = re.compile(r"threshold|percent|rate$|share|ratio")
_UNUSUAL = re.compile(
    r"is_test|disabled|service_account|dev_admin|student|optout|muted?_|read_only|drop"
)
_SMALL = re.compile(r"parallel|container|replica|max_auto|auto_rerun|retries|quantity")
# percent of the time of a record until then
_TIMES_TO = {"to_detect": 2, "to_internal_response": 5, "to_repair": 80, "to_resolve": 100}
_MASK_64_BITS = 2**64 - 1


def seed_of(name: str) -> int:
    """A hash of 64 bits for a name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def bits_of(seed: int, number: int) -> int:
    """Pseudo-random 64 bits for one field of one record.

    Args:
        seed: ``seed_of`` a name that contains seed, source, resource and field.
        number: Number of the record.
    """
    # A hash function would be ten times slower, and tests generate 100,000 records and more.
    mixed = (seed ^ number * 0xD6E8FEB86659FD93) & _MASK_64_BITS
    mixed = (mixed ^ mixed >> 32) * 0x9E3779B97F4A7C15 & _MASK_64_BITS
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 & _MASK_64_BITS
    return mixed ^ mixed >> 32


def maker(
    field: Field, resource: str, lifetimes: Lifetimes, *, unique: bool, always: bool
) -> Maker:
    """The function that makes the values of a field.

    Args:
        field: The declaration.
        resource: Name of the resource, for readable texts.
        lifetimes: Where in the life of a record its fields stand.
        unique: Whether no two records may share a value: for keys, and for fields that children
            take path or query values from.
        always: Whether no record may lack a value.
    """
    name = last_name(field)
    match field.data_type:
        case "text":
            return _text(name, resource, unique)
        case "bigint" if field.format is None and unique:
            return lambda b, n, ms: n
        case "bigint" if field.format is None and not is_instant(field):
            return _bigint(field, lifetimes)
        case "double" | "decimal":
            return _number(name, field.data_type, unique)
        case "bool":
            return _bool(name)
        case "json":
            return json_maker(name)
        case _:
            return _instant(field, lifetimes, unique, always)


def _bigint(field: Field, lifetimes: Lifetimes) -> Maker:
    name, length = last_name(field), lifetimes.length
    low = name.lower()
    if _ID.search(name):
        if low in {"public_id", "case_id"}:
            return lambda b, n, ms: n % 100_000
        # One value in 97 is larger than a double can hold exactly.
        return lambda b, n, ms: 2**53 + 1 if b % 97 == 0 else b % 900_000 + 100_000
    if "duration" in low:
        unit = 1 if "milli" in (field.description or "") else 1000
        return lambda b, n, ms: length(n) * 9 // 10 // unit
    if share := next((s for name, s in _TIMES_TO.items() if name in low), 0):
        return lambda b, n, ms: length(n) * share // 100_000
    if "priority" in low:
        return lambda b, n, ms: b % 5 + 1
    if "status" in low:
        return lambda b, n, ms: (200, 200, 200, 201, 204, 400, 404)[b % 7]
    if _SMALL.search(low):
        return lambda b, n, ms: b % 4 + 1
    if re.search(r"position|order$|days_|_type$", low):
        return lambda b, n, ms: b % 30
    if re.search(r"number$|^__v$|version", low):
        return lambda b, n, ms: b % 900 + 1
    return lambda b, n, ms: 2**53 + 1 if b % 997 == 0 else b % 20_000


def _number(name: str, data_type: str, unique: bool) -> Maker:
    low = name.lower()
    if unique:
        return lambda b, n, ms: n / 4
    if _SHARE.search(low):
        return lambda b, n, ms: (99.9, 99.5, 99.95, 99, 98.75)[b % 5]
    if data_type == "double" and _MONEY.search(low):
        return lambda b, n, ms: b % 40_000 / 100 if b % 8 else b % 400
    # Whole numbers have no fraction, because real servers write none. Quarters are exact as decimals too.
    return lambda b, n, ms: b % 4_000 / 4 if b % 8 else b % 100


def _bool(name: str) -> Maker:
    if _UNUSUAL.search(name.lower()):
        return lambda b, n, ms: b % 12 == 0
    return lambda b, n, ms: b % 2 == 0


def _instant(field: Field, lifetimes: Lifetimes, unique: bool, always: bool) -> Maker:
    if unique:
        step, span = (DAY_MS, 30_000) if field.data_type == "date" else (1000, 2**31)
        return lambda b, n, ms: spell(field, n % span * step)
    share, length = lifetimes.share(field), lifetimes.length
    if always:
        return _at_share(field, share, length)
    if is_rare(field):
        return lambda b, n, ms: None if b % 8 else spell(field, ms + int(length(n) * share))
    if ends(field):
        return lambda b, n, ms: None if is_open(n) else spell(field, ms + int(length(n) * share))
    return _at_share(field, share, length)


def _at_share(field: Field, share: float, length: Callable[[int], int]) -> Maker:
    if not share:
        return lambda b, n, ms: spell(field, ms)
    return lambda b, n, ms: spell(field, ms + int(length(n) * share))


def _text(name: str, resource: str, unique: bool) -> Maker:
    low = name.lower()
    if _ID.search(name):
        if "uuid" in low:
            return lambda b, n, ms: _uuid(b, n)
        # Unique, because an odd factor modulo a power of two maps no two numbers to the same value.
        return lambda b, n, ms: f"{n * 0x9E3779B1 % 2**64:016x}{b % 2**32:08x}"
    if low.endswith(("uuid", "_by")):
        return lambda b, n, ms: _uuid(b, n)
    if _URL.search(low) and low != "req_url":
        return url_maker(name, resource)
    return unique_text(name) if unique else text_maker(name, resource)


def _uuid(bits: int, number: int) -> str:
    digits = f"{bits:016x}{number * 0x9E3779B1 % 2**64:016x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

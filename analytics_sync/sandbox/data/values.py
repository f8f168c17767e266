"""Generated values: a declared field and a record's number -> always the same value.

In: a field and a record's number.
Out: a value that fits the field's data type and looks like the field's name.
A value depends only on (seed, source, resource, number, field). So a record stays the same,
whatever other records the sandbox generates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.sandbox.data.timestamps import DAY_MS, spell

# (64 random bits, number of the record, instant of the record in ms) -> value
Maker = Callable[[int, int, int], Any]

_WORDS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"status|state$"), ("active", "running", "success", "failed", "archived")),
    (re.compile(r"severity|priority|level"), ("low", "medium", "high")),
    (re.compile(r"^(kind|type)$|_type$"), ("standard", "custom", "scheduled")),
    (re.compile(r"branch"), ("main", "release", "fix/null-keys")),
    (re.compile(r"time_?zone"), ("UTC", "Europe/Berlin", "Asia/Kathmandu")),
)
_URL = re.compile(r"url|uri|href|website|avatar|image|link")
_ID = re.compile(r"(^|_)u?u?ids?$|[a-z]Ids?$")
_MASK_64_BITS = 2**64 - 1
_EARLY = re.compile(r"creat|start|first|begin|queue|regist")


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


def maker(field: Field, resource: str, *, unique: bool) -> Maker:
    """The function that makes the values of a field.

    Args:
        field: The declaration.
        resource: Name of the resource, for readable texts.
        unique: Whether no two records may share a value: for keys, and for fields that children
            take path or query values from.
    """
    name = next(step for step in reversed(field.path) if isinstance(step, str))
    match field.data_type:
        case "text":
            return _text(name, resource, unique)
        case "bigint" if field.format is None:
            return (lambda b, n, ms: n) if unique else _bigint
        case "double" | "decimal":
            # Whole numbers have no fraction, because real servers write none.
            return lambda b, n, ms: n / 4 if unique else b % 4_000 / 4 if b % 8 else b % 100
        case "bool":
            return lambda b, n, ms: b % 2 == 0
        case "json":
            return _json(name)
        case _:
            return _instant(field, unique)


def _bigint(bits: int, number: int, ms: int) -> int:
    # One value in 97 is larger than a double can hold exactly.
    return 2**53 + 1 if bits % 97 == 0 else bits % 100_000


def _instant(field: Field, unique: bool) -> Maker:
    if unique:
        step, span = (DAY_MS, 30_000) if field.data_type == "date" else (1000, 2**31)
        return lambda b, n, ms: spell(field, n % span * step)
    sign = -1 if _EARLY.search(field.path[-1].lower()) else 1
    return lambda b, n, ms: spell(field, ms + sign * (b % (2 * 3_600_000)))


def _text(name: str, resource: str, unique: bool) -> Maker:
    low = name.lower()
    if _ID.search(name):
        if "uuid" in low:
            return lambda b, n, ms: _uuid(b, n)
        # Unique, because an odd factor modulo a power of two maps no two numbers to the same value.
        return lambda b, n, ms: f"{n * 0x9E3779B1 % 2**64:016x}{b % 2**32:08x}"
    if "email" in low:
        return lambda b, n, ms: f"user{n}@example.com"
    if _URL.search(low):
        return lambda b, n, ms: f"https://example.com/{resource}/{n}"
    if not unique:
        for pattern, words in _WORDS:
            if pattern.search(low):
                return lambda b, n, ms: words[b % len(words)]
        return lambda b, n, ms: f"{name} {n} of {resource}" + (" – “ünï✓”" if b % 19 == 0 else "")
    return lambda b, n, ms: f"{name} {n} of {resource}"


def _uuid(bits: int, number: int) -> str:
    digits = f"{bits:016x}{number * 0x9E3779B1 % 2**64:016x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _json(name: str) -> Maker:
    if name.endswith("s"):
        return lambda b, n, ms: [f"{name}-{(b >> 4 * i) % 9}" for i in range(b % 4)]
    return lambda b, n, ms: {
        "kind": ("small", "large")[b % 2],
        "count": b % 50,
        "more": {"enabled": b % 3 == 0, "tags": [f"tag-{b % 7}"]},
    }

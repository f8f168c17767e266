"""Records that are served, and the columns that are declared for them.

In: a record's number. Out: a record; for a whole table the answers of a server, ready made. Only
the standard library is needed: every virtualenv of the benchmarks can import this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

EMPTY = b'{"data":[]}'
"""The answer after the last page."""


@dataclass(frozen=True)
class Shape:
    """A kind of record.

    Attributes:
        name: As options and results have it.
        columns: Column -> type, in dlt's words; ``a.b`` is field ``b`` of the object ``a``.
        make: A record's number -> the record.
    """

    name: str
    columns: Mapping[str, str]
    make: Callable[[int], dict[str, object]]

    @property
    def fields(self) -> dict[str, str]:
        """The columns that are fields of the record itself."""
        return {name: kind for name, kind in self.columns.items() if "." not in name}


def nested(number: int) -> dict[str, object]:
    """One nested record of about 950 bytes."""
    return {
        "id": number,
        "updated_at": f"2025-01-{number % 28 + 1:02d}T00:00:{number % 60:02d}.000Z",
        "name": f"customer {number}",
        "email": f"customer{number}@shop.invalid",
        "score": number / 7,
        "active": number % 3 == 0,
        "address": {
            "street": f"{number} Long Street",
            "city": f"City {number % 100}",
            "zip": "12345",
        },
        "tags": [f"tag{number % k}" for k in (2, 3, 5, 7, 11)],
        "orders": [{"sku": f"sku-{number}-{k}", "quantity": k, "price": k * 1.5} for k in range(6)],
        "note": "x" * 380,
    }


def flat(number: int) -> dict[str, object]:
    """One record of twelve plain fields, about 400 bytes."""
    return {
        "id": number,
        "created_at": f"2024-{number % 12 + 1:02d}-01T12:00:00.000Z",
        "updated_at": f"2025-01-{number % 28 + 1:02d}T00:00:{number % 60:02d}.000Z",
        "name": f"customer {number}",
        "email": f"customer{number}@shop.invalid",
        "phone": f"+49 30 {number:08d}",
        "country": ("DE", "FR", "IT", "ES")[number % 4],
        "plan": ("free", "team", "enterprise")[number % 3],
        "score": number / 7,
        "visits": number % 1000,
        "active": number % 3 == 0,
        "note": "x" * 120,
    }


NESTED = Shape(
    "nested",
    {
        "id": "bigint",
        "updated_at": "timestamp",
        "name": "text",
        "email": "text",
        "score": "double",
        "active": "bool",
        "address": "json",
        "address.city": "text",
        "tags": "json",
        "orders": "json",
        "note": "text",
    },
    nested,
)
FLAT = Shape(
    "flat",
    {
        "id": "bigint",
        "created_at": "timestamp",
        "updated_at": "timestamp",
        "name": "text",
        "email": "text",
        "phone": "text",
        "country": "text",
        "plan": "text",
        "score": "double",
        "visits": "bigint",
        "active": "bool",
        "note": "text",
    },
    flat,
)
SHAPES = {shape.name: shape for shape in (NESTED, FLAT)}


def page(shape: Shape, numbers: Sequence[int]) -> bytes:
    """An answer ``{"data":[...]}``.

    Every record stands on a line of its own, so that there can be a reader that does not parse.
    """
    records = (json.dumps(shape.make(n), separators=(",", ":")).encode() for n in numbers)
    return b'{"data":[\n' + b",\n".join(records) + b"\n]}" if numbers else EMPTY


def pages(shape: Shape, records: int, size: int) -> list[bytes]:
    """A table as answers of ``size`` records each."""
    numbers = range(records)
    return [page(shape, numbers[first : first + size]) for first in range(0, records, size)]

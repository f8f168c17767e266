"""Records that the server serves, and the columns that are declared for them.

In: the number of a record. Out: the record, or the response bodies of a whole table. The module
needs the standard library only, so that every virtualenv of the benchmarks can import it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

EMPTY = b'{"data":[]}'
"""The response body after the last page."""


@dataclass(frozen=True)
class Shape:
    """The fields of a record, with their types.

    Attributes:
        name: Name in options and results.
        columns: Column -> dlt data type; ``a.b`` is field ``b`` of the object ``a``.
        make_record: Number of a record -> the record.
    """

    name: str
    columns: Mapping[str, str]
    make_record: Callable[[int], dict[str, object]]

    @property
    def fields(self) -> dict[str, str]:
        """Columns that are fields of the record itself, not of an object inside it."""
        return {name: type_ for name, type_ in self.columns.items() if "." not in name}


def nested_record(number: int) -> dict[str, object]:
    """A nested record of about 950 bytes."""
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


def flat_record(number: int) -> dict[str, object]:
    """A record of twelve scalar fields, about 400 bytes."""
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
    nested_record,
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
    flat_record,
)
SHAPES = {shape.name: shape for shape in (NESTED, FLAT)}


def page_body(shape: Shape, numbers: Sequence[int]) -> bytes:
    """The response body ``{"data":[...]}`` with the records of these numbers.

    Each record is on a line of its own, so that a contender can read records without parsing them.
    """
    records = (json.dumps(shape.make_record(n), separators=(",", ":")).encode() for n in numbers)
    return b'{"data":[\n' + b",\n".join(records) + b"\n]}" if numbers else EMPTY


def page_bodies(shape: Shape, records: int, page_size: int) -> list[bytes]:
    """The response bodies of a whole table, ``page_size`` records each."""
    numbers = range(records)
    return [
        page_body(shape, numbers[first : first + page_size])
        for first in range(0, records, page_size)
    ]

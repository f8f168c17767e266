"""Each declared type to each other, as a column, as the key and as the cursor: nothing changes in silence.

A load with the old type is followed by a load with the new one, which lists other rows. Either the resource
fails by name with the statement that changes the table, and the table is as it was; or each value of both
loads is in its column, exactly, or in ``_extra``, unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Any

import pytest

from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.each_warehouse import Warehouse, each_warehouse
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = each_warehouse
SAMPLES: Mapping[str, list[Any]] = {
    "text": ["x", "5", "007", "1.50", "true", "2024-01-01", "2024-01-01T10:00:00Z", "", "é'\"\\"],
    "bigint": [0, 5, -(2**63), 2**63 - 1, 2**53 + 1],
    "double": [0.5, 5.0, 1e300, 0.1, 1e-12, 123456789.125],
    "decimal": ["0.1", 5, "1234567890123456.78", "99999999999999999999.5"],
    "bool": [True, False],
    "timestamp": ["2024-01-01T00:00:00Z", "2024-02-29T10:11:12.345678Z", "1969-12-31T23:59:59+02:00"],
    "date": ["2024-02-29", "1969-12-31"],
    "json": [{"a": 1}, [1, "2"], {}],
}  # fmt: skip
KEYS = [type_ for type_ in SAMPLES if type_ not in ("json", "bool")]
MISFITS = ["x", "5", 5, 0.5, 2**70, True, "2024-02-29", "2024-02-29T10:00:00Z", {"a": [1]}]


@dataclass
class Pair:
    """A resource whose type changes, and what the API lists in each load."""

    name: str
    old: str
    new: str
    first: list[dict[str, Any]]
    then: list[dict[str, Any]] = field(default_factory=list)
    role: str = "column"

    def declare(self, type_: str) -> dict[str, Any]:
        """The declaration with a type."""
        if self.role == "key":
            return item(name=self.name, columns={"id": type_})
        if self.role == "cursor":
            endpoint = {"incremental": {"cursor_path": "v", "cursor_changes": False}}
            return item(endpoint, name=self.name, columns={"id": "bigint", "v": type_})
        return item(name=self.name, columns={"id": "bigint", "v": type_})

    def failed_by_name(self, message: str) -> bool:
        """Whether a message names column, types and statement."""
        column = "id" if self.role == "key" else "v"
        said = (
            f"shop/{self.name}",
            f"column {column} is ",
            f"declared as {self.new}",
            "ALTER TABLE",
        )
        return all(text in message for text in said)


def sync(pairs: list[Pair], *, new: bool, window: Window | None) -> dict[str, str]:
    """Load all pairs; the failures."""
    with ReadRun(shop(*(p.declare(p.new if new else p.old) for p in pairs)), window) as run:
        load(run, "run")
        return {name: str(e) for name, e in run.failures().items()}


def holds(type_: str, value: Any, column: Any) -> bool:
    """Whether a column of a type has the value that the API gave."""
    if value is None or column is None:
        return value is column
    match type_:
        case "text":
            if isinstance(value, str):
                return bool(column == value or _number(column) == _number(value) is not None)
            return not isinstance(value, bool | dict) and _number(column) == _number(value)
        case "bigint" | "decimal":
            return not isinstance(value, bool) and Decimal(column) == _number(value)
        case "double":
            number = Decimal(value) if isinstance(value, float) else _number(value)
            return not isinstance(value, bool) and Decimal(column) == number
        case "bool":
            return column is value
        case "timestamp":
            return not isinstance(value, bool | dict) and bool(column == _instant(value))
        case "date":
            return bool(column == date.fromisoformat(value))
    return bool((json.loads(column) if isinstance(column, str) else column) == value)


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _instant(value: Any) -> datetime:
    """The instant of a text, or of a number of seconds."""
    if not isinstance(value, str):
        return datetime.fromtimestamp(value, UTC)
    instant = datetime.fromisoformat(value)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def check(
    api: Api, warehouse: Warehouse, pairs: list[Pair], windows: tuple[Window | None, ...]
) -> dict[str, int]:
    """Load all pairs twice, and look for values that changed; how often each end was reached."""
    for pair in pairs:
        api.on(f"/{pair.name}", pair.first, pair.then)
    assert not sync(pairs, new=False, window=windows[0])
    before = {pair.name: warehouse.rows(pair.name) for pair in pairs}
    failures = sync(pairs, new=True, window=windows[1])
    ends = {"refused": 0, "loaded": 0}
    silent = []
    for pair in pairs:
        rows = warehouse.rows(pair.name)
        if pair.name in failures:
            ends["refused"] += 1
            if not pair.failed_by_name(failures[pair.name]) or _sorted(rows) != _sorted(
                before[pair.name]
            ):
                silent.append((pair.name, failures[pair.name]))
            continue
        ends["loaded"] += 1
        silent += [(pair.name, text) for text in _wrong(pair, rows)]
    assert not silent, silent[:5]
    return ends


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(map(repr, rows))


def _wrong(pair: Pair, rows: list[dict[str, Any]]) -> Iterator[str]:
    """What is wrong in a table that was loaded."""
    records = [*pair.first, *pair.then]
    if pair.role == "key":
        for record in records:
            if not any(holds(pair.new, record["id"], row["id"]) for row in rows):
                yield f"no row of {record}"
        if len(rows) != len(records):
            yield f"{len(rows)} rows of {len(records)} records"
        return
    by_id = {row["id"]: row for row in rows}
    if set(by_id) != {record["id"] for record in records}:
        yield f"rows {sorted(by_id)}"
        return
    for record in records:
        row = by_id[record["id"]]
        extra = row["_extra"]
        extra = json.loads(extra) if isinstance(extra, str) else extra or {}
        kept = "v" in extra and extra["v"] == record["v"]
        if not (kept or ("v" not in extra and holds(pair.new, record["v"], row["v"]))):
            yield f"{record} became {row['v']!r} with {extra}"


def columns(values: Callable[[str, str], list[list[Any]]]) -> list[Pair]:
    """Pairs of all types as a column, for each list of old values."""
    pairs = []
    for old, new in product(SAMPLES, SAMPLES):
        for number, listed in enumerate(values(old, new)):
            first = [{"id": i, "v": v} for i, v in enumerate(listed)]
            then = [{"id": 1000 + i, "v": v} for i, v in enumerate([*SAMPLES[new], None])]
            pairs.append(Pair(f"{old}_{new}_{number}", old, new, first, then))
    return pairs


@pytest.mark.slow
def test_a_column_with_its_first_value(api: Api, warehouse: Warehouse) -> None:
    """One value, which fits its type exactly, and all misfits of the old type in ``_extra``."""
    pairs = columns(lambda old, _: [[SAMPLES[old][0], *MISFITS]])
    ends = check(api, warehouse, pairs, (None, None))
    assert ends["refused"] >= 30
    assert ends["loaded"] >= 13


@pytest.mark.slow
def test_a_column_with_each_value_alone(api: Api, warehouse: Warehouse) -> None:
    pairs = columns(lambda old, _: [[value] for value in SAMPLES[old]])
    for start in range(0, len(pairs), 70):
        check(api, warehouse, pairs[start : start + 70], (None, None))


@pytest.mark.slow
def test_a_column_with_all_values_nulls_or_none(api: Api, warehouse: Warehouse) -> None:
    """A column of nulls, also beside misfits, and an empty table take every type."""
    pairs = columns(lambda old, _: [[*SAMPLES[old], None, *MISFITS]])
    check(api, warehouse, pairs, (None, None))
    nulls = [
        Pair(f"{p.name}_null", p.old, p.new, p.first, p.then)
        for p in columns(lambda *_: [[None, None], []])
    ]
    ends = check(api, warehouse, nulls, (None, None))
    assert ends["refused"] == 0


@pytest.mark.slow
def test_a_key(api: Api, warehouse: Warehouse) -> None:
    pairs = [
        Pair(
            f"{old}_{new}_{number}", old, new,
            [{"id": v} for v in listed], [{"id": v} for v in _other_keys(new)], "key",
        )
        for old, new in product(KEYS, KEYS)
        for number, listed in enumerate([[v for v in SAMPLES[old] if v != ""], []])
    ]  # fmt: skip
    ends = check(api, warehouse, pairs, (None, None))
    assert ends["loaded"] > len(KEYS) ** 2


def _other_keys(type_: str) -> list[Any]:
    """Keys that equal no sample of any type."""
    return {
        "text": ["new", "0099"], "bigint": [991, 992], "double": [991.25, 992.5],
        "decimal": ["991.125", "992"], "timestamp": ["2031-01-01T00:00:01Z"], "date": ["2031-01-01"],
    }[type_]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("times", [["2025-01-01"], ["2025-01-01T10:00:00Z"], []])
def test_a_cursor(api: Api, warehouse: Warehouse, times: list[str]) -> None:
    windows = tuple(
        Window(datetime(2025, 1, d, tzinfo=UTC), datetime(2025, 1, d + 1, tzinfo=UTC))
        for d in (1, 2)
    )
    pairs = []
    for old, new in product(("date", "timestamp"), repeat=2):
        first = [{"id": i, "v": v[:10] if old == "date" else v} for i, v in enumerate(times)]
        then = ["2025-01-02"] if new == "date" else ["2025-01-02T00:00:00Z", "2025-01-02T17:45:00Z"]
        listed = [{"id": 10 + i, "v": v} for i, v in enumerate(then)]
        pairs.append(Pair(f"{old}_{new}", old, new, first, listed, "cursor"))
    ends = check(api, warehouse, pairs, windows)
    assert ends["refused"] == (1 if times else 0)

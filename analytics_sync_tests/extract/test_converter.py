"""The converter: records become typed columns, ``_extra`` keeps all other values, nothing raises.

In: random records and single forms of values. Out: the value of the column and of ``_extra``.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.catalog import Field
from analytics_sync.extract.convert.converter import Converter
from analytics_sync_tests.support.scripted_api import item, shop

COLUMNS = {
    "id": "bigint", "t": "text", "n": "bigint", "x": "double", "b": "bool", "at": "timestamp",
    "ms": {"data_type": "timestamp", "format": "epoch_ms"}, "day": "date", "m": "decimal",
    "j": "json", "o.a": "text", "o.b.c": "bigint", "w": "json", "w.name": "text",
}  # fmt: skip
RESOURCE = shop(item(columns=COLUMNS)).resources["items"]
CONVERTER = Converter(RESOURCE)
RANDOM = settings(max_examples=250, deadline=None, derandomize=True)


def converted(record: Any, **columns: Any) -> dict[str, Any]:
    """The row of one record, without its nulls and its key, and with ``_extra`` decoded."""
    resource = shop(item(columns={"id": "bigint", **columns})).resources["items"]
    batch = Converter(resource).convert([{"id": 1, **record}])
    assert batch.with_extra == len([v for v in batch.table["_extra"].to_pylist() if v])
    (row,) = batch.table.to_pylist()
    row.pop("id")
    row["_extra"] = json.loads(row["_extra"] or "null")
    return {name: value for name, value in row.items() if value is not None}


# --- the two rules, over random records ---------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=()), max_size=6)
stamps = st.one_of(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)).map(datetime.isoformat),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.timezones()).map(
        lambda t: t.replace(second=0, microsecond=0).isoformat()
    ),
    st.from_regex(
        r"2024-0[1-9]-1[0-9]T1[0-9]:2[0-9]:0[0-9]\.[0-9]{1,9}(Z|\+01:00)?", fullmatch=True
    ),
    st.dates().map(date.isoformat),
)
numbers = st.one_of(
    st.integers(), st.integers(-(2**70), 2**70), st.integers(2**53 - 2, 2**53 + 2),
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9).map(float),
    st.floats(0, 4e9), st.integers(0, 4 * 10**12),
)  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), numbers, texts, stamps, numbers.map(str), st.sampled_from(["007", "+1"])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["a", "b", "c", "name", "é", ""]) | texts, inner, max_size=3
        )
    ),
    max_leaves=4,
)
records = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(["id", "t", "n", "x", "b", "at", "ms", "day", "m", "j", "w", "o"], values),
        **dict.fromkeys(["u", "_extra", "T", " ", "w.x"], values),
        "o ": st.dictionaries(texts, values, max_size=2),
    },
)


def fitting(field: Field, value: Any) -> Any:
    """The value of the column if ``value`` fits its type exactly, otherwise ``...``.

    An oracle: it shares no code with the converter.
    """
    kind = field.data_type
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        if kind == "json":
            return value
        if kind == "text":
            return value if isinstance(value, str) and escaped(value) == value else ...
        if kind == "bool":
            return value if isinstance(value, bool) else ...
        if kind == "double":
            return float(value) if number and float(value) == value else ...
        if kind == "bigint":
            whole = int(value) if number or isinstance(value, str) else 2**99
            same = str(whole) == value if isinstance(value, str) else whole == value
            safe = not isinstance(value, float) or abs(value) < 2**53
            return whole if same and safe and -(2**63) <= whole < 2**63 else ...
        if kind == "decimal":
            exact = Decimal(str(value)) if number or isinstance(value, str) else Decimal("nan")
            fits = exact.is_finite() and abs(exact) < 10**29
            wide = Context(prec=60)
            same = fits and exact == exact.quantize(Decimal("1e-9"), context=wide)
            return exact if same else ...
        if kind == "date":
            return date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else ...
        is_epoch = number or re.fullmatch(r"-?\d{1,20}(\.\d+)?", value)
        if field.format == "epoch_ms" and is_epoch and 10**9 <= float(value) < 10**10:
            return ...  # seconds, by their size
        if number:
            seconds = value / (1000 if field.format == "epoch_ms" else 1)
            instant = datetime.fromtimestamp(seconds, UTC)
            return instant if instant.timestamp() == seconds else ...
        if field.format and is_epoch:
            micros = Fraction(value) * 1000
            epoch = datetime(1970, 1, 1, tzinfo=UTC)
            whole = micros.denominator == 1
            return epoch + timedelta(microseconds=micros.numerator) if whole else ...
        if not re.match(r"\d{4}-\d\d-\d\d(T|$)", value):
            return ...
        instant = datetime.fromisoformat(value)
        if re.search(r"[.,]\d{6}0*[1-9]", value):
            return ...
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, TypeError, ArithmeticError, UnicodeError, OSError):
        return ...


def at(record: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def undeclared(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without its declared fields."""
    rest = {k: v for k, v in copy.deepcopy(record).items() if k not in TOP_KEYS}
    o = copy.deepcopy(record.get("o"))
    if isinstance(o, dict):
        o.pop("a", None)
        b = o.get("b")
        if isinstance(b, dict):
            b.pop("c", None)
        if b is None or b == {}:
            o.pop("b", None)
    return {**rest, "o": o} if o is not None and o != {} else rest


TOP_KEYS = {field.path[0] for field in CONVERTER.fields}


def escaped(value: Any) -> Any:
    """A value as a JSON column holds it.

    No warehouse stores lone surrogates, and PostgreSQL stores no NUL.
    """
    if isinstance(value, str):
        return re.sub("[\0\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", value)
    if isinstance(value, dict):
        return {escaped(k): escaped(v) for k, v in value.items()}
    return [escaped(v) for v in value] if isinstance(value, list) else value


def json_same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: 1, 1.0 and true are three values."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@RANDOM
@given(records)
def test_every_value_is_in_its_column_or_in_extra(record: dict[str, Any]) -> None:
    batch = CONVERTER.convert([copy.deepcopy(record)])
    if batch.rejected:
        assert fitting(CONVERTER.fields[0], record.get("id")) in (None, ...)
        assert (batch.table.num_rows, batch.records) == (0, [])
        assert json_same(batch.rejected[0].record, record)
        assert batch.rejected[0].reason == "no usable primary key id"
        return
    (row,) = batch.table.to_pylist()
    extra = json.loads(row["_extra"] or "{}")
    for field in CONVERTER.fields:
        value = at(record, field.path)
        fitted = None if value is None else fitting(field, value)
        if fitted is ...:
            assert json_same(extra.pop(field.name), escaped(value))
        elif field.data_type == "json" and value is not None:
            assert json_same(json.loads(row[field.column]), escaped(value))
        else:
            assert row[field.column] == fitted
            assert field.name not in extra
    assert json_same(extra, escaped(undeclared(record)))


@RANDOM
@given(st.lists(records, max_size=4))
def test_a_page_converts_like_its_records_one_by_one(page: list[dict[str, Any]]) -> None:
    whole = CONVERTER.convert(page)
    single = [CONVERTER.convert([record]) for record in page]
    assert whole.table.to_pylist() == [row for b in single for row in b.table.to_pylist()]
    assert json_same(
        [r.record for r in whole.rejected], [r.record for b in single for r in b.rejected]
    )
    assert whole.with_extra == sum(b.with_extra for b in single)
    assert whole.table.schema == CONVERTER.schema


# --- single forms of values ----------------------------------------------------------------------------

HOUR = datetime(2024, 2, 29, 12, tzinfo=UTC)
# value, instant in the column, whether the value is in _extra too
STAMPS: dict[str, tuple[Any, datetime | None, bool]] = {
    "Z": ("2024-02-29T12:00:00Z", HOUR, False),
    "offset": ("2024-02-29T13:30:00+01:30", HOUR, False),
    "offset without colon": ("2024-02-29T13:30:00+0130", HOUR, False),
    "offset into another year": ("2024-12-31T23:30:00-01:00", datetime(2025, 1, 1, 0, 30, tzinfo=UTC), False),
    "space": ("2024-02-29 12:00:00Z", HOUR, False),
    "no zone": ("2024-02-29T12:00:00", HOUR, False),
    "milliseconds": ("2024-02-29T12:00:00.125Z", HOUR + timedelta(milliseconds=125), False),
    "microseconds": ("2024-02-29T12:00:00.000001+00:00", HOUR + timedelta(microseconds=1), False),
    "nanoseconds": ("2024-02-29T12:00:00.000001002Z", HOUR + timedelta(microseconds=1), True),
    "nanoseconds after a comma": ("2024-02-29T12:00:00,000001002Z", HOUR + timedelta(microseconds=1), True),
    "nanoseconds that are zero": ("2024-02-29T12:00:00.000001000Z", HOUR + timedelta(microseconds=1), False),
    "date only": ("2024-02-29", HOUR.replace(hour=0), False),
    "seconds": (int(HOUR.timestamp()), HOUR, False),
    "fractions of seconds": (HOUR.timestamp() + 0.5, HOUR + timedelta(milliseconds=500), False),
    "no such day": ("2023-02-29T12:00:00Z", None, True),
    "midnight as 24": ("2024-02-29T24:00:00Z", None, True),
    "words": ("yesterday", None, True),
    "empty": ("", None, True),
    "too far": (10**15, None, True),
    "true": (True, None, True),
}  # fmt: skip


@pytest.mark.parametrize("name", STAMPS)
@pytest.mark.parametrize("beside", [None, "2024-01-01T00:00:00Z", "x", 5], ids=str)
def test_timestamps(name: str, beside: Any) -> None:
    value, instant, is_in_extra = STAMPS[name]
    resource = shop(item(columns={"id": "bigint", "at": "timestamp"})).resources["items"]
    table = Converter(resource).convert([{"id": 1, "at": value}, {"id": 2, "at": beside}]).table
    row = table.to_pylist()[0]
    assert row["at"] == instant
    assert json.loads(row["_extra"] or "{}") == ({"at": value} if is_in_extra else {})


# declaration, value, value in the column, value in _extra
FORMS: dict[str, tuple[Any, Any, Any, Any]] = {
    "int as text": ("bigint", "-12", -12, None),
    "int as text, with zeros": ("bigint", "007", 7, "007"),
    "int as text, too long": ("bigint", "9" * 20, None, "9" * 20),
    "largest int": ("bigint", 2**63 - 1, 2**63 - 1, None),
    "int beyond 64 bit": ("bigint", 2**64, None, 2**64),
    "whole float": ("bigint", 3.0, 3, None),
    "float": ("bigint", 3.5, None, 3.5),
    "bool is no int": ("bigint", True, None, True),
    "int in a double": ("double", 2**53, 2.0**53, None),
    "int too fine for a double": ("double", 2**53 + 1, 2.0**53, 2**53 + 1),
    "int too large for a double": ("double", 10**400, None, 10**400),
    "text is no double": ("double", "1.5", None, "1.5"),
    "int is no bool": ("bool", 1, None, 1),
    "lone surrogate": ("text", "a\ud800b", "a?b", "a\\ud800b"),
    "NUL": ("text", "a\0b", "ab", "a\\u0000b"),
    "pair of surrogates": ("text", "\U0001f600", "\U0001f600", None),
    "number is no text": ("text", 5, None, 5),
    "epoch milliseconds": (
        {"data_type": "timestamp", "format": "epoch_ms"}, 1709208000125, HOUR + timedelta(milliseconds=125), None,
    ),
    "decimal": ("decimal", "12.30", Decimal("12.3"), None),
    "decimal, too fine": ("decimal", "0.0000000001", Decimal(0), "0.0000000001"),
    "date": ("date", "2024-02-29", date(2024, 2, 29), None),
    "datetime is no date": ("date", "2024-02-29T00:00:00Z", None, "2024-02-29T00:00:00Z"),
    "null_as": ({"data_type": "text", "null_as": "-"}, None, "-", None),
    "null_as, number": ({"data_type": "bigint", "null_as": "0"}, None, 0, None),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_values(name: str) -> None:
    declared, value, column, extra = FORMS[name]
    found = converted({"v": value}, v=declared)
    assert found.get("v") == column
    assert found.get("_extra", {}).get("v") == extra


ALIASED = {"v": {"data_type": "text", "aliases": ["old-v", "o.v"]}}


@pytest.mark.parametrize(
    ("record", "column", "extra"),
    [
        ({"v": "a"}, "a", None),
        ({"old-v": "a"}, "a", None),
        ({"v": None, "o": {"v": "a"}}, "a", None),
        ({"v": "a", "old-v": "b", "o": {"v": "c"}}, "a", {"old-v": "b", "o.v": "c"}),
        ({"old-v": "b", "o": {"v": "c"}}, "b", {"o.v": "c"}),
        ({"old-v": 5}, None, {"v": 5}),
        ({"o": {"v": "a", "w": 1}}, "a", {"o": {"w": 1}}),
    ],
    ids=str,
)
def test_aliases(record: dict[str, Any], column: Any, extra: Any) -> None:
    found = converted(record, **ALIASED)
    assert (found.get("v"), found.get("_extra")) == (column, extra)


def test_a_declared_object_is_a_column_and_its_fields_are_too() -> None:
    found = converted({"w": {"name": "n", "more": [1]}}, **{"w.name": "text", "w": "json"})
    assert found == {"w": '{"name":"n","more":[1]}', "w__name": "n"}


def test_extra_is_null_when_all_fields_are_declared() -> None:
    assert converted({"o": {"a": 1}}, **{"o.a": "bigint"}) == {"o__a": 1}

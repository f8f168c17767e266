"""The converter: records become typed columns, ``_extra`` keeps all other values, nothing raises.

In: random records. Out: the value of each column and of ``_extra``, by a model in plain Python.
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


def test_texts_with_line_breaks_stay_in_their_json_column() -> None:
    sent = [",\n,", ["\n", ",\n,"], None, {"\n": ",\n,"}, "null", None, [[]]]
    table = CONVERTER.convert([{"id": i, "j": value} for i, value in enumerate(sent)]).table
    assert [t if t is None else json.loads(t) for t in table.column("j").to_pylist()] == sent

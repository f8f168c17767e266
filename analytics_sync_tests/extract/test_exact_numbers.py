"""Numbers of any length arrive exactly, or their digits are in ``_extra``.

In: numbers as text in a JSON body. Out: columns of each numeric type, JSON columns and ``_extra``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.common import exact_json
from analytics_sync.common.exact_json import dumps, loads
from analytics_sync.extract.convert.converter import Converter
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

COLUMNS = {"id": "bigint", "m": "decimal", "x": "double", "n": "bigint", "j": "json", "t": "text"}
CONVERTER = Converter(shop(item(columns=COLUMNS)).resources["items"])
NAMES = ("m", "x", "n", "j", "t", "u")


def exactly(raw: str) -> Any:
    """JSON with every number as a decimal."""
    return json.loads(raw, parse_float=Decimal, parse_int=Decimal)


def converted(number: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row of a record that holds a number in each field, and its ``_extra``."""
    fields = ", ".join(f'"{name}": {number}' for name in NAMES)
    records = loads(f'[{{"id": 1, {fields}}}]'.encode())
    (row,) = CONVERTER.convert(records).table.to_pylist()
    return row, exactly(row["_extra"] or "{}")


digits = st.text("0123456789", min_size=1, max_size=24)
whole = digits.map(lambda d: d.lstrip("0") or "0")
exponents = st.integers(-25, 25).map(lambda e: f"e{e}") | st.integers(0, 25).map(lambda e: f"E+{e}")
numbers = st.one_of(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "-"]),
        whole,
        st.just("") | digits.map(".{}".format),
        st.just("") | exponents,
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map("{:.17g}".format),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map("{:f}".format),
)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(numbers.filter(lambda n: len(n) < 400))
def test_a_number_is_in_its_column_or_its_digits_are_in_extra(number: str) -> None:
    row, extra = converted(number)
    sent = Decimal(number)
    found = extra["u"] if isinstance(extra["u"], Decimal) else Decimal(extra["u"])
    assert found == sent, "an undeclared number is in _extra as it came"
    assert Decimal(str(exactly(row["j"]))) == sent
    assert row["t"] is None
    for name, text in (("m", str), ("x", repr), ("n", str)):
        if name in extra:
            assert Decimal(extra[name]) == sent
        else:
            assert Decimal(text(row[name])) == sent or Decimal(row[name]) == sent
    assert loads(dumps(loads(number.encode()))) == loads(number.encode())


@settings(max_examples=600, deadline=None, derandomize=True)
@given(
    st.lists(numbers | st.builds(json.dumps, numbers | digits), max_size=5),
    st.sampled_from([",", ",\n", " , "]),
)
def test_numbers_beside_each_other_stay_exact(values: list[str], separator: str) -> None:
    document = f"[{separator.join(values)}]"
    found = json.loads(dumps(loads(document.encode())), parse_float=Decimal, parse_int=Decimal)
    for value, sent in zip(found, exactly(document), strict=True):
        assert Decimal(value) == Decimal(sent) if isinstance(sent, Decimal) else value == sent


# number, its value in a decimal, a double and a bigint, the fields in _extra
EXACT: dict[str, tuple[str, Any, Any, Any, str]] = {
    "18 digits": ("1234567890123456.78", Decimal("1234567890123456.78"), 1234567890123456.8, None, "xn"),
    "half above 2**53": ("9007199254740993.5", Decimal("9007199254740993.5"), 9007199254740994.0, None, "xn"),
    "negative": ("-98765432109876543.21", Decimal("-98765432109876543.21"), -98765432109876543.21, None, "xn"),
    "fine": ("0.123456789", Decimal("0.123456789"), 0.123456789, None, "n"),
    "16 digits and an exponent": ("9007199254740993e0", Decimal(9007199254740993), 9007199254740992.0, 9007199254740993, "x"),
    "shortest text of a double": ("0.30000000000000004", Decimal("0.3"), 0.30000000000000004, None, "mn"),
    "17 digits of 52.52": ("52.520000000000003", Decimal("52.52"), 52.52, None, "mxn"),
    "zeros behind": ("13.70000000000000000000", Decimal("13.7"), 13.7, None, "n"),
    "zeros behind a whole number": ("5.00000000000000000000", 5, 5.0, 5, ""),
    "the double in all its digits": ("0.1000000000000000055511151231257827021181583404541015625", Decimal("0.1"), 0.1, None, "mn"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_numbers_with_many_digits(name: str) -> None:
    number, decimal, double, bigint, kept = EXACT[name]
    row, extra = converted(number)
    assert (row["m"], row["x"], row["n"]) == (decimal, double, bigint)
    assert {n: v for n, v in extra.items() if n in "mxn"} == dict.fromkeys(kept, Decimal(number))


def test_numbers_in_json_columns_are_written_as_they_came(api: Api) -> None:
    sent = '{"a": [1234567890123456.78, 0.1], "b": {"c": 5.0, "d": "9007199254740993.5"}}'

    def answer(path: str, query: Query, headers: Any) -> Any:
        return 200, {}, f'[{{"id": 1, "j": {sent}, "u": {sent}}}]'.encode()

    api.on("/items", answer)
    (row,) = read(shop(item(columns={"id": "bigint", "j": "json"}))).rows["items"]
    assert row["j"] == sent.replace(" ", "")
    assert row["_extra"] == f'{{"u":{sent}}}'.replace(" ", "")


def test_a_column_that_follows_the_data_is_exact(api: Api) -> None:
    api.on("/items", (200, {}, b'[{"id": 1, "v": 0.5}, {"id": 2, "v": 1234567890123456.78}]'))
    rows = read(shop(item(columns={}))).rows["items"]
    assert [row["v"] for row in rows] == [Decimal("0.5"), Decimal("1234567890123456.78")]
    assert [row.get("_extra") for row in rows] == [None, None]


def test_a_rejected_record_keeps_its_digits(api: Api) -> None:
    api.on("/items", (200, {}, b'[{"id": 1.00000000000000001, "v": 1}, {"id": 2}]'))
    outcome = read(shop(item()))
    assert outcome.ids() == [2]
    (rejected,) = outcome.readings["items"].rejected
    assert dumps(rejected.record) == b'{"id":1.00000000000000001,"v":1}'


def test_a_cursor_with_many_digits_is_sent_as_it_came(api: Api) -> None:
    first = b'{"items": [{"id": 1}], "next": 1740121201.1234567891}'
    api.on("/items", (200, {}, first), {"items": [{"id": 2}], "next": None})
    paginator = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    outcome = read(shop(item({"paginator": paginator, "data_selector": "items"})))
    assert outcome.ids() == [1, 2]
    assert api.queries() == [{}, {"after": "1740121201.1234567891"}]


def test_decimals_beside_values_that_orjson_refuses() -> None:
    raw = rb'[1234567890123456.78, 18446744073709551616, "\ud800", {"a": NaN, "b": []}]'
    assert (
        dumps(loads(raw))
        == rb'[1234567890123456.78,18446744073709551616,"\\ud800",{"a":"NaN","b":[]}]'
    )


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """How often a document is decoded by the slow decoder."""
    slow: list[bytes] = []

    def spy(raw: bytes) -> Any:
        slow.append(raw)
        return exactly(raw.decode())

    monkeypatch.setattr(exact_json, "_loads_exactly", spy)

    def count(document: str) -> int:
        slow.clear()
        loads(document.encode())
        return len(slow)

    return count


def test_only_a_number_that_would_change_takes_the_slow_decoder(
    decodes: Callable[[str], int],
) -> None:
    fast = ["0.30000000000000004", "1234567890123456789", "1234567890123456.0", "5e-30", "[1.5]"]
    texts = [
        "1234567890123456.78",
        "192.168.100.100",
        "1-1234567890123456.78",
        "-1234567890123456.78",
        "0e-0001",
    ]
    for document in [
        *fast,
        *map("[1,\n{}]".format, fast),
        *(f'["{text}"]' for text in texts),
        *map("[{}, 1]".format, fast),
    ]:
        assert decodes(document) == 0, document
    for number in ["1234567890123456.78", "-1234567890123456.78", "-9223372036854775809", "1e-400"]:
        for document in (
            number,
            f"[{number}]",
            f'{{"a":{number}}}',
            f"[\n{number}\n]",
            f"[1,{number},2]",
        ):
            assert decodes(document) == 1, document

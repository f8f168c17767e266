"""Types of columns that nobody has declared, over several runs, in DuckDB and PostgreSQL.

Only the warehouse remembers anything from run to run.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse, mainly_duckdb
from analytics_sync_tests.support.scripted_api import Api, shop, shop_api
from analytics_sync_tests.support.undeclared import extra, is_same, row, sync, undeclared

api = shop_api
warehouse = every_warehouse
AT = datetime(2026, 1, 2, 10, tzinfo=UTC)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
EXTRA = object()  # the value is in _extra, and the column is null
_BIG = 2**53 + 1


# field: the value of the first run, that of the second, the type then, and both values then
CHANGES: dict[str, tuple[Any, Any, str, Any, Any]] = {
    "a_list_stays": (["x"], ["y", 1], "json", ["x"], ["y", 1]),
    "an_object_becomes_a_list": ({"k": 1}, [1], "json", {"k": 1}, [1]),
    "an_object_becomes_a_text": ({"k": 1}, "s", "json", {"k": 1}, "s"),
    "an_object_becomes_a_number": ({"k": 1}, 5, "json", {"k": 1}, 5),
    "a_text_becomes_an_object": ("x", {"k": 1}, "varchar", "x", EXTRA),
    "a_text_that_looks_like_a_list": ("[x", ["y"], "varchar", "[x", EXTRA),
    "an_integer_gets_a_fraction": (5, 2.75, "double", 5.0, 2.75),
    "a_large_integer_gets_a_fraction": (_BIG, 0.5, "decimal", Decimal(_BIG), Decimal("0.5")),
    "a_fraction_beside_a_large_integer": (0.5, _BIG, "double", 0.5, EXTRA),
    "a_fraction_that_only_a_double_holds": (_BIG, 1e-12, "bigint", _BIG, EXTRA),
    "more_than_64_bits": (5, 2**70, "decimal", Decimal(5), Decimal(2**70)),
    "more_than_a_decimal_holds": (5, 10**30, "varchar", "5", str(10**30)),
    "always_more_than_64_bits": (2**64, 2**65, "decimal", Decimal(2**64), Decimal(2**65)),
    "a_whole_number_of_a_double": (5, 7.0, "bigint", 5, 7),
    "an_integer_as_digits": (5, "7", "bigint", 5, 7),
    "an_integer_with_zeros": (5, "007", "varchar", "5", "007"),
    "a_number_becomes_text": (2.5, "n/a", "varchar", "2.5", "n/a"),
    "a_large_double_becomes_text": (1e20, "n/a", "double", 1e20, EXTRA),
    "not_a_number": (2.5, "NaN", "double", 2.5, EXTRA),
    "a_truth_value_becomes_text": (True, "maybe", "varchar", "true", "maybe"),
    "a_truth_value_becomes_a_number": (True, 0, "varchar", "true", "0"),
    "a_text_becomes_a_number": ("x", 7.5, "varchar", "x", "7.5"),
    "a_text_becomes_a_truth_value": ("x", False, "varchar", "x", "false"),
    "an_instant": ("2026-01-02T10:00:00Z", "2026-01-02 13:00:00+01:00", "timestamp with time zone", AT, NOON),
    "an_instant_becomes_text": ("2026-01-02T11:00+0100", "soon", "timestamp with time zone", AT, EXTRA),
    "an_instant_becomes_a_number": ("2026-01-02T10:00:00Z", 1767348000, "timestamp with time zone", AT, EXTRA),
    "a_day": ("2026-01-02", "2026-02-28", "date", date(2026, 1, 2), date(2026, 2, 28)),
    "a_day_becomes_an_instant": (
        "2026-01-02", "2026-01-02T12:00:00.000Z", "timestamp with time zone",
        datetime(2026, 1, 2, tzinfo=UTC), NOON,
    ),
    "a_day_becomes_text": ("2026-01-02", "2026-02-30", "date", date(2026, 1, 2), EXTRA),
    "a_text_becomes_an_instant": ("soon", "2026-01-02T10:00:00Z", "varchar", "soon", "2026-01-02T10:00:00Z"),
    "finer_than_microseconds": ("2026-01-02T10:00:00.0000001Z", "x", "varchar", "2026-01-02T10:00:00.0000001Z", "x"),
    "digits_are_no_time": ("20260102", "1767348000", "varchar", "20260102", "1767348000"),
    "null_becomes_a_number": (None, 5, "bigint", None, 5),
    "null_becomes_a_list": (None, [1], "json", None, [1]),
    "null_becomes_an_instant": (None, "2026-01-02T10:00:00Z", "timestamp with time zone", None, AT),
    "a_list_becomes_null": ([1], None, "json", [1], None),
}  # fmt: skip


def test_each_change_is_exact_or_widened_or_in_extra(api: Api, warehouse: Warehouse) -> None:
    first = {"id": 1, **{name: change[0] for name, change in CHANGES.items()}}
    second = {"id": 2, **{name: change[1] for name, change in CHANGES.items()}}
    sync(api, first)
    assert row(warehouse, 1)["_extra"] is None
    sync(api, second)
    sync(api, second)  # the types are decided
    types, kept, landed = warehouse.types(), row(warehouse, 1), row(warehouse, 2)
    for name, (_, sent, kind, old, new) in CHANGES.items():
        assert types[name] == kind, name
        assert kept[name] == old, name
        assert type(kept[name]) is type(old), name
        if new is EXTRA:
            assert extra(warehouse, 2).pop(name) == (
                Decimal(str(sent)) if type(sent) is float else sent
            )
        else:
            assert landed[name] == new, name
            assert type(landed[name]) is type(new), name
    misfits = {name for name, change in CHANGES.items() if change[4] is EXTRA}
    assert extra(warehouse, 2).keys() == misfits
    assert extra(warehouse, 1) == {}


@pytest.mark.slow
def test_the_runs_in_the_other_order_keep_every_value_too(api: Api, warehouse: Warehouse) -> None:
    sent = {n: {"id": n, **{f: c[n - 1] for f, c in CHANGES.items()}} for n in (1, 2)}
    for key in (2, 1, 2):
        sync(api, sent[key])
    for key in (1, 2):
        found, rest = row(warehouse, key), extra(warehouse, key)
        for name in CHANGES:
            assert name in rest or is_same(sent[key][name], found[name]), (key, name)


@mainly_duckdb
def test_texts_of_which_a_part_looks_like_times_stay_text(api: Api, warehouse: Warehouse) -> None:
    sync(api, {"id": 1, "v": "2026-01-02"}, {"id": 2, "v": "unknown"}, {"id": 3, "v": ""})
    sync(api, {"id": 4, "v": "2026-01-03"})
    assert warehouse.types()["v"] == "varchar"
    assert [row(warehouse, i)["v"] for i in (1, 2, 3, 4)] == [
        "2026-01-02",
        "unknown",
        "",
        "2026-01-03",
    ]


@mainly_duckdb
@pytest.mark.parametrize("key", [1, pytest.param("a", marks=pytest.mark.slow)])
def test_empty_answers_decide_no_type(api: Api, warehouse: Warehouse, key: Any) -> None:
    for empty in ([], [{"id": None, "v": None}]):
        sync(api, *empty)
    sync(api, {"id": key, "v": [1], "at": "2026-01-02T10:00:00Z"})
    kinds = {
        "id": "bigint" if key == 1 else "varchar",
        "v": "json",
        "at": "timestamp with time zone",
    }
    assert warehouse.types() == kinds
    sync(api)
    assert warehouse.types() == kinds
    assert row(warehouse, key)["v"] == [1]


@mainly_duckdb
def test_a_key_of_numbers_becomes_text_and_a_text_key_is_no_time(
    api: Api, warehouse: Warehouse
) -> None:
    sync(api, {"id": 7})
    sync(api, {"id": "A-7"}, {"id": 8}, {"id": "2026-01-02"})
    assert {r["id"] for r in warehouse.rows()} == {"7", "A-7", "8", "2026-01-02"}
    assert warehouse.rows("_rejected") == []


@mainly_duckdb
def test_rows_of_an_earlier_version_with_json_in_text_columns(
    api: Api, warehouse: Warehouse
) -> None:
    """Earlier versions made text of all JSON columns, and put the values of later runs into ``_extra``."""
    sync(api, {"id": 1, "o": {"k": 1}, "t": "x", "_": 1})
    for column in ("o", "_extra"):
        warehouse.run(f'ALTER TABLE shop.items ALTER COLUMN "{column}" TYPE VARCHAR')
    warehouse.run("""UPDATE shop.items SET _extra = '{"z": [1]}'""")
    sync(api, {"id": 2, "o": {"k": 2}, "t": "y", "l": [1]})
    assert warehouse.types()["o"] == warehouse.types()["l"] == "json"
    assert [row(warehouse, i)["o"] for i in (1, 2)] == [{"k": 1}, {"k": 2}]
    assert (row(warehouse, 1)["z"], extra(warehouse, 1)) == ([1], {})


@pytest.mark.slow
def test_fields_that_come_late_in_a_long_read_get_a_column_in_the_next_run(
    api: Api, warehouse: Warehouse
) -> None:
    many = [{"id": i, "n": i, "late": None} for i in range(11_000)]
    many.append({"id": 11_000, "n": 0.5, "late": {"k": 1}})
    paging = {"type": "page_number", "base_page": 0, "page_param": "page"}

    def page(path: str, query: Any, headers: Any) -> list[Any]:
        start = 5_500 * int(query["page"])
        return many[start : start + 5_500]

    for expected in ({"n": Decimal("0.5"), "late": {"k": 1}}, {}):
        api.on("/items", page)
        with ReadRun(shop(undeclared(endpoint={"paginator": paging}))) as run:
            load(run, "run")
        assert extra(warehouse, 11_000) == expected
    assert warehouse.types() == {"id": "bigint", "n": "double", "late": "json"}
    assert row(warehouse, 11_000)["late"] == {"k": 1}

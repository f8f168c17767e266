"""Findings by day: in a range, a finding about one day fails the check of this day only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckEvaluation, AssetCheckSeverity

from analytics_sync.catalog import Source
from analytics_sync_tests.support.changing_api import at, windowed
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_in_dagster
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
MONTH = 30
A_DAY_A_REQUEST = {
    "cursor_path": "updated_at", "start_param": "from", "end_param": "to",
    "range_start": "closed", "range_end": "open", "max_span": "P1D", "param_format": "iso",
}  # fmt: skip


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Api) -> Callable[..., Any]:
    """Loads a range of days; the evaluations by check and partition."""
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", str(at(1)))
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))

    def run(
        first: object, last: object, answer: Any, source: Source, resource: str = "items"
    ) -> Any:
        api.on("/items", answer)
        home = make_dagster_home(tmp_path / "home")
        names = [f"shop/{r.name}" for r in source.assets]
        result = run_in_dagster(home, {"shop": source}, names, str(first), str(last))
        found: dict[str, dict[str | None, AssetCheckEvaluation]] = {}
        for evaluation in result.get_asset_check_evaluations():
            if evaluation.asset_key.path[-1] != resource:
                continue
            found.setdefault(evaluation.check_name, {})[evaluation.partition] = evaluation
        return found

    return run


def days(*numbers: int) -> list[str]:
    return [str(at(number)) for number in numbers]


def failed(evaluations: dict[str | None, AssetCheckEvaluation]) -> list[str | None]:
    return [partition for partition, e in evaluations.items() if not e.passed]


def errors(evaluations: dict[str | None, AssetCheckEvaluation]) -> list[str | None]:
    """The partitions that failed with an error: a check that warns fails so by a finding."""
    severity = AssetCheckSeverity.ERROR
    return [p for p, e in evaluations.items() if not e.passed and e.severity is severity]


def a_record_a_day(bad: Callable[[str], dict[str, Any]]) -> Any:
    """An API with one record a day, and what stands beside the record of a day."""

    def answer(_: str, query: dict[str, str], __: object) -> Any:
        first, end = query["from"][:10], query["to"][:10]
        dates = [str(at(1) + timedelta(days=n)) for n in range(MONTH + 1)]
        meant = [day for day in dates if first <= day < end]
        records = [{"id": day, "updated_at": f"{day}T12:00:00Z"} for day in meant]
        beside = [found for day in meant if (found := bad(day))]
        return {"data": records, **(beside[0] if beside else {})}

    return answer


def by_day(total: str | None = None, **incremental: Any) -> Source:
    endpoint = {"data_selector": "data", "incremental": {**A_DAY_A_REQUEST, **incremental}}
    if total:
        endpoint["count_path"] = total
    return shop(item(endpoint, columns={"id": "text", "updated_at": "timestamp"}))


ONE_DAY = pytest.mark.parametrize(
    ("bad", "last"), [(3, 5), pytest.param(12, MONTH, marks=pytest.mark.slow)]
)


@ONE_DAY
def test_a_day_that_is_not_complete_is_red_and_the_others_are_green(
    load: Callable[..., Any], bad: int, last: int
) -> None:
    answer = a_record_a_day(lambda day: {"partial": True} if day == str(at(bad)) else {})
    found = load(at(1), at(last), answer, by_day())["complete"]
    assert len(found) == last
    assert failed(found) == days(bad)
    assert "a page is not complete: partial is true" in found[str(at(bad))].description


@ONE_DAY
def test_a_total_that_one_day_does_not_reach(load: Callable[..., Any], bad: int, last: int) -> None:
    def answer(_: str, query: dict[str, str], __: object) -> Any:
        day = query["from"][:10]
        records = [{"id": f"{day}-{n}", "updated_at": f"{day}T12:00:00Z"} for n in range(4)]
        return {"data": records, "total": 7 if day == str(at(bad)) else 4}

    found = load(at(1), at(last), answer, by_day(total="total"))["complete"]
    assert failed(found) == days(bad)
    said = "The API said 7 records, and 4 were read: run again."
    assert found[str(at(bad))].description == said
    numbers = {
        day: (e.metadata["expected"].value, e.metadata["read"].value) for day, e in found.items()
    }
    assert numbers == {
        day: (7 if day == str(at(bad)) else 4, 4) for day in days(*range(1, last + 1))
    }


@pytest.mark.slow
def test_a_total_of_a_request_for_all_days_is_on_each_of_them(load: Callable[..., Any]) -> None:
    answer = a_record_a_day(lambda day: {"total": 9} if day == str(at(2)) else {})
    found = load(at(1), at(3), answer, by_day(max_span="P30D", total="total"))["complete"]
    assert failed(found) == days(1, 2, 3)
    said = "The API said 9 records, and 3 were read: run again. The total is of all partitions of the run."
    assert found[str(at(1))].description == said


@ONE_DAY
def test_a_day_of_which_most_records_are_rejected(
    load: Callable[..., Any], bad: int, last: int
) -> None:
    records = [
        {"id": f"{n}-{m}" if n != bad or m == 0 else None, "updated_at": f"{at(n)}T12:00:00Z"}
        for n in range(1, last + 1)
        for m in range(12)
    ]
    records.append({"id": None, "updated_at": f"{at(1)}T12:00:00Z"})
    found = load(at(1), at(last), lambda *_: records, shop(windowed()))["declared_schema"]
    assert errors(found) == days(bad)
    assert failed(found) == days(1, bad), "one rejected record of a day is a warning of this day"
    said = "11 of 12 records were rejected and are in _rejected: no usable primary key id (11)."
    assert said in found[str(at(bad))].description


@pytest.mark.slow
def test_records_without_a_time_belong_to_the_request_that_gave_them(
    load: Callable[..., Any],
) -> None:
    bad, last = 3, 5

    def answer(_: str, query: dict[str, str], __: object) -> Any:
        day = query["from"][:10]
        time = "soon" if day == str(at(bad)) else f"{day}T12:00:00Z"
        return {"data": [{"id": f"{day}-{n}", "updated_at": time} for n in range(12)]}

    found = load(at(1), at(last), answer, by_day())["declared_schema"]
    assert errors(found) == days(bad)
    assert "12 of 12 records were rejected" in found[str(at(bad))].description


@pytest.mark.slow
def test_records_of_which_no_time_is_known_are_on_each_day(load: Callable[..., Any]) -> None:
    records = [{"id": f"{n}", "updated_at": f"{at(1 + n % 3)}T12:00:00Z"} for n in range(30)]
    records += [{"id": f"x{n}", "updated_at": "soon"} for n in range(10)]
    found = load(at(1), at(3), lambda *_: records, shop(windowed()))["declared_schema"]
    assert errors(found) == days(1, 2, 3)
    assert "10 of 40 records were rejected" in found[str(at(1))].description
    assert "their partition is not known" in found[str(at(1))].description


@pytest.mark.slow
def test_values_that_fit_no_type_are_red_on_the_days_that_have_them(
    load: Callable[..., Any],
) -> None:
    records = [
        {"id": f"{n}-{m}", "updated_at": f"{at(n)}T12:00:00Z", **({"size": "L"} if n == 4 else {})}
        for n in range(1, 6)
        for m in range(10)
    ]
    source = shop(windowed(columns={"size": "double"}))
    found = load(at(1), at(5), lambda *_: records, source)["declared_schema"]
    assert errors(found) == days(4)


@pytest.mark.slow
def test_a_key_of_another_window_is_red_on_the_day_of_its_record(load: Callable[..., Any]) -> None:
    source = shop(windowed("created_at"))
    old = [{"id": "old", "created_at": f"{at(1)}T12:00:00Z"}]
    assert failed(load(at(1), at(1), lambda *_: old, source)["primary_key_unique"]) == []
    records = [{"id": f"{n}", "created_at": f"{at(n)}T12:00:00Z"} for n in range(3, 7)]
    records.append({"id": "old", "created_at": f"{at(5)}T13:00:00Z"})
    found = load(at(3), at(6), lambda *_: records, source)["primary_key_unique"]
    assert failed(found) == days(5)
    assert "rows replaced rows of other windows" in found[str(at(5))].description


@pytest.mark.slow
def test_a_key_of_a_record_outside_the_range_is_red_on_the_day_of_its_record(
    load: Callable[..., Any],
) -> None:
    records = [{"id": f"{n}", "created_at": f"{at(n)}T12:00:00Z"} for n in range(3, 7)]
    records.append({"id": "5", "created_at": f"{at(9)}T13:00:00Z"})
    found = load(at(3), at(6), lambda *_: records, shop(windowed("created_at")))
    assert failed(found["primary_key_unique"]) == days(5)


@pytest.mark.slow
def test_a_child_without_a_time_has_the_findings_of_its_parent_on_their_days(
    load: Callable[..., Any], api: Api
) -> None:
    lines = {
        "path": "/items/{item}/lines",
        "params": {"item": {"type": "resolve", "resource": "items", "field": "id"}},
    }
    source = shop(
        item(
            {"data_selector": "data", "incremental": A_DAY_A_REQUEST},
            columns={"id": "text", "updated_at": "timestamp"},
        ),
        item(lines, name="lines"),
    )
    for n in range(1, 4):
        api.on(f"/items/{at(n)}/lines", [{"id": n}])
    answer = a_record_a_day(lambda day: {"partial": True} if day == str(at(2)) else {})
    found = load(at(1), at(3), answer, source, "lines")["complete"]
    assert failed(found) == days(2)
    assert "Of the parent items: " in found[str(at(2))].description


@pytest.mark.slow
def test_versions_of_a_record_are_no_finding_beside_a_shared_key(load: Callable[..., Any]) -> None:
    records = [
        {"id": f"{n}-{m}", "updated_at": f"{at(n)}T12:00:00Z", "name": "x"}
        for n in range(1, 6)
        for m in range(20)
    ]
    twins = [{"id": "t", "updated_at": f"{at(4)}T0{n}:00:00Z", "name": f"{n}"} for n in (1, 2)]
    pages = [[*records, *twins], [{**records[0], "name": "later"}], []]
    endpoint = {
        "incremental": {"cursor_path": "updated_at"},
        "paginator": {"type": "page_number", "base_page": 0},
    }
    columns = {"id": "text", "updated_at": "timestamp", "name": "text"}
    source = shop(item(endpoint, columns=columns))
    found = load(at(1), at(5), lambda _, query, __: pages[int(query["page"])], source)
    assert failed(found["primary_key_unique"]) == days(4)


@pytest.mark.slow
def test_many_bad_days_are_all_red_also_beyond_the_messages_that_are_kept(
    load: Callable[..., Any],
) -> None:
    answer = a_record_a_day(lambda day: {"error": f"lost {day}"} if day <= str(at(25)) else {})
    found = load(at(1), at(MONTH), answer, by_day())["complete"]
    assert failed(found) == days(*range(1, 26))
    assert "There are more findings" in found[str(at(25))].description


@pytest.mark.slow
def test_one_request_for_all_days_leaves_all_of_them_in_doubt(load: Callable[..., Any]) -> None:
    answer = a_record_a_day(lambda day: {"partial": True} if day == str(at(2)) else {})
    found = load(at(1), at(3), answer, by_day(max_span="P30D"))["complete"]
    assert failed(found) == days(1, 2, 3)


@pytest.mark.slow
def test_a_shared_key_is_red_on_the_days_of_its_records(load: Callable[..., Any]) -> None:
    records = [{"id": str(n), "updated_at": f"{at(n)}T12:00:00Z", "name": "x"} for n in range(1, 6)]
    twins = [{"id": "t", "updated_at": f"{at(4)}T0{n}:00:00Z", "name": f"{n}"} for n in (1, 2)]
    source = shop(windowed(columns={"name": "text"}))
    found = load(at(1), at(5), lambda *_: [*records, *twins], source)["primary_key_unique"]
    assert failed(found) == days(4)
    assert "Different records share a primary key" in found[str(at(4))].description


@pytest.mark.slow
def test_a_range_of_hours_has_one_verdict_with_all_findings(
    load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__PARTITIONS", "hourly")

    def answer(_: str, query: dict[str, str], __: object) -> Any:
        records = [{"id": query["from"], "updated_at": query["from"]}]
        return {"data": records, **({"partial": True} if "T01" in query["from"] else {})}

    source = by_day(max_span="PT1H")
    first, last = f"{at(1)}-00:00", f"{at(1)}-05:00"
    found = load(first, last, answer, source)["complete"]
    assert failed(found) == [None]

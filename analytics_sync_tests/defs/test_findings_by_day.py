"""Findings by day: in a range, a finding about one day fails the check of this day only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckEvaluation

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

    def run(first: object, last: object, answer: Any, source: Source) -> Any:
        api.on("/items", answer)
        home = make_dagster_home(tmp_path / "home")
        result = run_in_dagster(home, {"shop": source}, ["shop/items"], str(first), str(last))
        found: dict[str, dict[str | None, AssetCheckEvaluation]] = {}
        for evaluation in result.get_asset_check_evaluations():
            found.setdefault(evaluation.check_name, {})[evaluation.partition] = evaluation
        return found

    return run


def days(*numbers: int) -> list[str]:
    return [str(at(number)) for number in numbers]


def failed(evaluations: dict[str | None, AssetCheckEvaluation]) -> list[str | None]:
    return [partition for partition, e in evaluations.items() if not e.passed]


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


def by_day(**incremental: Any) -> Source:
    endpoint = {"data_selector": "data", "incremental": {**A_DAY_A_REQUEST, **incremental}}
    return shop(item(endpoint, columns={"id": "text", "updated_at": "timestamp"}))


@pytest.mark.parametrize(("bad", "last"), [(3, 5), pytest.param(12, MONTH, marks=pytest.mark.slow)])
def test_a_day_that_is_not_complete_is_red_and_the_others_are_green(
    load: Callable[..., Any], bad: int, last: int
) -> None:
    answer = a_record_a_day(lambda day: {"partial": True} if day == str(at(bad)) else {})
    found = load(at(1), at(last), answer, by_day())["complete"]
    assert len(found) == last
    assert failed(found) == days(bad)
    assert "a page is not complete: partial is true" in found[str(at(bad))].description


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

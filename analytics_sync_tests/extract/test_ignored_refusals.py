"""Statuses that a file ignores, although they say that a request was refused.

In: scripted APIs that refuse bounds, periods or all requests, with texts of their own. Out: rows, requests,
and findings of the check ``complete``. An ignored status is "no records" only if nothing says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync_tests.support.response_actions import actions, ignore, kids
from analytics_sync_tests.support.scripted_api import (
    Api,
    Outcome,
    Query,
    item,
    read,
    shop,
    shop_api,
)

api = shop_api

COLUMNS = {"id": "text", "at": "timestamp"}
RANGE = {"cursor_path": "at", "start_param": "since", "end_param": "until"}
DAY = timedelta(days=1)
START = datetime(2025, 5, 6, tzinfo=UTC)
MONTH = Window(START, START + 30 * DAY)
ONE_DAY = Window(START, START + DAY)
Refuse = Callable[[datetime, datetime], str | None]


def report(
    refuse: Refuse = lambda start, end: None, first: datetime = START, days: int = 30
) -> Any:
    """A report with a figure every six hours.

    Args:
        refuse: Gives the text of a refusal with 400 for start and end, or None.
        first: The time of the first figure.
        days: The length of the report.
    """
    at = [first + n * timedelta(hours=6) for n in range(4 * days)]

    def answer(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        start, end = (datetime.fromisoformat(query[name]) for name in ("since", "until"))
        if (text := refuse(start, end)) is not None:
            return 400, {}, {"message": text}
        name = path.split("/")[2]
        return [
            {"id": f"{name} {t.isoformat()}", "at": t.isoformat()} for t in at if start <= t < end
        ]

    return answer


def never(text: str) -> Any:
    """A report that refuses all requests with this text."""
    return report(lambda start, end: text)


def spans(longest: timedelta, text: str = "E17") -> Any:
    """A report that refuses longer spans."""
    return report(lambda start, end: text if end - start > longest else None)


def reports(api: Api, **scripts: Any) -> None:
    """Script a listing of reports, and the figures of each."""
    api.on("/items", [{"id": name} for name in scripts])
    for name, script in scripts.items():
        api.on(f"/items/{name}/kids", script)


def source(*declared: dict[str, Any], **incremental: Any) -> Source:
    """Reports, and their figures by window, with these response actions."""
    kid = kids({"incremental": {**RANGE, **incremental}, **actions(*declared or [ignore(400)])})
    return shop(item(columns={"id": "text"}), {**kid, "columns": COLUMNS})


def figures(outcome: Outcome) -> dict[str, int]:
    """The number of rows of each report."""
    names = [str(key).split()[0] for key in outcome.ids("kids")]
    return {name: names.count(name) for name in names}


def found(outcome: Outcome, name: str = "kids") -> list[str]:
    return outcome.readings[name].findings.of(COMPLETE)


def requests(api: Api, name: str) -> int:
    return len(api.queries(f"/items/{name}/kids"))


@pytest.mark.parametrize("longest", [7 * DAY, 2 * DAY, timedelta(hours=7)])
def test_a_span_that_only_some_parents_allow_is_cut(api: Api, longest: timedelta) -> None:
    off = never("The granularity hour is not supported")
    reports(api, a=report(), b=off, c=spans(longest), d=spans(longest / 2), e=off)
    outcome = read(source(), MONTH)
    assert figures(outcome) == {"a": 120, "c": 120, "d": 120}
    assert outcome.readings["kids"].skipped == ["parent=b: 400", "parent=e: 400"]
    assert found(outcome) == []


@pytest.mark.parametrize("minutes", [1, 40, 600])
def test_an_end_that_is_refused_is_moved(api: Api, minutes: int) -> None:
    now = datetime.now(UTC)
    late = now - timedelta(minutes=minutes)
    figure = report(lambda start, end: "E2" if end > late else None, now - 2 * DAY, 4)
    reports(api, a=figure, b=figure)
    outcome = read(source(), Window(now - 2 * DAY, now + DAY))
    assert min(figures(outcome).values()) >= 3
    assert outcome.readings["kids"].read_up_to is not None
    assert (outcome.readings["kids"].skipped, found(outcome)) == ([], [])


def test_a_resource_without_parents_is_cut_too(api: Api) -> None:
    api.on("/x/kids", spans(3 * DAY))
    endpoint = {"path": "/x/kids", "incremental": RANGE, **actions(ignore(400))}
    outcome = read(shop(item(endpoint, columns=COLUMNS)), MONTH)
    assert len(outcome.ids()) == 120
    assert outcome.readings["items"].complete


@pytest.mark.parametrize("window", [MONTH, ONE_DAY])
@pytest.mark.parametrize("text", ["Invalid dateRange", "E1", "Bad Request", "since is not a date"])
def test_a_refusal_of_everything_is_in_doubt(api: Api, text: str, window: Window) -> None:
    reports(api, a=never(text), b=never(text))
    outcome = read(source(), window)
    (message,) = found(outcome)
    assert "response_actions ignore status 400, which came 2 times" in message
    assert text in message
    assert "param_format" in message
    assert not outcome.readings["kids"].complete
    assert outcome.readings["kids"].skipped == ["parent=a: 400", "parent=b: 400"]


def test_a_refusal_of_a_resource_without_parents_is_in_doubt(api: Api) -> None:
    api.on("/x/kids", never("E9"))
    endpoint = {"path": "/x/kids", "incremental": RANGE, **actions(ignore(400))}
    outcome = read(shop(item(endpoint, columns=COLUMNS)), ONE_DAY)
    (message,) = found(outcome, "items")
    assert "status 400" in message
    assert outcome.readings["items"].stop_reasons == {"status 400, ignored"}


@pytest.mark.parametrize(
    "text",
    ["No data for this date range", "There are no usage records yet", "Report not found",
     "Analytics is not enabled for this account", "Please upgrade your plan", "unsupported metric"],
)  # fmt: skip
def test_a_text_that_speaks_of_absence_is_none(api: Api, text: str) -> None:
    reports(api, a=never(text), b=never(text))
    outcome = read(source(), MONTH)
    assert (outcome.ids("kids"), found(outcome)) == ([], [])
    assert (requests(api, "a"), requests(api, "b")) == (1, 1)


def test_a_text_that_the_file_quotes_is_none(api: Api) -> None:
    reports(api, a=never("E17: bad date range"), b=never("E17: bad date range"))
    outcome = read(source(ignore(400, "E17")), MONTH)
    assert (outcome.ids("kids"), found(outcome)) == ([], [])
    assert requests(api, "a") == 1


def test_an_empty_body_cannot_be_quoted(api: Api) -> None:
    reports(api, a=(400, {}, b""))
    outcome = read(source(), ONE_DAY)
    assert (outcome.ids("kids"), found(outcome)) == ([], [])


@pytest.mark.parametrize("age", [3, 10, 25])
def test_bounds_that_lie_too_far_back(api: Api, age: int) -> None:
    first = START + age * DAY
    limited = report(lambda start, end: "E5" if start < first else None)
    reports(api, a=report(), b=limited)
    outcome = read(source(), MONTH)
    counts = figures(outcome)
    assert counts["a"] == 120
    assert 4 * (30 - age) - 1 <= counts["b"] <= 4 * (30 - age)
    (message,) = found(outcome)
    assert "the first from 2025-05-0" in message
    assert requests(api, "b") < 50


def test_a_part_without_records_hides_no_other_part(api: Api) -> None:
    """The file declares 404 for a period without records, and a span of a week."""

    def sparse(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        records = report(first=START + 20 * DAY, days=5)(path, query, headers)
        return records or (404, {}, {"message": "no figures"})

    reports(api, a=sparse)
    outcome = read(source(ignore(404), max_span="P7D"), MONTH)
    assert figures(outcome) == {"a": 20}
    assert found(outcome) == []
    assert not outcome.readings["kids"].complete


def test_a_month_without_records_hides_no_other_month(api: Api) -> None:
    def monthly(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        if query["since"] == "2025-05-01":
            return 404, {}, {}
        return [{"id": "june", "at": "2025-06-02T00:00:00Z"}]

    reports(api, a=monthly)
    assert read(source(ignore(404), **BY_MONTH), MONTH).ids("kids") == ["june"]


BY_MONTH = {"end_param": None, "step": "month", "param_format": "date", "time_zone": "UTC"}
PARTS: dict[str, tuple[dict[str, Any], Callable[[str], bool]]] = {
    "the first month": (BY_MONTH, lambda since: since < "2025-06"),
    "the last month": (BY_MONTH, lambda since: since >= "2025-06"),
    "the first week": ({"max_span": "P7D"}, lambda since: since < "2025-05-08"),
    "a later week": ({"max_span": "P7D"}, lambda since: "2025-05-18" < since < "2025-05-25"),
}


@pytest.mark.parametrize("status", [403, 404, 410])
@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_is_gone_is_an_error(api: Api, name: str, status: int) -> None:
    """A whole child may be gone. A part of it is none: other parts show that the child is there."""
    incremental, is_gone = PARTS[name]

    def partly(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        if is_gone(query["since"]):
            return status, {}, {}
        return [{"id": query["since"], "at": "2025-06-02T00:00:00Z"}]

    reports(api, a=partly, b=(404, {}, {}))
    error = read(source(**incremental), MONTH).error("kids")
    assert "a part of the window has no page, and another part has one" in error
    assert f"declare response_actions with status_code {status} and action ignore" in error
    assert read(source(ignore(status), **incremental), MONTH).failures == {}


@pytest.mark.parametrize("keys", [BY_MONTH, {"max_span": "P7D"}], ids=["months", "weeks"])
def test_a_child_that_is_gone_in_all_parts_is_skipped(api: Api, keys: dict[str, Any]) -> None:
    reports(api, a=[{"id": "a", "at": "2025-06-02T00:00:00Z"}], b=(404, {}, {}))
    outcome = read(source(**keys), MONTH)
    assert (outcome.ids("kids"), len(outcome.readings["kids"].skipped)) == (["a"], 1)


def test_many_parents_without_records_cost_few_requests(api: Api) -> None:
    names = {f"r{i}": never(f"E{i}") for i in range(60)}
    reports(api, a=report(), **names)
    outcome = read(source(), ONE_DAY)
    assert figures(outcome) == {"a": 4}
    assert found(outcome) == []
    assert len(api.seen) < 60 + 40 * 8


# --- children without bounds -----------------------------------------------------------------------

REFUSALS: dict[str, tuple[int, Any, bool]] = {
    "a server that is down": (500, {"error": "boom"}, True),
    "a server that is down, without a text": (503, b"", True),
    "a wrong key": (401, {"message": "token expired"}, True),
    "a wrong request": (400, {"message": "unknown parameter: view"}, True),
    "a wrong request, in another status": (422, {"message": "E422"}, True),
    "gone": (404, {}, False),
    "not permitted": (403, {"message": "E403"}, False),
    "not there any more": (410, {}, False),
    "a feature that is off": (400, {"message": "Flags are not enabled for this project"}, False),
    "a feature that is off, with a time": (
        400, {"timestamp": "2025-05-06T00:00:00", "message": "Update your plan"}, False,
    ),
    "nothing": (400, {"message": "This project has no items"}, False),
    "no content": (204, b"", False),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_all_children_refused(api: Api, name: str) -> None:
    status, body, is_doubtful = REFUSALS[name]
    reports(api, a=(status, {}, body), b=(status, {}, body))
    declared = shop(item(columns={"id": "text"}), kids(actions(ignore(status))))
    outcome = read(declared)
    assert outcome.ids("kids") == []
    assert bool(found(outcome)) is is_doubtful
    if is_doubtful:
        assert f"response_actions ignore status {status}, which came 2 times" in found(outcome)[0]
    reports(api, a=(status, {}, body), b=[{"id": 1}])
    assert found(read(declared)) == [], "the other child shows that the API gives records"
    reports(api, a=(status, {}, body))
    assert found(read(declared)) == [], "the file may be about this child"


def test_a_doubt_keeps_a_table_from_being_replaced(api: Api) -> None:
    reports(api, a=(500, {}, {}), b=(500, {}, {}))
    kid = {**kids(actions(ignore(500))), "write_disposition": "replace"}
    assert "does not replace the table" in read(shop(item(columns={"id": "text"}), kid)).error(
        "kids"
    )

"""Tests of the sandbox's filters, orders and children: all as declared."""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics_sync import catalog
from analytics_sync.catalog import Source
from analytics_sync.sandbox import Ledger, Options, Sandbox
from analytics_sync.sandbox.data.timestamps import to_ms
from analytics_sync_tests.support.shop_source import (
    END,
    SMALL,
    START,
    Client,
    flat,
    in_order,
    value_at_path,
)


def _window(client: Client, name: str, **query: Any) -> list[str]:
    resource = client.source.resources[name]
    assert resource.cursor is not None
    return sorted(
        value_at_path(r, resource.cursor.name) for r in flat(client.read_pages(name, query))
    )


def test_windows_are_filtered_on_the_server_with_both_ends_included(box: Sandbox) -> None:
    client, ledger = Client(box), box.ledger("shop")
    low, high = "2025-03-31T00:00:00.000Z", "2025-03-31T23:59:59.999Z"

    def expected(name: str, *days: date) -> list[Any]:
        cursor = client.source.resources[name].cursor
        assert cursor is not None
        return sorted(value_at_path(r, cursor.name) for r in ledger.expected(name, *days))

    day = (date(2025, 3, 31), date(2025, 4, 1))
    found = _window(client, "links", **{"filter[from]": low, "filter[to]": high})
    assert found == expected("links", *day)
    assert found[0] == low
    assert found[-1] == high
    # The server compares instants: 02:00 at offset +02:00 is midnight UTC.
    with_offset = _window(
        client, "links", **{"filter[from]": "2025-03-31T02:00:00+02:00", "filter[to]": high}
    )
    assert with_offset == found
    # A window that is one millisecond shorter at each end has one record less at each end.
    inside = {"filter[from]": "2025-03-31T00:00:00.001Z", "filter[to]": "2025-03-31T23:59:59.998Z"}
    assert _window(client, "links", **inside) == found[1:-1]
    assert _window(client, "builds", startDate="2025-03-31", endDate="2025-03-31") == expected(
        "builds", *day
    )
    start, end = to_ms(day[0]), to_ms(day[1])
    assert _window(client, "audit", **{"from": start, "to": end - 1}) == expected("audit", *day)
    # The parameter ``before`` is a bound if its value is a time, otherwise it is a cursor.
    assert _window(client, "changes", after=low, before=high) == expected("changes", *day)
    assert client.status("v1/links", {"filter[from]": "yesterday"}) == 422
    assert client.status("v1/audit", {"from": "2025-03-31"}) == 422


def test_a_resource_by_month_returns_the_whole_month_and_requires_it(box: Sandbox) -> None:
    client, ledger = Client(box), box.ledger("shop")
    march = _window(client, "usage", period="2025-03-30")
    assert march == sorted(
        r["timestamp"] for r in ledger.expected("usage", START, date(2025, 4, 1))
    )
    assert client.status("v1/usage") == 422


def test_two_bounds_under_one_name() -> None:
    text = """
client: {}
resources:
  - name: reports
    primary_key: [time, key]
    endpoint: {path: reports, data_selector: data, paginator: single_page,
      incremental: {cursor_path: time, start_param: dateRange, end_param: dateRange, param_format: date}}
    columns: {time: date, key: text, value: double}
"""
    source = catalog.load_text(text, name="olap", file="olap.yaml")
    with Sandbox([source], SMALL) as box:
        client = Client(box, "olap")
        rows = client.get("reports", [("dateRange", "2025-03-30"), ("dateRange", "2025-03-31")])[
            "data"
        ]
        assert {r["time"] for r in rows} == {"2025-03-30", "2025-03-31"}
        days = (date(2025, 3, 30), date(2025, 4, 1))
        assert in_order(rows) == in_order(box.ledger("olap").expected("reports", *days))
        after = client.get("reports", {"dateRange": "2025-03-31"})["data"]
        assert {r["time"] for r in after} == {"2025-03-31", "2025-04-01"}


def test_records_come_in_the_declared_or_the_requested_order(box: Sandbox) -> None:
    client = Client(box)
    newest = [r["created_at"] for r in flat(client.read_pages("tokens"))]
    assert newest == sorted(newest, reverse=True)
    oldest = [r["created_at"] for r in flat(client.read_pages("tokens", {"sort": "created_at"}))]
    assert oldest == newest[::-1]
    plain = [r["attributes"]["at"] for r in flat(client.read_pages("links"))]
    assert plain not in (sorted(plain), sorted(plain, reverse=True))
    first = client.get("v1/links", {"sort": "-attributes.at", "limit": 1})["data"]
    assert [r["attributes"]["at"] for r in first] == [max(plain)]


def test_children_are_served_below_their_parents_and_nowhere_else(box: Sandbox) -> None:
    client, ledger = Client(box), box.ledger("shop")
    for version in ledger.records("tokens"):
        token = version.record["id"]
        below = flat(client.read_pages("jobs", token_id=token))
        assert len(below) == SMALL.rows_per_parent
        assert not any("token_id" in r for r in below), "the reader copies the field of the parent"
        assert sorted(r["id"] for r in below) == sorted(
            r["id"] for r in ledger.expected("jobs") if r["token_id"] == token
        )
    assert client.status("v1/token/unknown/job") == 404
    assert client.status("v1/answers") == 422
    assert client.status("v1/answers", {"survey": "unknown"}) == 404


def test_a_chain_of_children_is_kept_short(shop: Source) -> None:
    def sizes(limit: int) -> list[int]:
        options = Options(rows_per_day=50, rows_per_parent=4, max_chain=limit, start=START, end=END)
        return [len(Ledger(shop, options).records(name)) for name in ("tokens", "jobs", "changes")]

    assert sizes(0) == [150, 600, 150]
    assert sizes(120) == [30, 120, 150]
    assert sizes(1) == [6, 24, 150], "each day keeps two tokens: at its start and at its end"


def test_a_field_that_a_child_key_inherits_is_never_null() -> None:
    text = """
client: {}
resources:
  - {name: groups, primary_key: id, endpoint: groups, columns: {id: text, label: text, note: text}}
  - name: members
    primary_key: [group, number]
    endpoint: {path: "groups/{group}/members", data_selector: data,
      params: {group: {type: resolve, resource: groups, field: id}}}
    include_from_parent: {group: label}
    columns: {group: text, number: bigint}
"""
    ledger = Ledger(catalog.load_text(text, name="clubs", file="clubs.yaml"), SMALL)
    assert len(ledger.expected("members")) == len(ledger.records("members")) == 12 * 3


def test_details_exist_for_jobs_that_are_not_skipped(box: Sandbox) -> None:
    client, ledger = Client(box), box.ledger("shop")
    kinds = set()
    for job in (v.record for v in ledger.records("jobs")):
        slug, number = job.get("project_slug"), job.get("job_number")
        has_detail = slug is not None and number is not None and job["type"] != "approval"
        kinds.add((has_detail, job["type"] == "approval"))
        if slug is not None and number is not None:
            path = f"v1/project/{slug.replace('project-', 'project%2D')}/job/{number}"
            assert client.status(path) == (200 if has_detail else 404)
            if has_detail:
                detail = client.get(path)
                assert (detail["project"]["id"], detail["number"]) == (
                    slug.rpartition("/")[2],
                    number,
                )
    assert kinds == {(True, False), (False, True), (False, False)}
    assert client.status("v1/project/gh%2Facme/project-0") == 200, (
        "an encoded slash stays in its value"
    )
    assert client.get("v1/project/gh/acme/project-0")["name"]


def test_children_belong_to_the_window_of_their_parent(shop: Source) -> None:
    ledger = Ledger(shop, SMALL)
    day = (date(2025, 3, 31), date(2025, 4, 1))
    tokens = {r["id"] for r in ledger.expected("tokens", *day)}
    jobs = ledger.expected("jobs", *day)
    assert {r["token_id"] for r in jobs} == tokens
    numbers = {r.get("job_number") for r in jobs}
    details = ledger.expected("details", *day)
    assert details
    assert {r["number"] for r in details} < numbers
    # A child with a cursor belongs to the window of that cursor.
    assert {r["updated_at"][:10] for r in ledger.expected("answers", *day)} == {"2025-03-31"}

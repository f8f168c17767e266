"""Tests of the sandbox's data: reproducible by seed, typed as declared, changed on demand."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.sandbox import Ledger, Options, Sandbox
from analytics_sync.sandbox.data.timestamps import to_ms
from analytics_sync_tests.support.shop_source import (
    END,
    SMALL,
    START,
    Client,
    all_records,
    flat,
    in_order,
    served,
    value_at_path,
)


def test_same_seed_same_data_and_other_seed_other_data(shop: Source) -> None:
    def data(options: Options) -> dict[str, list[bytes]]:
        ledger = Ledger(shop, options)
        return {name: served(ledger, name) for name in shop.resources}

    other = Options(rows=12, rows_per_day=6, max_page=5, start=START, end=END, seed=1)
    assert data(SMALL) == data(SMALL)
    assert all(a != b for a, b in zip(data(SMALL).values(), data(other).values(), strict=True))


def test_the_records_of_a_day_do_not_depend_on_other_days(shop: Source) -> None:
    longer = Options(rows=12, rows_per_day=6, start=START - timedelta(days=9), end=END)
    day = (date(2025, 3, 31), date(2025, 4, 1))
    for name in ("changes", "builds", "usage"):
        assert Ledger(shop, longer).expected(name, *day) == Ledger(shop, SMALL).expected(name, *day)


def test_days_reach_from_their_first_to_their_last_instant(shop: Source) -> None:
    rows = Ledger(shop, SMALL).expected("changes", date(2025, 3, 31), date(2025, 4, 1))
    times = [row["created_at"] for row in rows]
    assert len(set(times)) == SMALL.rows_per_day
    assert min(times) == "2025-03-31T00:00:00.000Z"
    assert max(times) == "2025-03-31T23:59:59.999Z"


def test_values_fit_their_declaration(shop: Source) -> None:
    ledger = Ledger(shop, Options(rows=300, rows_per_day=90, max_chain=0, start=START, end=END))
    kinds: dict[str, Any] = {"text": str, "bigint": int, "double": int | float, "json": dict | list}
    nulls = absent = 0
    for resource in shop.resources.values():
        rows = ledger.expected(resource.name)
        keys = {
            tuple(value_at_path(r, f.name) for f in resource.fields if f.column in resource.key)
            for r in rows
        }
        assert len(keys) == len(rows) == len(ledger.records(resource.name)), resource
        for row in rows:
            for field in resource.fields:
                value = value_at_path(row, field.name)
                absent += field.path[-1] not in row and len(field.path) == 1
                nulls += value is None
                if value is None:
                    assert not field.required, (resource, field.name)
                elif field.format:
                    assert isinstance(value, int)
                elif field.data_type == "timestamp":
                    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value)
                else:
                    assert isinstance(value, kinds[field.data_type]), (resource, field.name)
    assert nulls > absent > 0
    numbers = [r["job_number"] for r in ledger.expected("jobs") if r.get("job_number") is not None]
    assert len(set(numbers)) == len(numbers) > 500, "the path of a child holds this number"
    row = ledger.expected("counted")[0]
    assert {"name", "undeclared_note"} <= set(row["attributes"])


def test_aliases_and_null_as_are_served_and_read_back(shop: Source) -> None:
    ledger = Ledger(shop, Options(rows=200, start=START, end=END))
    records = [v.record for v in ledger.records("offsets")]
    assert any("vcs-type" in r and "vcs_type" not in r for r in records)
    assert all(r["vcs_type"] for r in ledger.expected("offsets"))
    assert any(v.record["part"] is None for v in ledger.records("answers"))
    assert all(r["part"] is not None for r in ledger.expected("answers"))


def test_advance_updates_and_adds_late_and_new_records(shop: Source) -> None:
    options = Options(rows=40, rows_per_day=40, start=START, end=END)
    with Sandbox([shop], options) as box:
        ledger, client = box.ledger("shop"), Client(box)
        before = {n: {v.number: v for v in ledger.records(n)} for n in shop.resources}
        last = date(2025, 4, 1)
        on_last_day = {r["id"] for r in ledger.expected("edits", last, END)}
        assert ledger.advance() == 1
        after = {n: {v.number: v for v in ledger.records(n)} for n in shop.resources}
        for name in ("edits", "numbered", "tokens", "jobs"):
            kept = before[name].keys() & after[name].keys()
            changed = [n for n in kept if before[name][n].body != after[name][n].body]
            assert changed, name
            assert all(after[name][n].revision == 1 for n in changed)
            assert len(ledger.history(name)) == len(after[name]) + len(changed)
            assert after[name].keys() > before[name].keys(), name
        # An update moves a cursor that holds the time of the update: forward, to the last day.
        moved = [n for n in before["edits"] if before["edits"][n].ms != after["edits"][n].ms]
        assert len(moved) == 12
        for n in moved:
            ms, old = after["edits"][n].ms, before["edits"][n].ms
            assert ms is not None
            assert old is not None
            assert ms > max(old, to_ms(last) - 1)
        assert {r["id"] for r in ledger.expected("edits", last, END)} > on_last_day
        # An update does not move a cursor that holds the time of creation.
        assert not [n for n in before["tokens"] if before["tokens"][n].ms != after["tokens"][n].ms]
        late = [v for n, v in after["edits"].items() if n not in before["edits"]]
        assert {v.ms < to_ms(last) for v in late if v.ms} == {True, False}
        for resource in shop.resources.values():
            assert all_records(client, ledger, resource) == served(ledger, resource.name)
        again = Ledger(shop, options)
        again.advance()
        assert all(served(again, n) == served(ledger, n) for n in shop.resources)


def test_new_records_have_the_present_time_if_the_last_day_is_today(shop: Source) -> None:
    now = datetime(2025, 4, 1, 12, 34, 56, tzinfo=UTC)
    ledger = Ledger(shop, SMALL, clock=lambda: to_ms(now))
    before = {v.number for v in ledger.records("changes")}
    assert all(v.instant < now for v in ledger.records("changes") if v.instant is not None)
    ledger.advance()
    new = [v for v in ledger.records("changes") if v.number not in before]
    present = [v.instant for v in new if v.instant is not None and v.instant.date() == now.date()]
    assert sorted(present) == [now - timedelta(seconds=s) for s in (2, 1, 0)]


def test_add_update_and_delete_change_the_served_records(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        ledger, client = box.ledger("shop"), Client(box)
        added = ledger.add("tokens", {"id": "a/b", "created_at": "2025-03-31T12:00:00+02:00"})
        assert str(added.instant) == "2025-03-31 10:00:00+00:00"
        assert len(flat(client.read_pages("jobs", token_id="a/b"))) == SMALL.rows_per_parent
        job = ledger.add(
            "jobs", {"id": "j", "type": "x", "job_number": 7, "project_slug": "x/y/z"}, added
        )
        assert job.params == ("a/b",)
        assert client.get("v1/project/x/y/z/job/7")["number"] == 7
        ledger.update("jobs", "j", {"job_number": 8})
        assert client.status("v1/project/x/y/z/job/7") == 404
        assert client.get("v1/project/x/y/z/job/8")["number"] == 8
        ledger.update("tokens", "a/b", {"created_at": "2025-04-01T00:00:00Z", "project_slug": "s"})
        assert "a/b" in {r["id"] for r in ledger.expected("tokens", date(2025, 4, 1))}
        assert "a/b" not in {r["id"] for r in ledger.expected("tokens", START, date(2025, 4, 1))}
        assert [
            v.record["project_slug"] for v in ledger.records("tokens") if v.record["id"] == "a/b"
        ] == ["s"]
        with pytest.raises(ValueError, match="taken"):
            ledger.add("tokens", {"id": "a/b"})
        ledger.update("tokens", "a/b", {"created_at": None})
        assert "a/b" in {r["id"] for r in ledger.rejected("tokens")}, "a token without a cursor"
        assert "a/b" not in {r["id"] for r in ledger.expected("tokens")}
        ledger.delete("tokens", "a/b")
        assert client.status("v1/token/a%2Fb/job") == 404
        assert client.status("v1/project/x/y/z/job/8") == 404
        assert "j" not in {r["id"] for r in ledger.expected("jobs")}
        assert {"a/b"} == {v.record["id"] for v in ledger.history("tokens") if v.revision > 0}
        with pytest.raises(KeyError):
            ledger.delete("tokens", "a/b")


def test_drift_breaks_a_share_of_the_records_in_known_ways(shop: Source) -> None:
    ledger = Ledger(shop, Options(rows=400, drift=0.3, start=START, end=END))
    versions = ledger.records("numbered")
    broken = [v for v in versions if v.drift is not None]
    assert 0.2 < len(broken) / len(versions) < 0.4
    assert {v.drift.kind for v in broken if v.drift} == {"extra", "misfit", "keyless"}
    keyless = [v.record for v in broken if v.drift and v.drift.kind == "keyless"]
    assert in_order(keyless) == in_order(ledger.rejected("numbered"))
    assert len(ledger.expected("numbered")) == len(versions) - len(keyless)
    assert "not a number" in {v.record.get("count") for v in versions}
    assert "not a number" not in {r.get("count") for r in ledger.expected("numbered")}
    assert any("undeclared" in r for r in ledger.expected("numbered"))


def test_options_are_checked() -> None:
    for wrong in ({"rows": -1}, {"max_page": 0}, {"drift": 2.0}, {"start": END, "end": START}):
        with pytest.raises(ValueError, match=r"expected|before"):
            Options(**wrong)

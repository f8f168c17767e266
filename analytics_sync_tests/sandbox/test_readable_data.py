"""The records of the shipped sources read like real ones: people, hosts, times and states agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from analytics_sync.catalog import load_catalog
from analytics_sync.sandbox import Ledger, Options

SIZES = Options(rows=60, rows_per_day=40, start=date(2025, 3, 30), end=date(2025, 4, 2))
SOURCES = load_catalog()
LEDGERS = {name: Ledger(source, SIZES) for name, source in SOURCES.items()}


def rows(asset: str) -> list[dict[str, Any]]:
    source, resource = asset.split("/")
    return LEDGERS[source].expected(resource)


def texts(value: Any) -> Iterator[str]:
    """All texts in a record."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


@pytest.mark.parametrize("source", SOURCES)
def test_no_text_is_made_of_the_names_of_fields(source: str) -> None:
    for resource in SOURCES[source].resources.values():
        for row in rows(f"{source}/{resource.name}"):
            for text in texts(row):
                assert not re.search(rf"\d+ of {resource.name}|changed in revision", text)


@pytest.mark.parametrize("source", SOURCES)
def test_addresses_are_in_reserved_domains(source: str) -> None:
    for resource in SOURCES[source].resources.values():
        for text in (t for row in rows(f"{source}/{resource.name}") for t in texts(row)):
            for host in re.findall(r"(?:https?://|@)([\w.-]+\.\w+)", text):
                assert host.endswith("example.com"), text


@pytest.mark.parametrize(
    ("asset", "names"),
    [
        ("observability/incidents", ["created", "detected", "declared", "resolved", "modified"]),
        ("ci_pipelines/jobs", ["created_at", "queued_at", "started_at", "stopped_at"]),
        ("ci_pipelines/pipelines", ["created_at", "updated_at"]),
        ("delivery/builds", ["created", "started", "finished"]),
        ("product_guidance/urls", ["created_at", "last_seen_at", "updated_at"]),
        ("product_guidance/tours", ["created_at", "published_at", "experiment_at", "updated_at"]),
    ],
)
def test_times_of_a_record_are_in_order(asset: str, names: list[str]) -> None:
    found = 0
    for row in rows(asset):
        values = row.get("attributes", row)
        times = [values[name] for name in names if values.get(name) is not None]
        assert times == sorted(times), row
        found += len(times) == len(names)
    assert found > 10


def test_a_job_runs_or_has_an_end() -> None:
    jobs = [j for j in rows("ci_pipelines/jobs") if j["status"] in {"running", "queued", "on_hold"}]
    assert jobs
    assert not any(job.get("stopped_at") for job in jobs)
    ended = [j for j in rows("ci_pipelines/jobs") if j["status"] in {"success", "failed"}]
    assert any(job.get("stopped_at") for job in ended)


def test_name_login_and_email_are_of_one_person() -> None:
    people = [row["attributes"] for row in rows("observability/users")]
    whole = [p for p in people if p.get("name") and p["handle"] and p["email"]]
    assert len({p["name"] for p in whole}) == len(whole) > 20
    for person in whole:
        assert person["email"] == f"{person['handle']}@example.com"
        assert person["name"].split()[-1].lower()[-4:] == person["handle"][-4:]


def test_an_update_reads_like_a_record_too() -> None:
    ledger = Ledger(SOURCES["observability"], SIZES)
    before = {v.number: v.record for v in ledger.records("monitors")}
    ledger.advance(3)
    changed = [v for v in ledger.records("monitors") if before.get(v.number, v.record) != v.record]
    assert changed
    old = {text for record in before.values() for text in texts(record)}
    for version in changed:
        assert not [t for t in texts(version.record) if "revision" in t]
    assert {t for v in changed for t in texts(v.record)} & old

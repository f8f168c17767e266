"""The five seed configurations: each works as pasted, and the catalog follows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Resource, Source, load_catalog, load_file
from analytics_sync.catalog.naming import column_name
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync_tests.support.scripted_api import read

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
FILES = sorted(SEEDS.glob("*.txt"))
pytestmark = pytest.mark.skipif(len(FILES) != 5, reason="the seeds are not beside this repository")

CATALOG = load_catalog()
# The order of the files.
NAMES = ("observability", "product_guidance", "ci_pipelines", "customer_data", "delivery")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def seed(name: str) -> Source:
    return load_file(FILES[NAMES.index(name)], name=name)


@pytest.fixture(params=NAMES)
def served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    options = Options(rows=130, max_page=50, start=date(2024, 2, 28), end=date(2024, 3, 2))
    with Sandbox([seed(request.param)], options) as sandbox:
        for name, value in sandbox.settings().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield sandbox


def plain(resource: Resource, record: dict[str, Any]) -> dict[str, Any]:
    """The row that a record must give: nested values as JSON, times as such, nulls left out."""

    def column(name: str, value: Any) -> Any:
        if isinstance(value, dict | list):
            return json.dumps(value, sort_keys=True)
        is_time = isinstance(value, str) and name not in resource.primary_key and TIME.match(value)
        return datetime.fromisoformat(value) if is_time else value

    return {column_name(n): column(n, v) for n, v in record.items() if v is not None}


def row_of(row: dict[str, Any]) -> dict[str, Any]:
    """A row with nested values in the form of ``plain``, without an empty ``_extra``."""

    def text(value: Any) -> Any:
        nested = isinstance(value, str) and value[:1] in ("{", "[")
        return json.dumps(json.loads(value), sort_keys=True) if nested else value

    # A field whose values were all null when columns were inferred has no column.
    undeclared = json.loads(row.pop("_extra", "{}"))
    assert set(undeclared.values()) <= {None}
    return {name: text(value) for name, value in row.items()}


def test_a_seed_pasted_as_it_stands_is_a_working_source(served: Sandbox) -> None:
    (source,) = served.sources.values()
    outcome = read(source)
    assert outcome.failures == {}
    for resource in source.assets:
        expected = [plain(resource, r) for r in served.ledger(source.name).expected(resource.name)]
        found = [row_of(row) for row in outcome.rows[resource.name]]
        assert expected, resource
        order = resource.key[0]
        assert sorted(found, key=lambda r: str(r[order])) == sorted(
            expected, key=lambda r: str(r[order])
        ), resource
        assert not outcome.readings[resource.name].rejected


@pytest.mark.parametrize("name", NAMES)
def test_names_are_those_of_the_seed_in_its_order(name: str) -> None:
    names = [*seed(name).resources]
    shipped = [r.name for r in CATALOG[name].assets]
    assert shipped == names


CUT = "newer servers cut a response at a page's size, so the catalog declares pages"
WHOLE = "one response holds all records: declared, so that a link to a next page is no error"
NO_ID = "the records have no id"
PROSE = "the seed's own text names this key below its configuration"

# resource and key in which the catalog differs from the seed -> the catalog's value, and why
DEVIATIONS: dict[tuple[str, str], tuple[Any, str]] = {
    ("observability/dashboards", "paginator"): ("offset", CUT),
    ("observability/service_level_objectives", "paginator"): ("offset", CUT),
    ("observability/synthetic_tests", "paginator"): ("page_number", CUT),
    ("observability/downtimes", "paginator"): ("single_page", WHOLE),
    ("observability/metrics", "paginator"): ("single_page", WHOLE),
    ("observability/monitors", "paginator"): ("single_page", WHOLE),
    ("observability/synthetic_tests", "key"): (("public_id",), NO_ID),
    ("ci_pipelines/self_collaborations", "key"): (("slug",), "the id may be null"),
    ("ci_pipelines/me", "key"): (("analytics_id",), PROSE),
    ("ci_pipelines/projects", "key"): (("vcs_url",), PROSE),
    ("ci_pipelines/jobs", "key"): (("project.id", "number"), "a number is unique in one project only"),
    ("ci_pipelines/insights_metrics", "key"): (("project_id",), PROSE),
    ("ci_pipelines/insights_branches", "key"): (("project_id",), PROSE),
    ("customer_data/labels", "key"): (("key", "value"), NO_ID),
    ("customer_data/usage_api_calls_daily", "key"): (("timestamp",), "one row a day, without an id"),
    ("customer_data/usage_mtu_daily", "key"): (("timestamp",), "one row a day, without an id"),
    ("delivery/accounts", "key"): (("_id",), NO_ID),
    ("delivery/account_settings", "key"): (("_id",), NO_ID),
    ("delivery/analytics_metadata", "key"): (("reportName",), NO_ID),
    ("delivery/analytics_reports", "key"): (("reportName", "time", "key"), "one figure a point in time"),
    ("delivery/execution_contexts", "key"): (("_id",), NO_ID),
    ("delivery/contexts", "key"): (("metadata.name",), NO_ID),
    ("delivery/pipelines", "key"): (("metadata.id",), NO_ID),
    ("delivery/step_types", "key"): (("metadata.name",), NO_ID),
    ("delivery/helm_repos", "key"): (("Name",), NO_ID),
}  # fmt: skip


def compared(resource: Resource) -> dict[str, Any]:
    return {
        "path": resource.path,
        "selector": resource.selector,
        "paginator": resource.paginator.type,
        "key": resource.primary_key,
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_catalog_differs_from_the_seed_for_declared_reasons_only(name: str) -> None:
    found = {}
    for resource in seed(name).resources.values():
        ours = compared(CATALOG[name].resources[resource.name])
        for key, theirs in compared(resource).items():
            if theirs != ours[key]:
                found[str(resource), key] = ours[key]
    declared = {place: ours for place, (ours, reason) in DEVIATIONS.items() if reason}
    assert found == {p: ours for p, ours in declared.items() if p[0].startswith(f"{name}/")}


def test_the_seeds_settings_are_the_catalogs() -> None:
    for name in NAMES:
        theirs, ours = seed(name).client, CATALOG[name].client
        assert (theirs.base_url, theirs.auth) == (ours.base_url, ours.auth), name

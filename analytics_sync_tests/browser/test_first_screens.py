"""What a newcomer sees after ``make demo`` and ``make dev``: history, graph, asset page and plots."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from analytics_sync_tests.browser.actions import wait_for_text
from analytics_sync_tests.support.demo_site import DAYS

if TYPE_CHECKING:
    from playwright.sync_api import Page

_PLOTS = 12
# whether so many canvases have a pixel in the colour of the line
_HAVE_LINES = """number => [...document.querySelectorAll('canvas')].filter(canvas => {
  const { width, height } = canvas;
  const found = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  for (let i = 0; i < found.length; i += 4)
    if (found[i + 3] > 200 && found[i + 2] > found[i] + 80 && found[i + 2] > found[i + 1] + 80) return true;
  return false;
}).length >= number"""


def test_the_timeline_has_the_runs_of_the_demo(page: Page) -> None:
    page.goto("/timeline")
    wait_for_text(page, "Jobless asset materializations")
    location = page.get_by_role("button", name=re.compile("analytics_sync"))
    succeeded, failed = re.findall(r"\d+", location.inner_text())
    assert int(succeeded) >= 2, "the run of all assets, and the repair"
    assert int(failed) >= 1


def test_the_runs_show_the_failed_one_and_its_error(page: Page) -> None:
    page.goto("/runs")
    wait_for_text(page, re.compile(r"^\d\d more$"))  # the run of all assets
    page.get_by_text("Failed", exact=True).click()
    page.get_by_text("Success", exact=True).first.wait_for(state="hidden")
    wait_for_text(page, "Failure")
    page.get_by_role("link", name="View", exact=True).last.click()
    wait_for_text(page, re.compile("answered 403"))


def test_the_catalog_shows_all_assets_as_materialized(page: Page) -> None:
    page.goto("/assets")
    wait_for_text(page, "ci_pipelines / context")
    wait_for_text(page, "Materialized")
    wait_for_text(page, f"{DAYS} partitions")
    assert not page.get_by_text("Failed", exact=True).count()
    assert not page.get_by_text("Never materialized").count()


def test_the_graph_shows_a_chain_of_assets(page: Page) -> None:
    page.goto("/locations/analytics_sync/asset-groups/ci_pipelines/lineage")
    for name in ("ci_pipelines_api", "pipelines", "workflow", "workflow_jobs", "jobs"):
        page.get_by_text(name, exact=True).first.wait_for()


def test_the_page_of_an_asset_says_what_a_row_is(page: Page) -> None:
    page.goto("/assets/observability/incidents")
    for text in (
        "One incident, as it stands now.",
        "One row per",
        "Title of the incident",
        "data-platform",
        "domain: reliability",
        "primary key: id",
        "observability.incidents",
    ):
        wait_for_text(page, text)


def test_a_number_of_the_metadata_has_a_plot(page: Page) -> None:
    page.goto("/assets/observability/incidents")
    page.get_by_role("button", name="Plots").click()
    wait_for_text(page, "dagster/partition_row_count")
    page.wait_for_function(_HAVE_LINES, arg=_PLOTS)  # the lines grow


def test_the_checks_of_an_asset_have_passed(page: Page) -> None:
    page.goto("/assets/observability/incidents?view=checks")
    for name in ("complete", "freshness", "primary_key_unique", "volume"):
        page.get_by_text(name, exact=True).first.wait_for()
    assert not page.get_by_text("Failed", exact=True).count()

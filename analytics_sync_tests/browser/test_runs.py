"""Runs that a person starts, stops, finds and repairs in the UI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from analytics_sync_tests.browser.actions import (
    choose,
    launch,
    wait_for_event,
    wait_for_status,
    wait_for_text,
)
from analytics_sync_tests.support.demo_site import DemoSite

if TYPE_CHECKING:
    from playwright.sync_api import Page

ASSET = "product_guidance/tours"


def test_a_day_is_materialized(page: Page, site: DemoSite) -> None:
    launch(page, ASSET, site.days[0])
    wait_for_status(page, "Success")
    wait_for_event(page, "loaded in")


def test_a_range_of_days_is_one_run(page: Page, site: DemoSite) -> None:
    first, last = site.days[0], site.days[-2]
    choose(page, ASSET, f"[{first}...{last}]")
    wait_for_text(page, re.compile("backfill", re.IGNORECASE))
    page.goto("/runs/?view=backfills")
    run = site.finished(**{"dagster/asset_partition_range_end": last})
    assert run["status"] == "SUCCESS"
    assert run["tags"]["dagster/asset_partition_range_start"] == first
    page.goto(f"/runs/{run['runId']}")
    wait_for_status(page, "Success")


def test_a_run_that_waits_is_canceled(page: Page, site: DemoSite) -> None:
    with site.trouble("slow", ASSET, "--seconds", "600"):
        run = launch(page, ASSET, site.days[1])
        wait_for_status(page, "Started")
        page.get_by_role("button", name="Terminate").first.click()
        page.get_by_role("button", name="Terminate 1 run").click()
        wait_for_status(page, "Canceled")
        assert site.status(run) == "CANCELED"


def test_a_failed_run_is_found_and_repaired(page: Page, site: DemoSite) -> None:
    with site.trouble("403", ASSET):
        failed = launch(page, ASSET, site.days[2])
        wait_for_status(page, "Failure")
    page.goto("/runs")
    page.get_by_text("Failed", exact=True).click()
    page.get_by_role("link", name=failed[:8]).click()
    wait_for_text(page, "answered 403")
    wait_for_text(page, "Give the key in SOURCES__PRODUCT_GUIDANCE__API_KEY")
    page.get_by_role("button", name="Re-execute all").locator("xpath=following::button[1]").click()
    page.get_by_text("From asset failure").click()
    repaired = site.finished(**{"dagster/parent_run_id": failed})
    assert repaired["status"] == "SUCCESS"
    page.goto(f"/runs/{repaired['runId']}")
    wait_for_status(page, "Success")


def write_config(page: Page, text: str) -> None:
    """Write the run config in the launchpad."""
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def test_the_launchpad_refuses_a_wrong_value(page: Page, site: DemoSite) -> None:
    page.goto("/locations/analytics_sync/jobs/sync_product_guidance/playground")
    launch_run = page.get_by_role("button", name="Launch Run")
    launch_run.wait_for()
    write_config(page, "ops: {product_guidance: {config: {dry_run: perhaps}}}")
    wait_for_text(page, 'is not valid for expected type "Bool"')
    assert launch_run.is_disabled()
    write_config(page, "ops: {product_guidance: {config: {page_limit: 0}}}")
    page.get_by_text("No errors").wait_for()
    page.get_by_placeholder("Partition").fill(site.days[0])
    page.get_by_text(site.days[0], exact=True).first.click()
    launch_run.click()
    page.wait_for_url("**/runs/*-*")
    wait_for_status(page, "Failure")
    wait_for_text(page, "page_limit is 0; expected a whole number from 1")

"""The alert sensor in the UI: a preview sends nothing, and ticks tell a receiver of a failure and its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from analytics_sync_tests.browser.actions import launch, wait_for_status, wait_for_text
from analytics_sync_tests.support.dagster_ui import MAX_SECONDS
from analytics_sync_tests.support.demo_site import DemoSite

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

ASSET = "delivery/builds"  # no other test lets it fail
FAILED_IN_DEMO = "observability/incidents"
_SENSOR = """{ sensorOrError(sensorSelector: {repositoryLocationName: "analytics_sync",
  repositoryName: "__repository__", sensorName: "alert_failed_runs"}) { ... on Sensor { sensorState {
  typeSpecificData { ... on SensorData { lastCursor } } } } } }"""


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + MAX_SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.3)


def has_begun(site: DemoSite) -> bool:
    """Whether the sensor has had its first tick."""
    state = site.ask(_SENSOR)["sensorOrError"]["sensorState"]
    return bool(state["typeSpecificData"]["lastCursor"])


def messages(site: DemoSite, asset: str) -> list[dict[str, Any]]:
    """The messages of an asset that the receiver has got."""
    return [m for m in site.receiver.documents if m["resources"] == [asset]]


def test_a_preview_shows_messages_and_sends_nothing(page: Page, site: DemoSite) -> None:
    wait_until(lambda: has_begun(site))
    page.goto("/locations/analytics_sync/sensors/alert_failed_runs")
    page.get_by_role("button", name="Preview tick result").click()
    page.get_by_placeholder("Enter a cursor value").fill("")
    page.get_by_role("button", name="Continue").click()
    wait_for_text(page, "webhook 127.0.0.1:")
    wait_for_text(page, f"Failed: {FAILED_IN_DEMO}")
    assert not messages(site, FAILED_IN_DEMO), "the demo has ended before the first tick"


def test_ticks_tell_of_a_failure_and_its_end(page: Page, site: DemoSite) -> None:
    wait_until(lambda: has_begun(site))
    with site.trouble("403", ASSET):
        failed = launch(page, ASSET, site.days[1])
        wait_for_status(page, "Failure")
    wait_until(lambda: messages(site, ASSET))
    repaired = launch(page, ASSET, site.days[1])
    wait_for_status(page, "Success")
    wait_until(lambda: len(messages(site, ASSET)) > 1)
    failure, well = messages(site, ASSET)
    assert (failure["event"], well["event"]) == ("failure", "well")
    assert failure["partitions"] == site.days[1]
    assert "403" in failure["cause"]
    assert failure["url"] == f"{site.url}/runs/{failed}"
    assert well["url"] == f"{site.url}/runs/{repaired}"

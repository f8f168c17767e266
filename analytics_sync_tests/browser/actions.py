"""What a person does in the UI: start a run, and wait for its status.

In: a page, an asset and partitions. Out: a launched run, and what its page shows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_PLACEHOLDER = re.compile("^ex: ")  # of the field for partitions


def choose(page: Page, asset: str, partitions: str) -> None:
    """Choose partitions of an asset in the dialog, and launch."""
    page.goto(f"/assets/{asset}")
    page.get_by_role("button", name="Materialize…").first.click()
    field = page.get_by_placeholder(_PLACEHOLDER)
    field.fill(partitions)
    field.press("Enter")
    page.get_by_role("button", name=re.compile("^Launch (1 run|backfill)$")).click()


def launch(page: Page, asset: str, day: str) -> str:
    """Launch a run of one day, and go to its page; return the id of the run."""
    choose(page, asset, day)
    page.get_by_text(re.compile("^Launched run")).wait_for()
    page.get_by_role("link", name="View", exact=True).click()
    page.wait_for_url("**/runs/*-*")
    return page.url.rpartition("/")[2].partition("?")[0]


def wait_for_status(page: Page, status: str) -> None:
    """Wait until the page of a run shows this status."""
    page.get_by_text(status, exact=True).first.wait_for()


def wait_for_text(page: Page, text: str | re.Pattern[str]) -> None:
    """Wait until the page shows this text; upper and lower case count."""
    pattern = re.compile(re.escape(text)) if isinstance(text, str) else text
    page.get_by_text(pattern).first.wait_for()


def wait_for_event(page: Page, text: str) -> None:
    """Wait until the log of a run has a line with this text. The page builds only the lines that it shows."""
    page.get_by_placeholder("Filter…").fill(text)
    wait_for_text(page, text)

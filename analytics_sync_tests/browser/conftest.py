"""Fixtures of the tests in a browser: one demo with its UI, and a page for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from analytics_sync_tests.support.demo_site import DemoSite, demo_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_CHROMIUM = shutil.which("chromium")
_WAIT_MS = 240_000  # limit for something to appear; tests wait only as needed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as slow. Skip them where no browser is installed."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)
            if _CHROMIUM is None:
                reason = "needs the program chromium (a Debian package)"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    """The demo with its UI; all tests of a process share it."""
    with demo_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Playwright brings no browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root may not use Chromium's sandbox. The pages are our own.
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, site: DemoSite, tmp_path: Path) -> Iterator[Page]:
    """An empty page in a fresh profile. A test that fails leaves its last picture in its folder."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(_WAIT_MS)
    page = context.new_page()
    yield page
    page.screenshot(path=tmp_path / "last.png")
    context.close()

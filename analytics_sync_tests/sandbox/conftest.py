"""Fixtures of the sandbox's tests: the source ``shop``, and a sandbox of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analytics_sync.catalog import Source, load_text
from analytics_sync.sandbox import Sandbox
from analytics_sync_tests.support.shop_source import SHOP, SMALL


@pytest.fixture(scope="module")
def shop() -> Source:
    """The source of which the tests make sandboxes."""
    return load_text(SHOP, name="shop", file="shop.yaml")


@pytest.fixture(scope="module")
def box(shop: Source) -> Iterator[Sandbox]:
    """A sandbox for tests that change nothing."""
    with Sandbox([shop], SMALL) as sandbox:
        yield sandbox

"""Fixtures that several test files use.

REBUILT, PLEASE REVIEW: the helper who writes the tests of spec and extract overwrote this file by
mistake at 12:00. The fixture ``world`` below was written anew from how the tests use it; whatever
else the file held is lost here. Restore it (nothing of that helper's tests needs this file).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_sync_tests.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world of its own, with the environment pointing at it."""
    with World(tmp_path) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield made

"""Random programs: what convert takes for certain is the value of every run of the program."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.from_python.reader import read_sources
from analytics_sync_tests.convert.random_programs import Programs, runs


def plain(value: Any) -> Any:
    """A value as YAML has it."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def compared(program: str, *, most: int) -> int:
    """Compare each certain value with that of each run. How many were compared."""
    try:
        drafts = read_sources(program, "shop.py")
    except CatalogError as e:
        if "steps" in str(e):  # it asks for more work than a configuration
            return 0
        raise
    count = 0
    for run in runs(program, most=most):
        for draft in drafts:
            read = draft.data["resources"][0]["endpoint"]["params"]
            for name, value in run.items():
                if "TODO" not in repr(read[name]):
                    assert read[name] == plain(value), (name, program)
                    count += 1
    return count


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_each_certain_value_is_that_of_every_run(chance: random.Random) -> None:
    compared(Programs(chance).program(), most=20)


@pytest.mark.slow
def test_each_certain_value_of_many_programs_is_that_of_every_run() -> None:
    count = sum(compared(Programs(random.Random(n)).program(), most=40) for n in range(3000))
    assert count > 100_000  # most values of most programs are certain

"""Simulated quarters: 90 days of random life end in the right tables, or in a message that says otherwise.

In: the seeds from ``QUARTERS_FROM`` on, ``QUARTERS`` of them. Out: each resource that was green and wrong.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analytics_sync_tests.support.quarter.quarter import Quarter

FIRST_SEED = int(os.environ.get("QUARTERS_FROM", "0"))
QUARTERS = int(os.environ.get("QUARTERS", "2"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + QUARTERS))
def test_a_quarter(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quarter = Quarter(seed, tmp_path, monkeypatch)
    quarter.run()
    assert not quarter.wrong, "\n".join([*quarter.life.log, *quarter.wrong])
    assert quarter.greens > 60

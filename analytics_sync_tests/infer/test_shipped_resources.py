"""Proposals for the shipped resources, compared with their declarations. The table is printed with ``-s``.

In: the sandbox of the shipped catalog. Out: shares of what is proposed right, left open, and wrong.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from analytics_sync_tests.infer.scores import ABSENT, OPEN, RIGHT, WRONG, Score, addresses, score_of
from analytics_sync_tests.support.world import World

# Odd numbers: a listing of ten records may be a page of ten.
SIZES = {"rows": 43, "rows_per_day": 17, "rows_per_parent": 4, "max_page": 30}
CHOICES = ("selector", "key", "paginator", "cursor")
LEAST = {"selector": 0.97, "key": 0.75, "paginator": 0.75, "cursor": 0.25}


@pytest.mark.slow
def test_no_choice_is_wrong_and_most_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores: list[Score] = []
    with World(tmp_path, **SIZES) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        for source in world.sources.values():
            scores += [score_of(world, r, address) for r, address in addresses(world, source)]
    shares = _printed(scores)
    proposed = [score for score in scores if not score.problem]
    assert len(scores) >= 60
    assert [f"{s.name}: {s.notes}" for s in proposed if WRONG in _choices(s).values()] == []
    assert [s.name for s in proposed if s.is_silent] == []
    assert all(s.types == s.columns[0] for s in proposed), "a column with another type"
    for choice, least in LEAST.items():
        assert shares[choice] >= least, choice


def _choices(score: Score) -> dict[str, str]:
    return {choice: getattr(score, choice) for choice in CHOICES}


def _printed(scores: list[Score]) -> dict[str, float]:
    """The share of each choice that is right, of those that a declaration has; prints the table."""
    shares = {}
    print(f"\n{'':12}{RIGHT:>7}{OPEN:>7}{WRONG:>7}")
    for choice in CHOICES:
        found = Counter(getattr(s, choice) for s in scores if not s.problem)
        found[OPEN] += sum(1 for s in scores if s.problem and choice != "cursor")
        total = found[RIGHT] + found[OPEN] + found[WRONG]
        shares[choice] = found[RIGHT] / total
        print(f"{choice:12}{found[RIGHT]:7}{found[OPEN]:7}{found[WRONG]:7}  {shares[choice]:.0%}")
    declared = [s for s in scores if s.cursor != ABSENT and not s.problem]
    named = sum(s.is_cursor_named for s in declared)
    print(f"{'cursor':12}{named:7} of {len(declared)} named, in the proposal or its comment")
    columns = [sum(s.columns[n] for s in scores) for n in (0, 1)]
    types, requests = sum(s.types for s in scores), [s.requests for s in scores if s.requests]
    print(
        f"{'columns':12}{columns[0]:7} of {columns[1]} declared fields, {types} with the same type"
    )
    print(
        f"{'requests':12}{sum(requests) / len(requests):7.1f} on average, {max(requests)} at most"
    )
    for score in scores:
        if score.problem or score.notes:
            print(f"{score.name}: {score.problem}{score.notes}"[:200])
    return shares

"""The instants at which a filter is tested: they tell by which of several fields an API filters.

In: the times of the records, and those of their other fields. Out: cuts. A record whose two times lie on both sides of
a cut shows which of them counts. Most records have nearly the same time of creation and of change, so a cut
without such a record proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

_MAX_CUTS = 60  # that are looked at


def cuts_that_tell(
    times: Sequence[datetime],
    others: Sequence[Sequence[datetime]],
    slack: timedelta,
    floor: Callable[[datetime], datetime],
) -> list[datetime] | None:
    """Two cuts or more: for each other field, one that tells it from this one.

    None if the records do not tell the fields apart, or lie too close to each other.

    Args:
        times: The time of each record.
        others: The times of each record in other fields.
        slack: How far from a cut a record must lie to show anything.
        floor: Gives the instant that a bound can express.
    """
    ordered = sorted(times)
    if not ordered:
        return None
    low, high = ordered[0] + slack, ordered[-1] - slack
    middles = [a + (b - a) / 2 for other in others for a, b in zip(times, other, strict=True)]
    possible = sorted({cut for at in (*times, *middles) if low < (cut := floor(at)) < high})
    possible = possible[:: len(possible) // _MAX_CUTS + 1]
    chosen: list[datetime] = []
    for other in others:
        pairs = list(zip(times, other, strict=True))
        telling = [cut for cut in possible if any(_lies_between(cut, *p, slack) for p in pairs)]
        if not telling:
            return None
        if not set(telling) & set(chosen):
            chosen.append(_nearest(telling, ordered[len(ordered) // 2]))
    for place in (len(ordered) // 2, len(ordered) // 3):
        left = [cut for cut in possible if cut not in chosen]
        if len(chosen) < 2 and left:
            chosen.append(_nearest(left, ordered[place]))
    return chosen or None


def _lies_between(cut: datetime, one: datetime, other: datetime, slack: timedelta) -> bool:
    return min(one, other) + slack < cut < max(one, other) - slack


def _nearest(cuts: Sequence[datetime], to: datetime) -> datetime:
    return min(cuts, key=lambda cut: abs(cut - to))

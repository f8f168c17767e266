"""The runs of a night: which run reads which partitions of which assets.

In: a source and the partitions that its assets need. Out: few run requests. The newest partition and the
snapshots are one run. Each missed partition is a run of its own, so that one that fails again holds up no
other; if there are too many, neighbours are joined to range runs. Partitions of a lookback are range runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from dagster import AssetKey, RunRequest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from analytics_sync.catalog import Source
from analytics_sync.defs.automation.missed_partitions import Needs, Reason
from analytics_sync.defs.partitions.past_partitions import Partition
from analytics_sync.defs.specs.translator import asset_key

REASON_TAG = "analytics_sync/reason"
RANGE_TAGS = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)


@dataclass(frozen=True)
class _Span:
    """Partitions that one run reads.

    Attributes:
        first: The position of the first partition.
        last: The position of the last one.
        assets: The assets that need one of them.
        reasons: Why they need it.
    """

    first: int
    last: int
    assets: frozenset[AssetKey]
    reasons: frozenset[Reason]

    def with_next(self, other: _Span) -> _Span:
        """The span from the start of this one to the end of a later one."""
        return _Span(
            self.first, other.last, self.assets | other.assets, self.reasons | other.reasons
        )


def night_runs(source: Source, needs: Needs, at: datetime, max_runs: int) -> list[RunRequest]:
    """The runs of a night.

    Args:
        source: The source.
        needs: What its assets need.
        at: The moment of the tick. A second evaluation of one tick gives the same run keys.
        max_runs: How many runs the missed partitions take at most.
    """
    partitions = needs.partitions
    night = f"{source.name}-{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    every = {asset_key(r) for r in source.assets}
    head = {asset_key(r) for r in source.assets if not source.windowed(r)}
    newest = partitions[-1] if partitions else None
    tags: dict[str, str] = {}
    if newest is not None and (needed := needs.by_key.get(newest.key)):
        head |= needed.keys()
        tags = _reason_tag(needed.values())
    # Without a need for the newest partition, this run has the snapshots only, and the same run key: a
    # tick that is evaluated again after its first run has started requests no snapshot twice.
    requests = (
        [_request(night, head, every, newest if tags else None, newest, tags)] if head else []
    )
    for span in [
        *_at_most(_spans(needs, lambda reason: reason != Reason.LOOKBACK), max_runs),
        *_joined(_spans(needs, lambda reason: reason == Reason.LOOKBACK), _have_same_assets),
    ]:
        first, last = partitions[span.first], partitions[span.last]
        kind = "lookback-" if span.reasons == {Reason.LOOKBACK} else ""
        run_key = f"{night}-{kind}{first.key}"
        reasons = _reason_tag(span.reasons)
        requests.append(_request(run_key, span.assets, every, first, last, reasons))
    return requests


def _request(
    run_key: str,
    assets: Collection[AssetKey],
    every: Collection[AssetKey],
    first: Partition | None,
    last: Partition | None,
    tags: Mapping[str, str],
) -> RunRequest:
    """The request of one run. Without a first partition it has no partition."""
    partition_key = first.key if first is not None and first == last else None
    if first is not None and last is not None and first != last:
        tags = {**tags, RANGE_TAGS[0]: first.key, RANGE_TAGS[1]: last.key}
    return RunRequest(
        run_key=run_key,
        partition_key=partition_key,
        asset_selection=None if assets == every else sorted(assets),
        tags=tags,
    )


def _spans(needs: Needs, is_meant: Callable[[Reason], bool]) -> Iterator[_Span]:
    """A span for each partition before the newest one that an asset needs for a meant reason."""
    for n, partition in enumerate(needs.partitions[:-1]):
        meant = {
            asset: reason
            for asset, reason in needs.by_key.get(partition.key, {}).items()
            if is_meant(reason)
        }
        if meant:
            yield _Span(n, n, frozenset(meant), frozenset(meant.values()))


def _at_most(spans: Iterable[_Span], most: int) -> list[_Span]:
    """At most so many spans: if there are more, those with the smallest gaps between them are joined.

    A joined span may hold partitions that need nothing. To read one again is always safe.
    """
    found = list(spans)
    if len(found) > most:
        found = _joined(found, lambda before, after: before.last + 1 == after.first)
    while len(found) > most:
        gaps = [after.first - before.last for before, after in pairwise(found)]
        n = gaps.index(min(gaps))
        found[n : n + 2] = [found[n].with_next(found[n + 1])]
    return found


def _joined(spans: Iterable[_Span], is_joined: Callable[[_Span, _Span], bool]) -> list[_Span]:
    """The spans, with neighbours joined where a condition holds."""
    found: list[_Span] = []
    for span in spans:
        if found and is_joined(found[-1], span):
            found[-1] = found[-1].with_next(span)
        else:
            found.append(span)
    return found


def _have_same_assets(before: _Span, after: _Span) -> bool:
    return before.last + 1 == after.first and before.assets == after.assets


def _reason_tag(reasons: Iterable[Reason]) -> dict[str, str]:
    return {REASON_TAG: ", ".join(sorted(set(reasons)))}

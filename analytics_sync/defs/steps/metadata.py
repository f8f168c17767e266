"""The metadata of a materialization: true numbers of a resource, of a run and of each partition.

In: the result of a read, and the result of the load. Out: metadata by name. In a run of several partitions
the numbers of the whole run have names that begin with ``run_``: they would otherwise count once for each
partition. The rows of a partition are counted from what was loaded, by the cursor of each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dagster import MetadataValue

from analytics_sync.common.shown import listed
from analytics_sync.common.window import Window
from analytics_sync.defs.history.dagster_history import ACCOUNT_CHANGES
from analytics_sync.defs.history.metadata_names import (
    ESTIMATED_TABLE_ROWS,
    FINDINGS,
    NEWEST_CURSOR,
    PARTITION_ROWS,
    ROWS,
    RUN,
    TABLE_ROWS,
)
from analytics_sync.defs.partitions.past_partitions import Partition, window_of
from analytics_sync.defs.specs.translator import column_schema
from analytics_sync.extract.result import ReadResult
from analytics_sync.load.gone.soft_deletes import Deleted
from analytics_sync.load.pipeline import Loaded
from analytics_sync.load.sharing.read_copy import ReadCopy

# Numbers that a run of several partitions has once.
_OF_THE_RUN = (
    ROWS,
    "requests",
    "pages",
    "retries",
    "seconds_waited",
    "seconds_reading",
    "seconds_merging",
    "bytes",
    "records_read",
    "records_expected",
    "records_outside_window",
    "records_rejected",
    "records_no_longer_rejected",
    "records_with_extra",
    "duplicates_dropped",
    "pages_kept_from_earlier",
    "parents_walked",
    "parents_without_child",
    "children_skipped",
    "children_refused_of_ancestors",
    "rows_inserted",
    "rows_updated_or_unchanged",
    "rows_marked_deleted",
    "rows_replaced",
)


def run_metadata(result: ReadResult, loaded: Loaded, window: Window | None) -> dict[str, Any]:
    """The metadata of a resource in a run.

    Args:
        result: What was read.
        loaded: What was loaded.
        window: The window of the run; None for a run without one.
    """
    resource = result.resource
    metadata: dict[str, Any] = {
        ROWS: result.rows,
        "dagster/table_name": f"{loaded.dataset}.{resource.table}",
        "dagster/column_schema": column_schema(resource, result.fields),
        "destination": loaded.destination,
        "warehouse": loaded.warehouse,
        "read_until": ", ".join(sorted(result.stop_reasons)),
    }
    metadata |= _read_numbers(result)
    metadata |= _load_numbers(result, loaded)
    metadata |= _deletes(resource.name, loaded.deleted)
    if steps := loaded.table_changes.get(resource.name):
        metadata["table_changes"] = listed(steps, separator="; ")
    if result.account_changes:
        metadata[ACCOUNT_CHANGES] = MetadataValue.json(list(result.account_changes))
    if loaded.load_id:
        metadata["load_id"] = loaded.load_id
    metadata |= _read_copy(loaded.read_copy)
    if window and resource.cursor:
        metadata["records_outside_window"] = result.outside_window
    if window:
        metadata["window"] = str(window)
    if result.read_up_to:
        metadata["read_up_to"] = result.read_up_to.isoformat()
    if findings := result.findings.by_check():
        metadata[FINDINGS] = MetadataValue.json(findings)
    if result.shared_keys.count:
        kind = "shared_by_different_records" if result.shared_keys.is_wrong_key else "with_versions"
        metadata[f"keys_{kind}"] = result.shared_keys.count
        metadata[f"examples_of_keys_{kind}"] = "; ".join(result.shared_keys.examples)
    return {**metadata, **_seldom(result, loaded)}


def of_partitions(
    metadata: dict[str, Any],
    result: ReadResult,
    partitions: Sequence[Partition],
    *,
    have_verdicts: bool,
) -> dict[str, dict[str, Any]]:
    """The metadata of each partition of a run. What it does not hold is the same for all of them.

    Args:
        metadata: Of the run. Numbers that belong to no partition get another name here.
        result: What was read.
        partitions: The partitions of the run.
        have_verdicts: Whether each partition has results of its checks. Then each has its own findings.
    """
    times = result.buffer.times if result.buffer and result.resource.cursor else None
    if len(partitions) == 1:
        # a lag or a lookback loads rows of earlier partitions, too
        own = times.rows_in([window_of(partitions[0])])[0] if times else result.rows
        metadata[PARTITION_ROWS] = own
        return {}
    for name in _OF_THE_RUN:
        if name in metadata:
            metadata[RUN + name] = metadata.pop(name)
    metadata["run_partitions"] = len(partitions)
    windows = [window_of(p) for p in partitions]
    by_key: dict[str, dict[str, Any]] = {p.key: {} for p in partitions}
    if have_verdicts:
        metadata.pop(FINDINGS, None)
        for found, numbers in zip(result.findings.by_window(windows), by_key.values(), strict=True):
            if found:
                numbers[FINDINGS] = MetadataValue.json(found)
        for total, numbers in zip(result.totals.by_window(windows), by_key.values(), strict=True):
            if total is not None:
                numbers |= {"records_expected": total.expected, "records_read": total.read}
    if times is not None:  # a child has the window of its parent: the time of a row is not known
        for count, numbers in zip(times.rows_in(windows), by_key.values(), strict=True):
            numbers |= {ROWS: count, PARTITION_ROWS: count}
    return {key: numbers for key, numbers in by_key.items() if numbers}


def _read_numbers(result: ReadResult) -> dict[str, Any]:
    """What the read has cost, and how far it came."""
    resource, counters = result.resource, result.counters
    numbers: dict[str, Any] = {
        "requests": counters.requests,
        "pages": result.pages,
        "retries": counters.retries,
        "seconds_waited": round(counters.waited, 3),
        "seconds_reading": round(result.seconds, 3),
        "bytes": counters.bytes,
        "records_read": result.records,
        "records_rejected": len(result.rejected),
    }
    if result.reported_total is not None and resource.count_path:
        numbers["records_expected"] = result.reported_total
    if result.children is not None:
        numbers["parents_walked"] = result.children
        numbers["parents_without_child"] = result.parents_without
        numbers["children_skipped"] = len(result.skipped)
    newest = result.buffer.times.newest if result.buffer else None
    if newest is not None:
        numbers[NEWEST_CURSOR] = newest.isoformat()
        lag = (datetime.now(UTC) - newest).total_seconds()
        numbers["seconds_behind"] = round(lag, 3)
    return numbers


def _load_numbers(result: ReadResult, loaded: Loaded) -> dict[str, Any]:
    """What the load did to the table, and the seconds of the stages of the run."""
    table = result.resource.table
    numbers: dict[str, Any] = {}
    if (merged := loaded.merges.get(table)) is not None:
        numbers["rows_inserted"] = merged.inserted
        numbers["rows_updated_or_unchanged"] = merged.replaced
        numbers["seconds_merging"] = round(merged.seconds, 3)
    if (count := loaded.row_counts.get(table)) is not None:
        numbers[TABLE_ROWS if count.is_exact else ESTIMATED_TABLE_ROWS] = count.rows
    for stage, seconds in loaded.seconds.items():
        numbers[f"{RUN}seconds_{stage}"] = round(seconds, 3)
    return numbers


def _seldom(result: ReadResult, loaded: Loaded) -> dict[str, int]:
    """Counts that stand there only if they are not zero."""
    seldom = {
        "pages_kept_from_earlier": result.pages_kept,
        "children_refused_of_ancestors": result.refused_above,
        "duplicates_dropped": result.buffer.duplicates if result.buffer else 0,
        "records_no_longer_rejected": loaded.cleared.get(result.resource.name, 0),
        "records_with_extra": result.with_extra,
    }
    return {name: count for name, count in seldom.items() if count}


def _deletes(name: str, deleted: Deleted) -> dict[str, Any]:
    """What a load has marked and removed of a resource, and why it has not."""
    found: dict[str, Any] = {}
    if name in deleted.marked:
        found["rows_marked_deleted"] = deleted.marked[name]
    if name in deleted.replaced:
        found["rows_replaced"] = deleted.replaced[name]
    if name in deleted.not_judged:
        found["deletes_not_judged"] = deleted.not_judged[name]
    if name in deleted.read_twice:
        found["read_twice"] = True
    return found


def _read_copy(copy: ReadCopy | None) -> dict[str, Any]:
    """Where the read copy is; why it is not renewed."""
    if copy is None:
        return {}
    if copy.problem:
        return {"read_copy_not_renewed": copy.problem}
    return {"read_copy": copy.path, "seconds_copying": copy.seconds}

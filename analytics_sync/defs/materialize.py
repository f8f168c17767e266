"""The materialization of a source's assets in a run.

In: Dagster's context and the declaration. Out: a materialization for each resource that was read
and loaded, then a failure that names the other resources. A run imports this module. Definitions
load without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetExecutionContext,
    Failure,
    MaterializeResult,
    MetadataValue,
)

from analytics_sync.catalog import Source
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.shown import listed
from analytics_sync.defs.history import ACCOUNT_CHANGES, DagsterHistory
from analytics_sync.defs.missed_partitions import READING_BEGAN
from analytics_sync.defs.partitions import run_window
from analytics_sync.defs.planned import Planned
from analytics_sync.defs.retries import done_before, retry_of
from analytics_sync.defs.run_config import SyncConfig
from analytics_sync.defs.run_tags import tag_account, tag_run
from analytics_sync.defs.run_times import check_window, reading_began
from analytics_sync.defs.translator import asset_key, column_schema
from analytics_sync.defs.verdicts import verdicts
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import left_behind
from analytics_sync.load.errors import LoadError
from analytics_sync.load.gone.soft_deletes import Deleted
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync.load.sharing.read_copy import ReadCopy


def materialize(
    context: AssetExecutionContext, planned: Planned, config: SyncConfig
) -> Iterator[MaterializeResult[Any] | AssetCheckEvaluation]:
    """Read and load the selected resources.

    Raises:
        Failure: A resource could not be read, or the load failed, or the run lacks a partition.
        RetryRequested: The same, and the cause may pass.
    """
    source, partitions = planned.source, planned.partitions
    began = datetime.now(UTC)
    window = run_window(context, partitions)
    reported = [*done_before(context)]
    wanted = {key.path[-1] for key in context.selected_asset_keys if key not in reported}
    check_window(context, source, wanted, window)
    tag_run(context, source.name, "")
    try:
        with ReadRun(source, window, wanted) as run:
            tag_account(context, run.account, run.resources)
            history = DagsterHistory(context.instance, source, partitions)
            loaded = load(run, context.run.run_id, history, config.accept_shrunken)
            failed = run.failures()
            if file := left_behind():
                context.log.warning(f"{file} is not used: the warehouse is {loaded.warehouse}")
            if loaded.read_copy and loaded.read_copy.problem:
                context.log.warning(f"the read copy is not renewed: {loaded.read_copy.problem}")
            for resource in run.resources:
                if resource.name in failed:
                    continue
                # A child with a configured id may succeed without its parent. But Dagster takes no
                # output of an asset before the output of its upstream asset in the same run.
                if upstream := [a.name for a in source.ancestors(resource) if a.name in failed]:
                    context.log.warning(f"{resource} is loaded, not reported: {upstream} failed")
                    continue
                result = run.result(resource.name)
                for warning in _warnings(result):
                    context.log.warning(f"{resource}: {warning}")
                metadata = _metadata(result, loaded, str(window) if window else None)
                metadata[READING_BEGAN] = reading_began(source, result, began)
                reported.append(asset_key(resource))
                yield MaterializeResult(asset_key=asset_key(resource), metadata=metadata)
    except (ExtractError, LoadError) as e:
        raise retry_of(context, [e], Failure(str(e)), planned.plan.retries) from e
    if failed:
        failure = _failure(source, failed, len(run.resources))
        raised = retry_of(context, failed.values(), failure, planned.plan.retries)
        if raised is failure:
            yield from verdicts(context, source, partitions, reported)
        raise raised


def _failure(source: Source, failed: Mapping[str, Exception], of: int) -> Failure:
    first, _, below = str(next(iter(failed.values()))).partition("\n")
    if of > 1:
        loaded = {0: "none is loaded", 1: "the other is loaded"}
        rest = loaded.get(of - len(failed), "the others are loaded")
        first = f"{len(failed)} of {of} resources of {source.name} failed; {rest}. {first}"
    if len(failed) > 1:
        first += f"; also failed: {listed(list(failed)[1:])}"
    metadata = {name: MetadataValue.text(str(error)) for name, error in failed.items()}
    return Failure(f"{first}\n{below}".rstrip(), metadata=metadata)


def _warnings(result: ReadResult) -> Iterator[str]:
    if result.skipped:
        yield f"{len(result.skipped)} children skipped: {listed(result.skipped, separator='; ')}"
    if result.refused_above:
        yield (
            f"the API refused {result.refused_above} children, so the parent {result.resource.parent} lacks "
            "records, and their children were not read: look at its warnings"
        )
    if result.rejected:
        unmarked = "; no row is marked as deleted" if result.resource.soft_deletes else ""
        yield f"{len(result.rejected)} records rejected: see the table _rejected{unmarked}"
    if result.order_broken_by is not None:
        yield (
            f"row_order does not hold: a page that begins with {result.order_broken_by:%Y-%m-%dT%H:%M:%SZ} "
            "breaks the order, so all pages were read. Correct row_order of incremental, or leave it out"
        )
    shared = result.shared_keys
    if shared.is_wrong_key:
        yield shared.message(result.resource)
    elif shared.count:
        yield (
            f"{shared.count} keys came with different content, for example "
            f"{'; '.join(shared.examples)}: taken for versions of one record, the last is loaded"
        )


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


def _metadata(result: ReadResult, loaded: Loaded, window: str | None) -> dict[str, Any]:
    resource, counters = result.resource, result.counters
    metadata: dict[str, Any] = {
        "rows_loaded": result.rows,
        "dagster/table_name": f"{loaded.dataset}.{resource.table}",
        "dagster/column_schema": column_schema(resource, result.fields),
        "requests": counters.requests,
        "pages": result.pages,
        "retries": counters.retries,
        "seconds_waited": round(counters.waited, 3),
        "seconds_reading": round(result.seconds, 3),
        "bytes": counters.bytes,
        "records_read": result.records,
        "destination": loaded.destination,
        "warehouse": loaded.warehouse,
    }
    metadata["read_until"] = ", ".join(sorted(result.stop_reasons))
    if result.reported_total is not None and resource.count_path:
        metadata["records_expected"] = result.reported_total
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
        metadata["window"] = window
    if result.read_up_to:
        metadata["read_up_to"] = result.read_up_to.isoformat()
    if result.children is not None:
        metadata["parents_walked"] = result.children
        metadata["parents_without_child"] = result.parents_without
        metadata["children_skipped"] = len(result.skipped)
    if findings := result.findings.by_check():
        metadata["findings"] = MetadataValue.json(findings)
    if result.shared_keys.count:
        kind = "shared_by_different_records" if result.shared_keys.is_wrong_key else "with_versions"
        metadata[f"keys_{kind}"] = result.shared_keys.count
        metadata[f"examples_of_keys_{kind}"] = "; ".join(result.shared_keys.examples)
    seldom = {
        "pages_kept_from_earlier": result.pages_kept,
        "children_refused_of_ancestors": result.refused_above,
        "duplicates_dropped": result.buffer.duplicates if result.buffer else 0,
        "records_rejected": len(result.rejected),
        "records_no_longer_rejected": loaded.cleared.get(resource.name, 0),
        "records_with_extra": result.with_extra,
    }
    return {**metadata, **{name: count for name, count in seldom.items() if count}}


def _read_copy(copy: ReadCopy | None) -> dict[str, Any]:
    """Where the read copy is; why it is not renewed."""
    if copy is None:
        return {}
    if copy.problem:
        return {"read_copy_not_renewed": copy.problem}
    return {"read_copy": copy.path, "seconds_copying": copy.seconds}

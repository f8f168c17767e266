"""The materialization of a source's assets in a run.

In: Dagster's context and the declaration. Out: a materialization for each resource that was read
and loaded, then a failure that names the other resources. A run imports this module. Definitions
load without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetExecutionContext,
    AssetObservation,
    DagsterExecutionInterruptedError,
    Failure,
    MaterializeResult,
    MetadataValue,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.shown import listed
from analytics_sync.defs.checks.asset_checks import has_verdict_by_partition
from analytics_sync.defs.checks.verdicts import verdicts
from analytics_sync.defs.history.dagster_history import DagsterHistory
from analytics_sync.defs.history.metadata_names import READING_BEGAN
from analytics_sync.defs.history.run_tags import tag_account, tag_run
from analytics_sync.defs.partitions.past_partitions import Partition
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.partitions.source_partitions import run_partitions, run_window
from analytics_sync.defs.specs.translator import asset_key
from analytics_sync.defs.steps.failure_kinds import KINDS, kinds_of
from analytics_sync.defs.steps.metadata import of_partitions, run_metadata
from analytics_sync.defs.steps.retries import done_before, retry_of
from analytics_sync.defs.steps.run_config import SyncConfig, check_config
from analytics_sync.defs.steps.run_modes import log_requests, read_run, trial_events
from analytics_sync.defs.steps.run_times import check_window, reading_began
from analytics_sync.defs.supervision import canceled, is_interrupted, supervised
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import left_behind
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import Loaded, load


def materialize(
    context: AssetExecutionContext, planned: Planned, config: SyncConfig
) -> Iterator[MaterializeResult[Any] | AssetCheckEvaluation | AssetObservation]:
    """Read and load the selected resources.

    Raises:
        Failure: A resource could not be read, or the load failed, or the run lacks a partition.
        RetryRequested: The same, and the cause may pass.
    """
    if is_interrupted(context):
        return
    source, partitions = planned.source, planned.partitions
    began = datetime.now(UTC)
    window, days = run_window(context, partitions), run_partitions(context, partitions)
    reported = [*done_before(context)]
    wanted = {key.path[-1] for key in context.selected_asset_keys if key not in reported}
    check_window(context, source, wanted, window)
    check_config(config, source, window)
    tag_run(context, source.name, config.mode)
    if config.dry_run:
        log_requests(context, planned, config, window, wanted)
        return
    try:
        with read_run(context, planned, config, window, wanted) as run:
            tag_account(context, run.account, run.resources)
            history = DagsterHistory(context.instance, source, partitions)
            loaded = _load(context, run, history, config)
            failed = run.failures()
            _warn_of_files(context, loaded)
            for resource in _reportable(context, source, run.resources, failed):
                result = run.result(resource.name)
                for warning in _warnings(result):
                    context.log.warning(f"{resource}: {warning}")
                metadata = run_metadata(result, loaded, run.window)
                metadata[READING_BEGAN] = reading_began(source, result, began)
                if config.page_limit is not None:
                    yield from trial_events(
                        context, planned, resource, config.page_limit, metadata, days
                    )
                    continue
                if source.windowed(resource):
                    _add_own_metadata(context, planned, result, metadata, days)
                reported.append(asset_key(resource))
                yield MaterializeResult(asset_key=asset_key(resource), metadata=metadata)
    except (KeyboardInterrupt, DagsterExecutionInterruptedError):
        raise canceled(context, source.name) from None
    except (ExtractError, LoadError) as e:
        failure = Failure(str(e), metadata={KINDS: kinds_of({"": e})})
        raise retry_of(context, [e], failure, planned.plan.retries) from e
    if failed:
        failure = _failure(source, failed, len(run.resources))
        raised = retry_of(context, failed.values(), failure, planned.plan.retries)
        if raised is failure:
            yield from verdicts(context, source, partitions, reported)
        raise raised


def _load(
    context: AssetExecutionContext, run: ReadRun, history: DagsterHistory, config: SyncConfig
) -> Loaded:
    def work() -> Loaded:
        return load(run, context.run.run_id, history, config.accept_shrunken)

    return supervised(context, run.stop, run.progress, work)


def _add_own_metadata(
    context: AssetExecutionContext,
    planned: Planned,
    result: ReadResult,
    metadata: dict[str, Any],
    days: Sequence[Partition],
) -> None:
    """Move what belongs to single partitions from the metadata of a resource to these."""
    resource = result.resource
    by_day = has_verdict_by_partition(planned.source, resource, planned.partitions, COMPLETE)
    for key, own in of_partitions(metadata, result, days, have_verdicts=by_day).items():
        context.add_asset_metadata(own, asset_key(resource), key)


def _warn_of_files(context: AssetExecutionContext, loaded: Loaded) -> None:
    if file := left_behind():
        context.log.warning(f"{file} is not used: the warehouse is {loaded.warehouse}")
    if loaded.read_copy and loaded.read_copy.problem:
        context.log.warning(f"the read copy is not renewed: {loaded.read_copy.problem}")


def _reportable(
    context: AssetExecutionContext,
    source: Source,
    resources: Iterable[Resource],
    failed: Collection[str],
) -> Iterator[Resource]:
    """The resources that are loaded and have an output."""
    for resource in resources:
        if resource.name in failed:
            continue
        # A child with a configured id may succeed without its parent. But Dagster takes no
        # output of an asset before the output of its upstream asset in the same run.
        if upstream := [a.name for a in source.ancestors(resource) if a.name in failed]:
            context.log.warning(f"{resource} is loaded, not reported: {upstream} failed")
            continue
        yield resource


def _failure(source: Source, failed: Mapping[str, Exception], of: int) -> Failure:
    first, _, below = str(next(iter(failed.values()))).partition("\n")
    if of > 1:
        loaded = {0: "none is loaded", 1: "the other is loaded"}
        rest = loaded.get(of - len(failed), "the others are loaded")
        first = f"{len(failed)} of {of} resources of {source.name} failed; {rest}. {first}"
    if len(failed) > 1:
        first += f"; also failed: {listed(list(failed)[1:])}"
    metadata: dict[str, Any] = {n: MetadataValue.text(str(e)) for n, e in failed.items()}
    metadata[KINDS] = kinds_of(failed)
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

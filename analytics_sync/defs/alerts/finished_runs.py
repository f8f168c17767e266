"""Finished runs, as Dagster's history has them.

In: a Dagster instance and the sources of this code location. Out: what each finished run says of resources, or
of checks. The ends of runs are read in the order of their storage ids, whatever the event log storage is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dagster import (
    AssetCheckSeverity,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    EventLogRecord,
    RunStatusChangeRecordsFilter,
)
from dagster._core.storage.tags import PARTITION_NAME_TAG

from analytics_sync.defs.alerts.incidents import Failed, FinishedRun, Incident, Worked
from analytics_sync.defs.alerts.partition_ranges import BETWEEN, keys_of
from analytics_sync.defs.automation.night_runs import RANGE_TAGS
from analytics_sync.defs.history.run_tags import SOURCE_TAG
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.broken import ASSET
from analytics_sync.defs.steps.failure_kinds import KINDS

_ENDS: tuple[
    Literal[
        DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_CANCELED
    ],
    ...,
] = (DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_CANCELED)
_STEP = re.compile(r"^(.*?)(_checks)?(_\d+)?$")
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")  # what differs between two failures of one kind
_MAX_KIND = 80


def latest_end(instance: DagsterInstance) -> int:
    """The storage id of the latest end of a run; 0 without one."""
    return max(_latest_ids(instance, 1), default=0)


def before_latest_ends(instance: DagsterInstance, count: int) -> int:
    """The storage id before the latest ends of so many runs."""
    return min(sorted(_latest_ids(instance, count))[-count:], default=1) - 1


def ends_after(instance: DagsterInstance, after: int, limit: int) -> list[EventLogRecord]:
    """The ends of runs after a storage id, in order, and at most so many of them."""
    found: list[EventLogRecord] = []
    for kind in _ENDS:
        wanted = RunStatusChangeRecordsFilter(kind, after_storage_id=after)
        found += instance.fetch_run_status_changes(wanted, limit=limit, ascending=True).records
    return sorted(found, key=lambda record: record.storage_id)[:limit]


def _latest_ids(instance: DagsterInstance, limit: int) -> list[int]:
    return [
        record.storage_id
        for kind in _ENDS
        for record in instance.fetch_run_status_changes(kind, limit=limit).records
    ]


@dataclass(frozen=True)
class Location:
    """The sources of this code location.

    Attributes:
        sources: The sources that are on.
        broken: The names of the files that do not load.
    """

    sources: Mapping[str, Planned]
    broken: frozenset[str]

    def named(self, step: str) -> str | None:
        """The source of a step; None if it is no step of this location."""
        match = _STEP.match(step)
        for name in (step, match[1] if match else ""):
            if name in self.sources:
                return name
        name = step.removesuffix(f"__{ASSET}")
        return name if name in self.broken else None

    def of_run(self, run: DagsterRun) -> list[str]:
        """The sources that a run reads."""
        keys = {key.path[0] for key in run.asset_selection or ()}
        named = {*run.tags.get(SOURCE_TAG, "").split(", "), *keys, run.job_name.partition("_")[2]}
        return sorted(name for name in named if name in self.sources or name in self.broken)

    def partitions(self, run: DagsterRun, source: str, resource: str) -> frozenset[str]:
        """The partitions that a run should have read of a resource, or of the source if it is empty."""
        planned = self.sources.get(source)
        if planned is None:
            return frozenset()
        of = [r for r in planned.source.assets if r.name == resource or not resource]
        chosen = run.asset_selection
        if not any(
            planned.source.windowed(r)
            for r in of
            if chosen is None or any(key.path == [source, r.name] for key in chosen)
        ):
            return frozenset()
        tags = run.tags
        if PARTITION_NAME_TAG in tags:
            return frozenset({tags[PARTITION_NAME_TAG]})
        if RANGE_TAGS[0] in tags:
            between = BETWEEN.join(tags[tag] for tag in RANGE_TAGS)
            return frozenset(keys_of([between], planned.partitions))
        return frozenset()


Reader = Callable[[DagsterInstance, Location, EventLogRecord, Collection[Incident]], FinishedRun]


def resources_of(
    instance: DagsterInstance, location: Location, end: EventLogRecord, open_: Collection[Incident]
) -> FinishedRun:
    """What a finished run says of the resources that it should have read."""
    run = instance.get_run_by_id(end.run_id)
    kind = end.event_log_entry.dagster_event_type
    sources = {incident.source for incident in open_}
    is_failure = kind == DagsterEventType.RUN_FAILURE
    if run is None or not (is_failure or sources.intersection(_possible(location, run))):
        return FinishedRun(end.run_id, end.timestamp, (), ())
    events = _events(
        instance, run, DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.STEP_FAILURE
    )
    read: dict[tuple[str, str], set[str]] = defaultdict(set)
    for event in events:
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION and event.asset_key:
            source, *rest = event.asset_key.path
            if source in location.sources and len(rest) == 1:
                read[source, rest[0]].update([event.partition] if event.partition else [])
    failed: list[Failed] = []
    if is_failure:
        steps = [e for e in events if e.event_type == DagsterEventType.STEP_FAILURE]
        failed = [f for step in steps for f in _failures(location, run, step)]
        if not steps:
            failed = list(_of_the_run(location, run, end))
    worked = tuple(Worked(*place, "", frozenset(keys)) for place, keys in read.items())
    return FinishedRun(end.run_id, end.timestamp, tuple(failed), worked)


def checks_of(
    instance: DagsterInstance, location: Location, end: EventLogRecord, open_: Collection[Incident]
) -> FinishedRun:
    """What a finished run says of its checks. A warning is no failure, and does not mean that all is well."""
    run = instance.get_run_by_id(end.run_id)
    failed: dict[tuple[str, str, str], tuple[str, set[str]]] = {}
    passed: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    events = _events(instance, run, DagsterEventType.ASSET_CHECK_EVALUATION) if run else []
    for event in events:
        found: Any = event.event_specific_data
        source, *rest = found.asset_key.path
        if source not in location.sources or len(rest) != 1:
            continue
        place, keys = (source, rest[0], found.check_name), {found.partition} - {None}
        if found.passed:
            passed[place].update(keys)
        elif found.severity == AssetCheckSeverity.ERROR:
            failed.setdefault(place, (first_line(found.description), set()))[1].update(keys)
    return FinishedRun(
        end.run_id,
        end.timestamp,
        tuple(Failed(*p, cause, frozenset(keys)) for p, (cause, keys) in failed.items()),
        tuple(Worked(*p, frozenset(keys)) for p, keys in passed.items()),
    )


def _possible(location: Location, run: DagsterRun) -> Collection[str]:
    """The sources that a run may read: all of them if nothing names them."""
    return location.of_run(run) or location.sources.keys()


def _events(instance: DagsterInstance, run: DagsterRun, *kinds: DagsterEventType) -> list[Any]:
    entries = instance.all_logs(run.run_id, of_type=set(kinds))
    return [entry.dagster_event for entry in entries if entry.dagster_event is not None]


def _failures(location: Location, run: DagsterRun, step: Any) -> Iterator[Failed]:
    """The failures of one step: of each resource that it names, else of the whole source."""
    source = location.named(step.step_key or "")
    if source is None:
        return
    data = step.step_failure_data
    told, error = data.user_failure_data, data.error
    metadata = told.metadata if told else {}
    kinds = metadata[KINDS].value if KINDS in metadata else {}
    planned = location.sources.get(source)
    names = [n for n in metadata if planned and n in planned.source.resources]
    for name in names:
        cause = first_line(metadata[name].value)
        kind = kinds.get(name) or _kind(cause)
        yield Failed(source, name, kind, cause, location.partitions(run, source, name))
    if not names:
        cause = first_line((told and told.description) or (error and error.message))
        kind = kinds.get("") or _kind(cause)
        yield Failed(source, "", kind, cause, location.partitions(run, source, ""))


def _of_the_run(location: Location, run: DagsterRun, end: EventLogRecord) -> Iterator[Failed]:
    """The failure of a run without a failed step: its process was killed, or did not start."""
    event: Any = end.event_log_entry.dagster_event
    data = event.job_failure_data
    cause = first_line((data and data.error and data.error.message) or event.message)
    for source in location.of_run(run):
        keys = location.partitions(run, source, "")
        yield Failed(source, "", "run failed", cause, keys)


def first_line(text: object) -> str:
    """The first line of the text of an error."""
    lines = str(text or "").strip().splitlines()
    return lines[0] if lines else "no message"


def _kind(cause: str) -> str:
    """A kind for an error that brings none: its message without values and numbers."""
    return _VARIABLE.sub("#", cause)[:_MAX_KIND]

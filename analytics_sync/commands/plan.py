"""The subcommand ``analytics-sync plan``: what a run would request, before it does.

In: an asset selection and days, as ``run`` takes them, and Dagster's history if DAGSTER_HOME is set. Out: for each
source its partitions, window and limits, for each resource its requests. Nothing is sent.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from math import ceil
from typing import Any

from dagster import AssetKey, DagsterInstance

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.configured import configured_catalog
from analytics_sync.commands.output import show
from analytics_sync.commands.places import source_of
from analytics_sync.commands.selection import selected
from analytics_sync.commands.tables import table_lines
from analytics_sync.commands.windows import PlannedDays, planned_window
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.shown import counted
from analytics_sync.defs.build import build_definitions
from analytics_sync.defs.history.materializations import latest_of_assets, metadata_of
from analytics_sync.defs.history.metadata_names import RUN
from analytics_sync.extract.dry_run import fewest_requests, first_requests

_CANNOT = 1
_NO_REQUEST = "no request can be made"
_MINUTE, _HOUR = 60, 3600
_HEAD = ("asset", "requests", "by its latest run", "seconds then")


def plan(options: argparse.Namespace) -> int:
    """Show the plan; return 1 if the first request of a resource cannot be made."""
    names: dict[str, list[str]] = defaultdict(list)
    catalog = configured_catalog()
    graph = build_definitions(catalog.sources, catalog.broken).resolve_asset_graph()
    for key in sorted(selected(options.selection, graph)):
        if len(key.path) > 1:  # the APIs themselves are assets, too
            names[key.path[0]].append(key.path[1])
    with ExitStack() as stack:
        history = _history(stack, graph.get_all_asset_keys())
        planned = [
            _of_source(source_of(catalog, name), set(wanted), options.days, history)
            for name, wanted in names.items()
        ]
    document = {"sources": planned}
    show(options, document, _lines(planned))
    return _CANNOT if any(found["error"] for source in planned for found in _all(source)) else 0


def _all(source: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield source
    yield from source["assets"]


def _history(stack: ExitStack, keys: Iterable[AssetKey]) -> Mapping[AssetKey, Any]:
    """The latest materializations; none without DAGSTER_HOME."""
    if not os.environ.get("DAGSTER_HOME"):
        return {}
    return latest_of_assets(stack.enter_context(DagsterInstance.get()), keys)


def _of_source(
    source: Source, wanted: set[str], days: str | None, history: Mapping[AssetKey, Any]
) -> dict[str, Any]:
    resources = [resource for resource in source.assets if resource.name in wanted]
    planned = planned_window(source, resources, days, must_have=True)
    source, error = planned.source, None
    entries: list[dict[str, Any]] = []
    try:
        for resource, request in first_requests(source, planned.window, wanted):
            entry = _entry(source, resource, planned, request, is_loaded=resource.name in wanted)
            latest = history.get(AssetKey([source.name, resource.name]))
            entries.append({**entry, **_of_latest(latest, entry, planned.partitions)})
    except ExtractError as e:  # a setting is missing: no request of the source can be made
        error = str(e)
    for entry in entries:
        if entry["one_for_each"] not in (None, *(other["resource"] for other in entries)):
            entry |= {"fewest_requests": 1, "one_for_each": None}  # settings replace the parent
    return {
        "source": source.name,
        "window": str(planned.window) if planned.window else None,
        "first_partition": planned.first or None,
        "last_partition": planned.last or None,
        "partitions": planned.partitions,
        "limits": _limits(source),
        "assets": entries,
        "error": error,
        **_totals(source, entries),
    }


def _entry(
    source: Source, resource: Resource, planned: PlannedDays, request: str, *, is_loaded: bool
) -> dict[str, Any]:
    window = planned.window if source.windowed(resource) else None
    cannot = request.startswith(_NO_REQUEST)
    return {
        "asset": str(resource),
        "resource": resource.name,
        "loaded": is_loaded,
        "window": str(window) if window else None,
        "fewest_requests": fewest_requests(resource, window if is_loaded else None),
        "one_for_each": resource.parent,
        "first_request": None if cannot else request,
        "error": request if cannot else None,
    }


def _of_latest(latest: Any, entry: Mapping[str, Any], partitions: int) -> dict[str, Any]:
    """What the latest run took, for as many partitions as are planned."""
    requests = metadata_of(latest, RUN + "requests", "requests")
    seconds = metadata_of(latest, RUN + "seconds_reading", "seconds_reading")
    then = metadata_of(latest, "run_partitions") or 1
    factor = partitions / then if entry["window"] else 1
    return {
        "requests_by_latest_run": None if requests is None else ceil(requests * factor),
        "seconds_by_latest_run": None if seconds is None else round(seconds * factor, 1),
    }


def _limits(source: Source) -> dict[str, Any]:
    client = source.client
    return {
        "requests": client.rate_limit.requests if client.rate_limit else None,
        "seconds": client.rate_limit.seconds if client.rate_limit else None,
        "max_connections": client.max_connections,
        "max_pages": client.max_pages,
        "max_seconds": client.max_seconds,
    }


def _totals(source: Source, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    least = sum(entry["fewest_requests"] or 0 for entry in entries)
    by_run = [entry["requests_by_latest_run"] for entry in entries]
    likely = None if None in by_run else max(least, sum(by_run))
    rate = source.client.rate_limit
    seconds = (likely or least) / rate.requests * rate.seconds if rate else None
    return {
        "fewest_requests": least,
        "requests_by_latest_runs": likely,
        "seconds_at_rate_limit": None if seconds is None else round(seconds, 1),
    }


def _lines(planned: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for source in planned:
        yield _head(source)
        yield f"limits: {_limits_text(source['limits'])}"
        if source["error"]:
            yield f"{_NO_REQUEST}: {source['error']}"
            continue
        yield from table_lines([_HEAD, *map(_row, source["assets"])])
        for entry in source["assets"]:
            yield f"{entry['asset']}: {entry['error'] or entry['first_request']}"
        yield _total_text(source)
        yield ""
    yield "Nothing was sent."


def _head(source: Mapping[str, Any]) -> str:
    if source["window"] is None:
        return f"{source['source']}: no partitions, each run reads all"
    first, last = source["first_partition"], source["last_partition"]
    span = first if first == last else f"{first} to {last}"
    return f"{source['source']}: {counted(source['partitions'], 'partition')}, {span}, window {source['window']}"


def _limits_text(limits: Mapping[str, Any]) -> str:
    rate = "no rate limit is declared"
    if limits["requests"]:
        rate = f"{limits['requests']:,} requests in {limits['seconds']:g} s"
    return (
        f"{rate}; {limits['max_connections']} connections; {limits['max_pages']:,} pages a listing; "
        f"{limits['max_seconds']:,.0f} s a resource"
    )


def _row(entry: Mapping[str, Any]) -> Sequence[str]:
    least, latest = entry["fewest_requests"], entry["requests_by_latest_run"]
    seconds = entry["seconds_by_latest_run"]
    requests = (
        f"{least:,} or more" if least is not None else f"one for each of {entry['one_for_each']}"
    )
    only = "" if entry["loaded"] else " (read for its children)"
    return (
        entry["asset"] + only,
        requests,
        "-" if latest is None else f"{latest:,}",
        "-" if seconds is None else f"{seconds:,.1f}",
    )


def _total_text(source: Mapping[str, Any]) -> str:
    text = f"{source['source']}: {counted(source['fewest_requests'], 'request')} or more"
    if source["requests_by_latest_runs"] is None:
        text += "; an asset without a run says nothing of pages and parents"
    else:
        text += f"; about {source['requests_by_latest_runs']:,} by the latest runs"
    seconds = source["seconds_at_rate_limit"]
    return text if seconds is None else f"{text}; {_duration(seconds)} or more at the rate limit"


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:g} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.1f} min"
    return f"{seconds / _HOUR:.1f} h"

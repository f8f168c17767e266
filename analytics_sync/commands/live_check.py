"""The subcommand ``analytics-sync check --live``: one request a resource, and what it proves.

In: places, and days. Out: a table with a verdict on each aspect of each resource, what to do next, and an exit
status. Each read is a trial of one page, as ``preview`` does it: nothing is loaded, and the rate limit is obeyed.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from analytics_sync.catalog import CatalogError, Resource, Source
from analytics_sync.catalog.plan import plan_of
from analytics_sync.commands.live_verdicts import ASPECTS, Proof, Verdicts, of_error, of_page
from analytics_sync.commands.output import show
from analytics_sync.commands.places import chosen
from analytics_sync.commands.tables import table_lines
from analytics_sync.commands.windows import planned_window
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.shown import counted
from analytics_sync.extract.rest_client.call import Exchange
from analytics_sync.extract.run import ReadRun

_FAILED = 1
_WRONG = 2
_UNPROVEN = 3
_NOT_READY = 202
_MAX_RETRIES = 1  # of a request: a check shall not wait long for an API that does not answer


def check_live(options: argparse.Namespace) -> int:
    """Ask for the first page of each resource, and show what it proves."""
    found = chosen(map(str, options.files))
    errors = [str(error) for error in found.broken]
    entries: list[dict[str, Any]] = []
    for source, resources in found.parts:
        try:
            if options.files or plan_of(source).is_enabled:
                entries += _entries(source, resources, options.days)
        except CatalogError as e:
            errors.append(str(e))
    counts = {state: sum(_state(entry) == state for entry in entries) for state in Proof}
    document = {
        "assets": entries,
        "ok": counts[Proof.OK],
        "failed": counts[Proof.FAILED],
        "not_proven": counts[Proof.UNPROVEN],
        "errors": errors,
    }
    show(options, document, _lines(document))
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        return _WRONG
    if document["failed"]:
        return _FAILED
    return _UNPROVEN if document["not_proven"] else 0


def _entries(
    source: Source, resources: Sequence[Resource], days: str | None
) -> Iterator[dict[str, Any]]:
    planned = planned_window(source, resources, days)
    for resource, verdicts in _verdicts(_hurried(planned.source), resources, planned.window):
        yield {
            "asset": str(resource),
            "window": str(planned.window) if source.windowed(resource) else None,
            "aspects": {n: {"state": v.state, "text": v.text} for n, v in verdicts.items()},
        }


def _verdicts(
    source: Source, resources: Sequence[Resource], window: Any
) -> Iterator[tuple[Resource, Verdicts]]:
    statuses: dict[str, list[int]] = defaultdict(list)

    def note(exchange: Exchange) -> None:
        statuses[exchange.place.resource].append(exchange.status)

    try:
        names = [resource.name for resource in resources]
        with ReadRun(source, window, names, page_limit=1, on_response=note) as run:
            failures = run.failures()
            for resource in resources:
                if (error := failures.get(resource.name)) is not None:
                    yield resource, of_error(source, resource, error)
                else:
                    result = run.result(resource.name)
                    yield resource, of_page(source, result, statuses[resource.name])
    except ExtractError as e:  # no session: the settings of the source
        yield from ((resource, of_error(source, resource, e)) for resource in resources)


def _hurried(source: Source) -> Source:
    """The source with at most one retry, except where a response takes time by declaration."""
    resources = {}
    for name, resource in source.resources.items():
        policy = resource.error_handler
        if _NOT_READY not in policy.retry_on_status_codes:
            retries = min(policy.max_retries, _MAX_RETRIES)
            policy = policy.model_copy(update={"max_retries": retries})
        resources[name] = replace(resource, error_handler=policy)
    return replace(source, resources=resources)


def _state(entry: Mapping[str, Any]) -> Proof:
    """The state of a resource: that of its worst aspect."""
    states = {aspect["state"] for aspect in entry["aspects"].values()}
    return next((s for s in (Proof.FAILED, Proof.UNPROVEN) if s in states), Proof.OK)


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [("asset", *ASPECTS)]
    for entry in found["assets"]:
        states = [_shown(entry["aspects"][name]["state"]) for name in ASPECTS]
        rows.append((entry["asset"], *states))
    yield from table_lines(rows)
    yield ""
    for entry in found["assets"]:
        known: set[str] = set()
        for name, aspect in entry["aspects"].items():
            if aspect["text"] and aspect["text"] not in known:
                known.add(aspect["text"])
                yield f"{entry['asset']}: {name} {aspect['state']}: {aspect['text']}"
    asked = counted(len(found["assets"]), "resource")
    yield (
        f"{asked}: {found['ok']} ok, {found['failed']} failed, {found['not_proven']} not proven. "
        "Nothing was loaded."
    )


def _shown(state: Proof) -> str:
    return {Proof.FAILED: "FAILED", Proof.UNPROVEN: "?"}.get(state, str(state))

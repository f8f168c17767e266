"""The subcommand ``analytics-sync sources``: what the team has set for each source.

In: the configured catalog and dlt's configuration. Out: an exit status, and lines on standard output: one
for each source, or one for each key of the source that is named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta

from analytics_sync.catalog import CatalogError, Source
from analytics_sync.catalog.config.page_keys import PAGE_KEYS, PageKeys
from analytics_sync.catalog.config.team_keys import TEAM_SETTINGS
from analytics_sync.catalog.configured import configured_catalog
from analytics_sync.catalog.naming import variable_name
from analytics_sync.catalog.plan import SourcePlan, plan_of
from analytics_sync.commands.output import show
from analytics_sync.commands.places import source_of
from analytics_sync.commands.tables import table_lines

_WRONG = 2
_PURPOSES = {
    "enabled": "whether the source is on",
    "schedule": "cron expression of its schedule",
    "start_date": "day of its first partition",
    "partitions": "hourly, daily, weekly or monthly",
    "time_zone": "zone of partitions and schedule",
    "lookback": "days that the schedule reads again",
    "pool": "Dagster's pool of its runs",
    "automation": "what starts its runs: schedule or conditions",
    "retries": "how often a run is tried again that nobody started by hand",
    "check_schedule": "cron expression of the checks of its whole tables",
    "executor": "engine of its job: in_process, multiprocess, celery or kubernetes",
    "steps": "one, or families: a step for each resource without a parent, and those below it",
    "owners": "who is asked about its assets",
    "tags": "tags of its assets",
    "cadence": "how often the API has new data",
    "docs_url": "documentation of the API",
}
_HEAD = ("source", "is", "partitions", "from", "schedule", "declared in")


def sources(options: argparse.Namespace) -> int:
    """Print the table of all sources, or the values of one."""
    catalog = configured_catalog()
    if options.source is not None:
        source = source_of(catalog, options.source)
        values = list(_values(source))
        head = ("key", "value", "from")
        document = {
            "source": source.name,
            "values": [dict(zip(head, v, strict=True)) for v in values],
        }
        show(options, document, (f"{k:<12} {v:<26} {f}" for k, v, f in (head, *values)))
        return 0
    errors: list[CatalogError] = [broken.error for broken in catalog.broken]
    rows: list[Sequence[str]] = [_HEAD]
    for source in catalog.sources.values():
        try:
            rows.append(_row(source, plan_of(source)))
        except CatalogError as e:
            errors.append(e)
    names = [name.replace(" ", "_") for name in _HEAD]
    entries = [dict(zip(names, row, strict=True)) for row in rows[1:]]
    document = {"sources": entries, "errors": [str(error) for error in errors]}
    show(options, document, table_lines(rows))
    for error in errors:
        print(error, file=sys.stderr)
    return _WRONG if errors else 0


def summary(source: Source) -> str:
    """The number of assets of a source, and what the team has set otherwise than by default.

    Raises:
        CatalogError: The value of a setting is not one.
    """
    plan = plan_of(source)
    windowed = sum(source.windowed(resource) for resource in source.assets)
    kind = "" if (plan.partitions, plan.time_zone) == ("daily", "UTC") else _partitions(plan)
    off = "" if plan.is_enabled else f", off ({plan.origins['enabled']})"
    return f"{len(source.assets)} assets, {windowed} partitioned{kind and f' ({kind})'}{off}"


def team_settings(source: Source) -> Iterator[dict[str, str]]:
    """The settings of the team for a source: variable, value, where it comes from, and purpose.

    Raises:
        CatalogError: The value of a setting is not one.
    """
    plan = plan_of(source)
    for key in TEAM_SETTINGS:
        if key in source.settings:  # a parameter of the API has this setting
            continue
        variable, origin = variable_name(source.name, key), plan.origins[key]
        yield {
            "variable": variable,
            "state": "set" if origin == variable else "optional",
            "purpose": _PURPOSES[key],
            "value": _shown(plan, key),
            "from": origin,
        }


def _values(source: Source) -> Iterator[tuple[str, str, str]]:
    plan = plan_of(source)
    for key in TEAM_SETTINGS:
        yield key, _shown(plan, key), plan.origins[key]
    base = source.levels[-1].name
    if base != source.name:
        yield "base", base, source.levels[-1].file


def _row(source: Source, plan: SourcePlan) -> tuple[str, ...]:
    base = source.levels[-1]
    of = f", base {base.name} in {base.file}:{base.line}" if len(source.levels) > 1 else ""
    windowed = any(source.windowed(resource) for resource in source.assets)
    return (
        source.name,
        "on" if plan.is_enabled else "off",
        _partitions(plan) if windowed else "none",
        plan.start_date.isoformat() if windowed else "",
        plan.schedule,
        f"{source.file}:{source.line}{of}",
    )


def _partitions(plan: SourcePlan) -> str:
    return f"{plan.partitions} {plan.time_zone}"


def _shown(plan: SourcePlan, key: str) -> str:
    value = plan.is_enabled if key == "enabled" else getattr(_holder(plan, key), key)
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    if isinstance(value, timedelta):
        return str(value).removesuffix(", 0:00:00")
    if value is None:
        return "as declared" if key == "lookback" else "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holder(plan: SourcePlan, key: str) -> SourcePlan | PageKeys:
    return plan.page if key in PAGE_KEYS else plan

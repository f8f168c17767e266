"""The plan of a source: what its team has set for it, in files and by settings.

In: a source and dlt's configuration. Out: a ``SourcePlan`` with a value for each key, and where each value
comes from. The source goes before its base, and at each of them a setting goes before the key of the
file. Secrets, and the values of parameters, are no part of this: no account gets those of another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import dlt
from pydantic import ValidationError

from analytics_sync.catalog.config.page_keys import PAGE_KEYS, PageKeys
from analytics_sync.catalog.config.team_keys import (
    TEAM_SETTINGS,
    AutomationKind,
    ExecutorKind,
    Level,
    PartitionKind,
    StepsKind,
    TeamKeys,
    automation_kind,
    retry_count,
)
from analytics_sync.catalog.errors import CatalogError, WrongSetting
from analytics_sync.catalog.naming import variable_name
from analytics_sync.catalog.source import Source

DEFAULT_START = "2025-01-01"
DEFAULT = "default"
EMBEDDING = "build_definitions"
DEFAULT_RETRIES = 2
_GLOBAL_START = "ANALYTICS_SYNC__START_DATE"
DEFAULT_CHECK_CRON = "45 3 * * 0"  # a quiet hour of the week
# after midnight, when the last partition is complete
DEFAULT_CRON: Mapping[PartitionKind, str] = {
    "hourly": "15 * * * *",
    "daily": "15 2 * * *",
    "weekly": "15 2 * * 1",
    "monthly": "15 2 1 * *",
}


@dataclass(frozen=True)
class SourcePlan:
    """What a team has set for a source.

    Attributes:
        is_enabled: Whether the source has assets, jobs, schedules and sensors.
        schedule: The cron expression of its schedule, in ``time_zone``.
        start_date: The day of the first partition.
        partitions: The length of a partition.
        time_zone: The zone in which partitions begin.
        lookback: How far back the schedule reads partitions again; None as each resource declares it.
        pool: Dagster's pool of its runs: the name of the API unless the team has set another one.
        automation: What starts its runs: a schedule, or the conditions of its assets.
        retries: How often a run that nobody has started by hand is tried again.
        check_schedule: The cron expression of the checks of its whole tables, in ``time_zone``.
        executor: The engine of its job; None as ``ANALYTICS_SYNC__EXECUTOR`` says for all jobs.
        steps: Whether a run has one step, or a step for each family of resources.
        page: What the pages of its assets show of it.
        origins: Where each value comes from: a variable, a line of a file, or ``default``.
    """

    is_enabled: bool
    schedule: str
    start_date: date
    partitions: PartitionKind
    time_zone: str
    lookback: timedelta | None
    pool: str
    automation: AutomationKind
    retries: int
    check_schedule: str
    executor: ExecutorKind | None
    steps: StepsKind
    page: PageKeys
    origins: Mapping[str, str]


def plan_of(source: Source, defaults: TeamKeys | None = None) -> SourcePlan:
    """The plan of a source, as files and settings have it now.

    Args:
        source: The source.
        defaults: What a project that embeds the source has in place of the defaults.

    Raises:
        CatalogError: The value of a setting is not one, or the partitions do not suit a cursor.
        WrongSetting: A setting of all sources is wrong, such as ``ANALYTICS_SYNC__START_DATE``.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(TEAM_SETTINGS, DEFAULT)
    for key in TEAM_SETTINGS:
        for level in _levels(source, key):
            value, origin = _value(source, level, key)
            if value is not None:
                values[key], origins[key] = value, origin
                break
    if defaults is not None:
        _add_defaults(values, origins, defaults)
    kind = values.get("partitions", "daily")
    if "start_date" not in values:
        values["start_date"], origins["start_date"] = default_start()
    for key, default in (("automation", default_automation), ("retries", default_retries)):
        if key not in values:
            values[key], origins[key] = default()
    plan = SourcePlan(
        is_enabled=values.get("enabled", True),
        schedule=values.get("schedule", DEFAULT_CRON[kind]),
        start_date=values["start_date"],
        partitions=kind,
        time_zone=values.get("time_zone", "UTC"),
        lookback=values.get("lookback"),
        pool=values.get("pool", source.levels[-1].name if source.levels else source.name),
        automation=values["automation"],
        retries=values["retries"],
        check_schedule=values.get("check_schedule", DEFAULT_CHECK_CRON),
        executor=values.get("executor"),
        steps=values.get("steps", "one"),
        page=PageKeys.model_construct(None, **{k: values[k] for k in PAGE_KEYS if k in values}),
        origins=origins,
    )
    if plan.is_enabled:
        _check_cursors(source, plan)
    return plan


def _add_defaults(values: dict[str, Any], origins: dict[str, str], defaults: TeamKeys) -> None:
    """Add what the embedding project says, where neither a file nor a setting does. Tags are joined."""
    for key in defaults.model_fields_set:
        value = getattr(defaults, key)
        if key == "tags" and value and values.get(key):
            values[key] = {**value, **values[key]}
        elif value is not None and key not in values:
            values[key], origins[key] = value, EMBEDDING


def with_lookback(source: Source, plan: SourcePlan) -> Source:
    """The source whose resources have the lookback of its plan.

    It wins over the lookback of a resource, unless both stand in the file of the API.
    """
    if plan.lookback is None:
        return source
    is_default = plan.origins["lookback"] == source.levels[-1].place("lookback")
    resources = {
        name: replace(r, incremental=r.incremental.model_copy(update={"lookback": plan.lookback}))
        if r.incremental is not None and not (is_default and r.incremental.lookback)
        else r
        for name, r in source.resources.items()
    }
    return replace(source, resources=resources)


def _levels(source: Source, key: str) -> Iterator[Level]:
    """The levels that may hold a key. A source of its own is not switched off with its base."""
    for level in source.levels:
        if key != "enabled" or level.name == source.name or level.is_template:
            yield level


def _value(source: Source, level: Level, key: str) -> tuple[Any, str]:
    """The value of a key at one level, and where it stands; None if it is not set there."""
    if key not in source.settings:  # else the API has a parameter of this name
        variable = variable_name(level.name, key)
        text = dlt.config.get(f"sources.{level.name}.{key}", str)
        if text is not None and str(text).strip():
            return _checked(key, str(text).strip(), variable), variable
    return getattr(level.keys, key), level.place(key)


def _checked(key: str, text: str, variable: str) -> Any:
    try:
        return getattr(TeamKeys.model_validate({key: text}), key)
    except ValidationError as e:
        error = e.errors()[0]
        problem = str(error.get("ctx", {}).get("error", error["msg"]))
    raise CatalogError(f"the setting {variable}: {problem}. Correct the setting, or remove it.")


def default_start() -> tuple[date, str]:
    """The start date of sources that have none of their own, and where it comes from.

    Raises:
        WrongSetting: ``ANALYTICS_SYNC__START_DATE`` is no day.
    """
    text = dlt.config.get("analytics_sync.start_date", str)
    try:
        return date.fromisoformat(text or DEFAULT_START), _GLOBAL_START if text else DEFAULT
    except ValueError:
        raise WrongSetting(
            f"{_GLOBAL_START} is {text!r}; expected a day such as {DEFAULT_START}"
        ) from None


def default_automation() -> tuple[AutomationKind, str]:
    """What starts the runs of sources that do not say, and where it comes from.

    Raises:
        WrongSetting: ``ANALYTICS_SYNC__AUTOMATION`` is neither.
    """
    kind, origin = _for_all("automation", automation_kind, "schedule")
    return kind, origin


def default_retries() -> tuple[int, str]:
    """The retries of sources that have none of their own, and where the number comes from.

    Raises:
        WrongSetting: ``ANALYTICS_SYNC__RETRIES`` is no such number.
    """
    count, origin = _for_all("retries", retry_count, DEFAULT_RETRIES)
    return count, origin


def _for_all(key: str, read: Callable[[Any], Any], default: Any) -> tuple[Any, str]:
    """The value of a setting of all sources, and where it comes from.

    Raises:
        WrongSetting: The value is not one.
    """
    text = dlt.config.get(f"analytics_sync.{key}", str)
    if text is None or not str(text).strip():
        return default, DEFAULT
    variable = f"ANALYTICS_SYNC__{key.upper()}"
    try:
        return read(str(text).strip()), variable
    except ValueError as e:
        raise WrongSetting(f"{variable}: {e}") from None


def _check_cursors(source: Source, plan: SourcePlan) -> None:
    """Refuse hourly partitions of a cursor without a time of day.

    Raises:
        CatalogError: All records of a day would be in its first hour, which is read before the day is over.
    """
    if plan.partitions != "hourly":
        return
    for resource in source.resources.values():
        if resource.cursor is not None and resource.cursor.data_type == "date":
            raise CatalogError(
                f"{plan.origins['partitions']} sets hourly partitions, and {resource.cursor.name!r} is a "
                "date without a time of day: set daily, weekly or monthly",
                file=source.file,
                line=source.lines.get(resource.name, source.line),
                resource=resource.name,
            )

"""What a team sets for a source without code: when it is read, in which partitions, and by which account.

In: keys of a catalog file, or texts of settings. Out: ``TeamKeys`` and ``InstanceKeys``, checked; and
``Level``, one place of such keys. All keys are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.client import RateLimit
from analytics_sync.catalog.config.cron import plain_cron
from analytics_sync.catalog.config.page_keys import PAGE_KEYS, PageKeys
from analytics_sync.catalog.config.param_format import days_back
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.yaml_config import Lines, Path
from analytics_sync.catalog.naming import problem_of_name

PartitionKind = Literal["hourly", "daily", "weekly", "monthly"]
AutomationKind = Literal["schedule", "conditions"]
ExecutorKind = Literal["in_process", "multiprocess", "celery", "kubernetes"]
StepsKind = Literal["one", "families"]
MAX_RETRIES = 10

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_POOL = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


def _switch(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in _YES + _NO:
        raise ValueError(f"expected true or false, found {value!r}")
    return text in _YES


def _day(value: Any) -> date:
    text = str(value)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text)
            if _FIRST_DAY <= day <= _LAST_DAY:
                return day
    except ValueError:
        pass
    raise ValueError(
        f"expected a day from {_FIRST_DAY} to {_LAST_DAY} such as 2025-01-01, found {value!r}"
    )


def _executor(value: Any) -> Any:
    if value not in (kinds := get_args(ExecutorKind)):
        raise ValueError(f"expected one of {', '.join(kinds)}, found {value!r}")
    return value


def _steps(value: Any) -> Any:
    if value not in get_args(StepsKind):
        raise ValueError(f"expected one or families, found {value!r}")
    return value


def _kind(value: Any) -> Any:
    if value not in get_args(PartitionKind):
        raise ValueError(f"expected hourly, daily, weekly or monthly, found {value!r}")
    return value


def automation_kind(value: Any) -> Any:
    """The kind of automation that a value names.

    Raises:
        ValueError: It names none.
    """
    if value not in get_args(AutomationKind):
        raise ValueError(f"expected schedule or conditions, found {value!r}")
    return value


def retry_count(value: Any) -> int:
    """How often a run is tried again.

    Raises:
        ValueError: The value is no number that it can be.
    """
    if not re.fullmatch(r"\d{1,2}", str(value)) or int(value) > MAX_RETRIES:
        raise ValueError(f"expected a whole number from 0 to {MAX_RETRIES}, found {value!r}")
    return int(value)


def _zone(value: str) -> str:
    try:
        # an abbreviation such as EST has no daylight saving, whatever the team means by it
        if value == "UTC" or ("/" in value and ZoneInfo(value)):
            return value
    except (KeyError, ValueError, OSError):
        pass
    raise ValueError(f"expected UTC or an IANA time zone such as Europe/Berlin, found {value!r}")


def _pool(value: str) -> str:
    if not _POOL.fullmatch(value):
        raise ValueError(f"expected letters, digits and _, found {value!r}")
    return value


class TeamKeys(PageKeys):
    """Keys that the settings of a source may replace, with those of the pages of its assets."""

    enabled: Annotated[bool | None, BeforeValidator(_switch, json_schema_input_type=bool)] = None
    """false: the source has no assets, jobs and schedules."""
    schedule: Annotated[str, AfterValidator(plain_cron)] | None = None
    """The cron expression of its schedule, in its time zone."""
    start_date: Annotated[date | None, BeforeValidator(_day, json_schema_input_type=date)] = None
    """The day of the first partition, such as 2025-01-01."""
    partitions: Annotated[
        PartitionKind | None, BeforeValidator(_kind, json_schema_input_type=PartitionKind)
    ] = None
    """How long a partition is."""
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    """The zone in which partitions begin: UTC, or an IANA name such as Europe/Berlin."""
    lookback: Annotated[
        timedelta | None, BeforeValidator(days_back, json_schema_input_type=int | str)
    ] = None
    """How far back the schedule reads again: days, or a duration such as P3D."""
    pool: Annotated[str, AfterValidator(_pool)] | None = None
    """Dagster's concurrency pool of its runs."""
    automation: Annotated[
        AutomationKind | None,
        BeforeValidator(automation_kind, json_schema_input_type=AutomationKind),
    ] = None
    """What starts its runs."""
    retries: Annotated[
        int | None,
        BeforeValidator(
            retry_count, json_schema_input_type=Annotated[int, Field(ge=0, le=MAX_RETRIES)]
        ),
    ] = None
    """How often a run that nobody has started by hand is tried again, from 0 to 10."""
    check_schedule: Annotated[str, AfterValidator(plain_cron)] | None = None
    """The cron expression of the checks of its whole tables, in its time zone."""
    executor: Annotated[
        ExecutorKind | None, BeforeValidator(_executor, json_schema_input_type=ExecutorKind)
    ] = None
    """Dagster's engine that executes the steps of its job."""
    steps: Annotated[
        StepsKind | None, BeforeValidator(_steps, json_schema_input_type=StepsKind)
    ] = None
    """one: a run reads all of its resources in one step. families: a step for each resource without a parent
    and those below it, so that several processes can read one source."""


TEAM_SETTINGS = (
    *(key for key in TeamKeys.model_fields if key not in PAGE_KEYS),
    *PAGE_KEYS,
)
"""The names of the settings."""


class InstanceKeys(TeamKeys):
    """What an instance has in place of its base. The setting ``base_url`` wins over the key."""

    description: str | None = None
    """A text for people."""
    base_url: str | None = None
    """The address of this account. The setting base_url wins."""
    rate_limit: RateLimit | None = None
    """The rate limit of this account."""


def _accounts(value: Any) -> Any:
    """A list of names is short for a mapping without keys. An instance without keys is null in YAML."""
    if isinstance(value, list):
        if strange := [name for name in value if not isinstance(name, str)]:
            raise ValueError(f"expected names, or a mapping by name, found {strange[0]!r}")
        if twice := [name for name in value if value.count(name) > 1]:
            raise ValueError(f"expected each name once, found {twice[0]!r} {len(twice)} times")
        value = dict.fromkeys(value)
    if isinstance(value, Mapping):
        if not value:
            raise ValueError("expected at least one instance")
        return {name: {} if keys is None else keys for name, keys in value.items()}
    return value


class Instances(Model):
    """Keys of a file that gives several sources."""

    instances: Annotated[
        dict[str, InstanceKeys] | None,
        BeforeValidator(
            _accounts, json_schema_input_type=dict[str, InstanceKeys | None] | list[str]
        ),
    ] = None
    """The sources that this file gives: a list of names, or what each has in place of the keys of the file."""


class DerivedFile(InstanceKeys, Instances):
    """A catalog file that takes its API from another one, which ``base`` names."""

    source: str | None = None
    """Name of the source; the file's name by default."""
    base: Annotated[str, Field(min_length=1)]
    """Name of the source whose API this file takes."""


@dataclass(frozen=True)
class Level:
    """One place where keys of a source stand. A source looks at its levels from the first to the last.

    Attributes:
        name: The source whose settings win over the keys.
        keys: The keys.
        file: The file of the keys.
        line: The line of the name, or of the key that gives it.
        lines: The line of each key.
        is_template: Whether the name belongs to no source, only to those that are made from it.
        path: The absolute path of the file; empty if the text is in no file.
    """

    name: str
    keys: InstanceKeys
    file: str = ""
    line: int = 1
    lines: Mapping[str, int] = field(default_factory=dict)
    is_template: bool = False
    path: str = ""

    def place(self, key: str) -> str:
        """The file and line of a key."""
        return f"{self.file}:{self.lines.get(key, self.line)}"


def level_of(
    name: str, keys: Model, lines: Mapping[Path, int], file: str, *above: str, line: int
) -> Level:
    """The level of the team's keys in a mapping of a file.

    Args:
        name: Name of the source.
        keys: The model of the mapping.
        lines: The line of each key of the file.
        file: The file's name.
        above: The keys that lead to the mapping.
        line: The line of the name.
    """
    found = {
        key: getattr(keys, key) for key in InstanceKeys.model_fields if key in keys.model_fields_set
    }
    own = {key: lines[(*above, key)] for key in found if (*above, key) in lines}
    return Level(name, InstanceKeys.model_construct(None, **found), file, line, own)


def instance_levels(declared: Instances, lines: Lines, file: str) -> tuple[Level, ...]:
    """The levels of the instances of a file.

    Raises:
        CatalogError: An instance has a name that no source may have.
    """
    levels = []
    for index, (name, keys) in enumerate((declared.instances or {}).items()):
        # in a list of names, a line belongs to the place in the list
        line = lines.get(("instances", name)) or lines.get(("instances", index), 0)
        if wrong := problem_of_name(name):
            raise CatalogError(wrong, file=file, line=line, key=f"instances.{name}")
        levels.append(level_of(name, keys, lines, file, "instances", name, line=line))
    return tuple(levels)

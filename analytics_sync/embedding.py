"""``build_definitions``: the assets of catalog files, for a Dagster project of your own.

In: catalog files, and what the project says of them. Out: ``Definitions``, which ``Definitions.merge`` takes.
A wrong file is an error with file and line: the code location then does not load.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any

from dagster import Definitions
from pydantic import ValidationError

from analytics_sync.catalog import CatalogError, Source
from analytics_sync.catalog.config.team_keys import ExecutorKind, PartitionKind, TeamKeys
from analytics_sync.catalog.loader import YAML_SUFFIXES, load_files
from analytics_sync.catalog.names import check_names
from analytics_sync.common.telemetry import switch_off_telemetry
from analytics_sync.defs.embedded import Embedding, embedded_definitions

_NAME = re.compile(r"[A-Za-z0-9_]+")

CatalogPath = str | PathLike[str]


def build_definitions(
    catalog: CatalogPath | Sequence[CatalogPath],
    *,
    key_prefix: str | Sequence[str] | None = None,
    group: str | None = None,
    owners: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
    schedule: str | None = None,
    partitions: PartitionKind | None = None,
    start_date: date | str | None = None,
    time_zone: str | None = None,
    executor: ExecutorKind | None = None,
    everything_job: str | None = None,
    schedules: bool = True,
    sensors: bool = True,
) -> Definitions:
    """The definitions of the sources that catalog files declare.

    ``owners`` to ``executor`` hold where neither a catalog file nor a setting says otherwise.

    Args:
        catalog: A catalog file, a folder of them, or several of both.
        key_prefix: What stands in front of the asset keys ``[source, resource]``.
        group: The asset group; None for the name of each source.
        owners: Email addresses, and teams as ``team:name``.
        tags: Tags of all assets, beside those of the files.
        schedule: The cron expression of the schedules.
        partitions: The length of the partitions.
        start_date: The day of the first partition.
        time_zone: The zone in which partitions begin.
        executor: The engine of the jobs. Without one, the executor of the project runs them.
        everything_job: The name of a job of all these sources; None for no such job.
        schedules: Whether the sources have their schedules, which are off until somebody switches them on.
        sensors: Whether the sources have their sensors and automation conditions.

    Raises:
        CatalogError: A file does not load, or the definitions of its source cannot be built.
        ValueError: An argument or a setting is wrong.
    """
    switch_off_telemetry()
    keys = {
        "owners": owners, "tags": tags, "schedule": schedule, "partitions": partitions, "start_date": start_date,
        "time_zone": time_zone, "executor": executor,
    }  # fmt: skip
    checked_names("group", group)
    checked_names("everything_job", everything_job)
    embedding = Embedding(
        checked_names("key_prefix", key_prefix), group, default_keys(keys), everything_job, schedules, sensors,
    )  # fmt: skip
    places = [catalog] if isinstance(catalog, str | PathLike) else catalog
    return embedded_definitions(_sources(places), embedding)


def checked_names(argument: str, given: str | Sequence[str] | None) -> tuple[str, ...]:
    """The names of an argument.

    Raises:
        ValueError: One of them is none that Dagster takes.
    """
    names = () if given is None else (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{argument}: expected letters, digits and _, found {name!r}")
    return names


def _sources(places: Iterable[CatalogPath]) -> list[Source]:
    sources = load_files([file for place in places for file in _files(Path(place))])
    check_names(sources)
    return sources


def _files(place: Path) -> list[Path]:
    """A file, or the YAML files of a folder.

    Raises:
        CatalogError: The folder has none.
    """
    if not place.is_dir():
        return [place]
    files = sorted(p for p in place.iterdir() if p.suffix in YAML_SUFFIXES and p.name[0] != ".")
    if not files:
        raise CatalogError(
            "this folder has no catalog file; add one, or name a file", file=str(place)
        )
    return files


def default_keys(keys: Mapping[str, Any]) -> TeamKeys:
    """The arguments as keys of a catalog file, checked as those are.

    Raises:
        ValueError: One of them is wrong.
    """
    try:
        return TeamKeys.model_validate({k: v for k, v in keys.items() if v is not None})
    except ValidationError as e:
        error = e.errors()[0]
        problem = str(error.get("ctx", {}).get("error", error["msg"]))
        argument = error["loc"][0]
    raise ValueError(f"{argument}: {problem}")

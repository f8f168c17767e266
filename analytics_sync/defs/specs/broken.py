"""The definitions of a broken catalog file: an asset that fails, so that the file is seen.

In: a file that does not load. Out: one asset in the group of the source, whose description is the error,
and whose materialization fails with it; and the job and the schedule of the source under their usual
names. So a nightly run that was switched on fails each night, and does not end without a word.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, get_args

from dagster import (
    AssetKey,
    AssetsDefinition,
    AssetSelection,
    BackfillPolicy,
    Failure,
    ScheduleDefinition,
    asset,
    define_asset_job,
)

from analytics_sync.catalog.config.team_keys import PartitionKind
from analytics_sync.catalog.configured import BrokenFile
from analytics_sync.catalog.plan import DEFAULT_CRON
from analytics_sync.common.shown import without_markup

log = logging.getLogger(__name__)

TABLES_SCHEDULE = "check_tables"
"""The first part of the name of the schedule that checks whole tables."""

ASSET = "catalog_file"
"""The last part of the asset key."""
_ADVICE = "Correct it, then reload the code location. Other sources run as usual."


def broken_asset(broken: BrokenFile) -> AssetsDefinition:
    """The asset ``<name>/catalog_file``, which fails with the error of the file."""

    @asset(
        key=AssetKey([broken.name, ASSET]),
        group_name=broken.name,
        description=f"This catalog file does not load: {without_markup(str(broken.error))}",
        kinds={"yaml"},
        metadata={"file": broken.file, "line": broken.error.line},
        # without it, Dagster refuses a range of partitions for all selected assets
        backfill_policy=BackfillPolicy.single_run(),
    )
    def catalog_file() -> None:
        raise Failure(_message(broken))

    return catalog_file


def broken_job(broken: BrokenFile) -> Any:
    """The job ``sync_<name>``, which fails with the error of the file."""
    return define_asset_job(
        f"sync_{broken.name}",
        selection=AssetSelection.groups(broken.name),
        description=f"The catalog file of {broken.name} does not load: this job fails.",
    )


def broken_schedules(broken: BrokenFile, job: Any) -> list[ScheduleDefinition]:
    """The schedules that the source may have had. One that was on before the file broke stays on."""
    return [
        ScheduleDefinition(
            name=f"{prefix}_{broken.name}",
            job=job,
            cron_schedule=DEFAULT_CRON["daily"],
            execution_timezone="UTC",
            description=f"The catalog file of {broken.name} does not load: each run fails.",
        )
        for prefix in (*get_args(PartitionKind), TABLES_SCHEDULE)
    ]


def warn_of(broken: Sequence[BrokenFile]) -> None:
    """Say on the command line, and in the log of the code server, which files do not load."""
    for file in broken:
        log.error("a catalog file does not load: %s", _message(file))


def _message(broken: BrokenFile) -> str:
    return f"{str(broken.error).rstrip('.')}. {_ADVICE}"

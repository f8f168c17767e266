"""The run config: what somebody may say of one run, in the launchpad or by ``--config``.

In: a mapping that somebody types. Out: ``SyncConfig``, whose help texts the launchpad shows; a failure
before the first request if a value is wrong; and the window of the run.
"""
# No ``from __future__ import annotations`` here: Dagster inspects the class.

from collections.abc import Collection
from datetime import UTC, timedelta
from typing import Optional

from dagster import Config, Failure, TimeWindowPartitionsDefinition
from pydantic import Field

from analytics_sync.catalog import Source
from analytics_sync.common.shown import counted
from analytics_sync.common.window import Window

_MAX_PAGES = 10_000
_MAX_DAYS = 366


class SyncConfig(Config):
    """How this one run reads. Leave all of it out for a usual run."""

    accept_shrunken: list[str] = Field(
        default=[],
        description=(
            "Resources that may list less than half of the rows that their table has: the rows that are "
            "not listed are then marked as deleted, or removed where the resource replaces rows. "
            "Example: [orders]"
        ),
    )
    full_refresh: bool = Field(
        default=False,
        description=(
            "Request everything again, also pages that an interrupted run has kept. Rows of the window "
            "that the API does not list any more go: they are marked as deleted, or removed where the "
            "cursor of a record never changes. Nothing goes after a read that is not complete."
        ),
    )
    page_limit: Optional[int] = Field(  # noqa: UP045  # Dagster knows no other spelling
        default=None,
        description=(
            f"For a trial: the largest number of pages of each resource, from 1 to {_MAX_PAGES}. The rows "
            "are loaded. Nothing is marked or removed, and the partitions do not count as read."
        ),
    )
    lookback_days: int = Field(
        default=0,
        description=(
            f"Begin the window so many days earlier, from 0 to {_MAX_DAYS}, for records that came late. The "
            "run needs a partition."
        ),
    )
    dry_run: bool = Field(
        default=False,
        description=(
            "Write the first request of each resource into the log, with secrets masked. Nothing is sent, "
            "loaded or materialized."
        ),
    )

    @property
    def mode(self) -> str:
        """How the run reads, in words; empty for a usual run."""
        said = {
            "dry run": self.dry_run,
            "full refresh": self.full_refresh,
            f"trial of {counted(self.page_limit or 0, 'page')}": self.page_limit is not None,
            f"lookback of {counted(self.lookback_days, 'day')}": self.lookback_days > 0,
        }
        return ", ".join(text for text, is_meant in said.items() if is_meant)


def check_config(config: SyncConfig, source: Source, window: Window | None) -> None:
    """Refuse a run config that has a wrong value.

    Args:
        config: The run config.
        source: The source.
        window: The window of the run's partitions; None for a run without a partition.

    Raises:
        Failure: A value is wrong. No request was sent.
    """
    problems = [
        *_out_of_range("page_limit", config.page_limit, 1, _MAX_PAGES),
        *_out_of_range("lookback_days", config.lookback_days, 0, _MAX_DAYS),
    ]
    if config.page_limit is not None and config.full_refresh:
        problems.append("page_limit and full_refresh are both set: a trial replaces nothing")
    if config.lookback_days and window is None:
        problems.append(
            "lookback_days is set, and the run has no partition that could begin earlier"
        )
    if problems:
        raise Failure(
            f"{source.name}: in the config of the op {source.name!r}, {'; '.join(problems)}. No request was "
            "sent. Correct the config in the launchpad, then run again."
        )


def window_of_run(
    config: SyncConfig, window: Window | None, partitions: TimeWindowPartitionsDefinition
) -> Window | None:
    """The window that a run reads: it begins earlier by the lookback, but not before the first partition.

    Args:
        config: The run config.
        window: The window of the run's partitions.
        partitions: The partitions of the source.
    """
    if window is None or not config.lookback_days:
        return window
    # wall-clock time: a day of 23 or 25 hours is a day
    zone = window.zone or UTC
    start = window.start.astimezone(zone) - timedelta(days=config.lookback_days)
    start = max(start.astimezone(UTC), partitions.start.astimezone(UTC))
    return Window(min(start, window.start), window.end, zone=window.zone)


def _out_of_range(name: str, value: int | None, least: int, most: int) -> Collection[str]:
    if value is None or least <= value <= most:
        return ()
    return (f"{name} is {value}; expected a whole number from {least} to {most}",)

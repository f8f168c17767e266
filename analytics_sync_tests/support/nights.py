"""Nights of a schedule: what Dagster's history says, and what the schedule then requests.

In: a source and a persistent Dagster instance. Out: events and runs in the history, as runs leave them,
and the run requests of a tick.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DagsterRun,
    Definitions,
    ExecuteInProcessResult,
    RunRequest,
    build_schedule_context,
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from analytics_sync.catalog import Source
from analytics_sync.defs.build import build_definitions

RANGE = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)


@dataclass
class Nights:
    """The history and the ticks of one source.

    Attributes:
        instance: A persistent instance. Sources of other names may share it.
        source: The source.
        skipped: Why the last tick requested nothing.
    """

    instance: DagsterInstance
    source: Source
    skipped: str | None = field(default=None, init=False)

    @cached_property
    def defs(self) -> Definitions:
        """The definitions of the source."""
        return build_definitions({self.source.name: self.source})

    def read(
        self, *keys: str, began: str | None = None, of: Iterable[str] = (), **metadata: str
    ) -> None:
        """Materialize partitions of resources, of all windowed ones by default, as a run leaves them.

        Args:
            keys: The partitions.
            began: When the read began, in UTC; None for long after all of them.
            of: The resources.
            metadata: More metadata.
        """
        moment = datetime.fromisoformat(began).replace(tzinfo=UTC) if began else datetime.now(UTC)
        for key in keys:
            for name in of or self._windowed:
                self.instance.report_runless_asset_event(
                    AssetMaterialization(
                        self._key(name),
                        partition=key,
                        metadata={"reading_began": moment.isoformat(), **metadata},
                    )
                )

    def start(self, first: str, last: str | None = None, of: Iterable[str] = ()) -> DagsterRun:
        """A run in progress of partitions, of all assets by default."""
        tags = (
            {PARTITION_NAME_TAG: first}
            if last is None
            else dict(zip(RANGE, (first, last), strict=True))
        )
        return self.instance.create_run_for_job(
            self.defs.resolve_job_def(f"sync_{self.source.name}").get_subset(
                asset_selection={self._key(name) for name in of or self._all}
            ),
            tags=tags,
            asset_selection=frozenset(self._key(name) for name in of or self._all),
        )

    def fail(self, first: str, last: str | None = None, of: Iterable[str] = ()) -> None:
        """A failed run of partitions, of all assets by default."""
        self.instance.report_run_failed(self.start(first, last, of))

    def tick(self, at: str) -> list[RunRequest]:
        """The run requests of a tick of the schedule at a moment in UTC."""
        repository = self.defs.get_repository_def()
        with build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=datetime.fromisoformat(at).replace(tzinfo=UTC),
            repository_def=repository,
        ) as context:
            (schedule,) = [s for s in repository.schedule_defs if not s.name.startswith("check_")]
            result = schedule.evaluate_tick(context)
        self.skipped = result.skip_message
        return list(result.run_requests or ())

    def asked(self, at: str) -> dict[str, str]:
        """The partitions that a tick requests, each with the assets, in short: ``{'07': 'orders, shops'}``.

        A range is ``05..07``, a run without a partition is ``-``. All assets are ``*``.
        """
        found: dict[str, str] = {}
        for request in self.tick(at):
            first, last = (request.tags.get(tag, "") for tag in RANGE)
            days = (
                f"{first[8:]}..{last[8:]}" if first else (request.partition_key or "-")[8:] or "-"
            )
            names = [key.path[-1] for key in request.asset_selection or ()]
            assert days not in found
            found[days] = ", ".join(names) or "*"
        return found

    def run(self, request: RunRequest) -> ExecuteInProcessResult:
        """Run a request in this process."""
        return self.defs.resolve_job_def(f"sync_{self.source.name}").execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            asset_selection=list(request.asset_selection) if request.asset_selection else None,
            raise_on_error=False,
        )

    @property
    def _windowed(self) -> list[str]:
        return [r.name for r in self.source.assets if self.source.windowed(r)]

    @property
    def _all(self) -> list[str]:
        return [r.name for r in self.source.assets]

    def _key(self, name: str) -> AssetKey:
        return AssetKey([self.source.name, name])

"""Ticks of the sensors of alerts, as Dagster's daemon evaluates them, on a real instance.

In: a source, its runs and the settings in the environment. Out: the reason of each tick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagster import AssetKey, DagsterInstance, Definitions, SensorEvaluationContext
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from analytics_sync.catalog import Source
from analytics_sync.catalog.configured import BrokenFile
from analytics_sync.defs.build import build_definitions


@dataclass
class Alerts:
    """The two sensors of a code location, and runs of its source.

    Attributes:
        instance: A persistent instance.
        source: The source.
        cursors: The cursor of each sensor, by name.
        accounts: More sources of the location, such as other accounts of the same API.
    """

    instance: DagsterInstance
    source: Source
    broken: Iterable[BrokenFile] = ()
    cursors: dict[str, str | None] = field(default_factory=dict)
    accounts: Sequence[Source] = ()
    _defs: dict[tuple[int, int], Definitions] = field(default_factory=dict)

    def run(self, first: str | None = None, last: str | None = None, of: str = "items") -> bool:
        """Run some partitions of an asset with its checks, and say whether the run succeeded."""
        tags = {}
        if first is not None:
            tags = {
                ASSET_PARTITION_RANGE_START_TAG: first,
                ASSET_PARTITION_RANGE_END_TAG: last or first,
            }
        return self.run_keys([f"{self.source.name}/{name}" for name in of.split()], tags)

    def run_keys(self, keys: Iterable[str], tags: Mapping[str, str] | None = None) -> bool:
        """Run assets, and say whether the run succeeded."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        selection = [AssetKey(key.split("/")) for key in keys]
        return job.execute_in_process(
            instance=self.instance, asset_selection=selection, tags=tags, raise_on_error=False
        ).success

    def lose_run(self, message: str = "the process is gone") -> None:
        """A run that ends without a failed step, as run monitoring ends it."""
        run = self.instance.create_run_for_job(
            self.defs.resolve_job_def(f"sync_{self.source.name}")
        )
        self.instance.report_run_failed(run, message)

    def statuses(self) -> set[str]:
        """The status of the sensors as long as nobody switches them."""
        names = ("alert_failed_runs", "alert_failed_checks")
        defs = self._built()
        return {defs.resolve_sensor_def(name).default_status.value for name in names}

    @property
    def defs(self) -> Definitions:
        """The definitions of the source as it is."""
        key = (id(self.source), len(list(self.broken)))
        if key not in self._defs:
            self._defs[key] = self._built()
        return self._defs[key]

    def _built(self) -> Definitions:
        sources = {source.name: source for source in (self.source, *self.accounts)}
        return build_definitions(sources, list(self.broken))

    def tick(self, name: str = "runs", *, is_first: bool = False, commits: bool = True) -> str:
        """Evaluate a sensor, and return the reason of the tick.

        Args:
            name: ``runs`` or ``checks``.
            is_first: Whether no tick was before: the first tick of all, or a test in the UI.
            commits: Whether the cursor is kept, as after a tick of the daemon.
        """
        name = f"alert_failed_{name}"
        with SensorEvaluationContext(
            instance_ref=self.instance.get_ref(),
            last_tick_completion_time=None if is_first else 1.0,
            cursor=self.cursors.get(name),
            sensor_name=name,
            repository_name="__repository__",
        ) as context:
            result: Any = self.defs.resolve_sensor_def(name).evaluate_tick(context)
        if commits:
            self.cursors[name] = result.cursor or self.cursors.get(name)
        assert not result.run_requests
        return str(result.skip_message)

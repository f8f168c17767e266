"""The report of the demo: a table of its newest run.

In: the folder of a Dagster instance. Out: a line on standard output for each asset, and the totals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster import DagsterInstance


@dataclass
class _AssetSummary:
    """One line of the report: the figures of one asset over the whole run."""

    partitions: int = 0  # materializations: one without partitions, else one a partition
    rows: int = 0
    seconds: float = 0.0  # spent reading
    checks: dict[str, bool] = field(default_factory=dict)  # passed in each partition
    partitioned: bool = False

    @property
    def passed(self) -> int:
        """Number of checks that passed."""
        return sum(self.checks.values())


def _summarize(instance: DagsterInstance, run_id: str) -> dict[tuple[str, ...], _AssetSummary]:
    """The summary of each asset by asset key, from the run's event log."""
    from dagster import DagsterEventType

    assets: dict[tuple[str, ...], _AssetSummary] = {}
    for entry in instance.all_logs(run_id):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            materialization = event.step_materialization_data.materialization
            asset = assets.setdefault(tuple(materialization.asset_key.path), _AssetSummary())
            values: dict[str, Any] = {k: v.value for k, v in materialization.metadata.items()}
            asset.partitions += 1
            asset.rows = values.get("run_rows_loaded", values.get("rows_loaded", 0))
            asset.seconds = values.get("run_seconds_reading", values.get("seconds_reading", 0.0))
            asset.partitioned = materialization.partition is not None
        elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            asset = assets.setdefault(tuple(check.asset_key.path), _AssetSummary())
            passed = asset.checks.get(check.check_name, True)
            asset.checks[check.check_name] = passed and check.passed
    return assets


def print_report(instance_folder: Path) -> None:
    """Print a table of the newest run, and its totals."""
    from dagster import DagsterInstance

    with DagsterInstance.from_config(str(instance_folder)) as instance:
        if not (runs := instance.get_run_records(limit=1)):
            return  # Dagster refused the selection
        run = runs[0]
        assets = _summarize(instance, run.dagster_run.run_id)
    line = "{:<17} {:<25} {:>10} {:>7} {:>7} {:>9}".format
    print("\n" + line("source", "resource", "partitions", "rows", "checks", "reading s"))
    for (source, resource), a in sorted(assets.items()):
        partitions = str(a.partitions) if a.partitioned else "-"
        checks = f"{a.passed}/{len(a.checks)}"
        print(line(source, resource, partitions, f"{a.rows:,}", checks, f"{a.seconds:.2f}"))
    seconds = (run.end_time or 0) - (run.start_time or 0)
    print(
        f"\n{len(assets)} assets, {sum(a.rows for a in assets.values()):,} rows, "
        f"{sum(a.passed for a in assets.values())} of {sum(len(a.checks) for a in assets.values())} "
        f"checks passed; the run took {seconds:.1f} s."
    )

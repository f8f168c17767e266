"""Runs in Dagster, in this process.

In: a home, sources and assets. Out: the result of the run, its events, and its verdicts and metadata by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetSelection,
    AssetSpec,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    define_asset_job,
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from analytics_sync.catalog import Source
from analytics_sync.defs.build import build_definitions
from analytics_sync.defs.specs.translator import asset_key


def table_specs(defs: Definitions) -> list[AssetSpec]:
    """The specs of the assets that a run loads. An API is an asset, too, and no run loads it."""
    keys = defs.resolve_asset_graph().materializable_asset_keys
    return [spec for spec in defs.resolve_all_asset_specs() if spec.key in keys]


def make_dagster_home(folder: Path) -> Path:
    """Make a home folder for a Dagster instance that sends no telemetry."""
    folder.mkdir(exist_ok=True)
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return folder


@pytest.fixture(scope="module")
def module_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterInstance]:
    """One persistent instance for all tests of a module."""
    home = make_dagster_home(tmp_path_factory.mktemp("dagster"))
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


def run_in_dagster(
    home: Path,
    sources: Mapping[str, Source],
    assets: Iterable[str],
    first: date | str | None = None,
    last: date | str | None = None,
) -> ExecuteInProcessResult:
    """Materialize assets in this process, with the environment as it is; see ``World.run``."""
    defs = build_definitions(sources)
    with DagsterInstance.from_config(str(home)) as instance:
        return defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[AssetKey(a.split("/")) for a in assets],
            tags=_range(first, last),
            raise_on_error=False,
        )


def _range(first: date | str | None, last: date | str | None) -> dict[str, str]:
    """The tags of a run of a range of partitions; none without a first one."""
    if first is None:
        return {}
    return {
        ASSET_PARTITION_RANGE_START_TAG: str(first),
        ASSET_PARTITION_RANGE_END_TAG: str(last or first),
    }


def events(result: ExecuteInProcessResult, kind: DagsterEventType) -> list[Any]:
    """The events of one type in a run."""
    return [e for e in result.all_events if e.event_type == kind]


def step_failure(result: ExecuteInProcessResult) -> Any:
    """What the only failed step of a run says: its ``description``, and its ``metadata`` by resource."""
    (failure,) = events(result, DagsterEventType.STEP_FAILURE)
    return failure.event_specific_data.user_failure_data


def check_of(result: ExecuteInProcessResult, name: str) -> AssetCheckEvaluation:
    """The only evaluation of a check."""
    (found,) = [e for e in result.get_asset_check_evaluations() if e.check_name == name]
    return found


def metadata(result: ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Metadata of the materializations of a run, by resource."""
    found = [
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
    ]
    return {m.asset_key.path[-1]: {n: v.value for n, v in m.metadata.items()} for m in found}


@dataclass(frozen=True)
class Run:
    """A finished run in Dagster.

    Attributes:
        ok: Whether it succeeded.
        error: The message of the first failed step; empty without one.
        checks: Whether each check passed, its severity and its description, by ``resource.check``.
        metadata: Metadata of the materializations by resource.
    """

    ok: bool
    error: str
    checks: dict[str, tuple[bool, str, str]]
    metadata: dict[str, dict[str, Any]]

    def failed(self) -> dict[str, str]:
        """The severity of each failed check but ``freshness``: the days of tests are long past."""
        return {
            name: severity
            for name, (ok, severity, _) in self.checks.items()
            if not ok and not name.endswith(".freshness")
        }


def run_source(
    home: Path,
    source: Source,
    first: str | None = None,
    last: str | None = None,
    *,
    only: Iterable[str] = (),
) -> Run:
    """Materialize a source with its checks in this process.

    Args:
        home: The home of the Dagster instance. It is made if it is missing.
        source: The source.
        first: The first partition; None for a run without partitions.
        last: The last partition; None for ``first`` only.
        only: Names of the resources; all without any.
    """
    make_dagster_home(home)
    names = list(only) or [resource.name for resource in source.assets]
    days = [date.fromisoformat(day) if day else None for day in (first, last)]
    done = run_in_dagster(
        home, {source.name: source}, [f"{source.name}/{name}" for name in names], *days
    )
    return _outcome(done)


def run_checks(home: Path, source: Source, day: date | None = None) -> Run:
    """Run the checks of a source alone: of one partition, or of whole tables."""
    defs = build_definitions({source.name: source})
    job = define_asset_job(
        "checks", selection=AssetSelection.checks_for_assets(*map(asset_key, source.assets))
    )
    with DagsterInstance.from_config(str(home)) as instance:
        resolved = Definitions.merge(defs, Definitions(jobs=[job])).resolve_job_def("checks")
        return _outcome(
            resolved.execute_in_process(
                instance=instance, tags=_range(day, day), raise_on_error=False
            )
        )


def _outcome(done: ExecuteInProcessResult) -> Run:
    failures = events(done, DagsterEventType.STEP_FAILURE)
    return Run(
        done.success,
        str(failures[0].step_failure_data.error.message) if failures else "",
        {
            f"{c.asset_key.path[-1]}.{c.check_name}": (
                c.passed,
                c.severity.value,
                str(c.description),
            )
            # a failed partition counts for all
            for c in sorted(done.get_asset_check_evaluations(), key=lambda c: not c.passed)
        },
        metadata(done),
    )

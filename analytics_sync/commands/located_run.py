"""A run in Dagster that the UI knows by its code location, executed in this process.

In: assets, tags, and the workspace that the UI serves. Out: a finished run. The timeline of the UI, its
filters by location and *Re-execute* need the location. ``dagster asset materialize`` gives its runs none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from click import UsageError
from dagster import AssetKey, DagsterInstance, DagsterRun
from dagster._cli.workspace.cli_target import workspace_opts_to_load_target
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import CodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.load_target import ModuleTarget
from dagster_shared.check.functions import CheckError
from dagster_shared.cli import WorkspaceOpts
from dagster_shared.error import DagsterError
from yaml import YAMLError

from analytics_sync.commands.usage import WrongUsage

_MODULE = "analytics_sync.definitions"
_LOCATION = "analytics_sync"


class WrongWorkspace(WrongUsage):
    """The workspace file cannot be read."""


def code_location(workspace: str | None = None) -> CodeLocationOrigin:
    """The code location of the definitions in a workspace.

    A workspace that does not name the module, and no workspace, give the name of the one that ships:
    a server of another machine may serve the module under this name.

    Args:
        workspace: A workspace file; None looks for one as ``dagster dev`` does.

    Raises:
        WrongWorkspace: The file cannot be read.
    """
    options = WorkspaceOpts(workspace=None if workspace is None else [workspace])
    try:
        origins = workspace_opts_to_load_target(options).create_origins()
    except UsageError:  # there is none in this folder
        origins = []
    except (DagsterError, CheckError, OSError, YAMLError) as e:
        problem = " ".join(str(e).split()).partition(" Expected: ")[0].rstrip(".")
        file = f"workspace {workspace}" if workspace else "workspace of this folder"
        raise WrongWorkspace(
            f"the {file} cannot be read: {problem}. Name another one with --workspace."
        ) from e
    for origin in origins:
        target = getattr(origin, "loadable_target_origin", None)  # that of a server is not known
        if target is not None and target.module_name == _MODULE:
            return origin
    (origin,) = ModuleTarget(_MODULE, None, None, _LOCATION).create_origins()
    return origin


def run_in_location(
    location: CodeLocationOrigin,
    assets: Collection[AssetKey],
    *,
    job_name: str,
    instance: DagsterInstance,
    tags: Mapping[str, str],
    run_config: Mapping[str, Any],
) -> DagsterRun:
    """Materialize assets in this process; return the run, which has ended.

    Args:
        location: The code location that gets the run.
        assets: The assets.
        job_name: The implicit job of Dagster that has them all.
        instance: Keeps the run.
        tags: Tags of the run, such as its partitions.
        run_config: Its configuration.
    """
    repository = ReconstructableRepository.for_module(_MODULE, "defs")
    selection = frozenset(assets)
    job = repository.get_reconstructable_job(job_name).get_subset(asset_selection=selection)
    origin = RemoteRepositoryOrigin(location, repository.get_definition().name)
    run = instance.create_run_for_job(
        job_def=job.get_definition(),
        asset_selection=set(selection),
        tags=tags,
        run_config=run_config,
        remote_job_origin=origin.get_job_origin(job_name),
        job_code_origin=job.get_python_origin(),
    )
    return execute_run(job, run, instance).dagster_run

"""``RestSource``: catalog files as a component of a Dagster project.

In: a ``defs.yaml`` that names catalog files beside it. Out: the definitions of ``build_definitions``. A wrong
value is an error with the line of ``defs.yaml``, a wrong catalog file one with the line of that file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from dagster import (
    Component,
    ComponentLoadContext,
    Definitions,
    Model,
    ResolutionContext,
    Resolvable,
    Resolver,
    Scaffolder,
    ScaffoldRequest,
    scaffold_with,
)
from dagster.components.component_scaffolding import scaffold_component
from pydantic import Field

from analytics_sync.catalog.config.team_keys import ExecutorKind, PartitionKind
from analytics_sync.catalog.naming import problem_of_name
from analytics_sync.embedding import build_definitions, checked_names, default_keys

_EXAMPLE = """\
# An API: see docs/catalog.md of analytics_sync. Its settings are SOURCES__{variable}__*.
source: {name}
client:
  base_url: https://api.example.com/v1
  auth: {{type: bearer, token: 'dlt.secrets["token"]'}}
resources:
  - name: items
    primary_key: id
    endpoint:
      path: items
"""


class RestSourceScaffolder(Scaffolder[Any]):
    """Writes ``defs.yaml``, and a catalog file to begin with."""

    def scaffold(self, request: ScaffoldRequest[Any]) -> None:
        """Write the two files.

        Raises:
            ValueError: The name of the folder is no name of a source.
        """
        name = request.target_path.name.replace("-", "_").lower()
        if problem := problem_of_name(name):
            raise ValueError(f"{request.target_path.name}: {problem}")
        folder = request.target_path.parent if request.append else request.target_path
        catalog = folder / f"{name}.yaml"
        if not catalog.exists():
            catalog.write_text(_EXAMPLE.format(name=name, variable=name.upper()), encoding="utf-8")
        scaffold_component(request, {"catalog": catalog.name})


def _paths(context: ResolutionContext, value: Any) -> list[Path]:
    """The catalog files: paths beside ``defs.yaml``."""
    names = context.resolve_value([value] if isinstance(value, str) else value)
    paths = [context.resolve_source_relative_path(name) for name in names]
    for name, path in zip(names, paths, strict=True):
        if not path.exists():
            raise ValueError(f"{name}: no such file or folder beside defs.yaml")
    return paths


def _key(name: str) -> Callable[[ResolutionContext, Any], Any]:
    """A resolver that checks a value by the rules of catalog files."""
    return _checked(lambda found: default_keys({name: found}))


def _name(name: str) -> Callable[[ResolutionContext, Any], Any]:
    """A resolver that checks a name, or several."""
    return _checked(lambda found: checked_names(name, found))


def _checked(check: Callable[[Any], object]) -> Callable[[ResolutionContext, Any], Any]:
    def resolve(context: ResolutionContext, value: Any) -> Any:
        found = context.resolve_value(value)
        check(found)
        return found

    return resolve


@scaffold_with(RestSourceScaffolder)
class RestSource(Component, Resolvable, Model):
    """REST APIs, each declared in a catalog file: one asset, with checks, and one table for each resource."""

    catalog: Annotated[
        list[Path],
        Resolver(_paths, model_field_type=str | list[str], description=
                 "A catalog file, a folder of them, or several of both, beside defs.yaml."),
    ]  # fmt: skip
    key_prefix: Annotated[
        str | list[str] | None,
        Resolver(
            _name("key_prefix"),
            description="What stands in front of the asset keys [source, resource].",
        ),
    ] = None
    group: Annotated[
        str | None,
        Resolver(
            _name("group"), description="The asset group. By default, the name of each source."
        ),
    ] = None
    owners: Annotated[
        list[str] | None,
        Resolver(_key("owners"), description="Email addresses, and teams as team:name."),
    ] = None
    tags: Annotated[
        dict[str, str] | None,
        Resolver(
            _key("tags"), description="Tags of all assets, beside those of the catalog files."
        ),
    ] = None
    schedule: Annotated[
        str | None, Resolver(_key("schedule"), description="The cron expression of the schedules.")
    ] = None
    partitions: Annotated[
        PartitionKind | None,
        Resolver(_key("partitions"), description="The length of the partitions."),
    ] = None
    start_date: Annotated[
        str | None,
        Resolver(
            _key("start_date"),
            description="The day of the first partition, such as 2025-01-01, in quotes.",
        ),
    ] = None
    time_zone: Annotated[
        str | None, Resolver(_key("time_zone"), description="The zone in which partitions begin.")
    ] = None
    executor: Annotated[
        ExecutorKind | None,
        Resolver(
            _key("executor"),
            description="The engine of the jobs. Without one, the executor of the project runs them.",
        ),
    ] = None
    everything_job: Annotated[
        str | None,
        Resolver(_name("everything_job"), description="The name of a job of all these sources."),
    ] = None
    schedules: bool = Field(True, description="Whether the sources have their schedules.")
    sensors: bool = Field(
        True, description="Whether the sources have their sensors and automation conditions."
    )

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The definitions of the catalog files."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return build_definitions(**given)

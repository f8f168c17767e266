"""The builder of a source: checked models -> ``Source``.

In: the plain data of a file and the line of every key. Out: the finished ``Source``, or a
``CatalogError`` that names file, line, resource and key. Only the builders merge
``resource_defaults`` and give a meaning to keys that a file leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from analytics_sync.catalog.building.relations import check_parents
from analytics_sync.catalog.building.resource_builder import ResourceBuilder
from analytics_sync.catalog.building.secret_scan import check_secrets
from analytics_sync.catalog.building.setting_places import setting_places
from analytics_sync.catalog.config.client import Client
from analytics_sync.catalog.config.models import CatalogFile, Endpoint, ResourceConfig
from analytics_sync.catalog.config.team_keys import instance_levels, level_of
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.explain import validated
from analytics_sync.catalog.files.yaml_config import Lines, line_of
from analytics_sync.catalog.naming import problem_of_name, resource_name, variable_name
from analytics_sync.catalog.source import Resource, Source


def build(data: Mapping[str, Any], lines: Lines, *, name: str, file: str) -> Source:
    """Turn the data of one file into a ``Source``.

    Args:
        data: The plain data of the file.
        lines: The line of each key.
        name: The source's name if the file has no ``source``.
        file: The file's name, for messages.

    Raises:
        CatalogError: The first mistake that was found.
    """
    check_secrets(data, lines, source=name, file=file)
    declared = validated(CatalogFile, data, lines, file)
    return _SourceBuilder(declared, lines, declared.source or name, file).build()


class _SourceBuilder:
    def __init__(self, declared: CatalogFile, lines: Lines, name: str, file: str) -> None:
        self.declared = declared
        self.lines = lines
        self.name = name
        self.file = file

    def fail(self, message: str, *path: str | int, resource: str = "", key: str = "") -> NoReturn:
        """Raise ``CatalogError`` at the line of ``path``, or of the nearest key above."""
        raise CatalogError(
            message, file=self.file, line=self._line(*path), resource=resource, key=key
        )

    def _line(self, *path: str | int) -> int:
        """The line of ``path``, or of the nearest key above."""
        return line_of(self.lines, path)

    def build(self) -> Source:
        self._check_name()
        if not self.declared.resources:
            self.fail("expected at least one resource", "resources", key="resources")
        cursor_params = self._cursor_params()
        resources: dict[str, Resource] = {}
        lines: dict[str, int] = {}
        tables: dict[str, str] = {}
        for index, declared in enumerate(self.declared.resources):
            name = resource_name(declared.name)
            if name in resources:
                self.fail(
                    f"this resource is declared twice: {name!r} stands in line {lines[name]} too",
                    "resources", index, "name", resource=declared.name, key="name",
                )  # fmt: skip
            resource = self._resource(index, declared, cursor_params)
            other = tables.setdefault(resource.table, resource.name)
            if other != resource.name:
                key = "table_name" if declared.table_name else "name"
                self.fail(
                    f"{other!r} in line {lines[other]} has the table {resource.table!r} too; "
                    "give one of them another name",
                    "resources", index, key, resource=declared.name, key=key,
                )  # fmt: skip
            resources[name] = resource
            lines[name] = self.lines.get(("resources", index), 0)
        check_parents(resources, self.fail)
        line = self.lines.get(("source",), 1)
        return Source(
            self.name,
            self.declared.description,
            self.declared.client,
            resources,
            self.file,
            line,
            lines,
            self._settings(resources),
            (level_of(self.name, self.declared, self.lines, self.file, line=line),),
            instance_levels(self.declared, self.lines, self.file),
            api_lines=lines,
        )

    def _check_name(self) -> None:
        """Check the name of the source: it is also the name of a dataset, a job and a step."""
        if problem := problem_of_name(self.name):
            self.fail(problem, "source", key="source")

    def _settings(self, resources: Mapping[str, Resource]) -> dict[str, int]:
        """The settings that the declaration names, each with its line."""
        found: dict[str, int] = {}
        variables: dict[str, str] = {}
        for place in setting_places(self.declared.client, resources):
            key, line = place.key, self._line(*place.path)
            variable = variable_name(self.name, key)
            other = variables.setdefault(variable, key)
            if other != key:
                self.fail(
                    f"the settings {other!r} in line {found[other]} and {key!r} are both the variable "
                    f"{variable}; give one of them another name",
                    *place.path,
                )
            found.setdefault(key, line)
        return found

    def _resource(
        self, index: int, declared: ResourceConfig, cursor_params: Mapping[str, str]
    ) -> Resource:
        def fail(message: str, *keys: str) -> NoReturn:
            self.fail(
                message, "resources", index, *keys, resource=declared.name, key=".".join(keys)
            )

        builder = ResourceBuilder(
            self.name,
            self.declared.client,
            self.declared.resource_defaults,
            declared,
            cursor_params,
            fail,
        )
        return builder.build()

    def _cursor_params(self) -> dict[str, str]:
        """The query parameter of each cursor: its path in a response -> parameter."""
        declared: list[Client | Endpoint] = [
            self.declared.client,
            self.declared.resource_defaults.endpoint,
        ]
        declared += [resource.endpoint for resource in self.declared.resources]
        cursors: dict[str, str] = {}
        for paginator in (d.paginator for d in declared):
            path = getattr(paginator, "cursor_path", None)
            if path and (parameter := getattr(paginator, "cursor_param", None)):
                cursors[path] = parameter
        return cursors

"""The source that asks: a new one for an address, or that of a catalog file with one more resource.

In: an address, a name, and the client or the text of a file. Out: a source whose last resource is the one to infer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from analytics_sync.catalog import CatalogError, Resource, Source, load_text
from analytics_sync.catalog.config.paginators import Cursor
from analytics_sync.catalog.files.text_file import read_text
from analytics_sync.catalog.files.yaml_config import parse_yaml
from analytics_sync.catalog.loader import YAML_SUFFIXES
from analytics_sync.catalog.naming import resource_name
from analytics_sync.common.exact_json import loads
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.infer.target import Target, draft_of, draft_resource, target_of


@dataclass(frozen=True)
class Asked:
    """A source with the resource to infer.

    Attributes:
        source: The source.
        resource: The resource.
        target: Its address.
        client: The keys of the client of a new file; empty for a file that has one.
        base: The text of the file that gets the resource; empty for a new one.
        has_paginator: Whether the file has a paginator for resources without one.
    """

    source: Source
    resource: Resource
    target: Target
    client: Mapping[str, Any]
    base: str = ""
    has_paginator: bool = False

    @property
    def cursor_params(self) -> list[str]:
        """The parameters of cursors that the other resources declare."""
        found = {
            resource.paginator.cursor_param: None
            for resource in self.source.resources.values()
            if isinstance(resource.paginator, Cursor) and resource.paginator.cursor_param
        }
        return list(found)


def new_source(address: str, name: str, resource: str, client: Mapping[str, Any]) -> Asked:
    """A source of its own for an address.

    Raises:
        CatalogError: The address or a name is wrong.
    """
    target = target_of(address)
    asked = _drafted(target, name, resource, client)
    configured = Settings(asked.source).address()
    if configured is None or configured.rstrip("/") == target.base_url:
        return asked
    # the setting wins in each run, so the address has to lie below it
    below = target_of(address, configured, "its settings")
    return _drafted(replace(below, base_url=configured), name, resource, client)


def _drafted(target: Target, name: str, resource: str, client: Mapping[str, Any]) -> Asked:
    draft = draft_of(name, target, client, resource)
    source = load_text(yaml.safe_dump(draft, sort_keys=False), name=name, file="the command line")
    return Asked(source, source.resources[resource_name(resource)], target, draft["client"])


def source_of_file(address: str, file: Path, resource: str) -> Asked:
    """The source of a catalog file, with one more resource.

    Raises:
        CatalogError: The file is no catalog file with resources, or the address or name is wrong.
    """
    if file.suffix not in YAML_SUFFIXES:
        raise CatalogError("is no YAML; name a catalog file", file=str(file))
    text = read_text(file)
    data, _ = parse_yaml(text, file.name)
    if "base" in data:
        raise CatalogError("has no resources of its own; name the file of its base", file=file.name)
    known = load_text(text, name=file.stem, file=file.name)
    address_of_api = Settings(known).address() or ""
    target = target_of(address, address_of_api)
    more = {**data, "resources": [*data["resources"], draft_resource(target, resource)]}
    source = load_text(yaml.safe_dump(more, sort_keys=False), name=file.stem, file=file.name)
    found = source.resources[resource_name(resource)]
    return Asked(source, found, target, {}, text, _has_paginator(data))


def _has_paginator(data: Mapping[str, Any]) -> bool:
    """Whether a file declares a paginator for all resources."""
    endpoint = (data.get("resource_defaults") or {}).get("endpoint")
    defaults = endpoint if isinstance(endpoint, dict) else {}
    return bool(defaults.get("paginator") or (data.get("client") or {}).get("paginator"))


def answers_in(file: Path) -> Iterator[Any]:
    """The answers that a file holds: one JSON document, or one in each line.

    Raises:
        CatalogError: The file cannot be read, or holds no JSON.
    """
    try:
        raw = file.read_bytes()
    except OSError as e:
        problem = f"cannot be read: {e.strerror}; look at its path, or name an http(s) address"
        raise CatalogError(problem, file=str(file)) from None
    try:
        yield loads(raw)
        return
    except ValueError:
        pass
    for number, line in enumerate(raw.splitlines(), 1):
        if line.strip():
            try:
                yield loads(line)
            except ValueError:
                problem = "is no JSON; expected one document, or one in each line"
                raise CatalogError(problem, file=str(file), line=number) from None

"""The settings that point sources at a sandbox.

In: sources, the sandbox's address and its key.
Out: environment variables with base URLs, secrets, and path and query values without a parent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config.params import REFERENCE, SettingParam
from analytics_sync.catalog.naming import variable_name
from analytics_sync.sandbox.options import Options

_ORG = "gh/acme"
_SLUG = f"{_ORG}/project-0"


def settings(sources: Iterable[Source], base: str, options: Options) -> dict[str, str]:
    """Environment variables for dlt's configuration, by name.

    A setting that replaces the records of a parent is left out: with it, the reader would read the
    children of one record instead of all.

    Args:
        sources: The sources that the sandbox serves.
        base: The sandbox's address, without a slash at the end.
        options: The options that hold the key.
    """
    result: dict[str, str] = {}
    for source in sources:
        result[variable_name(source.name, "base_url")] = f"{base}/{source.name}"
        for key in _secrets(source):
            result[variable_name(source.name, key)] = options.key
        headers = [v for v in source.client.headers.values() if isinstance(v, SettingParam)]
        params = [p for r in source.resources.values() for p in r.settings.values()]
        for param in (*headers, *params):
            if param.is_optional:
                continue
            value = options.key if param.type == "secret" else _value(source, param)
            result.setdefault(variable_name(source.name, param.key), value)
    return result


def _secrets(source: Source) -> Iterator[str]:
    auth = source.client.auth
    for name in ("api_key", "token", "username", "password"):
        if match := REFERENCE.match(getattr(auth, name, "")):
            yield match[2]
    for value in source.client.headers.values():
        if isinstance(value, SettingParam):
            if value.type == "secret":
                yield value.key
        elif (match := REFERENCE.match(value)) and match[1] == "secrets":
            yield match[2]


def _value(source: Source, param: SettingParam) -> str:
    """A value as a parent's records would supply it; any plain value if no parent can."""
    for resource in source.resources.values():
        if (value := _value_of_parent(resource, param.key)) is not None:
            return value
    if param.allow_slash:
        return _ORG
    return f"{param.key.rpartition('.')[2].removesuffix('_id').replace('_', '-')}-1"


def _value_of_parent(resource: Resource, key: str) -> str | None:
    for param in resource.resolved.values():
        if param.config == key and param.match is not None:
            match = re.search(param.match, _SLUG)
            return match.group(1) if match else None
    return None

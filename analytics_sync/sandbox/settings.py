"""The settings that point sources at a sandbox.

In: sources, the sandbox's address and key. Out: environment variables: base URLs, secrets, and the
path and query values that have no parent to come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.params import REFERENCE, SettingParam
from analytics_sync.sandbox.options import Options

_ORG = "gh/acme"
_SLUG = f"{_ORG}/project-0"


def settings(sources: Iterable[Source], base: str, options: Options) -> dict[str, str]:
    """Environment variables for dlt's configuration, by name.

    A setting that would only take the place of a walk over a parent is left out: with it, one
    record would be read in place of all.

    Args:
        sources: What the sandbox serves.
        base: Its address, without a slash at the end.
        options: Whose key is used.
    """
    result: dict[str, str] = {}
    for source in sources:
        result[_name(source, "base_url")] = f"{base}/{source.name}"
        for key in _secrets(source):
            result[_name(source, key)] = options.key
        headers = [v for v in source.client.headers.values() if isinstance(v, SettingParam)]
        params = [p for r in source.resources.values() for p in r.settings.values()]
        for param in (*headers, *params):
            if param.optional or param.default is not None:
                continue
            value = options.key if param.type == "secret" else _value(source, param)
            result.setdefault(_name(source, param.key), value)
    return result


def _name(source: Source, key: str) -> str:
    return f"SOURCES__{source.name}__{key.replace('.', '__')}".upper()


def _secrets(source: Source) -> Iterator[str]:
    auth = source.client.auth
    for name in ("api_key", "token", "username", "password"):
        if found := REFERENCE.match(getattr(auth, name, "")):
            yield found[2]
    for value in source.client.headers.values():
        if isinstance(value, SettingParam):
            if value.type == "secret":
                yield value.key
        elif (found := REFERENCE.match(value)) and found[1] == "secrets":
            yield found[2]


def _value(source: Source, param: SettingParam) -> str:
    """A value like those a walk would find; any other is as good where nothing is walked."""
    for resource in source.resources.values():
        if (found := _as_walked(resource, param.key)) is not None:
            return found
    if param.allow_slash:
        return _ORG
    return f"{param.key.rpartition('.')[2].removesuffix('_id').replace('_', '-')}-1"


def _as_walked(resource: Resource, key: str) -> str | None:
    for other in resource.resolved.values():
        if other.config == key and other.match is not None:
            match = re.search(other.match, _SLUG)
            return match.group(1) if match else None
    return None

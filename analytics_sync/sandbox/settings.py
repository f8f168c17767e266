"""The settings that point sources at a sandbox.

In: sources, the sandbox's address and its key.
Out: environment variables with base URLs, secrets, and path and query values without a parent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.building.setting_places import setting_places
from analytics_sync.catalog.config.client import OAuth2ClientCredentials
from analytics_sync.catalog.config.params import SettingParam
from analytics_sync.catalog.naming import variable_name
from analytics_sync.sandbox.options import Options

OAUTH2_PATH = "/oauth/token"
"""The path of access tokens, below the address of a source."""

_NAMES_OF_USERS = ("username", "client_id")
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
        if isinstance(source.client.auth, OAuth2ClientCredentials):
            result[variable_name(source.name, "access_token_url")] = (
                f"{base}/{source.name}{OAUTH2_PATH}"
            )
        params = {p.key: p for r in source.resources.values() for p in r.settings.values()}
        for place in setting_places(source.client, source.resources):
            is_client_key = place.is_secret and place.path[0] == "client"
            if place.key == "base_url" or (place.is_optional and not is_client_key):
                continue
            is_key = place.is_secret or place.path[-1] in _NAMES_OF_USERS
            param = params.get(place.key) or SettingParam(type="config", key=place.key)
            value = options.key if is_key else _value(source, param)
            result.setdefault(variable_name(source.name, place.key), value)
    return result


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

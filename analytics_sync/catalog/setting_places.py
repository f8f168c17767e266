"""The places of settings: every setting that a declaration names, and where it does.

In: the client and the resources of a source. Out: the key of each setting, and its path in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analytics_sync.catalog.client import Client
from analytics_sync.catalog.params import REFERENCE, SettingParam
from analytics_sync.catalog.source import Resource
from analytics_sync.catalog.yaml_config import Path

_AUTH_FIELDS = ("api_key", "token", "username", "password")


def setting_places(client: Client, resources: Mapping[str, Resource]) -> Iterator[tuple[str, Path]]:
    """Each setting with its path in the file. A setting may come several times."""
    for field in _AUTH_FIELDS:
        if reference := REFERENCE.match(getattr(client.auth, field, None) or ""):
            yield reference[2], ("client", "auth", field)
    for header, value in client.headers.items():
        if isinstance(value, SettingParam):
            yield value.key, ("client", "headers", header)
        elif reference := REFERENCE.match(value):
            yield reference[2], ("client", "headers", header)
    for index, resource in enumerate(resources.values()):
        place: Path = ("resources", index, "endpoint", "params")
        for name, setting in resource.settings.items():
            yield setting.key, (*place, name)
        for name, resolved in resource.resolved.items():
            if resolved.config:
                yield resolved.config, (*place, name)

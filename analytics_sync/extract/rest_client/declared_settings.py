"""The declared settings: every setting that a source mentions, and whether it is set.

In: a source. Out: one ``DeclaredSetting`` for each of its address, credentials, headers and parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.client import ApiKeyAuth, BearerAuth, HttpBasicAuth
from analytics_sync.catalog.naming import variable_name
from analytics_sync.catalog.params import REFERENCE, SettingParam
from analytics_sync.extract.rest_client.setting_hints import has_blanks_around
from analytics_sync.extract.rest_client.settings import Settings, referenced_key


@dataclass(frozen=True)
class DeclaredSetting:
    """A setting that the declaration of a source mentions.

    Attributes:
        variable: Its environment variable.
        purpose: What it is for.
        optional: Whether a run does without it.
        is_set: Whether it has a value.
        has_blanks: Whether the value begins or ends with a space, which nobody sees.
    """

    variable: str
    purpose: str
    optional: bool
    is_set: bool
    has_blanks: bool = False


def declared_settings(source: Source) -> list[DeclaredSetting]:
    """Every setting of a source: address, credentials, parameter values."""
    settings = Settings(source)
    found = {"base_url": _Declared("the API's address", settings.address() is not None)}
    found |= _auth_settings(source)
    found |= _header_settings(source)
    for resource in source.resources.values():
        for key, setting in _resource_settings(resource):
            found.setdefault(key, setting)
    return [_looked_up(settings, key, setting) for key, setting in found.items()]


def _looked_up(settings: Settings, key: str, declared: _Declared) -> DeclaredSetting:
    value = settings.find(key, secret=declared.is_secret)
    return DeclaredSetting(
        variable_name(settings.source.name, key),
        declared.purpose,
        declared.is_optional,
        is_set=bool(value) or (value is not None and declared.may_be_empty),
        has_blanks=has_blanks_around(value or ""),
    )


@dataclass(frozen=True)
class _Declared:
    purpose: str
    is_optional: bool = False
    is_secret: bool = False
    may_be_empty: bool = False


def _auth_settings(source: Source) -> dict[str, _Declared]:
    match source.client.auth:
        case ApiKeyAuth(api_key=reference, name=name):
            key = referenced_key(reference)
            return {
                key: _Declared("the API key", is_secret=True),
                f"{key}_name": _Declared(
                    f"name of its header, {name} by default", is_optional=True
                ),
            }
        case BearerAuth(token=reference):
            return {referenced_key(reference): _Declared("the API token", is_secret=True)}
        case HttpBasicAuth(username=user, password=reference):
            user_key = REFERENCE.match(user)
            users = {user_key[2]: _Declared("the user name")} if user_key else {}
            if not reference:
                return users
            purpose = "the password; empty if the API takes none"
            return users | {
                referenced_key(reference): _Declared(purpose, is_secret=True, may_be_empty=True)
            }
    return {}


def _header_settings(source: Source) -> dict[str, _Declared]:
    found: dict[str, _Declared] = {}
    for header, declared in source.client.headers.items():
        if isinstance(declared, SettingParam):
            key, is_secret = declared.key, declared.type == "secret"
            is_optional = declared.optional or declared.default is not None
        elif reference := REFERENCE.match(declared):
            key, is_secret, is_optional = reference[2], reference[1] == "secrets", False
        else:
            continue
        found[key] = _Declared(f"header {header}", is_optional, is_secret)
        found[f"{key}_name"] = _Declared(
            f"name of that header, {header} by default", is_optional=True
        )
    return found


def _resource_settings(resource: Resource) -> Iterator[tuple[str, _Declared]]:
    """The settings of a resource's parameters, in the order of their declaration."""
    for name, param in resource.settings.items():
        yield (
            param.key,
            _Declared(
                f"{name} of {resource.name}",
                param.optional or param.default is not None,
                is_secret=param.type == "secret",
            ),
        )
    for resolved in resource.resolved.values():
        if resolved.config:
            purpose = f"in place of the walk from {resolved.resource} to {resource.name}"
            yield resolved.config, _Declared(purpose, is_optional=True)

"""The places of settings: every setting that a declaration names, where it does, and what for.

In: the client and the resources of a source. Out: a ``SettingPlace`` for each, in the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from analytics_sync.catalog.config.client import (
    ApiKeyAuth,
    Auth,
    BearerAuth,
    Client,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from analytics_sync.catalog.config.params import (
    REFERENCE,
    SettingParam,
    referenced_key,
    settings_in,
)
from analytics_sync.catalog.files.yaml_config import Path
from analytics_sync.catalog.source import Resource

_OF_OAUTH2 = {
    "access_token_url": "a part of the address of the tokens",
    "client_id": "the id of the client",
    "client_secret": "the secret of the client",
}
_AUTH: Path = ("client", "auth")


class SettingPlace(NamedTuple):
    """A place of a declaration that takes its value from a setting.

    Attributes:
        key: The setting.
        path: The place in the file.
        purpose: What the value is for.
        is_optional: Whether a run does without it.
        is_secret: Whether the value is a secret.
        may_be_empty: Whether an empty value is one.
        header: The header that carries the value; a setting may give it another name. Empty if none does.
    """

    key: str
    path: Path
    purpose: str
    is_optional: bool = False
    is_secret: bool = False
    may_be_empty: bool = False
    header: str = ""


def setting_places(client: Client, resources: Mapping[str, Resource]) -> Iterator[SettingPlace]:
    """The places of all settings. A setting may have several."""
    yield from _of_text(
        client.base_url or "", ("client", "base_url"), "a part of the API's address"
    )
    yield from _of_auth(client.auth)
    yield from _of_headers(client)
    for index, resource in enumerate(resources.values()):
        yield from _of_resource(resource, ("resources", index, "endpoint", "params"))


def _of_auth(auth: Auth | None) -> Iterator[SettingPlace]:
    match auth:
        case ApiKeyAuth(api_key=text, name=header):
            yield from _of_text(text, (*_AUTH, "api_key"), "the API key", header)
        case BearerAuth(token=text):
            yield from _of_text(text, (*_AUTH, "token"), "the API token")
        case OAuth2ClientCredentials() as oauth:
            for name, purpose in _OF_OAUTH2.items():
                yield from _of_text(getattr(oauth, name), (*_AUTH, name), purpose)
            url = (*_AUTH, "access_token_url")
            yield SettingPlace(
                "access_token_url", url, "the address of the tokens", is_optional=True
            )
            for name, value in oauth.access_token_request_data.items():
                path = (*_AUTH, "access_token_request_data", name)
                yield from _of_text(str(value), path, f"{name} of the token request")
        case HttpBasicAuth(username=user, password=password):
            if REFERENCE.match(user):
                yield SettingPlace(referenced_key(user), (*_AUTH, "username"), "the user name")
            if password:
                yield SettingPlace(
                    referenced_key(password),
                    (*_AUTH, "password"),
                    "the password; empty if the API takes none",
                    is_secret=True,
                    may_be_empty=True,
                )


def _of_text(text: str, path: Path, purpose: str, header: str = "") -> Iterator[SettingPlace]:
    """The settings of a text. One that is the whole text can give its header another name."""
    is_whole = REFERENCE.match(text) is not None
    is_auth = path[:2] == _AUTH
    for kind, key in settings_in(text):
        is_secret = kind == "secrets" or (is_auth and path[2:3] in (("api_key",), ("token",)))
        yield SettingPlace(
            key, path, purpose, is_secret=is_secret, header=header if is_whole else ""
        )


def _of_headers(client: Client) -> Iterator[SettingPlace]:
    for header, declared in client.headers.items():
        if isinstance(declared, SettingParam):
            key, is_secret = declared.key, declared.type == "secret"
            is_optional = declared.is_optional
        else:
            place: Path = ("client", "headers", header)
            yield from _of_text(declared, place, f"header {header}", header)
            continue
        path: Path = ("client", "headers", header)
        yield SettingPlace(key, path, f"header {header}", is_optional, is_secret, header=header)


def _of_resource(resource: Resource, params: Path) -> Iterator[SettingPlace]:
    for name, param in resource.settings.items():
        is_secret = param.type == "secret"
        purpose = f"{name} of {resource.name}"
        yield SettingPlace(param.key, (*params, name), purpose, param.is_optional, is_secret)
    for name, resolved in resource.resolved.items():
        if resolved.config:
            purpose = f"in place of the walk from {resolved.resource} to {resource.name}"
            yield SettingPlace(resolved.config, (*params, name), purpose, is_optional=True)

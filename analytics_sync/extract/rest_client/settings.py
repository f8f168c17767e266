"""The settings of one source, from dlt's own configuration, read when a run starts.

In: environment, ``.dlt/*.toml`` and vaults, under ``sources.<source>``. Out: base URL,
credentials, parameter values; and the secret values, for redaction.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import dlt

from analytics_sync.catalog import Source
from analytics_sync.catalog.client import ApiKeyAuth, BearerAuth, HttpBasicAuth
from analytics_sync.catalog.params import REFERENCE, SettingParam
from analytics_sync.common.errors import MissingSetting, Place

# reserved for examples: a base URL there is a placeholder, not an address (RFC 2606)
_SENDABLE = re.compile(r"[\x20-\x7e]+")
_PLACEHOLDER_HOST = re.compile(r"(^|\.)(example\.(com|org|net)|example|invalid|test)$")


@dataclass
class Settings:
    """Looks up settings of ``source`` and remembers every secret it hands out.

    Raises:
        MissingSetting: From any method, when a value is needed and not there.
    """

    source: Source
    secrets: set[str] = field(default_factory=set)

    def get(self, key: str, *, secret: bool = False) -> str | None:
        """The value of ``sources.<source>.<key>``, or None when it is unset or empty."""
        name = f"sources.{self.source.name}.{key}"
        found = (None if secret else dlt.config.get(name, str)) or dlt.secrets.get(name, str)
        # the last line break of a file is no part of a value
        value = "" if found is None else str(found).strip("\r\n")
        if secret and value:
            self.secrets.add(value)
        return value or None

    def require(self, key: str, why: str, *, secret: bool = False) -> str:
        """The same, or an error that names the variable to set."""
        value = self.get(key, secret=secret)
        if value is None:
            raise MissingSetting(
                Place(self.source.name),
                f"the setting sources.{self.source.name}.{key} ({why}) is missing.",
                f"Set {env_name(self.source.name, key)}, or the same key in .dlt/"
                f"{'secrets' if secret else 'config'}.toml; to try without an account, use the "
                "sandbox: make demo, or python -m analytics_sync.sandbox.",
            )
        return value

    def base_url(self) -> str:
        """The API's address, without a slash at its end."""
        declared = self.source.client.base_url or ""
        if _PLACEHOLDER_HOST.search(urlsplit(declared).hostname or "example"):
            declared = ""
        url = self.get("base_url") or declared or self.require("base_url", "the API's address")
        try:
            parts = urlsplit(url)
            carries_more = parts.username or parts.password or parts.query or parts.fragment
            is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:
            carries_more, is_address = None, None
        if carries_more:
            raise MissingSetting(
                Place(self.source.name),
                "base_url carries more than scheme, host, port and path.",
                "Put credentials into their own settings.",
            )
        if not is_address:
            raise MissingSetting(
                Place(self.source.name),
                "base_url is not an http(s) address.",
                f"Correct {env_name(self.source.name, 'base_url')}.",
            )
        assert parts.hostname is not None
        if parts.scheme == "http" and not self._plain_http(parts.hostname):
            raise MissingSetting(
                Place(self.source.name),
                f"base_url {url!r} would send credentials unencrypted.",
                f"Use https, or set {env_name(self.source.name, 'allow_http')}=true.",
            )
        return url.rstrip("/")

    def _plain_http(self, host: str) -> bool:
        try:
            loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = host == "localhost" or host.endswith(".localhost")
        return loopback or (self.get("allow_http") or "").lower() == "true"

    def credentials(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and query parameters that carry the credentials and the declared headers."""
        headers: dict[str, str] = {}
        query: dict[str, str] = {}
        match self.source.client.auth:
            case ApiKeyAuth(name=name, api_key=reference, location=location):
                key = _key(reference)
                value = self.require(key, "the API key", secret=True)
                name = self.get(f"{key}_name") or name
                if location == "header":
                    headers[name] = self._sendable(key, value)
                else:
                    query[name] = value
            case BearerAuth(token=reference):
                key = _key(reference)
                token = self._sendable(key, self.require(key, "the API token", secret=True))
                headers["Authorization"] = f"Bearer {token}"
            case HttpBasicAuth(username=user, password=reference):
                if named := REFERENCE.match(user):
                    user = self.require(named[2], "the user name")
                word = self.require(_key(reference), "the password", secret=True)
                basic = base64.b64encode(f"{user}:{word}".encode()).decode()
                self.secrets.add(basic)
                headers["Authorization"] = f"Basic {basic}"
        for name, declared in self.source.client.headers.items():
            if isinstance(declared, SettingParam):
                value_or_none = self.param(declared, f"header {name}")
                if value_or_none is not None:
                    named_header = self.get(f"{declared.key}_name") or name
                    headers[named_header] = self._sendable(declared.key, value_or_none)
            elif reference_match := REFERENCE.match(declared):
                kind, key = reference_match.groups()
                named_header = self.get(f"{key}_name") or name
                value = self.require(key, f"header {name}", secret=kind == "secrets")
                headers[named_header] = self._sendable(key, value)
            else:
                headers[name] = declared
        return headers, query

    def _sendable(self, key: str, value: str) -> str:
        """The value, if a header can hold it."""
        if not _SENDABLE.fullmatch(value):
            raise MissingSetting(
                Place(self.source.name),
                f"the setting sources.{self.source.name}.{key} holds a character that no header "
                "can hold.",
                f"Set {env_name(self.source.name, key)} again; a line break or a typographic "
                "character may have come along.",
            )
        return value

    def param(self, declared: SettingParam, why: str) -> str | None:
        """The value of a setting-bound parameter; None when it is optional and unset."""
        secret = declared.type == "secret"
        value = self.get(declared.key, secret=secret)
        if value is None:
            value = declared.default
        if value is None and not declared.optional:
            value = self.require(declared.key, why, secret=secret)
        return value

    def look_up_secrets(self) -> None:
        """Find the secret parameters of all resources, so that they are redacted from the start."""
        for resource in self.source.resources.values():
            for declared in resource.settings.values():
                if declared.type == "secret":
                    self.get(declared.key, secret=True)


def env_name(source: str, key: str) -> str:
    """The environment variable of a source's setting."""
    return f"SOURCES__{source}__{key}".replace(".", "__").upper()


def _key(reference: str) -> str:
    found = REFERENCE.match(reference)
    assert found is not None, "checked when the catalog was loaded"
    return found[2]


@dataclass(frozen=True)
class DeclaredSetting:
    """A setting that a source's declaration mentions."""

    variable: str
    purpose: str
    optional: bool
    is_set: bool


def declared_settings(source: Source) -> list[DeclaredSetting]:
    """Every setting of a source: address, credentials, parameter values."""
    settings = Settings(source)
    found: dict[str, tuple[str, bool, bool]] = {"base_url": ("the API's address", False, False)}
    match source.client.auth:
        case ApiKeyAuth(api_key=reference, name=name):
            found[_key(reference)] = ("the API key", False, True)
            found[f"{_key(reference)}_name"] = (
                f"name of its header, {name} by default",
                True,
                False,
            )
        case BearerAuth(token=reference) | HttpBasicAuth(password=reference):
            found[_key(reference)] = ("the token or password", False, True)
    for header, declared in source.client.headers.items():
        if isinstance(declared, SettingParam):
            secret = declared.type == "secret"
            found[declared.key] = (f"header {header}", declared.optional, secret)
            found[f"{declared.key}_name"] = (
                f"name of that header, {header} by default",
                True,
                False,
            )
    for resource in source.resources.values():
        for name, param in resource.settings.items():
            optional = param.optional or param.default is not None
            found.setdefault(
                param.key, (f"{name} of {resource.name}", optional, param.type == "secret")
            )
        for resolved in resource.resolved.values():
            if resolved.config:
                purpose = f"in place of the walk from {resolved.resource} to {resource.name}"
                found.setdefault(resolved.config, (purpose, True, False))
    return [
        DeclaredSetting(
            env_name(source.name, key),
            purpose,
            optional,
            settings.get(key, secret=secret) is not None,
        )
        for key, (purpose, optional, secret) in found.items()
    ]

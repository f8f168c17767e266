"""The settings of one source, read from dlt's own configuration when a run starts.

In: environment, ``.dlt/*.toml`` and vaults, under ``sources.<source>``. Out: base URL, credentials
and parameter values, and the set of secret values, for redaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlsplit

import dlt

from analytics_sync.catalog import Source
from analytics_sync.catalog.config.params import (
    REFERENCE,
    SettingParam,
    read_setting_text,
    settings_in,
)
from analytics_sync.catalog.configured import configured_catalog
from analytics_sync.catalog.names import variables
from analytics_sync.catalog.naming import variable_name
from analytics_sync.common.errors import MissingSetting, Place
from analytics_sync.common.redaction import Redactor
from analytics_sync.extract.rest_client.secret_providers import is_from_secrets
from analytics_sync.extract.rest_client.setting_hints import has_blanks_around, misspelt
from analytics_sync.extract.rest_client.urls import is_loopback_host, origin

_SENDABLE = re.compile(r"[\x20-\x7e]+")
# reserved for examples: a base URL there is a placeholder, not an address (RFC 2606)
_PLACEHOLDER_HOST = re.compile(r"(^|\.)(example\.(com|org|net)|example|invalid|test)$")


@dataclass
class Settings:
    """Looks up the settings of ``source`` and collects every secret that it returns.

    Attributes:
        source: The declaration.
        secrets: The values of settings that are declared as secrets.
        provided: Values of other settings that a file or vault for secrets gives. Messages do not show them.
            Rows do: many an id is such a setting.

    Raises:
        MissingSetting: From any method, if a required value is not set.
    """

    source: Source
    secrets: set[str] = field(default_factory=set)
    provided: set[str] = field(default_factory=set)

    def get(self, key: str, *, secret: bool = False, is_shown: bool = False) -> str | None:
        """The value of ``sources.<source>.<key>``, or None when it is unset or empty.

        The setting of a base is no setting of its instances: no account gets the key of another one.

        Args:
            key: The setting.
            secret: Whether the value is a secret.
            is_shown: Whether messages show the value, wherever it comes from.
        """
        return self.find(key, secret=secret, is_shown=is_shown) or None

    def find(self, key: str, *, secret: bool = False, is_shown: bool = False) -> str | None:
        """The value as ``get`` gives it, but empty when it is set and empty."""
        return self._find(self.source.name, key, secret=secret, is_shown=is_shown)

    def _find(
        self, source: str, key: str, *, secret: bool = False, is_shown: bool = False
    ) -> str | None:
        name = f"sources.{source}.{key}"
        found: Any = (None if secret else dlt.config.get(name, str)) or dlt.secrets.get(name, str)
        if found is None:
            return None
        # the line break at the end of a file is not part of the value
        value = str(found).strip("\r\n")
        if secret and value:
            self.secrets.add(value)
        elif value and not is_shown and is_from_secrets(name):
            self.provided.add(value)
        return value

    def require(self, key: str, why: str, *, secret: bool = False) -> str:
        """The value of ``sources.<source>.<key>``, or an error that names the variable to set.

        Args:
            key: The setting.
            why: The purpose of the setting, for the message.
            secret: Whether the value is a secret.
        """
        value = self.get(key, secret=secret)
        if value is None:
            self.fail_missing(key, why, secret=secret)
        return value

    def fail_missing(self, key: str, why: str, *, secret: bool) -> NoReturn:
        """Raise the error of a setting that is not set."""
        variable = variable_name(self.source.name, key)
        meant = self._misspelt(variable)
        hint = f" Look at the spelling of {', '.join(meant)}, which is set." if meant else ""
        raise MissingSetting(
            Place(self.source.name),
            f"the setting sources.{self.source.name}.{key} ({why}) is missing.{hint}",
            f"Set {variable}, or the same key in .dlt/"
            f"{'secrets' if secret else 'config'}.toml; to try without an account, use the "
            "sandbox: make demo, or python -m analytics_sync.sandbox.",
        )

    def _misspelt(self, variable: str) -> list[str]:
        """The names that are set and may be meant to be ``variable``."""
        known = {variable, *variables(self.source)}
        if variable not in misspelt(known).values():
            return []
        for source in configured_catalog().sources.values():
            known.update(variables(source))
        return [name for name, near in misspelt(known).items() if near == variable]

    def address(self) -> str | None:
        """The API's address: that of the source, else that of its base; None without one.

        Each has a setting, which wins over its file. A declared address may hold settings; one that holds
        its own, as ``{dlt.config["base_url"]}/v1``, is filled in.
        """
        declared = self.source.client.base_url
        for level in self.source.levels:
            own = self._find(level.name, "base_url", is_shown=True)
            if own and not holds_itself(level.keys.base_url or declared):
                return own
            if url := self._address(level.keys.base_url):
                return url
        return self._address(declared)

    def _address(self, declared: str | None) -> str | None:
        """A declared address with its settings; None if one of them is missing, and for an example."""
        settings = settings_in(declared or "")
        for kind, key in settings:
            value = self.get(key, secret=kind == "secrets", is_shown=kind != "secrets")
            if value is None:
                return None
        if settings:
            declared = self.text(declared or "", "a part of the API's address", _without_slash)
        host = urlsplit(declared or "").hostname or "example"
        return None if _PLACEHOLDER_HOST.search(host) else declared

    def header_name(self, key: str) -> str | None:
        """The name of the header that carries the setting ``key``; None for the declared one.

        A base shares it with its instances: it is no secret, and tells no accounts apart.
        """
        names = dict.fromkeys(level.name for level in self.source.levels)
        return next((n for s in names if (n := self._find(s, f"{key}_name", is_shown=True))), None)

    def base_url(self) -> str:
        """The API's address, without a trailing slash."""
        url = self.address() or self._require_address()
        self.check_blanks("base_url", url)
        try:
            parts = urlsplit(url)
            carries_more = parts.username or parts.password or parts.query or parts.fragment
            is_address = (
                parts.scheme in {"http", "https"}
                and parts.hostname
                and parts.port != 0
                and "\\" not in url  # parsers disagree about the host then
            )
            origin(url)  # read by the code that will connect
        except ValueError:
            carries_more, is_address = None, None
        if carries_more:
            raise MissingSetting(
                Place(self.source.name),
                "base_url carries more than scheme, host, port and path.",
                f"Correct {variable_name(self.source.name, 'base_url')}: put credentials into their own "
                "settings.",
            )
        if not is_address:
            raise MissingSetting(
                Place(self.source.name),
                "base_url is not an http(s) address.",
                f"Correct {variable_name(self.source.name, 'base_url')}.",
            )
        self.check_encrypted("base_url", url)
        return url.rstrip("/")

    def check_encrypted(self, key: str, url: str) -> None:
        """Refuse plain http to another machine, unless a setting allows it.

        Args:
            key: The key of the address, for the message.
            url: The address.

        Raises:
            MissingSetting: It would send credentials unencrypted.
        """
        scheme, host, _ = origin(url)
        if scheme == "http" and not is_loopback_host(host) and not self._allows_http():
            shown = Redactor(self.secrets, self.provided)(url)  # the address may hold settings
            raise MissingSetting(
                Place(self.source.name),
                f"{key} {shown!r} would send credentials unencrypted.",
                f"Use https, or set {variable_name(self.source.name, 'allow_http')}=true.",
            )

    def _require_address(self) -> str:
        """Raise for the first setting of the address that is missing."""
        for kind, key in settings_in(self.source.client.base_url or ""):
            self.require(key, "a part of the API's address", secret=kind == "secrets")
        return self.require("base_url", "the API's address")

    def is_for_loopback_only(self, base_url: str) -> bool:
        """Whether plain http is allowed only because the host is this machine."""
        return urlsplit(base_url).scheme == "http" and not self._allows_http()

    def _allows_http(self) -> bool:
        return (self.get("allow_http", is_shown=True) or "").lower() == "true"

    def text(
        self,
        text: str,
        why: str,
        checked: Callable[[str, str], str],
        *,
        is_secret: bool = False,
    ) -> str:
        """A text of the client with the values of its settings.

        Args:
            text: The text as the file has it.
            why: The purpose, for messages.
            checked: Checks the value of a key, and returns it.
            is_secret: Whether each setting is a secret, as in ``auth``.
        """
        read = read_setting_text(text)
        if isinstance(read, str):
            return read
        parts = []
        for part in read.parts:
            if isinstance(part, str):
                parts.append(part)
            elif found := REFERENCE.match(part.name):
                secret = is_secret or found[1] == "secrets"
                parts.append(checked(found[2], self.require(found[2], why, secret=secret)))
        return "".join(parts)

    def check_blanks(self, key: str, value: str) -> None:
        """Refuse a value with a space at its start or end, which nobody sees.

        Raises:
            MissingSetting: The value begins or ends with a space or a tab.
        """
        if has_blanks_around(value):
            raise MissingSetting(
                Place(self.source.name),
                f"the setting sources.{self.source.name}.{key} begins or ends with a space.",
                f"Set {variable_name(self.source.name, key)} again without it.",
            )

    def without_blanks(self, key: str, value: str) -> str:
        """The value, if it has no space at its start or end.

        Raises:
            MissingSetting: It has.
        """
        self.check_blanks(key, value)
        return value

    def sendable(self, key: str, value: str) -> str:
        """The value, if an HTTP header can hold it.

        Raises:
            MissingSetting: The value holds a control character or a character outside ASCII, or a space
                at its start or end.
        """
        self.check_blanks(key, value)
        if not _SENDABLE.fullmatch(value):
            raise MissingSetting(
                Place(self.source.name),
                f"the setting sources.{self.source.name}.{key} holds a character that no header "
                "can hold.",
                f"Set {variable_name(self.source.name, key)} again; a line break or a typographic "
                "character may have come along.",
            )
        return value

    def param(self, declared: SettingParam, why: str) -> str | None:
        """The value of a parameter that takes it from a setting.

        None when the setting is optional and unset.
        """
        secret = declared.type == "secret"
        value = self.get(declared.key, secret=secret)
        if value is None:
            value = declared.default
        if value is None and not declared.optional:
            value = self.require(declared.key, why, secret=secret)
        return value

    def look_up_secrets(self) -> None:
        """Collect the secret values of all resources, to redact them from the start."""
        for resource in self.source.resources.values():
            for declared in resource.settings.values():
                self.get(declared.key, secret=declared.type == "secret")
            for resolved in resource.resolved.values():
                if resolved.config:
                    self.get(resolved.config)


def holds_itself(declared: str | None) -> bool:
    """Whether an address holds the setting ``base_url``, which otherwise takes its place."""
    return any(key == "base_url" for _, key in settings_in(declared or ""))


def _without_slash(key: str, value: str) -> str:
    return value.rstrip("/")

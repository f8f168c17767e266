"""The account that a resource is read from: what tells it apart from another one, without a secret.

In: the settings of a source. Out: for each resource its address, the settings in its path and in its
requests, and a mark of the credentials. A value that may be a secret is known by its mark only: a hash with
a key that this user's state folder holds. Nobody who reads the mark can try out secrets on it.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, urlsplit

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.params import SettingParam
from analytics_sync.common.private_folder import create_file
from analytics_sync.common.state_folder import open_state_folder
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.rest_client.urls import DEFAULT_PORTS, origin, placeholders

ADDRESS = "address"
CREDENTIALS = "credentials"
_KEY_FILE = "account_marks"  # not .key: those of old journals are removed
_KEY_BYTES = 32
_TOKEN = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]*")
# Of a JSON Web Token, of which a new one is made every hour: who it is for.
_CLAIMS = ("iss", "sub", "azp", "client_id", "tid", "org_id")


@dataclass(frozen=True)
class AccountPart:
    """One thing that tells accounts apart.

    Attributes:
        value: The value, or its mark.
        key: Identifies the key of the mark; empty for a value that is shown. Marks of different keys
            cannot be compared.
        is_certain: Whether another value is another account. Otherwise it may be the same one, whose
            key was rotated for example.
    """

    value: str
    key: str = ""
    is_certain: bool = True


class Account:
    """The account of one source during one run.

    Args:
        settings: The settings, after the credentials were looked up.
        base_url: The address of the API.
        masked: Masks the secrets in a text that is kept.
    """

    def __init__(self, settings: Settings, base_url: str, masked: Callable[[str], str]) -> None:
        self._settings = settings
        self._base_url = base_url
        self._masked = masked
        self._credentials = sorted(settings.secrets)

    def parts(self, resource: Resource) -> dict[str, AccountPart]:
        """What tells the accounts of a resource apart, by name: address, settings and credentials."""
        source = self._settings.source
        found = {ADDRESS: AccountPart(self._masked(_address(self._base_url)))}
        for one in (resource, *source.ancestors(resource)):
            in_path = placeholders(one.path)
            for name, param in one.settings.items():
                # an optional one in the query may be a filter: its change is reported, no more
                found |= self._part(param, is_certain=name in in_path)
        for header in source.client.headers.values():
            if isinstance(header, SettingParam) and header.type == "config":
                found |= self._part(header, is_certain=False)
        if self._credentials:
            text = "\n".join(_holder(secret) for secret in self._credentials)
            found |= self._marked(CREDENTIALS, text, is_certain=False)
        return found

    def _part(self, param: SettingParam, *, is_certain: bool) -> dict[str, AccountPart]:
        value = self._settings.get(param.key, secret=param.type == "secret") or param.default
        if value is None:
            return {}
        if value in self._settings.secrets | self._settings.provided:
            return self._marked(param.key, value, is_certain=is_certain)
        shown = quote(self._masked(value), safe="/:")
        return {param.key: AccountPart(shown, is_certain=is_certain)}

    def _marked(self, name: str, value: str, *, is_certain: bool) -> dict[str, AccountPart]:
        """A part that is known by its mark; none if this user has no folder for the key."""
        if self._key is None:
            return {}
        text = f"{self._settings.source.name}\n{name}\n{value}".encode()
        mark = hashlib.blake2b(text, key=self._key, digest_size=16).hexdigest()
        name_of_key = hashlib.blake2b(b"name", key=self._key, digest_size=8).hexdigest()
        return {name: AccountPart(mark, name_of_key, is_certain)}

    @cached_property
    def _key(self) -> bytes | None:
        with suppress(OSError):
            return _read_key()
        return None


def _address(base_url: str) -> str:
    """An address in one spelling."""
    scheme, host, port = origin(base_url)
    host = f"[{host}]" if ":" in host else host
    shown_port = "" if port == DEFAULT_PORTS.get(scheme) else f":{port}"
    return f"{scheme}://{host.lower()}{shown_port}{urlsplit(base_url).path.rstrip('/')}"


def same_address(one: str, other: str) -> bool:
    """Whether two spellings are one address."""
    try:
        return _address(one) == _address(other)
    except ValueError:
        return False


def _holder(secret: str) -> str:
    """Who a token is for, if it says so; else the secret itself."""
    if found := _TOKEN.fullmatch(secret):
        with suppress(ValueError):
            claims = orjson.loads(base64.urlsafe_b64decode(found[1] + "=="))
            if isinstance(claims, dict) and claims.get("sub"):
                return repr([claims.get(name) for name in _CLAIMS])
    return secret


def _read_key() -> bytes:
    """The key of this user's marks. The first run makes it.

    Raises:
        OSError: This user has no folder for it.
    """
    folder, handle = create_file(lambda: open_state_folder(create=True), _KEY_FILE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # until the file is closed
        key = os.pread(handle, _KEY_BYTES, 0)
        if len(key) < _KEY_BYTES:
            key = os.urandom(_KEY_BYTES)
            os.pwrite(handle, key, 0)
        return key
    finally:
        os.close(handle)
        folder.close()

"""The target: the address that is asked, and the source that asks it.

In: an address, a name, and how requests are authenticated. Out: the data of a catalog file with one resource, of which
only the request is known. The credentials are names of settings; the file holds no value of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from analytics_sync.catalog.building.secret_patterns import looks_secret
from analytics_sync.catalog.building.secret_scan import names_a_secret
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.naming import problem_of_name

ANY_ADDRESS = "https://api.example.com"  # reserved for examples: the setting base_url is needed
_VERSION = re.compile(r"api|rest|v\d+(\.\d+)*", re.IGNORECASE)
_NOT_IN_NAME = re.compile(r"[^a-z0-9]+")
_NO_NAMES = frozenset(
    {"api", "www", "rest", "com", "org", "net", "io", "co", "dev", "app", "example"}
)
_DEFAULT_NAME = "my_api"


@dataclass(frozen=True)
class Target:
    """What is asked.

    Attributes:
        base_url: The address of the API; empty if a file of the user has it.
        path: Below the base URL.
        params: The query of the address.
    """

    base_url: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)


def target_of(address: str, base_url: str | None = None, where: str = "the file") -> Target:
    """The target of an address.

    Args:
        address: An http(s) address; a path if ``base_url`` is known.
        base_url: The address of the API, if it is known.
        where: Where it is known from, for messages.

    Raises:
        CatalogError: The address holds a secret, or lies beside the base URL.
    """
    parts = urlsplit(address)
    params: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if names_a_secret(name) or looks_secret(value):
            raise CatalogError(
                f"the address holds a secret in {name}; leave it out, and name its setting: --query {name}=KEY"
            )
        params[name] = [*_listed(params[name]), value] if name in params else value
    if parts.username or parts.password:
        raise CatalogError("the address holds a user; leave it out, and use --basic USER=KEY")
    if base_url is not None:
        return Target("", _below(address.partition("?")[0], base_url, where), params)
    if not parts.hostname:
        raise CatalogError(
            f"{address!r} is no address; expected one such as https://api.example.com/v1/orders"
        )
    segments = parts.path.strip("/").split("/")
    count = 0
    while count < len(segments) - 1 and _VERSION.fullmatch(segments[count]):
        count += 1
    start = "/".join([f"{parts.scheme}://{parts.netloc}", *segments[:count]])
    return Target(start, "/" + "/".join(segments[count:]), params)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _below(address: str, base_url: str, where: str) -> str:
    """The path of an address below a base URL; a path stays."""
    if not urlsplit(address).hostname:
        return "/" + address.lstrip("/")
    start = base_url.rstrip("/") + "/"
    if not address.startswith(start):
        raise CatalogError(
            f"the address does not begin with {start}, which is the base_url of {where}; name one below it, or "
            "another source by --source"
        )
    return "/" + address.removeprefix(start)


def name_of(address: str) -> str:
    """A name for the source of an address: the last telling part of its host."""
    host = urlsplit(address).hostname or ""
    parts = [part for part in host.split(".") if part.lower() not in _NO_NAMES]
    is_number = host.replace(".", "").isdigit() or ":" in host
    name = "" if is_number or not parts else as_name(parts[-1])
    return _DEFAULT_NAME if problem_of_name(name) or name == "localhost" else name


def as_name(text: str) -> str:
    """A text as a name: its letters in lower case and its digits, and ``_`` for all between them."""
    return _NOT_IN_NAME.sub("_", text.lower()).strip("_")


def draft_of(name: str, target: Target, client: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """The data of a catalog file with one resource, of which only the request is known."""
    return {
        "source": name,
        "client": {"base_url": target.base_url or ANY_ADDRESS, **client},
        "resources": [draft_resource(target, resource)],
    }


def draft_resource(target: Target, name: str) -> dict[str, Any]:
    """The declaration of a resource of which only the request is known."""
    endpoint = {"path": target.path, "params": dict(target.params), "paginator": "single_page"}
    return {"name": name, "primary_key": "row_hash", "endpoint": endpoint}


def client_of(
    bearer: str | None, basic: str | None, headers: Mapping[str, str], query: Mapping[str, str]
) -> dict[str, Any]:
    """The keys of ``client`` that authenticate requests.

    Args:
        bearer: The setting of a bearer token.
        basic: A user name, ``=``, and the setting of the password.
        headers: Header -> setting.
        query: Query parameter -> setting.

    Raises:
        CatalogError: They are more than a client can have.
    """
    if sum((bearer is not None, basic is not None, len(query))) > 1:
        raise CatalogError("expected one of --bearer, --basic and --query; a client has one auth")
    client: dict[str, Any] = {}
    if bearer is not None:
        client["auth"] = {"type": "bearer", "token": reference(bearer)}
    if basic is not None:
        user, _, key = basic.partition("=")
        password = reference(key) if key else ""
        client["auth"] = {"type": "http_basic", "username": user, "password": password}
    for name, key in query.items():
        auth = {"type": "api_key", "name": name, "api_key": reference(key), "location": "query"}
        client["auth"] = auth
    if headers:
        client["headers"] = {name: reference(key) for name, key in headers.items()}
    return client


def reference(key: str) -> str:
    """The text that stands for a secret in a catalog file."""
    return f'dlt.secrets["{key}"]'

"""The proxy between this machine and an API.

In: the environment: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY`` (also in small letters), and the
proxies of macOS. Out: the proxy of a base URL, without the credentials in its address.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import urllib3

from analytics_sync.common.errors import MissingSetting, Place
from analytics_sync.extract.rest_client.urls import is_loopback_host, origin


@dataclass(frozen=True)
class Proxy:
    """A proxy.

    Attributes:
        url: Scheme, host and port.
        headers: The credentials, if its address has any.
        password: The password; "" without one. A secret.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    password: str = ""


def find_proxy(base_url: str, place: Place, *, loopback_only: bool = False) -> Proxy | None:
    """The proxy that the environment names for a base URL; None without one.

    Args:
        base_url: The address of the API.
        place: For the message.
        loopback_only: Whether requests must not leave this machine: they take no proxy elsewhere.

    Raises:
        MissingSetting: The address of the proxy cannot be used.
    """
    scheme, host, _ = origin(base_url)
    named = urllib.request.getproxies()
    address = named.get(scheme) or named.get("all")
    if not address or urllib.request.proxy_bypass(host):
        return None
    if "://" not in address:
        address = f"http://{address}"
    variable = f"{scheme if named.get(scheme) else 'all'}_proxy".upper()
    try:
        parts = urlsplit(address)
        has_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        has_address = False
    if not has_address:
        advice = f"Set {variable} to an address such as http://proxy.example.com:3128, or unset it."
        raise MissingSetting(
            place, f"the proxy that {variable} names has no http(s) address.", advice
        )
    if loopback_only and not is_loopback_host(parts.hostname or ""):
        return None
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if not parts.username:
        return Proxy(url)
    user, password = unquote(parts.username), unquote(parts.password or "")
    credentials = urllib3.make_headers(
        proxy_basic_auth=f"{user}:{password}", proxy_basic_auth_encoding="utf-8"
    )
    return Proxy(url, credentials, password)

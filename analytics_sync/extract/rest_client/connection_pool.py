"""Connections to one origin.

In: a base URL, and what is declared of its client. Out: answers as they come, over connections that are
kept. Whatever a URL says, nothing is sent to another host than the base URL's: that is the only one
there are connections to, but for a proxy that the environment names.
"""

from __future__ import annotations

import os
import re
import urllib.request
from collections.abc import Mapping
from typing import Any

import certifi
import urllib3

from analytics_sync.catalog.client import Client
from analytics_sync.extract.rest_client.urls import origin

_AUTHORITY = re.compile(r"^[^:/?#]+://[^/?#\\]*")
# neither repeated nor followed: the session does that; errors come as they are
_ONCE = urllib3.Retry.from_int(False, redirect=False)


class ConnectionPool:
    """Keeps up to ``max_connections`` of them. Threads may share it.

    Args:
        base_url: Its scheme, host and port are connected to.
        client: Timeouts and the number of connections.
    """

    def __init__(self, base_url: str, client: Client) -> None:
        options: dict[str, Any] = {
            "maxsize": client.max_connections,
            "block": True,
            "timeout": urllib3.Timeout(connect=client.connect_timeout, read=client.read_timeout),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": os.environ.get("SSL_CERT_FILE") or certifi.where(),
        }
        scheme, host, _ = origin(base_url)
        proxy = urllib.request.getproxies().get(scheme)
        self._manager: urllib3.PoolManager
        self._pool: urllib3.HTTPConnectionPool | None = None
        if proxy and not urllib.request.proxy_bypass(host):
            self._manager = urllib3.ProxyManager(proxy, **options)
        else:
            self._manager = urllib3.PoolManager(**options)
            self._pool = self._manager.connection_from_url(base_url)

    def get(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Send a request; the answer's body is still to be read, and its connection to be released.

        Args:
            url: At the base URL's origin; only path and query are sent.
            headers: All there are.

        Raises:
            HTTPError: urllib3's.
            OSError: From below.
        """
        if self._pool is None:
            return self._manager.request(
                "GET", url, headers=headers, retries=_ONCE, redirect=False, preload_content=False
            )
        target = _AUTHORITY.sub("", url)
        return self._pool.urlopen(
            "GET",
            target if target.startswith("/") else f"/{target}",
            headers=headers,
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )

    def close(self) -> None:
        """Close all."""
        self._manager.clear()

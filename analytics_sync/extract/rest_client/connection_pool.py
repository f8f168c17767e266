"""The pool of connections to one origin.

In: a base URL, and the declared client. Out: unread responses, over connections that are kept open.
The pool connects only to the host of the base URL, or to a proxy that the environment names. So no
request reaches another host, whatever its URL says.
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
# the session retries and follows redirects itself, and needs urllib3's errors unchanged
_NO_RETRIES = urllib3.Retry.from_int(False, redirect=False)


class ConnectionPool:
    """Keeps up to ``max_connections`` connections open. Threads may share it.

    Args:
        base_url: The URL whose scheme, host and port to connect to.
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
        """Send a request and return its response as soon as the headers are there.

        The caller reads the body, then releases the connection.

        Args:
            url: A URL of the base URL's origin; only path and query are sent.
            headers: All headers of the request.

        Raises:
            HTTPError: urllib3 could not send the request or read the response.
            OSError: The operating system reported an error.
        """
        if self._pool is None:
            return self._manager.request(
                "GET",
                url,
                headers=headers,
                retries=_NO_RETRIES,
                redirect=False,
                preload_content=False,
            )
        target = _AUTHORITY.sub("", url)
        return self._pool.urlopen(
            "GET",
            target if target.startswith("/") else f"/{target}",
            headers=headers,
            retries=_NO_RETRIES,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )

    def close(self) -> None:
        """Close all connections."""
        self._manager.clear()

"""The pool of connections to one origin.

In: a base URL, a proxy, and the declared client. Out: unread responses, over connections that are kept open.
The pool connects only to the host of the base URL, or to the proxy. So no request reaches another host,
whatever its URL says. A watchdog ends each connection that takes too long.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import certifi
import urllib3

from analytics_sync.catalog.config.client import Client
from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.rest_client.connections.proxies import Proxy
from analytics_sync.extract.rest_client.connections.watchdog import Watch, Watchdog
from analytics_sync.extract.rest_client.connections.watched_connection import (
    HttpPool,
    HttpsPool,
    LoopbackPool,
)
from analytics_sync.extract.rest_client.content import Content
from analytics_sync.extract.rest_client.urls import SCHEME_AND_HOST

# the session retries and follows redirects itself, and needs urllib3's errors unchanged
_NO_RETRIES = urllib3.Retry.from_int(False, redirect=False)
_MAX_OVERHEAD_BYTES = 1 << 20  # of headers and chunks, beside a body that is not packed


class ConnectionPool:
    """Keeps up to ``max_connections`` connections open. Threads may share it.

    Args:
        base_url: The URL whose scheme, host and port to connect to.
        client: Timeouts and the number of connections.
        proxy: The proxy between this machine and the base URL; None without one.
        loopback_only: Whether connections without TLS may lead to this machine only.
    """

    def __init__(
        self,
        base_url: str,
        client: Client,
        proxy: Proxy | None = None,
        *,
        loopback_only: bool = False,
    ) -> None:
        options: dict[str, Any] = {
            "maxsize": client.max_connections,
            "block": True,
            "timeout": urllib3.Timeout(connect=client.connect_timeout, read=client.read_timeout),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": os.environ.get("SSL_CERT_FILE") or certifi.where(),
        }
        self._read_timeout = client.read_timeout
        self._max_bytes = 2 * client.max_response_bytes + _MAX_OVERHEAD_BYTES
        self._watchdog = Watchdog()
        self._manager = (
            urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers, **options)
            if proxy
            else urllib3.PoolManager(**options)
        )
        self._manager.pool_classes_by_scheme = {
            "http": LoopbackPool if loopback_only else HttpPool,
            "https": HttpsPool,
        }
        self._pool = None if proxy else self._manager.connection_from_url(base_url)

    def watch(self, deadline: Deadline) -> Watch:
        """The watch over one request, to be used around ``send`` and the reading of the body.

        Args:
            deadline: When the request must have ended.
        """
        return Watch(self._watchdog, deadline, self._read_timeout, self._max_bytes)

    def send(
        self, url: str, headers: Mapping[str, str], watch: Watch, content: Content
    ) -> urllib3.BaseHTTPResponse:
        """Send a request and return its response as soon as the headers are there.

        The caller reads the body, then releases the connection.

        Args:
            url: A URL of the base URL's origin; only path and query are sent.
            headers: All headers of the request.
            watch: The watch over this request.
            content: Method and body.

        Raises:
            HTTPError: urllib3 could not send the request or read the response.
            OSError: The operating system reported an error.
            TooMuchSent: The server does not stop to send headers.
        """
        if content.content_type and not any(n.lower() == "content-type" for n in headers):
            headers = {**headers, "Content-Type": content.content_type}
        options: dict[str, Any] = {
            "body": content.body,
            "headers": headers,
            "retries": _NO_RETRIES,
            "redirect": False,
            "preload_content": False,
            "pool_timeout": watch.deadline.remaining(),
        }
        if self._pool is None:
            return self._manager.request(content.method, url, **options)
        target = SCHEME_AND_HOST.sub("", url)
        return self._pool.urlopen(
            content.method,
            target if target.startswith("/") else f"/{target}",
            assert_same_host=False,
            **options,
        )

    def close(self) -> None:
        """Close all connections."""
        self._manager.clear()
        self._watchdog.close()

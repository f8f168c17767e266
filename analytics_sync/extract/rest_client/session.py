"""The one place that talks HTTP.

In: URLs of the configured origin. Out: decoded JSON answers. Timeouts, the declared retries, what
the server says about waiting, a rate limit, a size limit, and credentials that go to the
configured scheme, host and port and nowhere else. All methods may be called from many threads.
"""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from analytics_sync.catalog.client import Client, ErrorHandler
from analytics_sync.common.errors import (
    ConnectionFailed,
    HttpStatusError,
    InvalidResponse,
    LimitExceeded,
    Place,
)
from analytics_sync.common.exact_json import TooDeep, deeper, loads
from analytics_sync.common.redaction import Redactor
from analytics_sync.extract.rest_client.backoff import retry_delay
from analytics_sync.extract.rest_client.connection_pool import ConnectionPool
from analytics_sync.extract.rest_client.rate_limiter import RateLimiter, Slot
from analytics_sync.extract.rest_client.response import (
    Response,
    TruncatedResponse,
    body_text,
    error_text,
    json_or_text,
)
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.rest_client.urls import follow, origin, with_query, without_query

log = logging.getLogger(__name__)

_MAX_REDIRECTS = 5
_TOO_MANY = 429
_ENDS = re.compile("[?#]")  # what ends the path of a URL
_DEEPEST = 1000  # what the decoder takes is little more
_LONGEST_WAIT = 3600.0
_ON_THEIR_WAY = 8 << 20  # bytes of JSON; decoded it is several times as much
_NO_BOMB = 1 << 20  # bytes that do no harm, however small they were packed


@dataclass
class Counters:
    """What reading one resource has cost. Seconds and bytes."""

    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, **amounts: float) -> None:
        """Add to the counters of the given names."""
        with self.lock:
            for name, amount in amounts.items():
                setattr(self, name, getattr(self, name) + amount)


class Session:
    """HTTP for one source during one run.

    Args:
        settings: Where base URL and credentials come from.
        sleep: Replaced in tests.

    Raises:
        MissingSetting: The base URL or a credential is not set.
    """

    def __init__(self, settings: Settings, *, sleep: Callable[[float], None] | None = None) -> None:
        client: Client = settings.source.client
        self.base_url = settings.base_url()
        self.origin = origin(self.base_url)
        credentials, self._query = settings.credentials()
        settings.look_up_secrets()
        self.redact = Redactor(settings.secrets)
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "analytics-sync",
            **credentials,
        }
        self.account = repr(sorted({**credentials, **self._query}.items())).encode()
        """What requests are sent with; a secret."""
        self._client = client
        self.max_seconds = client.max_seconds
        self.max_pages = client.max_pages
        self.max_connections = client.max_connections
        self._pace = RateLimiter(client.rate_limit, f"{self.origin} {self.account!r}")
        self._followed = ""
        self._sleep = sleep or time.sleep
        self._connections = ConnectionPool(self.base_url, client)

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()
        self._pace.close()

    def at_once(self, size: int) -> int:
        """How many answers of so many bytes to ask for side by side: fewer when they are large."""
        return min(self.max_connections, max(2, _ON_THEIR_WAY // max(1, size)))

    def get(
        self,
        url: str,
        params: Mapping[str, object],
        *,
        place: Place,
        policy: ErrorHandler,
        counters: Counters,
        headers: Mapping[str, str] | None = None,
        deadline: float = math.inf,
    ) -> Response:
        """GET a JSON document, with the declared retries.

        Args:
            url: On the configured origin.
            params: Query parameters.
            place: For messages.
            policy: The resource's retry policy.
            counters: Where the cost is added.
            headers: The resource's own headers.
            deadline: On the monotonic clock; whatever lasts longer is given up.

        Raises:
            HttpStatusError: An error status that is not retried, or still there after all retries.
            ConnectionFailed: No whole answer after all retries.
            InvalidResponse: The answer is not JSON.
            ForeignOrigin: ``url`` or a redirect leads elsewhere.
            LimitExceeded: More bytes, nesting or time than the source's limits allow.
        """
        # a link may repeat the credentials of the query: it gets them once, from here
        plain = without_query(url, self._query)
        target = with_query(plain, {**params, **self._query})
        if plain != self._followed:
            asked, target = target, follow(plain, target, self.origin, place, "a URL", self.redact)
            # a query does not change where an address leads: not looked at again for each page
            self._followed = plain if asked == target and not _ENDS.search(plain) else ""

        def shown() -> str:
            return self.redact(with_query(plain, params))

        attempts = policy.max_retries + 1
        for attempt in range(1, attempts + 1):
            self._in_time(deadline, place)
            turn = self._pace.turn(self._sleep)
            counters.add(requests=1, waited=turn.waited)
            answer: Response | None = None
            problem = ""
            try:
                answer = self._once(target, headers or {}, place, counters, deadline, turn)
                if answer.status < 400:
                    return answer
                if answer.status not in policy.retry_on_status_codes:
                    raise self._refused(answer, shown(), place, attempt)
            except (urllib3.exceptions.HTTPError, OSError, TruncatedResponse) as e:
                problem = self.redact(_plainly(e))
            if attempt == attempts:
                if answer is not None:
                    raise self._refused(answer, shown(), place, attempt)
                raise ConnectionFailed(
                    place,
                    f"GET {shown()} failed {attempt} times, last with: {problem}.",
                    "Look at base_url, the network and the API's status page, then run again.",
                )
            wait = retry_delay(
                answer.status if answer else 0,
                answer.headers if answer else {},
                answer.body if answer else None,
                attempt,
                policy,
            )
            if wait > _LONGEST_WAIT:
                raise (
                    self._refused(answer, shown(), place, attempt)
                    if answer
                    else ConnectionFailed(
                        place,
                        f"GET {shown()}: would have to wait {wait:.0f} s.",
                        "Run again later.",
                    )
                )
            log.info(
                "%s: %s, attempt %d of %d; waiting %.1f s",
                place, f"status {answer.status}" if answer else problem, attempt, attempts, wait,
            )  # fmt: skip
            self._in_time(deadline - wait, place)
            counters.add(retries=1, waited=wait)
            if answer is not None and answer.status == _TOO_MANY:
                self._pace.pause(wait)
            self._sleep(wait)
        raise AssertionError("unreachable")

    def _in_time(self, deadline: float, place: Place) -> None:
        if time.monotonic() > deadline:
            raise LimitExceeded(
                place,
                f"reading would take longer than {self._client.max_seconds:,.0f} s.",
                "If that is expected, raise client.max_seconds, or ask for less: a shorter range.",
            )

    def _once(
        self,
        url: str,
        headers: Mapping[str, str],
        place: Place,
        counters: Counters,
        deadline: float,
        turn: Slot,
    ) -> Response:
        first = url
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._connections.get(url, {**self._headers, **headers})
            self._pace.record_response(turn)
            at = time.time_ns() // 1000
            try:
                raw = self.redact.data(self._body(response, url, place, deadline))
            finally:
                response.release_conn()
            counters.add(bytes=len(raw))
            location = response.headers.get("location")
            if response.status not in {301, 302, 303, 307, 308} or not location:
                break
            url = follow(url, location, self.origin, place, "a redirect", self.redact)
        else:
            raise HttpStatusError(
                place, f"more than {_MAX_REDIRECTS} redirects from {self.redact(url)}.",
                "Look at base_url.", status=response.status,
            )  # fmt: skip
        # by name, not by line: a header sent twice is one value, its parts joined
        named = {name.lower(): value for name, value in response.headers.itermerged()}
        if response.status >= 400:
            return Response(url, response.status, named, json_or_text(raw))
        body = self._json(raw, response.status, named, url, place)
        return Response(url, response.status, named, body, at, raw, url != first)

    def _body(self, response: Any, url: str, place: Place, deadline: float) -> bytes:
        """The unpacked body. It is read as it comes, so that a trickle is noticed too."""
        chunks = []
        size = 0
        limit, most = self._client.max_response_bytes, self._client.max_expansion
        while chunk := response.read1(1 << 16, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            packed = response.tell()
            problem, key = "", ""
            if size > limit:
                problem, key = f"is larger than {limit:,} bytes", "max_response_bytes"
            elif size > _NO_BOMB and size > packed * most:
                problem = f"unpacks to more than {most:,} times its size"
                key = "max_expansion"
            if problem:
                response.close()
                raise LimitExceeded(
                    place,
                    f"the answer of {self.redact(url)} {problem}.",
                    f"If that is expected, raise client.{key} or ask for smaller pages.",
                )
            if time.monotonic() > deadline:
                response.close()
                self._in_time(deadline, place)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _json(
        self, raw: bytes, status: int, headers: Mapping[str, str], url: str, place: Place
    ) -> Any:
        most = self._client.max_nesting
        try:
            body = loads(raw)
            if most < _DEEPEST and deeper(body, most):
                raise TooDeep
            return body
        except TooDeep as e:
            raise InvalidResponse(
                place,
                f"GET {self.redact(url)} answered status {status} with JSON nested too deep to be "
                f"records (more than {most:,}): {self.redact(body_text(raw))[:40]!r}.",
                "Look at base_url and at the API's answer, or raise client.max_nesting.",
            ) from e
        except ValueError as e:
            kind = headers.get("content-type", "no content type")
            if raw.lstrip()[:1] in (b"{", b"[") and "html" not in kind:
                raise TruncatedResponse(f"JSON that breaks off or is damaged ({e})") from e
            start = self.redact(body_text(raw))[:80]
            raise InvalidResponse(
                place,
                f"GET {self.redact(url)} answered status {status} with {kind} instead of JSON: "
                f"{start!r}.",
                "Look at base_url: this is often a login or error page.",
            ) from e

    def _refused(
        self, answer: Response, shown: str, place: Place, attempts: int
    ) -> HttpStatusError:
        advice = {
            401: "Look at the API key or token.",
            403: "The key is not permitted to read this.",
            404: "Look at base_url and at the path's settings.",
            429: "The API's rate limit is used up; declare rate_limit or run later.",
        }.get(answer.status, "Look at the API's status page, then run again.")
        said = self.redact(error_text(answer.body))[:300]
        times = f" {attempts} times" if attempts > 1 else ""
        return HttpStatusError(
            place,
            f"GET {shown} answered {answer.status}{times}" + (f": {said}." if said else "."),
            advice,
            status=answer.status,
        )


def _plainly(error: Exception) -> str:
    """A transport error without the pool's address, which some messages carry."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, Exception):
        return _plainly(reason)
    text = str(error).split(": ", 1)[-1] if "object at 0x" in str(error) else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

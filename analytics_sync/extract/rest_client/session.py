"""The HTTP session of one source: the only module that sends requests.

In: URLs of the configured origin. Out: responses with decoded JSON. Each request gets a timeout, the
declared retries, a slot of the rate limit and a size limit. Credentials go to the configured scheme,
host and port and nowhere else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import urllib3

from analytics_sync.catalog.config.client import Client, ErrorHandler
from analytics_sync.catalog.config.models import ResponseAction
from analytics_sync.common.errors import (
    HttpStatusError,
    MissingSetting,
    Place,
)
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.settings_files import foreign_settings
from analytics_sync.extract.rest_client.body import BodyReader
from analytics_sync.extract.rest_client.call import (
    Attempt,
    Call,
    Counters,
    Exchange,
    ExchangeListener,
)
from analytics_sync.extract.rest_client.connections.connection_pool import ConnectionPool
from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.rest_client.connections.proxies import find_proxy
from analytics_sync.extract.rest_client.connections.watchdog import TooMuchSent
from analytics_sync.extract.rest_client.content import GET, Content
from analytics_sync.extract.rest_client.credentials import Credentials
from analytics_sync.extract.rest_client.http_errors import (
    connection_failed,
    lost_body,
    status_error,
    transport_problem,
)
from analytics_sync.extract.rest_client.oauth2 import access_token, token_request
from analytics_sync.extract.rest_client.paginators.link_repair import keep_query
from analytics_sync.extract.rest_client.rate_limits.backoff import retry_delay
from analytics_sync.extract.rest_client.rate_limits.reset_time import MAX_WAIT_SECONDS
from analytics_sync.extract.rest_client.rate_limits.slots import Slot
from analytics_sync.extract.rest_client.request_slots import RequestSlots, shared_address
from analytics_sync.extract.rest_client.response import (
    Response,
    TruncatedResponse,
    error_body,
    seconds_in_cache,
    without_secrets,
)
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.rest_client.shown_requests import ShownRequests
from analytics_sync.extract.rest_client.urls import (
    follow,
    origin,
    shown_url,
    with_query,
    without_query,
)
from analytics_sync.extract.rest_client.verdict import Verdict, judge
from analytics_sync.extract.rest_client.waiting import RequestWaits, WaitListener

_MAX_REDIRECTS = 5
_KEEPS_METHOD = frozenset({307, 308})
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_QUERY_OR_FRAGMENT = re.compile("[?#]")
_MAX_BYTES_IN_FLIGHT = 8 << 20  # of JSON; decoded, it takes several times as much memory


class Session:
    """HTTP for one source during one run. Threads may share it.

    Args:
        settings: Base URL and credentials.
        sleep: Waits for a number of seconds; None waits until the run is stopped at most.
        progress: Told of each wait; None tells nobody.
        on_response: Told of each response, also of those that are no page; None tells nobody.

    Raises:
        MissingSetting: The base URL or a credential is not set, or another user may have set it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], None] | None = None,
        progress: WaitListener | None = None,
        on_response: ExchangeListener | None = None,
    ) -> None:
        self._on_response = on_response
        client: Client = settings.source.client
        if problem := foreign_settings():
            advice = "Remove it, or set HOME to a folder of yours, and run again."
            raise MissingSetting(Place(settings.source.name), f"{problem}.", advice)
        self._source = settings.source
        self.base_url = settings.base_url()
        self.origin = origin(self.base_url)
        credentials, self._query = Credentials(settings).sent()
        token = token_request(settings)
        settings.look_up_secrets()
        is_local = settings.is_for_loopback_only(self.base_url)
        proxy = find_proxy(self.base_url, Place(settings.source.name), loopback_only=is_local)
        shared = shared_address(client.rate_limit, Place(settings.source.name))
        secrets = settings.secrets | ({proxy.password} if proxy else set())
        secrets |= shared.secrets if shared else frozenset()
        self.redact = Redactor(secrets, settings.provided)
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "analytics-sync",
            **credentials,
        }
        self.shown = ShownRequests(self.redact, self._headers, self._query)
        account = sorted({**credentials, **self._query}.items())
        self.account = repr([account, token.account] if token else account).encode()
        """The credentials of all requests; a secret."""
        self.max_seconds = client.max_seconds
        self.max_pages = client.max_pages
        self.max_connections = client.max_connections
        self._slots = RequestSlots(
            client.rate_limit, f"{self.origin} {self.account!r}", shared, Place(self._source.name)
        )
        self._checked_url = ""
        self._waiting = RequestWaits(sleep, progress)
        self._pool = ConnectionPool(self.base_url, client, proxy, loopback_only=is_local)
        self._body = BodyReader(client, self.redact)
        self._token = access_token(token, settings, self.redact, self._body, sleep)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        self._token.close()
        self._slots.close()

    def without_credentials(self, link: str) -> str:
        """A link without the credentials that every request sends in its query."""
        return without_query(link, self._query)

    def max_concurrent_requests(self, response_bytes: int) -> int:
        """The number of responses to request concurrently: fewer when responses are large.

        Args:
            response_bytes: The size of one response.
        """
        by_memory = max(2, _MAX_BYTES_IN_FLIGHT // max(1, response_bytes))
        return min(self.max_connections, by_memory)

    def get(
        self,
        url: str,
        params: Mapping[str, object],
        *,
        place: Place,
        policy: ErrorHandler,
        counters: Counters,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        actions: Sequence[ResponseAction] = (),
        content: Content = GET,
    ) -> Response:
        """Request a JSON document, with the declared retries.

        Args:
            url: On the configured origin.
            params: Query parameters.
            place: For messages.
            policy: The resource's retry policy.
            counters: Receives the cost.
            deadline: A request is ended then, and a wait beyond it is not begun.
            headers: The resource's own headers; None for none.
            actions: The resource's response actions.
            content: Method and body.

        Raises:
            HttpStatusError: A status that is no page, at once or after all retries. Its attributes
                say whether the declaration ignores it.
            ConnectionFailed: No complete response after all retries.
            InvalidResponse: The response is not JSON.
            ForeignOrigin: ``url`` or a redirect leads to another origin.
            LimitExceeded: More bytes or time than the source's limits allow.
        """
        # a link may repeat the credentials of the query: each is sent once, as set here
        url = without_query(url, self._query)
        target = self._target(url, params, place)
        call = Call(
            url, params, target, headers or {}, content, place, policy, actions, counters, deadline
        )
        number = 0
        while True:
            number += 1
            attempt = self._send(call, number)
            if attempt.response is not None and attempt.verdict is None:
                return attempt.response
            if self._token.renew_after(call, attempt):
                number -= 1
                continue
            delay = self._delay_or_raise(call, attempt)
            self._waiting.before_retry(call, attempt, delay, self._slots)

    def _target(self, url: str, params: Mapping[str, object], place: Place) -> str:
        """The URL to request, with all query parameters.

        Raises:
            ForeignOrigin: ``url`` leads to another origin.
        """
        target = with_query(url, {**params, **self._query})
        if url != self._checked_url:
            built, target = target, follow(url, target, self.origin, place, "a URL", self.redact)
            # A query does not change the origin: do not check the same URL again for each page.
            is_plain = built == target and not _QUERY_OR_FRAGMENT.search(url)
            self._checked_url = url if is_plain else ""
        return target

    def _send(self, call: Call, number: int) -> Attempt:
        """Send one attempt, once the rate limit allows it."""
        call.check_time()
        slot = self._slots.acquire(call, partial(self._waiting.for_slot, call))
        call.counters.add(requests=1, waited=slot.waited_seconds)
        try:
            response, verdict = self._fetch(call, slot)
            return Attempt(number, response, verdict=verdict)
        except (urllib3.exceptions.HTTPError, OSError, TruncatedResponse) as e:
            call.check_time(0.0, f"the wait for the whole response to {self.shown.short(call)}")
            return Attempt(number, None, self.redact(transport_problem(e)))

    def _delay_or_raise(self, call: Call, attempt: Attempt) -> float:
        """Decide after a failed attempt: the seconds until the next attempt, or an error."""
        response, policy = attempt.response, call.policy
        is_last = attempt.number > policy.max_retries
        if response is None:
            delay = retry_delay(0, {}, None, attempt.number, policy)
            if is_last or delay > MAX_WAIT_SECONDS:
                wait = None if is_last else delay
                raise connection_failed(
                    self.shown.short(call), attempt.number, attempt.problem, wait, call.place
                )
            return delay
        verdict = attempt.verdict or Verdict()
        if is_last or not verdict.is_retried:
            raise self._status_error(call, response, attempt.number, verdict)
        delay = retry_delay(
            response.status, response.headers, response.body, attempt.number, policy,
            is_rate_limit=verdict.is_rate_limit,
        )  # fmt: skip
        if delay > MAX_WAIT_SECONDS:
            raise self._status_error(call, response, attempt.number, verdict)
        return delay

    def _fetch(self, call: Call, slot: Slot) -> tuple[Response, Verdict | None]:
        """The response of the target, or of the redirects that it leads to, and its verdict."""
        url, place = call.target, call.place
        for _ in range(_MAX_REDIRECTS + 1):
            response, raw, received_at = self._exchange(call, url, slot)
            call.counters.add(bytes=len(raw))
            # by name, not by line: a header sent twice is one value, its parts joined
            headers = {name.lower(): value for name, value in response.headers.itermerged()}
            if self._on_response is not None:
                said = self.shown.sent(call, url)
                self._on_response(Exchange(place, said, response.status, headers, received_at))
            verdict = judge(response.status, headers, raw, call.policy, call.actions)
            location = headers.get("location")
            if verdict or response.status not in _REDIRECT_STATUSES or not location:
                break
            if call.content is not GET and response.status not in _KEEPS_METHOD:
                raise lost_body(self.shown.short(call), response.status, place)
            target = follow(url, location, self.origin, place, "a redirect", self.redact)
            url = keep_query(target, url)
        else:
            raise HttpStatusError(
                place, f"more than {_MAX_REDIRECTS} redirects from {shown_url(url, self.redact)}.",
                "Look at base_url.", status=response.status,
            )  # fmt: skip
        status = response.status
        if verdict is not None:
            error = error_body(raw, self.redact, call.check_time, is_ignored=verdict.is_ignored)
            return Response(url, status, headers, error), verdict
        body = self._body.decode(raw, status, headers, url, place, call.content.method)
        call.check_time()
        answered_at = received_at - seconds_in_cache(headers) * 1_000_000
        page = Response(url, status, headers, body, answered_at, raw, url != call.target)
        page = without_secrets(page, self.redact, call.check_time)
        return page, Verdict() if status >= 300 else None  # a redirect to nowhere is no page

    def _exchange(
        self, call: Call, url: str, slot: Slot
    ) -> tuple[urllib3.BaseHTTPResponse, bytes, int]:
        """Send one request: its response, the body, and when the response arrived."""
        authorization = self._token.header(call)
        try:
            with self._pool.watch(call.deadline) as watch:
                headers = {**self._headers, **call.headers, **authorization}
                response = self._pool.send(url, headers, watch, call.content)
                received_at = time.time_ns() // 1000
                try:
                    self._slots.record_response(call, slot)
                    raw = self._body.read(response, url, call.place, watch)
                except BaseException:
                    response.close()  # a part of the body is unread: no other request can follow
                    raise
                finally:
                    response.release_conn()
        except TooMuchSent as e:
            raise self._body.too_large(url, call.place, str(e), "max_response_bytes") from e
        return response, raw, received_at

    def _status_error(
        self, call: Call, response: Response, attempts: int, verdict: Verdict
    ) -> HttpStatusError:
        shown = self.shown.short(call)
        return status_error(
            response, verdict, shown, attempts, call.place, self._source, self.redact
        )

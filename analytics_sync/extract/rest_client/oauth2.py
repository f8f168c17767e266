"""The access token of a source that declares ``oauth2_client_credentials``.

In: the declared client, its settings. Out: a header with a token that is not expired. The client's id and
secret go to the declared address of the tokens and nowhere else: no redirect is followed. The token goes to
the origin of the API. It is kept in memory, and masked in messages, logs and rows like any secret.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3

from analytics_sync.catalog.config.client import (
    TRANSIENT_STATUSES,
    ErrorHandler,
    OAuth2ClientCredentials,
)
from analytics_sync.catalog.naming import variable_name
from analytics_sync.common.errors import (
    ConnectionFailed,
    ExtractError,
    HttpStatusError,
    InvalidResponse,
    MissingSetting,
    Place,
)
from analytics_sync.common.redaction import Redactor
from analytics_sync.extract.rest_client.body import BodyReader
from analytics_sync.extract.rest_client.call import Attempt, Call
from analytics_sync.extract.rest_client.connections.connection_pool import ConnectionPool
from analytics_sync.extract.rest_client.connections.proxies import find_proxy
from analytics_sync.extract.rest_client.content import Content, post
from analytics_sync.extract.rest_client.http_errors import transport_problem
from analytics_sync.extract.rest_client.rate_limits.backoff import retry_delay
from analytics_sync.extract.rest_client.response import error_text, json_or_text
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.rest_client.urls import shown_url

_HEADERS = {"Accept": "application/json", "User-Agent": "analytics-sync"}
_POLICY = ErrorHandler()
_UNAUTHORIZED = 401
# A token is renewed so long before it expires, or at nine tenths of its life.
_MARGIN_SECONDS = 60.0
_MARGIN_SHARE = 0.1


@dataclass(frozen=True)
class TokenRequest:
    """The request of a token.

    Attributes:
        url: The address of the tokens.
        content: Method and body, with the client's id and secret.
        account: Identifies the client; a secret.
    """

    url: str
    content: Content
    account: str


def token_request(settings: Settings) -> TokenRequest | None:
    """The request of a token, if the source declares one; the secrets are added to the settings.

    Raises:
        MissingSetting: A value is not set, or the address would send the secret unencrypted.
    """
    auth = settings.source.client.auth
    if not isinstance(auth, OAuth2ClientCredentials):
        return None
    url = settings.get("access_token_url", is_shown=True) or settings.text(
        auth.access_token_url, "a part of the address of the tokens", settings.without_blanks
    )
    _check_address(url, settings)
    checked = settings.without_blanks
    client = settings.text(auth.client_id, "the id of the client", checked)
    secret = settings.text(auth.client_secret, "the secret of the client", checked, is_secret=True)
    further = {
        name: settings.text(value, f"{name} of the token request", checked)
        if isinstance(value, str)
        else value
        for name, value in auth.access_token_request_data.items()
    }
    form = {
        "client_id": client,
        "client_secret": secret,
        "grant_type": "client_credentials",
        **further,
    }
    return TokenRequest(url, post(None, form), repr([url, client, secret]))


def access_token(
    request: TokenRequest | None,
    settings: Settings,
    redact: Redactor,
    body: BodyReader,
    sleep: Callable[[float], None] | None,
) -> NoToken:
    """The token of a run; see ``AccessToken``."""
    if request is None:
        return NoToken()
    return AccessToken(request, settings, redact, body, sleep)


class NoToken:
    """The token of a source that declares none."""

    def close(self) -> None:
        """Nothing is open."""

    def header(self, call: Call) -> dict[str, str]:
        """No header."""
        return {}

    def renew_after(self, call: Call, attempt: Attempt) -> bool:
        """There is nothing to renew."""
        return False


class AccessToken(NoToken):
    """The token of one run. Threads may share it.

    Args:
        request: The request of a token.
        settings: The settings of the source.
        redact: Masks the token from now on.
        body: Reads bodies.
        sleep: Waits for a number of seconds; None waits until the run is stopped at most.
    """

    def __init__(
        self,
        request: TokenRequest,
        settings: Settings,
        redact: Redactor,
        body: BodyReader,
        sleep: Callable[[float], None] | None,
    ) -> None:
        client = settings.source.client
        assert isinstance(client.auth, OAuth2ClientCredentials)
        self._request = request
        self._default_seconds = client.auth.default_token_expiration
        self._source = settings.source.name
        self._redact = redact
        self._body = body
        self._sleep = sleep
        is_local = settings.is_for_loopback_only(request.url)
        proxy = find_proxy(request.url, Place(self._source), loopback_only=is_local)
        self._pool = ConnectionPool(request.url, client, proxy, loopback_only=is_local)
        self._lock = threading.Lock()
        self._token = ""
        self._expires_at = 0.0  # on the monotonic clock

    @property
    def _shown_url(self) -> str:
        """The address of the tokens for messages; a secret may be a part of it."""
        return shown_url(self._request.url, self._redact)

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def header(self, call: Call) -> dict[str, str]:
        """The header with a token that is not expired.

        Raises:
            ExtractError: The API gives none.
        """
        with self._lock:
            if not self._token or time.monotonic() >= self._expires_at:
                self._fetch(call)
            call.token = self._token
        return {"Authorization": f"Bearer {call.token}"}

    def renew_after(self, call: Call, attempt: Attempt) -> bool:
        """Whether to send a request again with a new token: the API refused it, once in a call."""
        response = attempt.response
        if response is None or response.status != _UNAUTHORIZED or call.has_renewed_token:
            return False
        call.has_renewed_token = True
        with self._lock:
            if call.token == self._token:  # else another thread has a new one already
                self._token = ""
        return True

    def _fetch(self, call: Call) -> None:
        """Request a token, with retries.

        Raises:
            ExtractError: The API gives none.
        """
        number = 0
        while True:
            number += 1
            call.check_time()
            problem, status, headers, body = self._send(call)
            if status is not None and 200 <= status < 300:
                self._take(body, call.place)
                return
            may_pass = status is None or status in TRANSIENT_STATUSES
            if not may_pass or number > _POLICY.max_retries:
                raise self._error(call.place, problem, status, number)
            delay = retry_delay(status or 0, headers, body, number, _POLICY)
            call.check_time(delay, f"the wait of {delay:,.1f} s for a token")
            (self._sleep or call.deadline.stop.wait)(delay)

    def _send(self, call: Call) -> tuple[str, int | None, dict[str, str], Any]:
        """The problem of one attempt, its status, its headers and its body."""
        url, place = self._request.url, call.place
        try:
            with self._pool.watch(call.deadline) as watch:
                response = self._pool.send(url, _HEADERS, watch, self._request.content)
                try:
                    raw = self._body.read(response, url, place, watch)
                finally:
                    response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as e:
            call.check_time(0.0, "the wait for a token")
            return self._redact(transport_problem(e)), None, {}, None
        body = json_or_text(raw)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return self._redact(error_text(body))[:200], response.status, headers, body

    def _take(self, body: Any, place: Place) -> None:
        """Keep the token of an answer.

        Raises:
            InvalidResponse: The answer holds no token.
        """
        token = body.get("access_token") if isinstance(body, dict) else None
        kind = body.get("token_type", "bearer") if isinstance(body, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise InvalidResponse(
                place,
                f"POST {self._shown_url} gave no access_token.",
                "Look at access_token_url of client.auth.",
            )
        self._redact.add(token)
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise InvalidResponse(
                place,
                f"POST {self._shown_url} gave a token of another type than bearer.",
                "Look at access_token_url of client.auth: only bearer tokens can be sent.",
            )
        seconds = _seconds(body.get("expires_in"), self._default_seconds)
        margin = min(_MARGIN_SECONDS, seconds * _MARGIN_SHARE)
        self._token, self._expires_at = token, time.monotonic() + seconds - margin

    def _error(self, place: Place, problem: str, status: int | None, attempts: int) -> ExtractError:
        times = f" {attempts} times" if attempts > 1 else ""
        url = self._shown_url
        advice = (
            "Look at access_token_url, client_id, client_secret and access_token_request_data of client.auth, "
            "and at their settings."
        )
        if status is None:
            return ConnectionFailed(
                place, f"POST {url} (the token) failed{times}, last with: {problem}.", advice
            )
        said = f"POST {url} (the token) answered {status}{times}: {problem}."
        if status in TRANSIENT_STATUSES:
            return HttpStatusError(place, said, "Run again later.", status=status)
        return ExtractError(place, said, advice)


def _seconds(declared: Any, default: float) -> float:
    """The life of a token; the default if the API names none."""
    try:
        seconds = float(declared)
    except (TypeError, ValueError):
        return default
    return seconds if 0 < seconds < float("inf") else default


def _check_address(url: str, settings: Settings) -> None:
    """Refuse an address that would send the secret unencrypted, or to nobody knows whom.

    Raises:
        MissingSetting: It is no https address, or http without leave.
    """
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and not parts.username and "\\" not in url
    except ValueError:
        is_address = False
    variable = variable_name(settings.source.name, "access_token_url")
    if not is_address or parts.scheme not in {"http", "https"}:
        raise MissingSetting(
            Place(settings.source.name),
            "access_token_url is not an http(s) address.",
            f"Correct it in client.auth, or set {variable}.",
        )
    settings.check_encrypted("access_token_url", url)

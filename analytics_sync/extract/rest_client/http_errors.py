"""The errors of failed requests: a message with the cause, and advice.

In: an error status or a transport error. Out: an exception to raise; text for messages.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable

import urllib3

from analytics_sync.catalog import Source
from analytics_sync.common.errors import ConnectionFailed, HttpStatusError, Place
from analytics_sync.extract.rest_client.rate_limits.rate_limit_signs import shown_delay
from analytics_sync.extract.rest_client.response import Response, error_text
from analytics_sync.extract.rest_client.status_advice import status_advice
from analytics_sync.extract.rest_client.verdict import Verdict

_MAX_REASON_CHARACTERS = 300
_LIMIT_ADVICE = "The API's rate limit is used up; declare rate_limit or run later."
_LIMIT_DOUBT = (
    " If this is no limit, declare response_actions with this status and a part of this text."
)
_TIMEOUT_KEYS = {
    urllib3.exceptions.ReadTimeoutError: "read_timeout",
    urllib3.exceptions.ConnectTimeoutError: "connect_timeout",
}


def status_error(
    response: Response,
    verdict: Verdict,
    shown_request: str,
    attempts: int,
    place: Place,
    source: Source,
    redact: Callable[[str], str],
) -> HttpStatusError:
    """The error of a response that is no page.

    Args:
        response: The last response.
        verdict: What it means.
        shown_request: Method and URL without secrets.
        attempts: The number of requests sent.
        place: For the message.
        source: The source, whose settings the advice names.
        redact: Removes secrets from the text of the body.
    """
    reason = redact(error_text(response.body))[:_MAX_REASON_CHARACTERS]
    status = response.status
    times = f" {attempts} times" if attempts > 1 else ""
    named = redact(shown_delay(response.headers)) if verdict.is_rate_limit else ""
    asked = f", with {named}" if named else ""
    return HttpStatusError(
        place,
        f"{shown_request} answered {status}{times}{asked}" + (f": {reason}." if reason else "."),
        _advice(status, verdict, source, place.resource),
        status=status,
        is_ignored=verdict.is_ignored,
        is_failure=verdict.is_failure,
        body=response.body if verdict.is_ignored else None,
        is_quoted=verdict.is_quoted,
    )


def connection_failed(
    shown_request: str, attempts: int, problem: str, wait: float | None, place: Place
) -> ConnectionFailed:
    """The error of a request without a complete response.

    Args:
        shown_request: Method and URL without secrets.
        attempts: The number of requests sent.
        problem: The problem of the last one.
        wait: Seconds before the next one, if they are too many; None if it was the last one.
        place: For the message.
    """
    if wait is None:
        return ConnectionFailed(
            place,
            f"{shown_request} failed {attempts} times, last with: {problem}.",
            "Look at base_url, the network and the API's status page, then run again.",
        )
    return ConnectionFailed(
        place,
        f"{shown_request}: would have to wait {wait:.0f} s.",
        "Run again later, or lower backoff_factor or max_retries of error_handler.",
    )


def lost_body(shown_request: str, status: int, place: Place) -> HttpStatusError:
    """The error of a redirect that would turn a POST request into a GET request without a body."""
    return HttpStatusError(
        place,
        f"{shown_request} answered {status}, a redirect that drops the body of the request.",
        "Correct base_url or the path: the API has moved this address.",
        status=status,
    )


def _advice(status: int, verdict: Verdict, source: Source, resource: str) -> str:
    if verdict.is_rate_limit:
        return _LIMIT_ADVICE + (_LIMIT_DOUBT if verdict.is_failure else "")
    return status_advice(status, source, resource)


def transport_problem(error: Exception) -> str:
    """A transport error in words, without the memory address of a connection."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, Exception):
        return transport_problem(reason)
    text = str(error).split(": ", 1)[-1] if "object at 0x" in str(error) else str(error)
    named = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if (
        isinstance(error, ssl.SSLError | urllib3.exceptions.SSLError)
        and "SSL_CERT_FILE" in os.environ
    ):
        named = f"{named} (certificates from SSL_CERT_FILE, {os.environ['SSL_CERT_FILE']})"
    key = _TIMEOUT_KEYS.get(type(error))  # a refused connection is of a class below
    return f"{named} client.{key} is the limit" if key else named

"""The backoff before a request is sent again.

In: the failed response, the number of the attempt, the declared policy. Out: seconds to wait. Each
header below was seen in the responses of a real API.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from analytics_sync.catalog.client import ErrorHandler

# in order of precedence, the most explicit header first
_RETRY_HEADERS = ("retry-after", "x-retry-after")
_RATE_LIMIT_HEADERS = ("x-ratelimit-wait", "x-ratelimit-reset", "ratelimit-reset")
_ALL_HEADERS = (*_RETRY_HEADERS, *_RATE_LIMIT_HEADERS)
_ASKS_TO_WAIT = frozenset({429, 432, 503})  # statuses
_MAX_DURATION_SECONDS = 1_000_000_000  # a larger number is a time since 1970, not a duration


def retry_delay(
    status: int, headers: Mapping[str, str], body: object, attempt: int, policy: ErrorHandler
) -> float:
    """Seconds before attempt ``attempt + 1``; the server's own delay takes precedence.

    Args:
        status: The HTTP status; 0 without a response.
        headers: With lower-case names.
        body: Decoded JSON; None without a response.
        attempt: The number of the failed attempt, from 1.
        policy: The declared retry policy.
    """
    delay = _server_delay(headers, body, asks_to_wait=status in _ASKS_TO_WAIT)
    return max(delay, 0.0) if delay is not None else float(policy.backoff_factor**attempt)


def _server_delay(headers: Mapping[str, str], body: object, *, asks_to_wait: bool) -> float | None:
    """The delay that the server asks for, in seconds; None when it names none.

    Rate limit headers are part of every response of some APIs. They count only when the status
    asks to wait.
    """
    for name in _ALL_HEADERS if asks_to_wait else _RETRY_HEADERS:
        if (value := headers.get(name)) is not None and (seconds := _seconds(value)) is not None:
            return seconds
    if asks_to_wait and isinstance(body, dict):
        if isinstance(wait := body.get("wait"), int | float) and not isinstance(wait, bool):
            return float(wait)
        errors = body.get("errors")
        if isinstance(errors, list) and errors and isinstance(errors[0], dict):
            data = errors[0].get("data")
            if isinstance(data, dict) and isinstance(ms := data.get("msBeforeNext"), int | float):
                return ms / 1000
    return None


def _seconds(value: str) -> float | None:
    """The delay in a header that holds seconds, a time since 1970 or a date; else None."""
    try:
        number = float(value)
    except ValueError:
        try:
            instant = parsedate_to_datetime(value)
        except ValueError:
            return None
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        return instant.timestamp() - time.time()
    if math.isnan(number) or number < 0:
        return None
    return number - time.time() if number > _MAX_DURATION_SECONDS else number

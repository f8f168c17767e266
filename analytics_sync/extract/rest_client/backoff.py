"""How long to wait before a request is sent again.

In: the answer that asked for patience, the number of the attempt, the declared policy. Out:
seconds. Every header below is one that a real API was seen to send.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from analytics_sync.catalog.client import ErrorHandler

# in this order: the plainest word first
_PLAIN = ("retry-after", "x-retry-after")
_HEADERS = (
    *_PLAIN,
    "x-ratelimit-wait",
    "x-ratelimit-reset",
    "ratelimit-reset",
)
_EPOCH_SECONDS = 1_000_000_000  # a larger number is an instant, not a duration


def retry_delay(
    status: int, headers: Mapping[str, str], body: object, attempt: int, policy: ErrorHandler
) -> float:
    """Seconds before attempt ``attempt + 1``; what the server says wins over the backoff.

    Args:
        status: Of the answer; 0 when there was none.
        headers: With lower-case names.
        body: Decoded JSON, or None.
        attempt: 1 for the first.
        policy: The declared one.
    """
    told = _told(headers, body, asked=status in {429, 432, 503})
    return max(told, 0.0) if told is not None else float(policy.backoff_factor**attempt)


def _told(headers: Mapping[str, str], body: object, *, asked: bool) -> float | None:
    """What the server says; the headers about its limit stand on every answer, so they count only
    where it ``asked`` for patience."""
    for name in _HEADERS if asked else _PLAIN:
        if (value := headers.get(name)) is not None and (seconds := _seconds(value)) is not None:
            return seconds
    if asked and isinstance(body, dict):
        if isinstance(wait := body.get("wait"), int | float) and not isinstance(wait, bool):
            return float(wait)
        errors = body.get("errors")
        if isinstance(errors, list) and errors and isinstance(errors[0], dict):
            data = errors[0].get("data")
            if isinstance(data, dict) and isinstance(ms := data.get("msBeforeNext"), int | float):
                return ms / 1000
    return None


def _seconds(value: str) -> float | None:
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
    if number != number or number < 0:
        return None
    return number - time.time() if number > _EPOCH_SECONDS else number

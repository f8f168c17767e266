"""The backoff before a request is sent again.

In: the failed response, the number of the attempt, the declared policy. Out: seconds to wait. The delay
that the server asks for takes precedence, unless it is zero, absurd or longer than an hour. If the server
fails again after its own delay, that delay was too short, and the backoff is the least.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from analytics_sync.catalog.config.client import ErrorHandler
from analytics_sync.extract.rest_client.rate_limits.rate_limit_signs import body_delay, header_delay
from analytics_sync.extract.rest_client.rate_limits.reset_time import seconds_until

_ASKS_TO_WAIT = frozenset({429, 432, 503})  # statuses
_MAX_CLOCK_SKEW_SECONDS = 86_400.0


def retry_delay(
    status: int,
    headers: Mapping[str, str],
    body: object,
    attempt: int,
    policy: ErrorHandler,
    *,
    is_rate_limit: bool = False,
) -> float:
    """Seconds before attempt ``attempt + 1``; the server's own delay takes precedence.

    Args:
        status: The HTTP status; 0 without a response.
        headers: With lower-case names.
        body: Decoded JSON; None without a response.
        attempt: The number of the failed attempt, from 1.
        policy: The declared retry policy.
        is_rate_limit: Whether the response is about a limit, whatever its status.
    """
    asks_to_wait = is_rate_limit or status in _ASKS_TO_WAIT
    now = _server_time(headers)
    delay = header_delay(headers, now, asks_to_wait=asks_to_wait)
    if delay is None and asks_to_wait:
        delay = body_delay(body, now)
    if not delay:  # zero is no wish: APIs send it while their limit still holds
        return float(policy.backoff_factor**attempt)
    return max(delay, policy.backoff_factor ** (attempt - 1)) if attempt > 1 else delay


def _server_time(headers: Mapping[str, str]) -> float:
    """Seconds since 1970 by the server's clock: it wrote the instants that we wait for."""
    now = time.time()
    behind = seconds_until(headers.get("date", ""), now)
    is_plausible = behind is not None and abs(behind) < _MAX_CLOCK_SKEW_SECONDS
    return now + behind if behind is not None and is_plausible else now

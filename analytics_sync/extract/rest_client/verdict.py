"""The verdict on a response that is no page: retry it, ignore it, or fail.

In: a response, the retry policy and the response actions of its resource. Out: a ``Verdict``; None for a
page. What the catalog file declares rules, with one exception: a response about a rate limit never means
"no records", whatever its status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analytics_sync.catalog.config.client import TRANSIENT_STATUSES, ErrorHandler
from analytics_sync.catalog.config.models import ResponseAction
from analytics_sync.extract.rest_client.rate_limits.rate_limit_signs import (
    asks_to_retry,
    has_exhausted_header,
    has_limit_in_body,
)
from analytics_sync.extract.rest_client.response import json_or_text

_ACCEPTED = 202  # the API is still preparing the response
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a response that is no page means.

    Attributes:
        is_retried: Whether to send the request again, until all retries are used.
        is_ignored: Whether the response means "no records" by declaration, after all retries.
        is_rate_limit: Whether a rate limit is the reason.
        is_failure: Whether the response never means "no records".
        is_quoted: Whether the declared action quotes the body.
    """

    is_retried: bool = False
    is_ignored: bool = False
    is_rate_limit: bool = False
    is_failure: bool = False
    is_quoted: bool = False


def judge(
    status: int,
    headers: Mapping[str, str],
    raw: bytes,
    policy: ErrorHandler,
    actions: Sequence[ResponseAction],
) -> Verdict | None:
    """The verdict on a response; None if it is a page, or a redirect to follow.

    Args:
        status: The HTTP status.
        headers: With lower-case names.
        raw: The unpacked body.
        policy: The retry policy.
        actions: The declared response actions.
    """
    is_retried = status in policy.retry_on_status_codes
    if status < 400 and status != _ACCEPTED and not actions and not is_retried:
        return None
    action = _action(status, raw, actions)
    kind = action.action if action else None
    if kind == "fail":
        return Verdict(is_failure=True)
    if kind == "accept" and status < 400:
        return None
    is_ignored = kind == "ignore"
    # An action that quotes the body knows it better than a search for signs.
    is_quoted = action is not None and action.content is not None
    if status < 400:
        if kind is None and not is_retried and status != _ACCEPTED:
            return None
        return Verdict(is_retried or kind == "retry", is_ignored, is_quoted=is_quoted)
    is_limit = status not in TRANSIENT_STATUSES and (
        asks_to_retry(headers)
        or has_exhausted_header(status, headers)
        or (not is_quoted and has_limit_in_body(status, json_or_text(raw)))
    )
    return Verdict(
        is_retried=is_retried or is_limit or kind == "retry",
        is_ignored=is_ignored and not is_limit,
        is_rate_limit=is_limit or status == _TOO_MANY_REQUESTS,
        is_failure=is_limit,
        is_quoted=is_quoted,
    )


def is_accepted(status: int, raw: bytes, actions: Sequence[ResponseAction]) -> bool:
    """Whether the declaration takes a response for a complete page, whatever it says.

    Args:
        status: The HTTP status.
        raw: The unpacked body.
        actions: The declared response actions.
    """
    action = _action(status, raw, actions)
    return action is not None and action.action == "accept"


def _action(status: int, raw: bytes, actions: Sequence[ResponseAction]) -> ResponseAction | None:
    """The first action that matches a response."""
    return next((a for a in actions if _applies(a, status, raw)), None)


def _applies(action: ResponseAction, status: int, raw: bytes) -> bool:
    """Whether a response has the declared status and holds the declared text."""
    return action.status_code in (None, status) and (
        action.content is None or action.content.encode() in raw
    )

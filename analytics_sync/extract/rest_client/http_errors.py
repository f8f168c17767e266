"""The errors of failed requests: a message with the cause, and advice.

In: an error status or a transport error. Out: an exception to raise; text for messages.
"""

from __future__ import annotations

from collections.abc import Callable

from analytics_sync.common.errors import HttpStatusError, Place
from analytics_sync.extract.rest_client.response import Response, error_text

_MAX_REASON_CHARACTERS = 300
_ADVICE = {
    401: "Look at the API key or token.",
    403: "The key is not permitted to read this.",
    404: "Look at base_url and at the path's settings.",
    429: "The API's rate limit is used up; declare rate_limit or run later.",
}
_OTHER_ADVICE = "Look at the API's status page, then run again."


def status_error(
    response: Response, shown_url: str, attempts: int, place: Place, redact: Callable[[str], str]
) -> HttpStatusError:
    """The error of a response with an error status.

    Args:
        response: The last response.
        shown_url: The URL without secrets.
        attempts: The number of requests sent.
        place: For the message.
        redact: Removes secrets from the text of the body.
    """
    reason = redact(error_text(response.body))[:_MAX_REASON_CHARACTERS]
    times = f" {attempts} times" if attempts > 1 else ""
    return HttpStatusError(
        place,
        f"GET {shown_url} answered {response.status}{times}" + (f": {reason}." if reason else "."),
        _ADVICE.get(response.status, _OTHER_ADVICE),
        status=response.status,
    )


def transport_problem(error: Exception) -> str:
    """A transport error in words, without the memory address of a connection."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, Exception):
        return transport_problem(reason)
    text = str(error).split(": ", 1)[-1] if "object at 0x" in str(error) else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

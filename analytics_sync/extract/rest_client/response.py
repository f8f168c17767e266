"""One HTTP response, and the message of a body that is not data.

In: status, headers, bytes. Out: a ``Response`` without secrets for the rest of the package; text for
messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from analytics_sync.common.exact_json import dumps, loads
from analytics_sync.common.redaction import Redactor

_MAX_TEXT_BYTES = 20_000
_MAX_ERROR_BYTES = 1 << 20  # the reason of an error is not longer
_MAX_AGE_DIGITS = 8  # three years


@dataclass(frozen=True)
class Response:
    """A response with a decoded body.

    Attributes:
        url: The URL of the response, after redirects.
        status: The HTTP status.
        headers: Header values by lower-case names.
        body: The decoded JSON.
        received_at: When the API answered, in microseconds since 1970: when the first byte arrived, less
            the time that the response had been in a cache.
        raw: The body in bytes, unpacked.
        is_redirected: Whether a redirect led to the response.
        unmasked: The response with the secrets that it repeats, for the paginator alone; None if it
            repeats none.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: Any
    received_at: int = 0
    raw: bytes = b""
    is_redirected: bool = False
    unmasked: Response | None = None


def without_secrets(
    response: Response, redact: Redactor, check_time: Callable[[], None]
) -> Response:
    """The response with secrets masked in its body and its headers.

    Args:
        response: The response.
        redact: Masks secrets.
        check_time: Raises if the time of the read is over.
    """
    raw = redact.data(response.raw, check_time)
    values = "\n".join(response.headers.values())
    if raw is response.raw and redact.data_text(values) is values:
        return response
    headers = {name: redact.data_text(value) for name, value in response.headers.items()}
    body = response.body if raw is response.raw else loads(raw)
    return replace(response, body=body, raw=raw, headers=headers, unmasked=response)


class TruncatedResponse(Exception):
    """A response of which only a part arrived."""


def seconds_in_cache(headers: Mapping[str, str]) -> int:
    """How long a response had been in a cache, by its header ``Age``; 0 if it comes from the API.

    Args:
        headers: With lower-case names.
    """
    age = headers.get("age", "").strip()
    return int(age) if age.isascii() and age.isdigit() and len(age) <= _MAX_AGE_DIGITS else 0


def json_or_text(raw: bytes) -> Any:
    """The JSON of an error body, or its text if it is long or no JSON; None if it is empty."""
    try:
        if len(raw) > _MAX_ERROR_BYTES:
            return body_text(raw)
        return loads(raw)
    except ValueError:
        return body_text(raw) or None


def error_body(
    raw: bytes, redact: Redactor, check_time: Callable[[], None], *, is_ignored: bool
) -> Any:
    """The JSON of an error body, or its text, without secrets; None if it is empty.

    Args:
        raw: The body.
        redact: Masks secrets.
        check_time: Raises if the time of the read is over.
        is_ignored: Whether the response means "no records". Otherwise only a message needs the body,
            and the start of a long one is enough.
    """
    try:
        if len(raw) > _MAX_ERROR_BYTES and not is_ignored:
            return redact(body_text(raw))
        loads(raw)
    except ValueError:
        return redact(body_text(raw)) or None
    return loads(redact.data(raw, check_time))


def body_text(raw: bytes) -> str:
    """The start of a body that is not JSON: long enough to hold a whole token to redact."""
    return raw[:_MAX_TEXT_BYTES].decode("utf-8", "replace")


def error_text(body: Any) -> str:
    """The text of an error body, in one line."""
    if body is None:
        return ""
    text = body if isinstance(body, str) else dumps(body).decode()
    return " ".join(text[:_MAX_TEXT_BYTES].split())

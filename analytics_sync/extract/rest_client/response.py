"""One HTTP response, and what its body says when it is not data.

In: status, headers, bytes. Out: a ``Response`` for the rest of the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analytics_sync.common.exact_json import dumps, loads


@dataclass(frozen=True)
class Response:
    """One decoded answer.

    Attributes:
        url: Where it came from, after redirects.
        status: The HTTP status.
        headers: By lower-case names.
        body: The decoded JSON.
        at: When its first byte arrived, in microseconds since 1970.
        raw: The body as it came, unpacked.
        moved: Whether a redirect led to it.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: Any
    received_at: int = 0
    raw: bytes = b""
    moved: bool = False


class TruncatedResponse(Exception):
    """An answer that arrived only in part."""


def json_or_text(raw: bytes) -> Any:
    try:
        return loads(raw)
    except ValueError:
        return body_text(raw) or None


def body_text(raw: bytes) -> str:
    """The start of a body that is no JSON: long enough to hold a whole token to redact."""
    return raw[:20_000].decode("utf-8", "replace")


def error_text(body: Any) -> str:
    """What an error body says, in one line."""
    if body is None:
        return ""
    text = body if isinstance(body, str) else dumps(body).decode()
    return " ".join(text.split())

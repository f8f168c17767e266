"""The signs of a rate limit in a response: an exhausted limit, and the time of its reset.

In: status, headers and body of an error response. Out: whether a limit is the reason, and the delay
that the server asks for. Some APIs answer 403 or 404 in place of 429 when a limit is used up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analytics_sync.extract.rest_client.rate_limits.reset_time import (
    MAX_WAIT_SECONDS,
    bounded,
    seconds_until,
)

_DENIALS = frozenset({403, 404})
_NO_BODY_SIGNS = frozenset({401, 407})  # about credentials
_MAX_VALUES = 1000  # of a body, in search of a sign
_MAX_CHARACTERS = 2000  # of one value
_STATUS_KEYS = frozenset({"code", "status", "statuscode", "errorcode", "httpstatus"})
_URL_OR_PATH = re.compile(r"https?://\S+|(?<!\w)/\S+")
_LIMIT = re.compile(
    r"rate[\s_-]*limit|too[\s_-]*many[\s_-]*(?:request|call|quer)|throttl|abuse detection|slow ?down"
    r"|resource[\s_-]*exhausted|(?:try|retry)(?: again)? (?:after|in) \d"
    r"|(?:request|call|usage|api|hourly|daily|monthly|user|quer\w+)s?[\s_-]*limit\b.{0,20}"
    r"(?:exceed|reach|hit|used|exhaust)|(?:request|call|usage|api|hourly|daily|monthly|user)s?limitexceed"
    r"|exceed.{0,40}\b(?:request|call|api|usage|hourly|daily|monthly)s?\b.{0,20}limit",
    re.IGNORECASE,
)
_QUOTA = re.compile("quota", re.IGNORECASE)
_QUOTA_USED_UP = re.compile(
    r"^\W*quota\W*$|quota.{0,40}(?:exceed|exhaust|reach|used|spent|deplet|out\b|limit)"
    r"|(?:exceed|exhaust|out of|over|reached|used|deplet|insufficient).{0,40}quota",
    re.IGNORECASE,
)
_REMAINING = re.compile(r"\s*\"?(-?\d{1,20}(?:\.\d{1,20})?)")
_WHOLE_NUMBER = re.compile(r"\s*(\d{1,12})\s*")
_CALLS_OF_LIMIT = re.compile(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*")
_DRAFT_REMAINING, _DRAFT_RESET = (
    re.compile(rf"\b{n}=\"?(\d{{1,12}})") for n in ("remaining", "reset")
)
_FIELD_REMAINING, _FIELD_RESET = (re.compile(rf";\s*{n}=(\d{{1,12}})") for n in ("r", "t"))


def asks_to_retry(headers: Mapping[str, str]) -> bool:
    """Whether a header asks to send the request again."""
    return any("retryafter" in _plain(name) and value.strip() for name, value in headers.items())


def has_exhausted_header(status: int, headers: Mapping[str, str]) -> bool:
    """Whether a refusal comes with a header of a limit that is used up."""
    if status not in _DENIALS:
        return False
    if any(remaining == 0 for remaining, _ in _policies(headers)):
        return True
    for name, value in headers.items():
        plain = _plain(name)
        if not _is_about_limit(plain):
            continue
        if "remaining" in plain and any(map(_is_used_up, value.split(","))):
            return True
        calls = _CALLS_OF_LIMIT.fullmatch(value)
        if calls and 0 < int(calls[2]) <= int(calls[1]):
            return True
    return False


def has_limit_in_body(status: int, body: object) -> bool:
    """Whether the body of a client error says that a limit is used up."""
    if not 400 <= status < 500 or status in _NO_BODY_SIGNS:
        return False
    quota = _QUOTA if status == 403 else _QUOTA_USED_UP
    for key, value in _values(body):
        if isinstance(value, str):
            text = _URL_OR_PATH.sub(" ", value[:_MAX_CHARACTERS])
            if _LIMIT.search(text) or quota.search(text):
                return True
        if key in _STATUS_KEYS and value in (429, "429"):
            return True
        if value is True and "ratelimited" in key:
            return True
    return False


def header_delay(headers: Mapping[str, str], now: float, *, asks_to_wait: bool) -> float | None:
    """The delay in the headers, in seconds; None when they name none that a run can wait for.

    ``Retry-After`` and its relatives come first, the finer unit before the coarser one. Rate limit
    headers are part of every response of some APIs, so they count only when the status asks to wait.
    Among several limits, the latest reset counts, because all of them must pass.

    Args:
        headers: With lower-case names.
        now: Seconds since 1970, by the server's clock if it is known.
        asks_to_wait: Whether the response is about a limit or an overload.
    """
    plain = {_plain(name): value for name, value in headers.items()}
    retries = sorted((n for n in plain if "retryafter" in n), key=lambda n: (not _in_ms(n), n))
    for name in retries:
        if (found := _latest(plain[name], now, milliseconds=_in_ms(name))) is not None:
            return found
    if not asks_to_wait:
        return None
    waits = [_latest(v, now) for n, v in plain.items() if _is_about_limit(n) and n.endswith("wait")]
    resets = [
        _reset(name, plain, now) for name in plain if _is_about_limit(name) and "reset" in name
    ]
    policies = _policies(headers)
    used_up = [policy for policy in policies if policy[0] == 0] or policies
    for found_ones in (waits, resets, [float(reset) for _, reset in used_up]):
        # a reset of zero seconds is no wish: APIs send it for "unknown"
        positive = [s for s in map(bounded, found_ones) if s]
        if positive:
            return max(positive)
    return None


def body_delay(body: object, now: float) -> float | None:
    """The delay in a body, in seconds; None when it names none that a run can wait for."""
    for key, value in _values(body):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        milliseconds = key in {"msbeforenext", "retryafterms", "retryaftermilliseconds"}
        if milliseconds or key in {"wait", "retryafter", "retryafterseconds", "retrydelay"}:
            seconds = bounded(seconds_until(str(value), now, milliseconds=milliseconds))
            if seconds is not None:
                return seconds
    return None


def shown_delay(headers: Mapping[str, str]) -> str:
    """The header that names a delay, for messages; empty without one."""
    retries = [name for name in headers if "retryafter" in _plain(name)]
    resets = [name for name in headers if _is_about_limit(_plain(name)) and "reset" in name]
    return next((f"{name}: {headers[name][:60]}" for name in (*retries, *resets)), "")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _in_ms(name: str) -> bool:
    return name.endswith("ms") or "millis" in name


def _is_about_limit(name: str) -> bool:
    return "limit" in name or "quota" in name


def _is_used_up(remaining: str) -> bool:
    """Whether nothing remains; -1 means that there is no limit."""
    found = _REMAINING.match(remaining)
    return found is not None and float(found[1]) < 1 and float(found[1]) != -1


def _reset(name: str, plain: Mapping[str, str], now: float) -> float | None:
    """The delay of one reset header; None when another limit is used up, and this one is not."""
    remaining = plain.get(name.replace("reset", "remaining"))
    if remaining is not None and not _is_used_up(remaining) and _is_any_used_up(plain):
        return None
    value = plain[name]
    seconds = _latest(value, now, milliseconds=_in_ms(name))
    if seconds is None and (number := _WHOLE_NUMBER.fullmatch(value)):
        # more than an hour if it counted seconds: then the number counts milliseconds
        in_ms = bounded(int(number[1]) / 1000)
        return in_ms if int(number[1]) > MAX_WAIT_SECONDS else None
    return seconds


def _is_any_used_up(plain: Mapping[str, str]) -> bool:
    return any(
        "remaining" in name and _is_about_limit(name) and _is_used_up(value)
        for name, value in plain.items()
    )


def _latest(value: str, now: float, *, milliseconds: bool = False) -> float | None:
    """The delay in a header, or the longest one of a list; None when no delay is one to wait for."""
    parts = [value, *(part.split(";")[0] for part in value.split(","))]
    for group in (parts[:1], parts[1:]):
        found = [bounded(seconds_until(p, now, milliseconds=milliseconds)) for p in group]
        waits = [s for s in found if s is not None]
        if waits:
            return max(waits)
    return None


def _policies(headers: Mapping[str, str]) -> list[tuple[int, int]]:
    """The remaining requests and the reset of each limit in the header ``RateLimit``.

    Its form was ``limit=10, remaining=0, reset=30``, and is ``"default";r=0;t=30``.
    """
    value = headers.get("ratelimit", "")
    items = [value] if _DRAFT_REMAINING.search(value) else value.split(",")
    found: list[tuple[int, int]] = []
    for item in items:
        remaining = _DRAFT_REMAINING.search(item) or _FIELD_REMAINING.search(item)
        reset = _DRAFT_RESET.search(item) or _FIELD_RESET.search(item)
        if remaining:
            found.append((int(remaining[1]), int(reset[1]) if reset else 0))
    return found


def _values(body: object) -> Iterator[tuple[str, Any]]:
    """The plain values of a body with their keys in lower case, outermost first."""
    level: list[tuple[str, Any]] = [("", body)]
    count = 0
    while level:
        inner: list[tuple[str, Any]] = []
        for key, value in level:
            count += 1
            if count > _MAX_VALUES:
                return
            if isinstance(value, Mapping):
                inner.extend((_plain(str(k)), v) for k, v in value.items())
            elif isinstance(value, list):
                inner.extend((key, v) for v in value)
            else:
                yield key, value
        level = inner

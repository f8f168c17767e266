"""Signs of gaps: what a response with a status of success says about records that it lacks.

In: a page. Out: a text for each sign: a partial status, a list of errors beside the records, a search that
timed out, a flag that denies success. An API that answers from several servers tells a failure of one of
them this way, and the records of that server are missing.

Only the envelope is looked at, never a record. An object with an ``id`` is no envelope: its status is a
value of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analytics_sync.common.exact_json import dumps
from analytics_sync.extract.rest_client.paginators.sign_names import (
    ERRORS,
    WARNINGS,
    name_set,
    names_in,
    plain_name,
)
from analytics_sync.extract.rest_client.response import Response

_PARTIAL_CONTENT = 206
_MULTI_STATUS = 207
_NO_DELAYS = frozenset({"", "0"})
_CLIENTERRORS, _END_OFERRORS = 400, 600
_MAX_CHARACTERS = 120

_PARTIAL = name_set(
    """
    partial ispartial partialresults partialresult partialdata hasgaps incomplete isincomplete
    incompleteresults timedout istimedout terminatedearly degraded throttled ratelimited failed
    """
)
_WHOLE = name_set("ok success successful succeeded issuccess issuccessful complete iscomplete")
_STATUSES = name_set("status responsestatus")
_STATUS_NUMBERS = name_set("status code statuscode errorcode httpstatus httpcode")
_BAD = name_set(
    """
    error errors failed failure fail partial partialsuccess partialfailure incomplete timeout timedout
    throttled degraded ratelimited
    """
)
_ONE_WORD = re.compile(r"[\w.-]{1,60}")
_REFUSED = re.compile(
    r"limit|quota|denied|exceed|throttl|unauthor|forbidden|invalid|unavailable|error|fail|time.?out"
    r"|expired|blocked|suspended|maintenance|not.?ready|pending|processing",
    re.IGNORECASE,
)
_ANY = ERRORS | WARNINGS | _PARTIAL | _WHOLE | _STATUSES | _STATUS_NUMBERS
_HARMLESS_TEXTS = frozenset({"", "0", "no", "none", "null", "ok", "success", "false", "noerror"})
_SHARDS = name_set("shards shardstatistics")
_HOLDERS = _SHARDS | name_set(
    "meta metadata responseheader response result status results query search"
)
_IS_PARTIAL = re.compile(
    r"partial|incomplete|truncated|timed? ?out|missing|not all|skipped", re.IGNORECASE
)
_NOTHING = re.compile(
    r"\b(no|not any|without|zero)\b[^.;]{0,30}"
    r"\b(data|records?|results?|rows?|entries|events?|items?|pages?|matches|transactions?)\b"
    r"|\bnot found\b|\bout of range\b|\bnothing\b|\b(is|are|was) empty\b",
    re.IGNORECASE,
)


def signs_of_gaps(
    response: Response, records: Sequence[Any], selector: str | None = None
) -> list[str]:
    """The signs of gaps in one page.

    Args:
        response: The response.
        records: Its records, as they are in the body.
        selector: The declared place of the records; None without one.
    """
    signs = []
    if response.status == _MULTI_STATUS or (
        response.status == _PARTIAL_CONTENT and "content-range" not in response.headers
    ):
        signs.append(f"the status is {response.status}")
    delay = "" if records else response.headers.get("retry-after", "").strip()
    if delay not in _NO_DELAYS:
        signs.append(f"the header Retry-After is {delay}")
    body = response.body
    if type(body) is not dict or (records and records[0] is body) or "id" in body:
        return signs
    is_empty = not records
    signs += _in_envelope("", body, has_status=True, is_empty=is_empty)
    first = records[0] if records else None
    on_way = names_in(selector or "")
    for name, value in body.items():
        if type(value) is not dict or value is first:
            continue
        key = plain_name(name)
        if key in _SHARDS:
            signs += _in_shards(name, value)
        elif (key in _HOLDERS or name in on_way) and not _holds_records(value, first):
            signs += _in_envelope(f"{name}.", value, has_status=key in _HOLDERS, is_empty=is_empty)
    is_nothing = signs and not records and any(map(_says_nothing, body.values()))
    return [] if is_nothing else signs


def _says_nothing(value: Any) -> bool:
    """Whether a text says that there is nothing to read."""
    return isinstance(value, str) and _NOTHING.search(value) is not None


def _holds_records(values: Mapping[str, Any], first: Any) -> bool:
    """Whether an object is a record, or holds records by their keys."""
    return "id" in values or any(value is first for value in values.values() if value is not None)


def _in_envelope(
    path: str, values: Mapping[str, Any], *, has_status: bool, is_empty: bool
) -> Iterator[str]:
    """The signs in one object.

    Args:
        path: Its place, with a dot at the end.
        values: The object.
        has_status: Whether its status is that of the response. An object on the way to the records may
            be a thing with a status of its own.
        is_empty: Whether the page has no records. Its status then tells why.
    """
    for name, value in values.items():
        key = plain_name(name)
        if key not in _ANY or value is None:
            continue
        if key in _PARTIAL:
            is_sign = value is True
        elif key in _WHOLE:
            is_sign = value is False
        elif key in ERRORS:
            is_sign = _is_error(value)
        elif key in WARNINGS:
            is_sign = _IS_PARTIAL.search(_shown(value)) is not None
        else:
            is_sign = has_status and (
                (key in _STATUSES and _is_bad(value))
                or (key in _STATUS_NUMBERS and _is_error_status(value))
                or (is_empty and _is_refusal(value))
            )
        if is_sign:
            yield f"{path}{name} is {_shown(value)}"


def _in_shards(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    failed = values.get("failed")
    if isinstance(failed, int) and failed > 0:
        yield f"{name}.failed is {failed}"


def _is_error(value: Any) -> bool:
    """Whether a value at a name of errors is one. A number may count something else."""
    if isinstance(value, str):
        return plain_name(value[:_MAX_CHARACTERS]) not in _HARMLESS_TEXTS
    return value is True or (isinstance(value, list | dict) and bool(value))


def _is_bad(value: Any) -> bool:
    return isinstance(value, str) and plain_name(value[:_MAX_CHARACTERS]) in _BAD


def _is_refusal(value: Any) -> bool:
    """Whether a status in one word tells why there are no records, such as OVER_QUERY_LIMIT."""
    if not isinstance(value, str) or not _ONE_WORD.fullmatch(value):
        return False
    return plain_name(value) not in _HARMLESS_TEXTS and _REFUSED.search(value) is not None


def _is_error_status(value: Any) -> bool:
    if isinstance(value, str) and len(value) == 3 and value.isdigit():
        value = int(value)
    return type(value) is int and _CLIENTERRORS <= value < _END_OFERRORS


def _shown(value: Any) -> str:
    text = dumps(value).decode("utf-8", "replace")
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."

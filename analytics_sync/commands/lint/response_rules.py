"""Rules about responses and the client: refusals that count as "no records", retries that cannot help, addresses.

In: a resource. Out: defects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from analytics_sync.catalog import Resource, Source
from analytics_sync.commands.lint.defect import Defect, Rule

_ACTIONS = ("endpoint", "response_actions")
_OF_THE_KEY = {
    401: "a wrong or expired key",
    403: "a key without the right",
    407: "a refusing proxy",
}
_HOPELESS = frozenset({400, 401, 403, 404, 405, 410, 422})
_REFUSAL = re.compile(
    r"unauthori[sz]ed|forbidden|access denied|permission|not authenticated|authentication|rate.?limit|quota|"
    r"(invalid|expired|missing|bad)[ _](api.?)?(key|token|credentials)|too many requests",
    re.IGNORECASE,
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_RETRIES = 20


def ignored_refusal(_: Source, resource: Resource) -> Iterator[Defect]:
    """A status of the key, of a limit or of an outage counts as "no records"."""
    for number, action in enumerate(resource.response_actions):
        if action.action != "ignore":
            continue
        status, content = action.status_code, action.content
        cause = _cause(status, has_content=content is not None)
        if cause or (content is not None and _REFUSAL.search(content)):
            said = f"status {status}" if content is None else f"the text {content!r}"
            cause = cause or "a wrong key, a missing right or a rate limit"
            yield Defect(
                (*_ACTIONS, number),
                f"{said} counts as no records, and it is also the answer to {cause}: the table would stay "
                "empty or lose rows, without an error",
                "remove the action; if the API sends this status for single records, add a part of its text as "
                "content",
            )


def _cause(status: int | None, *, has_content: bool) -> str:
    if status is None or has_content:
        return ""
    if status == 429:
        return "a rate limit"
    if status >= 500:
        return "an outage"
    return _OF_THE_KEY.get(status, "")


def ignored_wrong_path(_: Source, resource: Resource) -> Iterator[Defect]:
    """404 of a listing counts as "no records": a wrong path reads nothing."""
    if resource.parent is not None or "{" in resource.path:
        return
    for number, action in enumerate(resource.response_actions):
        is_absence = action.status_code in (404, 410) and action.content is None
        if action.action == "ignore" and is_absence:
            yield Defect(
                (*_ACTIONS, number),
                f"status {action.status_code} of the listing {resource.path} counts as no records: a path that is wrong, or "
                "that the API gives up, reads nothing, without an error",
                "remove the action, or add a part of the text that an empty listing has as content",
            )


def hopeless_retry(_: Source, resource: Resource) -> Iterator[Defect]:
    """A refusal is tried again, and will be refused again."""
    policy = resource.error_handler
    hopeless = sorted(_HOPELESS & set(policy.retry_on_status_codes))
    if hopeless and policy.max_retries:
        named = ", ".join(map(str, hopeless))
        yield Defect(
            ("endpoint", "error_handler", "retry_on_status_codes"),
            f"status {named} is tried again {policy.max_retries} times: the API refuses the same request again, and "
            "may lock the key",
            f"remove {named} from retry_on_status_codes",
        )


def hasty_retry(_: Source, resource: Resource) -> Iterator[Defect]:
    """Retries follow without a wait, or go on for hours."""
    policy = resource.error_handler
    path = ("endpoint", "error_handler")
    if policy.max_retries and policy.backoff_factor < 1:
        yield Defect(
            (*path, "backoff_factor"),
            f"backoff_factor {policy.backoff_factor:g}: the waits get shorter with each retry",
            "leave it out (2), or declare a number above 1",
        )
    elif policy.max_retries > _MAX_RETRIES:
        yield Defect(
            (*path, "max_retries"),
            f"max_retries {policy.max_retries}: a run waits for hours for an API that is down",
            "declare 3 to 8; Dagster repeats the run later",
        )


def unencrypted(source: Source, _: Resource) -> Iterator[Defect]:
    """The address is plain http: the key is sent unencrypted."""
    url = urlsplit(source.client.base_url or "")
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        yield Defect(
            ("client", "base_url"),
            f"{source.client.base_url} sends keys and records unencrypted: runs refuse it",
            "declare https",
        )


def doubled_segment(source: Source, resource: Resource) -> Iterator[Defect]:
    """The path begins with the end of the address."""
    base = [p for p in urlsplit(source.client.base_url or "").path.split("/") if p]
    path = [p for p in resource.path.split("/") if p]
    if base and path and base[-1] == path[0]:
        yield Defect(
            ("endpoint", "path"),
            f"base_url ends with /{base[-1]}, and the path begins with it: the request goes to "
            f"/{'/'.join([*base, *path])}",
            f"remove /{base[-1]} from one of them",
        )


RULES = (
    Rule("ignored-refusal", "a status of a wrong key, a rate limit or an outage is ignored", ignored_refusal),
    Rule("ignored-wrong-path", "404 or 410 of a listing is ignored", ignored_wrong_path),
    Rule("hopeless-retry", "a refusal such as 401 or 404 is tried again", hopeless_retry),
    Rule("hasty-retry", "retries without growing waits, or for hours", hasty_retry),
    Rule("unencrypted", "base_url is plain http", unencrypted),
    Rule("doubled-segment", "base_url and path both hold the same segment", doubled_segment),
)  # fmt: skip

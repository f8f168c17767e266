"""HTTP faults on every kind of resource: statuses, waits, redirects, broken responses.

In: the faults of the sandbox. Out: for each fault and kind, right rows or an error, and right rows
after the next run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from analytics_sync.catalog import Resource
from analytics_sync.extract.result import ReadResult
from analytics_sync.sandbox import Fault, ServedResponse
from analytics_sync.sandbox import faults as f
from analytics_sync_tests.support.fault_kinds import (
    ALL_KINDS,
    CHILD_KINDS,
    PAGED_KINDS,
    kinds_of,
)
from analytics_sync_tests.support.fault_lab import Case, Lab, Rows, parametrize_cases

READ_TIMEOUT_SECONDS = 0.3


def waited(seconds: float, *, is_instant: bool) -> Callable[[Rows, ReadResult, Resource], None]:
    """A check: one retry, after the wait that the server asked for.

    Args:
        seconds: The wait.
        is_instant: Whether the server names the instant of the next request. Some time has passed
            until the client computes the wait, so the wait is shorter than ``seconds``.
    """

    def check(_: Rows, result: ReadResult, resource: Resource) -> None:
        assert result.counters.retries == 1
        if is_instant:
            assert 0 < result.counters.waited <= seconds
        else:
            assert result.counters.waited == pytest.approx(seconds)

    return check


def retried_once(_: Rows, result: ReadResult, resource: Resource) -> None:
    # Bytes that are left over on the connection may cost further retries.
    assert 1 <= result.counters.retries <= 3


def error_unless_retried(code: int) -> Callable[[Resource], str | None]:
    """The error of a status that comes once: none where the resource retries this status."""

    def error(resource: Resource) -> str | None:
        return None if code in resource.error_handler.retry_on_status_codes else f"answered {code}"

    return error


def error_of_status(code: int) -> Callable[[Resource], str]:
    """The error of a status that comes again and again, with the number of attempts."""

    def error(resource: Resource) -> str:
        is_retried = code in resource.error_handler.retry_on_status_codes
        return f"answered {code} 4 times" if is_retried else f"answered {code}"

    return error


def one_child_skipped(rows: Rows, result: ReadResult, resource: Resource) -> None:
    assert len(result.skipped) == 1
    assert rows


def _client_of(name: str) -> dict[str, float]:
    """Client settings for a fault of the wire: a short read timeout where the fault needs one."""
    needs_timeout = name in {"read-timeout", "stalled-body"}
    return {"read_timeout": READ_TIMEOUT_SECONDS} if needs_timeout else {}


def busy_once(name: str) -> f.Script:
    """A 429 for the first request. An instant in the response is computed when it is sent."""
    return lambda _, number: f.busy()[name][0] if number == 1 else None


CASES: dict[str, Case] = {}
for name, (_, seconds) in f.busy().items():
    CASES[name] = Case(
        lambda _, name=name: busy_once(name),
        check=waited(seconds, is_instant=name.endswith(("-date", "-instant"))),
    )
CASES["429-for-ever"] = Case(lambda _: f.at(f.status(429)), error="answered 429 4 times")
CASES["429-in-mid-run"] = Case(
    lambda _: f.once(f.status(429), 2), kinds=PAGED_KINDS - {"month_stepped"}
)
for code in (500, 502, 503, 504, 432):
    CASES[f"{code}-once"] = Case(
        lambda _, c=code: f.once(f.status(c)), error=error_unless_retried(code)
    )
    CASES[f"{code}-for-ever"] = Case(
        lambda _, c=code: f.at(f.status(c)), error=error_of_status(code)
    )
CASES["500-in-mid-run"] = Case(lambda _: f.at(f.status(500), 2), PAGED_KINDS, error_of_status(500))
for code in (400, 401, 403, 404):
    # The catalog declares that a report answers 400 when it has no figures for its parent.
    kinds = ALL_KINDS - {"windowed_child"} if code == 400 else ALL_KINDS
    CASES[f"{code}-at-the-start"] = Case(
        lambda _, c=code: f.at(f.status(c)), kinds, f"answered {code}"
    )
    CASES[f"{code}-in-mid-run"] = Case(
        lambda _, c=code: f.at(f.status(c), 2), PAGED_KINDS, f"answered {code}"
    )
for code in (403, 404):
    CASES[f"{code}-on-one-child"] = Case(
        lambda _, c=code: f.once(f.status(c)), CHILD_KINDS, check=one_child_skipped, partial=True
    )
CASES["401-on-one-child"] = Case(lambda _: f.once(f.status(401), 2), CHILD_KINDS, "answered 401")
for name, fault in f.wire(READ_TIMEOUT_SECONDS).items():
    CASES[f"{name}-once"] = Case(
        lambda _, fault=fault: f.once(fault), check=retried_once, client=_client_of(name)
    )
    CASES[f"{name}-for-ever"] = Case(
        lambda _, fault=fault: f.at(fault), error="failed 4 times", client=_client_of(name)
    )
_CLOSED = "http://127.0.0.1:9"
CASES["refused"] = Case(
    lambda _: f.at(Fault()),
    error="refused",
    settings={"BASE_URL": _CLOSED, "ACCEPT_ORIGIN": _CLOSED},
)
CASES["slow-body"] = Case(lambda _: f.at(Fault(stall=READ_TIMEOUT_SECONDS / 3)))
CASES["slow-answer"] = Case(lambda _: f.at(Fault(delay=READ_TIMEOUT_SECONDS / 4)))


def redirect(status: int, target: str) -> Fault:
    """A redirect to a target."""
    return Fault(ServedResponse(status, b"", {"Location": target}))


for name, target in {
    "another-host": f"{f.ELSEWHERE}/x",
    "another-port": "http://127.0.0.1:9/x",
    "https": "https://127.0.0.1/x",
    "a-file": "file:///etc/passwd",
    "another-host-without-scheme": "//192.0.2.1/x",
}.items():
    CASES[f"redirect-to-{name}"] = Case(
        lambda _, t=target: f.at(redirect(302, t)), error="a redirect leads to"
    )
# A browser would follow the backslashes to another host. The client takes them for a path of the
# configured host, which has no such path. For a windowed child, the path names a report.
CASES["redirect-to-backslashes"] = Case(
    lambda _: f.at(redirect(302, "http:\\\\192.0.2.1\\x")),
    ALL_KINDS - {"windowed_child"},
    "answered 404",
)
CASES["redirect-to-itself-once"] = Case(
    lambda _: lambda request, n: redirect(307, request.link({})) if n == 1 else None
)
CASES["redirect-to-itself-for-ever"] = Case(
    lambda _: lambda request, n: redirect(307, request.link({})), error="more than 5 redirects"
)
SMALL_LIMIT = {"max_response_bytes": 50_000}
OVERSIZE = Fault(ServedResponse(200, b"[" + b" " * 60_000 + b"]"))
CASES["oversize"] = Case(
    lambda _: f.at(OVERSIZE), error="larger than 50,000 bytes", client=SMALL_LIMIT
)
CASES["oversize-in-mid-run"] = Case(
    lambda _: f.at(OVERSIZE, 2), PAGED_KINDS, "larger than 50,000 bytes", SMALL_LIMIT
)


@functools.cache
def small_bomb(layers: int) -> Fault:
    """A response that unpacks to 30 MB."""
    return f.bomb(30, layers)


for layers in (1, 2, 3):
    CASES[f"gzip-bomb-of-{layers}"] = Case(
        lambda _, n=layers: f.at(small_bomb(n)),
        error="larger than 50,000 bytes",
        client=SMALL_LIMIT,
    )

FAST = {
    "429-retry-after-date": kinds_of("observability"),
    "404-on-one-child": {"child"},
    "reset-in-mid-body-once": kinds_of("delivery"),
    "truncated-gzip-for-ever": kinds_of("observability"),
    "redirect-to-another-host": kinds_of("customer_data"),
}


@parametrize_cases(CASES, FAST)
def test_an_http_fault_ends_in_right_rows_or_an_error(lab: Lab, name: str, kind: str) -> None:
    lab.assert_guarantee(CASES[name], kind)

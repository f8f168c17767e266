"""HTTP goes wrong: statuses, waits, redirects, answers that break off, on every kind of resource."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from analytics_sync.catalog import Resource
from analytics_sync.extract.result import ReadResult
from analytics_sync.sandbox import Fault, ServedResponse
from analytics_sync.sandbox import faults as f
from analytics_sync_tests.support.fault_lab import (
    ALL,
    CHILDREN,
    PAGED,
    PATIENCE,
    Case,
    Lab,
    Rows,
    of_source,
    pick,
)


def waits(seconds: float) -> Callable[[Rows, ReadResult, Resource], None]:
    """One retry, after what the server said."""

    def check(_: Rows, reading: ReadResult, resource: Resource) -> None:
        assert reading.counters.retries == 1
        assert reading.counters.waited == pytest.approx(seconds, abs=5 if seconds >= 30 else 0)

    return check


def one_retry(_: Rows, reading: ReadResult, resource: Resource) -> None:
    # what is left over on the connection may cost one more
    assert 1 <= reading.counters.retries <= 3


def unless_retried(code: int) -> Callable[[Resource], str | None]:
    def says(resource: Resource) -> str | None:
        return None if code in resource.error_handler.retry_on_status_codes else f"answered {code}"

    return says


def answered(code: int) -> Callable[[Resource], str]:
    def says(resource: Resource) -> str:
        retried = code in resource.error_handler.retry_on_status_codes
        return f"answered {code} 4 times" if retried else f"answered {code}"

    return says


def one_skipped(rows: Rows, reading: ReadResult, resource: Resource) -> None:
    assert len(reading.skipped) == 1
    assert rows


def _impatience(name: str) -> dict[str, float]:
    """What is about time needs a client that waits for little; the others must not depend on it."""
    return {"read_timeout": PATIENCE} if name in {"read-timeout", "stalled-body"} else {}


CASES: dict[str, Case] = {}
for name, (_, seconds) in f.busy().items():
    # an instant is counted from when the case runs
    CASES[name] = Case(lambda _, name=name: f.once(f.busy()[name][0]), check=waits(seconds))
CASES["429-for-ever"] = Case(lambda _: f.at(f.status(429)), says="answered 429 4 times")
CASES["429-in-mid-run"] = Case(lambda _: f.once(f.status(429), 2), kinds=PAGED - {"month_stepped"})
for code in (500, 502, 503, 504, 432):
    CASES[f"{code}-once"] = Case(lambda _, c=code: f.once(f.status(c)), says=unless_retried(code))
    CASES[f"{code}-for-ever"] = Case(lambda _, c=code: f.at(f.status(c)), says=answered(code))
CASES["500-in-mid-run"] = Case(lambda _: f.at(f.status(500), 2), PAGED, answered(500))
for code in (400, 401, 403, 404):
    # 400 from a report is declared to mean that it has no such figures
    kinds = ALL - {"windowed_child"} if code == 400 else ALL
    CASES[f"{code}-at-the-start"] = Case(
        lambda _, c=code: f.at(f.status(c)), kinds, f"answered {code}"
    )
    CASES[f"{code}-in-mid-run"] = Case(
        lambda _, c=code: f.at(f.status(c), 2), PAGED, f"answered {code}"
    )
for code in (403, 404):
    CASES[f"{code}-on-one-child"] = Case(
        lambda _, c=code: f.once(f.status(c)), CHILDREN, check=one_skipped, partial=True
    )
CASES["401-on-one-child"] = Case(lambda _: f.once(f.status(401), 2), CHILDREN, "answered 401")
for name, fault in f.wire(PATIENCE).items():
    CASES[f"{name}-once"] = Case(
        lambda _, fault=fault: f.once(fault), check=one_retry, client=_impatience(name)
    )
    CASES[f"{name}-for-ever"] = Case(
        lambda _, fault=fault: f.at(fault), says="failed 4 times", client=_impatience(name)
    )
CASES["refused"] = Case(
    lambda _: f.at(Fault()), says="refused", settings={"BASE_URL": "http://127.0.0.1:9"}
)
CASES["slow-body"] = Case(lambda _: f.at(Fault(stall=PATIENCE / 3)))
CASES["slow-answer"] = Case(lambda _: f.at(Fault(delay=PATIENCE / 4)))
for name, target in {
    "another-host": f"{f.ELSEWHERE}/x",
    "another-port": "http://127.0.0.1:9/x",
    "https": "https://127.0.0.1/x",
    "a-file": "file:///etc/passwd",
    "another-host-without-scheme": "//192.0.2.1/x",
}.items():
    CASES[f"redirect-to-{name}"] = Case(
        lambda _, t=target: f.at(Fault(ServedResponse(302, b"", {"Location": t}))),
        says="a redirect leads to",
    )
# a browser would go to that host; here it is an odd path of the configured one, and not there
CASES["redirect-to-backslashes"] = Case(
    lambda _: f.at(Fault(ServedResponse(302, b"", {"Location": "http:\\\\192.0.2.1\\x"}))),
    ALL - {"windowed_child"},  # for which it is the name of a report
    "answered 404",
)
CASES["redirect-to-itself-once"] = Case(
    lambda _: lambda asked, n: Fault(ServedResponse(307, b"", {"Location": asked.link({})})) if n == 1 else None
)  # fmt: skip
CASES["redirect-to-itself-for-ever"] = Case(
    lambda _: lambda asked, n: Fault(ServedResponse(307, b"", {"Location": asked.link({})})),
    says="more than 5 redirects",
)
SMALL = {"max_response_bytes": 50_000}
CASES["oversize"] = Case(
    lambda _: f.at(Fault(ServedResponse(200, b"[" + b" " * 60_000 + b"]"))),
    says="larger than 50,000 bytes",
    client=SMALL,
)
CASES["oversize-in-mid-run"] = Case(
    lambda _: f.at(Fault(ServedResponse(200, b"[" + b" " * 60_000 + b"]")), 2),
    PAGED,
    "larger than 50,000 bytes",
    SMALL,
)


@functools.cache
def small_bomb(layers: int) -> Fault:
    return f.bomb(30, layers)


for layers in (1, 2, 3):
    CASES[f"gzip-bomb-of-{layers}"] = Case(
        lambda _, n=layers: f.at(small_bomb(n)), says="larger than 50,000 bytes", client=SMALL
    )

OBSERVABILITY, DELIVERY = of_source("observability"), of_source("delivery")
FAST = {
    "429-retry-after-date": OBSERVABILITY,
    "404-on-one-child": {"child"},
    "reset-in-mid-body-once": DELIVERY,
    "truncated-gzip-for-ever": OBSERVABILITY,
    "redirect-to-another-host": of_source("customer_data"),
}


@pick(CASES, FAST)
def test_http(lab: Lab, name: str, kind: str) -> None:
    lab.judge(CASES[name], kind)

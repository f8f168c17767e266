"""The slots of a rate limit in Redis, which several machines share.

In: the name of an account. Out: slots. A hash holds the place of the oldest time, the end of the pause and
the times, in microseconds of the server's clock: the clocks of the machines play no part. A slot costs one
script, which no other client interrupts. A new hash has a new id. A client that knows another id has
taken slots that the server has lost. Then no slot begins for a whole span.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from analytics_sync.extract.coordination.address import Check, CoordinationError
from analytics_sync.extract.coordination.redis_server import RedisServer
from analytics_sync.extract.rest_client.rate_limits.slots import Slot, longest_queue

_SECOND = 1_000_000  # in the units of Redis
_PREFIX = "analytics_sync:rate_limit:"
_COMMON = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local span, longest = tonumber(ARGV[1]), tonumber(ARGV[2])
local function text(number) return string.format('%.0f', number) end
local function plausible(value)
  local number = tonumber(value) or 0
  if number > 0 and number <= now + longest then return number end
  return now - span
end
"""
_TAKE = f"""{_COMMON}
local known, requests, keep_ms = ARGV[3], tonumber(ARGV[5]), ARGV[6]
local stored = redis.call('HMGET', KEYS[1], 'id', 'next', 'pause')
local id, pause = stored[1] or ARGV[4], plausible(stored[3])
if known ~= '' and known ~= id then pause = math.max(pause, now + span) end
local number = (tonumber(stored[2]) or 0) % requests
local before = redis.call('HGET', KEYS[1], text(number))
local start = math.max(now, plausible(before) + span, pause)
redis.call('HSET', KEYS[1], 'id', id, 'next', text(number + 1), 'pause', text(pause), text(number), text(start))
redis.call('PEXPIRE', KEYS[1], keep_ms)
return {{id, text(number), text(start), text(start - now), before or '0'}}
"""
# Only the latest slot can be given back. An earlier one stays taken.
_GIVE_BACK = """
local latest = redis.call('HMGET', KEYS[1], 'next', ARGV[1])
if latest[2] == ARGV[2] and tonumber(latest[1]) == tonumber(ARGV[1]) + 1 then
  redis.call('HSET', KEYS[1], 'next', ARGV[1], ARGV[1], ARGV[3])
end
"""
_MOVE = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
"""
_PAUSE = f"""{_COMMON}
local until_ = now + tonumber(ARGV[3])
local pause = math.max(until_, plausible(redis.call('HGET', KEYS[1], 'pause')))
redis.call('HSET', KEYS[1], 'pause', text(pause))
"""


class RedisSlots:
    """The slots of one account in Redis. Threads may share it.

    Args:
        server: The Redis server.
        name: The name of the account.
        requests: The number of slots in a span.
        span_ns: The span.
    """

    def __init__(self, server: RedisServer, name: str, requests: int, span_ns: int) -> None:
        self._server = server
        self._key = _PREFIX + name
        self._requests = requests
        span = span_ns // 1000
        longest = longest_queue(span, _SECOND)
        self._clock = (span, longest)
        self._keep_ms = 2 * longest // 1000
        self._id = ""

    def take(self, check: Check) -> Slot:
        """Take the next slot.

        Raises:
            CoordinationError: The server cannot be used.
        """
        before = time.monotonic_ns()
        new_id = os.urandom(8).hex()
        arguments = (*self._clock, self._id, new_id, self._requests, self._keep_ms)
        found = self._server.run(_TAKE, self._key, arguments, check)
        self._id, place, starts_at, wait_us, replaced = found
        wait = int(wait_us) / 1e6
        try:
            check(wait, "the wait for the rate limit")
        except BaseException:
            with suppress(CoordinationError, TimeoutError):
                self._server.run(_GIVE_BACK, self._key, (place, starts_at, replaced), _no_wait)
            raise
        return Slot(wait, int(place), int(starts_at), before + int(wait_us) * 1000)

    def move(self, slot: Slot, delay_ns: int, check: Check) -> None:
        """Let a slot begin later, if its place was not given to another one.

        Raises:
            CoordinationError: The server cannot be used.
        """
        later = slot.starts_at + delay_ns // 1000
        self._server.run(_MOVE, self._key, (slot.place, slot.starts_at, later), check)

    def pause(self, seconds: float, check: Check) -> None:
        """Let no slot begin for a number of seconds from now on.

        Raises:
            CoordinationError: The server cannot be used.
        """
        self._server.run(_PAUSE, self._key, (*self._clock, int(seconds * 1e6)), check)

    def close(self) -> None:
        """Close the connections."""
        self._server.close()


def _no_wait(seconds: float, doing: str) -> None:
    """The run ends: do not wait for a server to give a slot back."""
    raise TimeoutError(doing)

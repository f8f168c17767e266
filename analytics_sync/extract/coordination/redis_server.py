"""A Redis server that machines share.

In: its address. Out: results of scripts, which Redis runs as a whole. A server that does not answer is
tried again for a few seconds; then the read fails.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from analytics_sync.extract.coordination.address import (
    Check,
    CoordinationAddress,
    CoordinationError,
)

_TIMEOUT_SECONDS = 5.0  # of one command
_TRY_SECONDS = 10.0  # a server that is restarted answers again within that
_POLL_SECONDS = 0.2


class RedisServer:
    """A connection pool to one server. Threads may share it.

    Args:
        address: The address of the server.

    Raises:
        CoordinationError: The client is not installed, or the address is wrong.
    """

    def __init__(self, address: CoordinationAddress) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise CoordinationError(
                f"{address.shown} needs the package redis, which is not installed.",
                "Run: pip install 'analytics_sync[redis]'.",
            ) from None
        self._address = address
        self._passing: Any = (
            redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError,
            redis.exceptions.ReadOnlyError, redis.exceptions.TryAgainError,
        )  # fmt: skip
        self._wrong: Any = (redis.AuthenticationError, redis.exceptions.AuthorizationError)
        self._failed: Any = redis.RedisError
        try:
            # Tries again itself: a retry of the client would not look whether the run is stopped.
            self._client: Any = redis.Redis.from_url(
                address.url,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            )
        except (ValueError, TypeError) as e:
            problem = address.without_secrets(e)
            raise CoordinationError(
                f"{address.shown} is wrong: {problem}.", "Correct it."
            ) from None
        self._scripts: dict[str, Any] = {}

    def run(self, script: str, key: str, arguments: Sequence[object], check: Check) -> Any:
        """Run a script on the server, as one step that no other client interrupts.

        Args:
            script: The text of the script.
            key: The only key that it uses.
            arguments: Its arguments.
            check: Called before each wait.

        Raises:
            CoordinationError: The server cannot be used.
        """
        registered = self._scripts.get(script)
        if registered is None:
            registered = self._scripts[script] = self._client.register_script(script)
        began = time.monotonic()
        while True:
            try:
                return registered(keys=[key], args=list(arguments))
            except self._wrong as e:
                raise self._refused(e) from None
            except self._passing as e:
                if time.monotonic() - began > _TRY_SECONDS:
                    raise self._address.unreachable(e) from None
                check(_POLL_SECONDS, f"the wait for {self._address.shown}")
                time.sleep(_POLL_SECONDS)
            except self._failed as e:
                raise self._refused(e) from None

    def ping(self) -> None:
        """Ask the server for an answer, once.

        Raises:
            CoordinationError: It does not answer, or refuses.
        """
        try:
            self._client.ping()
        except self._wrong as e:
            raise self._refused(e) from None
        except self._passing as e:
            raise self._address.unreachable(e) from None
        except self._failed as e:
            raise self._refused(e) from None
        finally:
            self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _refused(self, error: BaseException) -> CoordinationError:
        problem = self._address.without_secrets(error)
        return CoordinationError(
            f"{self._address.shown} refuses the command: {problem}.",
            "Look at the user, the password and the rights in ANALYTICS_SYNC__COORDINATION.",
        )

"""The servers that machines share: whether one answers.

In: an address. Out: nothing, or the error that a run would meet. Nothing is written there.
"""

from __future__ import annotations

from analytics_sync.extract.coordination.address import REDIS, CoordinationAddress


def ping(address: CoordinationAddress) -> None:
    """Ask a server for an answer.

    Raises:
        CoordinationError: It does not answer, or refuses, or its package is not installed.
    """
    if address.kind == REDIS:
        from analytics_sync.extract.coordination.redis_server import RedisServer

        RedisServer(address).ping()
    else:
        from analytics_sync.extract.coordination.postgres_server import PostgresServer

        PostgresServer(address).ping()

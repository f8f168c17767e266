"""DDL in PostgreSQL beside readers: short waits for a lock, many attempts, and the name of the blocker.

In: a function that changes tables, in transactions that call ``limit_lock_wait``. Out: its result, or an
error that names the sessions in the way. A statement that waits for ``ACCESS EXCLUSIVE`` behind an open
transaction blocks all later readers of the table. So it gives up soon, lets the readers pass, and tries
again. Statements on rows keep PostgreSQL's own waits. DuckDB has no other sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from dlt.destinations.exceptions import DatabaseException

from analytics_sync.common.shown import listed
from analytics_sync.load.clients.lock_wait import SETTING, LockWait

_LOCK_NOT_AVAILABLE = "55P03"
_MARIADB_LOCK_WAIT = 1205
_LOCK_MS = 300  # readers wait behind a statement of ours for as long
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0  # seconds between attempts
_MAX_NAME = 120

_LIMIT = "SELECT pg_catalog.set_config('lock_timeout', %s, true)"
# PostgreSQL ends an autovacuum that is in the way, but only for a session that has waited for as long.
_DEADLOCK_MS = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'"
_BEYOND_DEADLOCK_MS = 500
_HOLDERS = """
SELECT l.pid, CASE WHEN a.usename = CURRENT_USER THEN '' ELSE a.usename END, a.application_name, a.state, a.xact_start, a.query_start, a.backend_type,
    pg_catalog.string_agg(DISTINCT c.relname::pg_catalog.text, ', ')
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted AND n.nspname = %s
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND (c.relname = ANY(%s::pg_catalog.text[]) OR %s)
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY a.xact_start NULLS LAST
"""

_T = TypeVar("_T")


def limit_lock_wait(client: Any) -> None:
    """Let the statements of this transaction wait for a lock for a moment only."""
    match client.capabilities.sqlglot_dialect:
        case "postgres":
            client.execute_sql(_LIMIT, str(getattr(client, "lock_ms", _LOCK_MS)))
        case "mysql":
            client.wait_briefly()


def run_ddl(
    client: Any,
    tables: Callable[[], Collection[str]],
    change: Callable[[], _T],
    *,
    limit: float | None = None,
) -> _T:
    """The result of ``change``, called again as long as other sessions use its tables.

    Args:
        client: The connected client of the change.
        tables: The tables that the change locks; called after a failed attempt. If there is none,
            any table of the dataset counts.
        change: Changes tables. Each of its transactions calls ``limit_lock_wait``; one that gives up
            must leave everything as it was.
        limit: Seconds to wait at most; None takes the setting.

    Raises:
        WarehouseInUse: Other sessions still used the tables when the time was up.
    """
    wait: LockWait | None = None
    while True:
        try:
            return change()
        except DatabaseException as e:
            if not _is_lock_timeout(e):
                raise
        names = sorted(tables())
        wait = wait or LockWait(
            f"table {listed(names) or '...'} of {client.dataset_name} must be changed, and",
            "End this session's transaction (COMMIT, pg_terminate_backend, or KILL in MariaDB), then run again; "
            f"to wait longer, raise {SETTING}. Nothing was changed.",
            first=_FIRST_PAUSE,
            longest=_LONGEST_PAUSE,
            limit=limit,
            stop=getattr(client, "stop", None),
        )
        wait.pause(_holders(client, names))


def _is_lock_timeout(error: DatabaseException) -> bool:
    reason = error.dbapi_exception
    if reason.args and reason.args[0] == _MARIADB_LOCK_WAIT:
        return True
    return getattr(reason, "pgcode", None) == _LOCK_NOT_AVAILABLE


def _holders(client: Any, tables: Collection[str]) -> str:
    """The sessions that have locked the tables, those with the oldest transaction first."""
    if client.capabilities.sqlglot_dialect == "mysql":  # it tells administrators only
        return "a session that SHOW PROCESSLIST shows"
    rows = client.execute_sql(_HOLDERS, client.dataset_name, list(tables), not tables) or ()
    client.lock_ms = _LOCK_MS
    if any(row[6] == "autovacuum worker" for row in rows):
        ((deadlock_ms,),) = client.execute_sql(_DEADLOCK_MS)
        client.lock_ms = int(deadlock_ms) + _BEYOND_DEADLOCK_MS
    return listed((_session(*row) for row in rows), separator="; ", limit=3 * _MAX_NAME) or (
        "a session that has just ended"
    )


def _session(
    pid: int | None,
    user: str | None,
    application: str | None,
    state: str | None,
    transaction: datetime | None,
    query: datetime | None,
    kind: str | None,
    tables: str,
) -> str:
    if pid is None:
        return f"a prepared transaction on {tables} (see pg_prepared_xacts)"
    # messages mask the name of the loader: it is a part of the credentials
    name = (
        f"user {user}" if user else "the loader's own user" if user == "" else kind or "a session"
    )
    parts = [f"pid {pid} ({name}"]
    if application:
        parts.append(f"application {application[:_MAX_NAME]!r}")
    if state:
        parts.append(state)
    if transaction:
        parts.append(f"transaction since {_moment(transaction)}")
    if query:
        parts.append(f"last query at {_moment(query)}")
    return f"{', '.join(parts)}) on {tables[:_MAX_NAME]}"


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"

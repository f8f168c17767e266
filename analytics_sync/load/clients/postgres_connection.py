"""Connections to PostgreSQL: no function, operator or type of another role runs by its name.

In: dlt's credentials. Out: connections whose ``search_path`` is ``pg_catalog``, also after dlt has
reset them. With a schema in the path in which others may create, PostgreSQL prefers another role's
``=`` on varchar to its own one on text, and runs it with the rights of the loader.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg2
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

from analytics_sync.common.stopping import Stop

# The path is also a startup option: these settings hold where a connection pooler drops options.
# A merge that waits for a lock must see what was committed meanwhile. Some servers do not know the last
# setting: with it, no view takes the place of a table. A role that the owner of the database has set
# for all of its sessions is left, because its code could leave it, too.
_PIN = """
SELECT pg_catalog.set_config(wanted.name, wanted.value, false)
FROM (VALUES ('search_path', 'pg_catalog'),
             ('default_transaction_isolation', 'read committed'),
             ('restrict_nonsystem_relation_kind', 'view, foreign-table')) AS wanted (name, value)
WHERE pg_catalog.current_setting(wanted.name, true) IS NOT NULL;
SELECT pg_catalog.set_config('role', 'none', false)
FROM pg_catalog.pg_db_role_setting AS s
JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase,
    pg_catalog.unnest(s.setconfig) AS setting
WHERE d.datname = pg_catalog.current_database() AND s.setrole = 0
    AND setting = pg_catalog.concat('role=', CURRENT_USER)
"""


class PinnedConnection(psycopg2.extensions.connection):
    """A connection that finds names in ``pg_catalog`` only."""

    def reset(self) -> None:
        """Set all settings back to those of the session's start, but for ours."""
        super().reset()
        self.autocommit = True  # no rollback of a later transaction takes the settings back
        with self.cursor() as cursor:
            cursor.execute(_PIN)


class PinnedPostgresClient(Psycopg2SqlClient):
    """dlt's client with another search path: dlt's would be the dataset and ``public``."""

    stop = Stop()
    """Cancels the statements of the open connection; a load sets its own."""
    _cancel: Callable[[], object] | None = None

    def open_connection(self) -> psycopg2.extensions.connection:
        """Open a connection."""
        options = self.credentials.get_query().get("options", "")
        self._conn = psycopg2.connect(
            dsn=self.credentials.to_native_representation(),
            connection_factory=PinnedConnection,
            options=f"{options} -csearch_path=pg_catalog",
        )
        self._conn.reset()
        self._cancel = self._conn.cancel
        self.stop.add(self._cancel)
        return self._conn

    def close_connection(self) -> None:
        """Close the connection."""
        if self._cancel is not None:
            self.stop.remove(self._cancel)
            self._cancel = None
        super().close_connection()

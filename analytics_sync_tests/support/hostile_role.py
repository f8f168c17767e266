"""A PostgreSQL database with a second role, which wants its code to run as somebody else.

In: a server. Out: a database with the roles ``loader``, ``writers`` and ``evil``, and a record of the
code of ``evil`` that ran as another role.
"""

from __future__ import annotations

from typing import Any

import psycopg2

from analytics_sync_tests.support.postgres_server import Postgres, query

# The owner's code would be harmless if it ran as its owner. So it tells who ran it.
_STASH = """
CREATE FUNCTION stash.note(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'evil' THEN INSERT INTO stash.caught VALUES (current_user, what); END IF;
END $$;
CREATE FUNCTION stash.on_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stash.note('trigger');
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION stash.is_good(anyelement) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN PERFORM stash.note('function'); RETURN true; END $$;
CREATE FUNCTION stash.is_alike(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN PERFORM stash.note('operator'); RETURN true; END $$;
CREATE OPERATOR stash.~~~ (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = stash.is_alike);
CREATE FUNCTION stash.same(bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM stash.note('expression'); RETURN $1; END $$;
CREATE DOMAIN stash.word AS varchar CHECK (stash.is_good(VALUE));
GRANT USAGE ON SCHEMA stash TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA stash TO PUBLIC
"""


class HostileRole:
    """A database in which ``evil`` may create objects.

    Args:
        server: The server.
        is_superuser: Whether the loads run as the server's superuser, instead of as ``loader``.

    Attributes:
        address: The address of the database for loads.
        name: The name of the database.
        loader: The role of the loads.
    """

    def __init__(self, server: Postgres, *, is_superuser: bool) -> None:
        self._admin = server.database()
        for role in ("loader", "evil", "writers"):
            self.as_admin(
                f"DO $$ BEGIN CREATE ROLE {role} LOGIN; "
                "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
        self.loader = "postgres" if is_superuser else "loader"
        self.address = self._address(self.loader)
        self.name = self._admin.rpartition("/")[2]
        self.as_admin(
            f"GRANT CREATE ON DATABASE {self.name} TO loader",
            "GRANT CREATE ON SCHEMA public TO evil",
            "CREATE SCHEMA stash AUTHORIZATION evil",
            "CREATE SCHEMA shop",
            "GRANT CREATE, USAGE ON SCHEMA shop TO loader, evil",
        )
        self.as_evil("CREATE TABLE stash.caught (who text, what text)", _STASH)

    def as_admin(self, *statements: str) -> None:
        """Execute statements as the superuser."""
        _execute(self._admin, *statements)

    def as_evil(self, *statements: str) -> None:
        """Execute statements as the hostile role."""
        _execute(self._address("evil"), *statements)

    def as_loader(self, *statements: str) -> None:
        """Execute statements as the role of the loads."""
        _execute(self.address, *statements)

    def caught(self) -> list[tuple[Any, ...]]:
        """The code of the hostile role that ran as another role, and that role."""
        return self.query("SELECT DISTINCT who, what FROM stash.caught ORDER BY 1, 2")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query of the superuser."""
        # whatever role the owner of the database has set
        return query(f"{self._admin}?options=-crole%3Dpostgres", sql)

    def _address(self, role: str) -> str:
        return self._admin.replace("//postgres:", f"//{role}:")


def _execute(address: str, *statements: str) -> None:
    connection = psycopg2.connect(address)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()

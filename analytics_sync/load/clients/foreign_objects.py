"""Foreign objects: what another role has put where a table of ours is, or on it.

In: a connected client and names of tables. Out: a problem for each name whose statements would run code
of another role with the rights of the loader, or would reach a view. PostgreSQL runs the code of a
table's triggers, rules, policies, defaults, constraints, indexes and types as the role that sends the
statement. A role is trusted if it may act as the loader anyway, or if the settings name it. The loader
is the role that logs in, and the role that its settings choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationTerminalException
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.common.shown import shown
from analytics_sync.load.errors import LoadError

_SETTING = "trusted_roles"
_VARIABLE = f"ANALYTICS_SYNC__{_SETTING.upper()}"
_MAX_NAME = 100  # names of other roles' objects may be long

_VIEWS = """
SELECT view_name FROM system.main.duckdb_views()
WHERE NOT internal AND database_name = %s AND schema_name = %s
"""

_SQLITE_OBJECTS = """
SELECT name, type FROM pragma_table_list WHERE schema = %s AND type NOT IN ('table', 'shadow')
"""

# MariaDB executes a trigger with the rights of its definer, and not with those of the loader.
_MARIADB_OBJECTS = """
SELECT table_name, table_type, engine FROM information_schema.tables
WHERE table_schema = %s AND (table_type <> 'BASE TABLE' OR engine <> 'InnoDB')
"""

# In this order: the objects of these names and the parts of partitioned tables; everything on them
# whose code may run with a statement; the functions, types and operators that this code uses.
_OBJECTS = """
WITH RECURSIVE found (name, id, kind, owner) AS (
    SELECT c.relname, c.oid, c.relkind, c.relowner
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = ANY(%(names)s::pg_catalog.text[])
    UNION
    SELECT found.name, c.oid, c.relkind, c.relowner
    FROM found
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = found.id
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
), code (name, catalog, id) AS (
    SELECT name, 'pg_catalog.pg_class'::pg_catalog.regclass, id FROM found
    UNION ALL
    SELECT f.name, 'pg_catalog.pg_class'::pg_catalog.regclass, x.indexrelid
    FROM found AS f JOIN pg_catalog.pg_index AS x ON x.indrelid = f.id
    UNION ALL
    SELECT f.name, 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid
    FROM found AS f JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = f.id AND NOT t.tgisinternal
    UNION ALL
    SELECT f.name, 'pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid
    FROM found AS f JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = f.id
    UNION ALL
    SELECT f.name, 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid
    FROM found AS f JOIN pg_catalog.pg_policy AS p ON p.polrelid = f.id
    UNION ALL
    SELECT f.name, 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid
    FROM found AS f JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = f.id
    UNION ALL
    SELECT f.name, 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
    FROM found AS f JOIN pg_catalog.pg_constraint AS k ON k.conrelid = f.id
), used (name, part, what, owner) AS (
    SELECT code.name, pg_catalog.pg_describe_object(code.catalog, code.id, 0),
        pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0),
        coalesce(p.proowner, t.typowner, o.oprowner)
    FROM code
    JOIN pg_catalog.pg_depend AS d ON d.classid = code.catalog AND d.objid = code.id
    LEFT JOIN pg_catalog.pg_proc AS p
        ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.refobjid
    LEFT JOIN pg_catalog.pg_type AS t
        ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.refobjid
    LEFT JOIN pg_catalog.pg_operator AS o
        ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid
), judged (name, part, what, kind, owner) AS (
    SELECT name, pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, id, 0),
        NULL, kind, owner FROM found
    UNION ALL
    SELECT name, part, what, NULL, owner FROM used WHERE owner IS NOT NULL
)
SELECT name, part, what, CASE WHEN kind NOT IN ('r', 'p') THEN kind END,
    pg_catalog.pg_get_userbyid(owner), CURRENT_USER
FROM judged
WHERE kind NOT IN ('r', 'p') OR NOT (
    pg_catalog.pg_has_role(owner, SESSION_USER, 'MEMBER')
    OR pg_catalog.pg_get_userbyid(owner) = CURRENT_USER
    OR pg_catalog.pg_get_userbyid(owner) = ANY(%(trusted)s::pg_catalog.text[]))
ORDER BY name, what NULLS FIRST, part
"""


class ForeignObject(LoadError, DestinationTerminalException):
    """Another role's object is where a table of ours should be. dlt does not repeat its job."""


def foreign_objects(client: SqlClientBase[Any], tables: Iterable[str]) -> dict[str, str]:
    """The problem of each table on which no statement may run, by name. Missing tables have none.

    Args:
        client: A client that is connected to a tested warehouse. Others have no problems.
        tables: Names of tables in the client's dataset.
    """
    names = list(tables)
    match client.capabilities.sqlglot_dialect:
        case "duckdb":
            found = client.execute_sql(
                _VIEWS, client.catalog_name(quote=False), client.dataset_name
            )
            views = {name for (name,) in found or ()}
            return {name: _as_problem(_taken(f"view {name}")) for name in names if name in views}
        case "sqlite":
            found = client.execute_sql(_SQLITE_OBJECTS, client.dataset_name)
            others = {name: f"{type_} {name}" for name, type_ in found or ()}
            return {n: _as_problem(_taken(others[n])) for n in names if n in others}
        case "mysql":
            return _foreign_in_mariadb(client, names)
        case "postgres":
            return _foreign_in_postgres(client, names)
    return {}


@contextmanager
def own_tables(client: SqlClientBase[Any], *tables: str) -> Iterator[None]:
    """A transaction in which the tables are, and stay, tables without code of other roles.

    Raises:
        ForeignObject: A table is not, since ``foreign_objects`` looked at it before the load.
    """
    with client.begin_transaction():
        if client.capabilities.sqlglot_dialect == "postgres":
            # nobody drops the table, or adds a trigger or rule to it, before the transaction ends
            names = ", ".join(client.make_qualified_table_name(table) for table in tables)
            client.execute_sql(f"LOCK TABLE {names} IN ROW EXCLUSIVE MODE")
            for problem in foreign_objects(client, tables).values():
                raise ForeignObject(f"{client.dataset_name}: {problem}")
        yield


def _foreign_in_mariadb(client: SqlClientBase[Any], names: list[str]) -> dict[str, str]:
    problems = {}
    for name, type_, engine in client.execute_sql(_MARIADB_OBJECTS, client.dataset_name) or ():
        if type_ != "BASE TABLE":
            problem = _taken(f"{type_.lower()} {name}")
        else:
            problem = (
                f"table {shown(name, _MAX_NAME)} has the engine {engine}, which has no transactions. "
                "Change it (ALTER TABLE ... ENGINE = InnoDB)"
            )
        problems[name] = _as_problem(problem)
    return {name: problems[name] for name in names if name in problems}


def _foreign_in_postgres(client: SqlClientBase[Any], names: list[str]) -> dict[str, str]:
    setting = dlt.config.get(f"analytics_sync.{_SETTING}", str) or ""
    trusted = [role for text in setting.split(",") if (role := text.strip())]
    rows = client.execute_sql(_OBJECTS, schema=client.dataset_name, names=names, trusted=trusted)
    problems: dict[str, str] = {}
    for name, part, what, kind, owner, me in rows or ():
        if kind:
            problem = _taken(part)
        elif what is None:
            problem = (
                f"{shown(part, _MAX_NAME)} belongs to the role {shown(owner, _MAX_NAME)}, whose code would run as {me}. "
                f"Give it to {me} (ALTER TABLE ... OWNER TO {me}), or name the role in {_VARIABLE}"
            )
        else:
            problem = (
                f"{shown(part, _MAX_NAME)} uses the {shown(what, _MAX_NAME)} of the role {shown(owner, _MAX_NAME)}, whose code "
                f"would run as {me}. Drop it, or name the role in {_VARIABLE}"
            )
        problems.setdefault(name, _as_problem(problem))
    return problems


def _taken(what: str) -> str:
    return f"{shown(what, _MAX_NAME)} is where the table should be. Rename or drop it"


def _as_problem(problem: str) -> str:
    return f"{problem}, then run again: nothing was sent to it."

"""PostgreSQL with a role that may create objects: none of its code runs as the loader."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from dlt.common.schema import Schema

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import make_destination
from analytics_sync.load.clients.foreign_objects import own_tables
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_in_dagster
from analytics_sync_tests.support.hostile_role import HostileRole
from analytics_sync_tests.support.postgres_server import Postgres, settings
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
worst = pytest.mark.parametrize("role", [True], ids=["superuser"], indirect=True)

SOURCE = shop(
    item(columns={"id": "bigint", "v": "text"}),
    item(name="words", columns={"id": "text", "v": "double"}),
)
TABLE = (
    "CREATE TABLE shop.items (id bigint NOT NULL, v varchar, _extra json, _read_at timestamptz, "
    "_deleted_at timestamptz, _dlt_load_id varchar(64) NOT NULL{more})"
)
ITEMS = TABLE.format(more="")
TRIGGER = (
    "CREATE TRIGGER t BEFORE INSERT OR DELETE ON shop.{} "
    "FOR EACH ROW EXECUTE FUNCTION stash.on_change()"
)
# What the hostile role puts where the table of a resource would be.
PLANTED = {
    "trigger": (ITEMS, TRIGGER.format("items")),
    "rule": (ITEMS, "CREATE RULE r AS ON INSERT TO shop.items DO ALSO SELECT stash.is_good(1)"),
    "policy": (
        ITEMS,
        "ALTER TABLE shop.items ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON shop.items USING (stash.is_good(id))",
    ),
    "default": (TABLE.format(more=", z boolean DEFAULT stash.is_good(1)"),),
    "generated": (TABLE.format(more=", z bigint GENERATED ALWAYS AS (stash.same(id)) STORED"),),
    "constraint": (TABLE.format(more=", CHECK (stash.is_good(id))"),),
    "domain": (ITEMS.replace("v varchar", "v stash.word"),),
    "index": (ITEMS, "CREATE INDEX i ON shop.items (stash.same(id))"),
    "partition": (
        f"{ITEMS} PARTITION BY RANGE (id)",
        "CREATE TABLE shop.part PARTITION OF shop.items DEFAULT",
        TRIGGER.format("part"),
    ),
    "nothing yet": (ITEMS,),
}
OTHER_KINDS = {
    "view": "CREATE VIEW shop.items AS SELECT 1 AS id WHERE stash.is_good(1)",
    "materialized view": "CREATE MATERIALIZED VIEW shop.items AS SELECT 1 AS id",
    "sequence": "CREATE SEQUENCE shop.items",
    "composite type": "CREATE TYPE shop.items AS (id bigint)",
}
BOOKKEEPING = {
    "_dlt_version": "CREATE VIEW shop._dlt_version AS SELECT 'x' AS schema WHERE stash.is_good(1)",
    "_dlt_loads": "CREATE TABLE shop._dlt_loads (load_id varchar)",
    "_rejected": "CREATE VIEW shop._rejected AS SELECT 'x' AS resource WHERE stash.is_good(1)",
}


@pytest.fixture(params=[False, True], ids=["loader", "superuser"])
def role(
    request: pytest.FixtureRequest, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> HostileRole:
    """A database with the hostile role, which is the destination."""
    made = HostileRole(postgres, is_superuser=request.param)
    for name, value in settings(made.address).items():
        monkeypatch.setenv(name, value)
    return made


def sync(api: Api, number: int = 1) -> dict[str, str]:
    """Load the items 1 and ``number``; the messages of the failed resources."""
    api.on("/items", [{"id": 1, "v": f"of {number}"}, {"id": number, "v": f"of {number}"}])
    api.on("/words", [{"id": f"w{number}", "v": 0.5}])
    with ReadRun(SOURCE) as run:
        load(run, "run")
        return {name: str(error) for name, error in run.failures().items()}


def rows(role: HostileRole) -> list[tuple[Any, ...]]:
    return role.query("SELECT id, v, _deleted_at IS NULL FROM shop.items ORDER BY id")


def plant_names(role: HostileRole, schema: str) -> None:
    """Create what PostgreSQL would prefer to its own functions, operators and types."""
    note = f"BEGIN PERFORM stash.note('{schema}');"
    functions = {
        "hashtextextended(text, integer) RETURNS bigint": "hashtextextended($1, $2::bigint)",
        "hashtextextended(varchar, bigint) RETURNS bigint": "hashtextextended($1::text, $2)",
        "set_config(text, varchar, boolean) RETURNS text": "set_config($1, $2::text, $3)",
        "format_type(oid, oid) RETURNS text": "format_type($1, $2::integer)",
        "strpos(varchar, varchar) RETURNS integer": "strpos($1::text, $2::text)",
        "abs(varchar) RETURNS text": "upper($1::text)",
    }
    for head, result in functions.items():
        role.as_evil(
            f"CREATE FUNCTION {schema}.{head} LANGUAGE plpgsql AS "
            f"$$ {note} RETURN pg_catalog.{result}; END $$"
        )
    types = ("varchar, varchar", "name, varchar", "varchar, text", "timestamptz, timestamp")
    for number, arguments in enumerate(types):
        left, right = arguments.split(", ")
        function = f"{schema}.equal{number}"
        role.as_evil(
            f"CREATE FUNCTION {function}({arguments}) RETURNS boolean LANGUAGE plpgsql AS "
            f"$$ {note} RETURN $1::text OPERATOR(pg_catalog.=) $2::text; END $$",
            *(
                f"CREATE OPERATOR {schema}.{name} "
                f"(LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = {function})"
                for name in ("=", "<=", "<")
            ),
        )
    role.as_evil(
        f"CREATE DOMAIN {schema}.json AS jsonb CHECK (stash.is_good(VALUE))",
        f"CREATE TYPE {schema}.sly AS (x text)",
        f"CREATE FUNCTION {schema}.sly(varchar) RETURNS {schema}.sly LANGUAGE plpgsql AS "
        f"$$ {note} RETURN ROW($1); END $$",
        f"CREATE CAST (varchar AS {schema}.sly) WITH FUNCTION {schema}.sly(varchar) AS IMPLICIT",
    )


def test_no_name_of_another_role_is_found(role: HostileRole, api: Api, tmp_path: Path) -> None:
    role.as_admin("GRANT USAGE, CREATE ON SCHEMA public TO loader")
    for schema in ("public", "shop"):
        plant_names(role, schema)
    assert not sync(api)
    assert not sync(api, 2)
    assert rows(role) == [(1, "of 2", True), (2, "of 2", True)]
    assert not sync(api, 3)
    assert rows(role) == [(1, "of 3", True), (2, "of 2", False), (3, "of 3", True)]
    home = make_dagster_home(tmp_path / "dagster")
    result = run_in_dagster(home, {"shop": SOURCE}, ["shop/items", "shop/words"])
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert len(checks) == 12
    assert all(check.passed for check in checks)
    assert role.caught() == []


def client(dataset: str = "shop") -> Any:
    destination = make_destination()
    config = destination.spec()
    config.dataset_name = dataset
    return destination.client(Schema(dataset), config)


def test_a_session_keeps_its_search_path(
    role: HostileRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    role.as_admin(
        "ALTER ROLE loader SET search_path = public",
        f"ALTER DATABASE {role.name} SET default_transaction_isolation = 'repeatable read'",
    )
    address = f"{role.address}?options=-csearch_path%3Dpublic"
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
    with client() as job_client:
        sql = job_client.sql_client
        assert sql.execute_sql("SHOW search_path") == [("pg_catalog",)]
        for wrong in ("SELECT 1 / 0", "SELECT * FROM shop.no_such_table"):
            with pytest.raises(Exception, match=r"zero|exist"):
                sql.execute_sql(wrong)
            assert sql.execute_sql("SHOW search_path") == [("pg_catalog",)]
        sql.begin_transaction().__enter__()
        sql.rollback_transaction()
        assert sql.execute_sql("SHOW search_path") == [("pg_catalog",)]
        assert sql.execute_sql("SHOW transaction_isolation") == [("read committed",)]
        role.as_evil("CREATE VIEW stash.v AS SELECT 1 AS one")
        with pytest.raises(Exception, match="non-system view"):
            sql.execute_sql("SELECT * FROM stash.v")
    role.as_admin("ALTER ROLE loader RESET search_path")


def test_a_role_set_by_the_owner_of_the_database_is_left(role: HostileRole, api: Api) -> None:
    """Code that runs as that role could return to the role that logged in."""
    role.as_admin(f"ALTER DATABASE {role.name} OWNER TO evil")
    role.as_evil(f"ALTER DATABASE {role.name} SET role = evil")
    role.as_evil(ITEMS, TRIGGER.format("items"), "GRANT ALL ON shop.items TO PUBLIC")
    with client() as job_client:
        sql = job_client.sql_client
        assert sql.execute_sql("SELECT CURRENT_USER") == [(role.loader,)]
        with pytest.raises(Exception, match="exist"):
            sql.execute_sql("SELECT * FROM shop.no_such_table")
        assert sql.execute_sql("SELECT CURRENT_USER") == [(role.loader,)]
    assert "belongs to the role evil" in sync(api)["items"]
    assert role.caught() == []


def test_a_role_of_the_settings_stays(
    role: HostileRole, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    role.as_admin("GRANT USAGE, CREATE ON SCHEMA shop TO writers", "GRANT writers TO loader")
    role.as_admin(f"GRANT CREATE ON DATABASE {role.name} TO writers")
    address = f"{role.address}?options=-crole%3Dwriters"
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
    for number in (1, 2):
        assert not sync(api, number)
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'shop'"
    assert role.query(owners) == [("writers",)]
    assert len(rows(role)) == 2


@worst
@pytest.mark.parametrize("name", PLANTED)
def test_a_table_of_another_role_is_refused(role: HostileRole, api: Api, name: str) -> None:
    role.as_evil(*PLANTED[name], "GRANT ALL ON ALL TABLES IN SCHEMA shop TO loader")
    for number in (1, 2):
        failed = sync(api, number)
        assert list(failed) == ["items"]
        assert failed["items"].startswith("shop/items: table shop.items belongs to the role evil")
        assert "ANALYTICS_SYNC__TRUSTED_ROLES" in failed["items"]
    assert role.caught() == []
    assert rows(role) == []
    assert len(role.query("SELECT * FROM shop.words")) == 2, "the other resource loads"


@worst
@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_only_a_table_is_taken_for_a_table(
    role: HostileRole, api: Api, tmp_path: Path, kind: str
) -> None:
    role.as_evil(OTHER_KINDS[kind])
    assert sync(api) == {
        "items": f"shop/items: {kind} shop.items is where the table should be. Rename or drop it, "
        "then run again: nothing was sent to it."
    }
    home = make_dagster_home(tmp_path / "dagster")
    result = run_in_dagster(home, {"shop": SOURCE}, ["shop/items", "shop/words"])
    assert not result.success
    assert role.caught() == []


@worst
@pytest.mark.parametrize("name", BOOKKEEPING)
def test_nothing_loads_beside_a_foreign_table_of_dlt(
    role: HostileRole, api: Api, name: str
) -> None:
    role.as_evil(BOOKKEEPING[name])
    for number in (1, 2):
        with pytest.raises(LoadError, match=rf"^shop: (view|table) shop\.{name} "):
            sync(api, number)
    assert role.caught() == []
    assert role.query("SELECT * FROM pg_tables WHERE tablename = 'items'") == []


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ("items", "stash.on_change()"),
        ("items", "WHEN (stash.is_good(NEW.id))"),
        ("items", "WHEN (NEW.id OPERATOR(stash.~~~) 1)"),
        ("_dlt_loads", "stash.on_change()"),
    ],
)
def test_a_foreign_trigger_on_a_table_of_ours_is_refused(
    role: HostileRole, api: Api, table: str, what: str
) -> None:
    assert not sync(api)
    role.as_admin(f"GRANT TRIGGER ON shop.{table} TO evil")
    when, function = "", what
    if what.startswith("WHEN"):
        when, function = what, "suppress_redundant_updates_trigger()"
    role.as_evil(
        f"CREATE TRIGGER t BEFORE INSERT ON shop.{table} "
        f"FOR EACH ROW {when} EXECUTE FUNCTION {function}"
    )
    if table == "items":
        message = sync(api, 2)["items"]
    else:
        with pytest.raises(LoadError) as error:
            sync(api, 2)
        message = str(error.value)
    assert f"trigger t on table shop.{table} uses the " in message
    assert " of the role evil, whose code would run as " in message
    assert role.caught() == []
    assert rows(role) == [(1, "of 1", True)]


def test_checks_send_nothing_to_a_foreign_table(
    role: HostileRole, api: Api, tmp_path: Path
) -> None:
    home = make_dagster_home(tmp_path / "dagster")
    sync(api)
    role.as_admin("ALTER TABLE shop.items OWNER TO evil", "ALTER SCHEMA shop OWNER TO evil")
    role.as_evil(
        "GRANT ALL ON shop.items TO PUBLIC",
        "GRANT CREATE, USAGE ON SCHEMA shop TO PUBLIC",
        "DROP TABLE shop.items",
        "CREATE VIEW shop.items AS SELECT 1 AS id WHERE stash.is_good(1)",
    )
    result = run_in_dagster(home, {"shop": SOURCE}, ["shop/items", "shop/words"])
    of_items = [
        c
        for c in result.get_asset_check_evaluations()
        if c.asset_key.path[-1] == "items" and c.check_name != "complete"
    ]
    assert [c.passed for c in of_items] == [False] * len(of_items)
    assert all("view shop.items is where the table" in (c.description or "") for c in of_items)
    assert role.caught() == []


def test_code_of_ours_and_of_trusted_roles_runs(
    role: HostileRole, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger of the loader, a table of the superuser in parts, and what the settings trust."""
    role.as_admin(
        f"{ITEMS} PARTITION BY RANGE (id)",
        "CREATE TABLE shop.low PARTITION OF shop.items FOR VALUES FROM (0) TO (2)",
        "CREATE TABLE shop.high PARTITION OF shop.items DEFAULT",
        "GRANT ALL ON shop.items TO loader",
        "CREATE TABLE public.log (id bigint)",
        "GRANT ALL ON public.log TO loader",
        "CREATE FUNCTION shop.own() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO public.log VALUES (NEW.id); RETURN NEW; END $$",
        f"ALTER FUNCTION shop.own() OWNER TO {role.loader}",
        "CREATE TRIGGER own AFTER INSERT ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.own()",
    )
    assert not sync(api, 2)
    assert role.query("SELECT id FROM public.log ORDER BY id") == [(1,), (2,)]
    role.as_admin("ALTER TABLE shop.items OWNER TO evil")
    assert "belongs to the role evil" in sync(api, 3)["items"]
    role.as_evil("GRANT ALL ON shop.items TO loader")
    monkeypatch.setenv("ANALYTICS_SYNC__TRUSTED_ROLES", "somebody, evil")
    assert not sync(api, 3)
    assert [id_ for id_, _, _ in rows(role)] == [1, 2, 3]


def test_a_trigger_that_comes_during_a_load_is_refused(role: HostileRole, api: Api) -> None:
    """It is made after the first look at the tables: the load then waits for ``_dlt_version``."""
    assert not sync(api)
    role.as_admin("GRANT TRIGGER ON shop.items TO evil")
    messages: list[str] = []

    def loads() -> None:
        try:
            messages.extend(sync(api, 2).values())
        except LoadError as e:
            messages.append(str(e))

    with psycopg2.connect(role.address) as blocking, blocking.cursor() as cursor:
        cursor.execute("LOCK TABLE shop._dlt_version IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=loads)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
        deadline = time.monotonic() + 60
        while role.query(waiting) == [(0,)]:
            assert time.monotonic() < deadline, "the load does not wait for the table"
            time.sleep(0.05)
        role.as_evil(TRIGGER.format("items"))
    thread.join()
    said = "shop: trigger t on table shop.items uses the function stash.on_change()"
    assert messages[0].startswith(said), "the message of the table, and not one around it"
    assert messages[0].count("run again") == 1
    assert role.caught() == []
    assert rows(role) == [(1, "of 1", True)]


def test_no_trigger_comes_while_a_table_changes(role: HostileRole, api: Api) -> None:
    assert not sync(api)
    role.as_admin("GRANT TRIGGER ON shop.items TO evil")
    with (
        client() as job_client,
        own_tables(job_client.sql_client, "items"),
        pytest.raises(psycopg2.errors.LockNotAvailable),
    ):
        role.as_evil("SET lock_timeout = '200ms'", TRIGGER.format("items"))
    role.as_evil(TRIGGER.format("items"))

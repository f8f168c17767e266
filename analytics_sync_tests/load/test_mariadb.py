"""MariaDB: what its columns hold, how its tables change, and what is refused.

The server is there with the worst defaults; see ``mariadb_server``. The server's defaults alone would lose rows,
digits, zones and letters without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.mariadb_values import CONVERTERS
from analytics_sync.load.clients.working_tables import NEW, OLD, ROW_ID
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.mariadb_server import (
    MariaDb,
    connected,
    query,
    run,
    settings,
)
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
pytestmark = pytest.mark.slow
ITEMS = shop(item(columns={"id": "bigint", "v": "text"}))


@pytest.fixture
def address(mariadb: MariaDb, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server without a dataset of the shop; it is the destination."""
    address = mariadb.empty()
    for name, value in settings(address).items():
        monkeypatch.setenv(name, value)
    yield address
    mariadb.empty()


def sync(source: Source = ITEMS) -> None:
    """Read and load the source; no resource may fail."""
    with ReadRun(source) as run:
        load(run, "run")
        assert not run.failures(), run.failures()


def failure(source: Source = ITEMS) -> str:
    """Read and load the source; why the items failed."""
    with ReadRun(source) as run:
        load(run, "run")
        return str(run.failures()["items"])


def test_a_plain_program_reads_the_tables(api: Api, address: str) -> None:
    times = ["2024-05-01T10:00:00Z", "2024-05-01T12:00:00.500001+02:00", None]
    api.on("/items", [{"id": n, "price": f"{n}.10", "at": at} for n, at in enumerate(times)])
    sync(shop(item(columns={"id": "bigint", "price": "decimal", "at": "timestamp"})))
    assert query(address, "SELECT sum(price) FROM shop.items") == [(Decimal("3.300000000"),)]
    first, second = (
        datetime(2024, 5, 1, 10, tzinfo=UTC),
        datetime(2024, 5, 1, 10, 0, 0, 500001, UTC),
    )
    sql = "SELECT at FROM shop.items WHERE at IS NOT NULL ORDER BY at"
    assert query(address, sql) == [(first,), (second,)]
    with connected(address) as cursor:
        cursor.execute("SELECT * FROM shop.items")
        assert ROW_ID not in [column[0] for column in cursor.description]
    kinds = query(
        address,
        "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = 'shop'",
    )
    assert kinds == [("InnoDB",)]


def test_long_keys_texts_and_names_stay_apart(api: Api, address: str) -> None:
    """Beyond the characters that an index holds, beyond TEXT's 64 kB, and beyond 64 letters of a name."""
    long, name = "k" * 1_000, "field_" + "n" * 80
    ids = [long, f"{long}a", f"{long}A", f"{long} ", "a", "bc", "ab", "c"]
    records = [{"id": i, "part": i[::-1], "v": "\U0001f600" * 100_000, name: i} for i in ids]
    api.on("/items", records)
    columns = {"id": "text", "part": "text", "v": "text", name: "text"}
    source = shop(item(primary_key=["id", "part"], columns=columns))
    for _ in range(2):
        sync(source)
        found = query(
            address, 'SELECT id, char_length(v) FROM shop.items ORDER BY id COLLATE "utf8mb4_bin"'
        )
        assert sorted(found) == sorted((i, 100_000) for i in ids)
    pairs = [{"id": "a", "part": "bc"}, {"id": "ab", "part": "c"}, {"id": "abc", "part": "-"}]
    api.on("/pairs", pairs, pairs)
    source = shop(
        item(name="pairs", primary_key=["id", "part"], columns={"id": "text", "part": "text"})
    )
    for _ in range(2):
        sync(source)
        assert query(address, "SELECT count(*) FROM shop.pairs") == [(3,)]


def test_json_may_be_nested_deeper_than_mariadb_checks(api: Api, address: str) -> None:
    nested: Any = 2**70
    for _ in range(60):
        nested = {"a": [nested]}
    api.on("/items", [{"id": 1, "v": nested}])
    sync(shop(item(columns={"id": "bigint", "v": "json"})))
    ((text,),) = query(address, "SELECT v FROM shop.items")
    assert text.count('"a"') == 60
    assert str(2**70) in text


def test_a_view_in_the_place_of_the_table_is_refused(api: Api, address: str) -> None:
    api.on("/items", [{"id": 1, "v": "a"}])
    sync()
    run(address, "DROP TABLE shop.items", "CREATE VIEW shop.items AS SELECT 1 AS id")
    assert "view items is where the table should be" in failure()


def test_a_table_without_transactions_is_refused(api: Api, address: str) -> None:
    api.on("/items", [{"id": 1, "v": "a"}])
    sync()
    run(address, "ALTER TABLE shop.items ENGINE = Aria")
    assert "table items has the engine Aria, which has no transactions" in failure()


def test_a_column_that_somebody_made_compare_by_other_rules_is_made_exact(
    api: Api, address: str
) -> None:
    source = shop(item(columns={"id": "text", "v": "text"}))
    api.on("/items", [{"id": i, "v": i} for i in ("a", "A", "a ")])
    sync(source)
    run(address, "ALTER TABLE shop.items MODIFY id VARCHAR(50) COLLATE latin1_swedish_ci NOT NULL")
    for _ in range(2):
        sync(source)
        assert query(address, "SELECT count(*), count(DISTINCT id) FROM shop.items") == [(3, 3)]


def test_a_reader_in_the_way_of_a_wider_column_is_told(
    api: Api, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later readers do not wait behind the load, and nothing is changed."""
    monkeypatch.setenv("ANALYTICS_SYNC__WAIT_FOR_WAREHOUSE", "2")
    api.on("/items", [{"id": 1, "v": 5}], [{"id": 1, "v": "5"}])
    sync(shop(item(columns={"id": "bigint", "v": "bigint"})))
    wider = shop(item(columns={"id": "bigint", "v": "text"}))
    with connected(address) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM shop.items")
        assert "is in use by a session that SHOW PROCESSLIST shows" in failure(wider)
        assert query(address, "SELECT v FROM shop.items") == [(5,)]
        reader.execute("ROLLBACK")
    sync(wider)
    assert query(address, "SELECT v FROM shop.items") == [("5",)]


def test_the_tables_of_a_killed_change_are_dropped_by_the_next_load(api: Api, address: str) -> None:
    api.on("/items", [{"id": 1, "v": "a"}])
    sync()
    for name in (NEW, OLD):
        run(address, f"CREATE TABLE shop.{name} (id INT)")
    sync()
    left = query(
        address, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop'"
    )
    assert not {NEW, OLD} & {name for (name,) in left}


@contextmanager
def counted(server: MariaDb, counter: str) -> Iterator[Callable[[], int]]:
    """How far a counter of the server has gone since the begin of the block."""

    def read() -> int:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE %s", (counter,))
            return int(cursor.fetchone()[1])

    before = read()
    yield lambda: read() - before


def test_a_merge_looks_keys_up_although_it_has_just_removed_all_rows(
    api: Api, address: str, mariadb: MariaDb
) -> None:
    """By its own plan, the server would read the pages of the removed rows for each of 2,000 new ones."""
    api.on("/items", [{"id": f"key-{n}", "v": "a" * 2_000} for n in range(2_000)])
    source = shop(item(columns={"id": "text", "v": "text"}))
    sync(source)
    with counted(mariadb, "Innodb_buffer_pool_read_requests") as pages:
        sync(source)
        assert pages() < 300_000


def test_children_are_not_compared_with_each_parent(
    api: Api, address: str, mariadb: MariaDb
) -> None:
    items = [{"id": f"parent-{n}", "v": "a"} for n in range(200)]
    api.on("/items", items, items[:199])
    for parent in items:
        api.on(f"/items/{parent['id']}/parts", [{"id": n} for n in range(10)])
    resolve = {"type": "resolve", "resource": "items", "field": "id"}
    parts = item(
        {"path": "/items/{items_id}/parts", "params": {"items_id": resolve}},
        name="parts",
        primary_key=["items_id", "id"],
        include_from_parent={"items_id": "id"},
        columns={"id": "bigint", "items_id": "text"},
    )
    source = shop(item(columns={"id": "text", "v": "text"}), parts)
    sync(source)
    with counted(mariadb, "Handler_read_rnd_next") as reads:
        sync(source)
        assert reads() < 200_000
    gone = "SELECT count(*) FROM shop.parts WHERE _deleted_at IS NOT NULL"
    assert query(address, gone) == [(10,)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.replace("+pymysql", ""), r"only mariadb\+pymysql:// is tested"),
        (
            lambda a: a.replace("+pymysql", "+mariadbconnector"),
            r"only mariadb\+pymysql:// is tested",
        ),
        (lambda a: a.replace("/information_schema", "/"), "names no database"),
        (lambda a: a.replace("mariadb+", "mysql+"), "of the type 'mysql', which is refused"),
    ],
)
def test_another_address_is_refused_with_what_to_write(
    change: Callable[[str], str],
    message: str,
    api: Api,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api.on("/items", [{"id": 1, "v": "a"}])
    for name, value in settings(change(address)).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LoadError, match=message):
        sync()


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Decimal("1E-9"), "0.000000001"),
        (Decimal("1E+20"), "100000000000000000000"),
        (
            datetime(2024, 5, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "'2024-04-30 23:00:00.000000'",
        ),
        (datetime(1, 1, 1), "'0001-01-01 00:00:00.000000'"),
        (date(1, 1, 1), "'0001-01-01'"),
    ],
)
def test_a_value_is_sent_with_all_that_it_says(value: Any, sent: str) -> None:
    assert CONVERTERS[type(value)](value, None) == sent

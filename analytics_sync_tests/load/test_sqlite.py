"""SQLite: what its files hold, and what other programs find in them."""

from __future__ import annotations

import sqlite3
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import make_destination, warehouse_address
from analytics_sync.load.clients.sqlite_values import TYPES, is_wider, to_stored, widened
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.load.sharing.locks import lock_dataset, open_dataset
from analytics_sync_tests.support import sqlite_file
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
# SQLAlchemy warns, for example, of types that it compiles again for each statement.
pytestmark = pytest.mark.filterwarnings("error::sqlalchemy.exc.SAWarning")


@pytest.fixture
def main_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "folder" / "w.sqlite"
    for name, value in sqlite_file.settings(f"sqlite:///{file}").items():
        monkeypatch.setenv(name, value)
    return file


def sync() -> None:
    """Load the items."""
    with ReadRun(
        shop(item(columns={"id": "bigint", "price": "decimal", "at": "timestamp"}))
    ) as run:
        load(run, "run")
        assert not run.failures()


def test_a_plain_program_reads_the_file(api: Api, main_file: Path) -> None:
    times = ["2024-05-01T10:00:00Z", "2024-05-01T12:00:00.5+02:00", None]
    api.on("/items", [{"id": n, "price": f"{n}.10", "at": at} for n, at in enumerate(times)])
    sync()
    dataset = main_file.with_name("w__shop.sqlite")
    with sqlite3.connect(dataset) as connection:
        rows = connection.execute("SELECT id, price, at FROM items ORDER BY at").fetchall()
        (total,) = connection.execute("SELECT sum(CAST(price AS REAL)) FROM items").fetchone()
    assert rows == [
        (2, "2.1", None),
        (0, "0.1", "2024-05-01 10:00:00.000000+00:00"),
        (1, "1.1", "2024-05-01 10:00:00.500000+00:00"),
    ]
    assert total == pytest.approx(3.3)
    for file in (main_file, dataset):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert warehouse_address(make_destination()) == str(main_file)


def test_one_load_into_a_dataset_at_a_time(api: Api, main_file: Path) -> None:
    api.on("/items", [{"id": 1}])
    sync()
    lock = FileLock(f"{main_file}.shop.lock")
    with open_dataset("shop", "holding the lock") as (job_client, _):
        assert job_client is not None
        lock_dataset(job_client.sql_client, "shop")
        with pytest.raises(Timeout):
            lock.acquire(timeout=0)
    with lock.acquire(timeout=0):
        pass


def test_a_view_in_the_place_of_the_table_is_refused(api: Api, main_file: Path) -> None:
    api.on("/items", [{"id": 1}])
    sync()
    sqlite_file.run(
        f"sqlite:///{main_file}",
        "DROP TABLE shop.items",
        "CREATE VIEW shop.items AS SELECT 1 AS id",
    )
    with ReadRun(shop(item())) as run:
        load(run, "run")
        assert "view items is where the table should be" in str(run.failures()["items"])


def test_a_view_of_a_table_stays_when_the_table_is_made_anew(api: Api, main_file: Path) -> None:
    address = f"sqlite:///{main_file}"
    api.on("/items", [{"id": 1, "price": 5}])
    for type_ in ("bigint", "decimal"):
        with ReadRun(shop(item(columns={"id": "bigint", "price": type_}))) as run:
            load(run, "run")
            assert not run.failures()
        if type_ == "bigint":
            sqlite_file.run(address, "CREATE VIEW shop.prices AS SELECT price FROM items")
    assert sqlite_file.query(address, "SELECT price FROM shop.prices") == [("5",)]


def test_a_database_in_memory_is_refused(
    api: Api, main_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.on("/items", [{"id": 1}])
    monkeypatch.setenv("DESTINATION__SQLALCHEMY__CREDENTIALS", "sqlite:///:memory:")
    with pytest.raises(LoadError, match="is in memory, where no row is kept"):
        sync()


@pytest.mark.parametrize(
    ("value", "real", "wanted", "expected"),
    [
        (2**53 + 1, "bigint", "double", None),
        (2**53, "bigint", "double", float(2**53)),
        (1e300, "double", "decimal", None),
        (0.1, "double", "decimal", "0.1"),
        (0.1234567891, "double", "decimal", None),
        (1e22, "double", "text", "1e+22"),
        (-0.0, "double", "text", "0"),
        ("1.50", "text", "json", "1.50"),
        ("{", "text", "json", None),
        ("2024-02-29", "date", "timestamp", "2024-02-29 00:00:00.000000+00:00"),
        (1, "bool", "text", "true"),
        ("x", "text", "bigint", None),
        (None, "bigint", "text", None),
    ],
)
def test_a_value_is_widened_exactly_or_not_at_all(
    value: object, real: str, wanted: str, expected: object
) -> None:
    found = widened(value, TYPES[real], TYPES[wanted])
    assert (found, type(found)) == (expected, type(expected))
    if found is not None:
        assert is_wider(TYPES[real], TYPES[wanted], is_inferred=True)


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.500", "1.5"), ("-0.0", "0"), ("1E+3", "1000"), ("100", "100"), ("0E-9", "0")],
)
def test_equal_decimals_are_equal_texts(number: str, text: str) -> None:
    assert to_stored(Decimal(number)) == text
    digits = "12345678901234567890123456789.123456789"
    assert to_stored(Decimal(digits)) == digits

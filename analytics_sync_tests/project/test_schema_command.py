"""``analytics-sync schema``: diff, heal and reset, in DuckDB and PostgreSQL."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from analytics_sync.catalog import load_file
from analytics_sync.cli import main
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.load.test_changed_tables import DAYS, day
from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.each_warehouse import Warehouse, each_warehouse
from analytics_sync_tests.support.scripted_api import Api, item, shop_api

api = shop_api
warehouse = each_warehouse
RESULT = tuple[int, str, str]


class Shop:
    """A catalog folder with the file of ``shop``, and the command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = folder / "shop.yaml"
        self._capsys = capsys

    def declare(self, *resources: dict[str, Any]) -> None:
        """Write the catalog file, which is JSON."""
        self.file.write_text(json.dumps({"source": "shop", "client": {}, "resources": resources}))

    def sync(self, window: Window | None = None) -> None:
        """Load what is declared."""
        with ReadRun(load_file(self.file), window) as run:
            load(run, "run")

    def schema(self, *arguments: str) -> RESULT:
        """The status of a command, its output and its errors."""
        self._capsys.readouterr()
        status = main(["schema", *arguments])
        return status, *self._capsys.readouterr()


@pytest.fixture
def shop(
    api: Api, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shop:  # fmt: skip
    """``items`` and ``days`` are loaded, and the API lists other rows from now on."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", "2025-01-01")
    shop = Shop(folder, capsys)
    shop.declare(items(v="bigint"), days())
    first = [{"id": 1, "v": "007", "w": "x"}, {"id": 2, "v": 5}]
    api.on("/items", first, first, [{"id": 3}])
    api.on("/days", [day(1), day(2), {"v": "keyless"}])
    for window in DAYS:
        shop.sync(window)
    return shop


def items(**columns: Any) -> dict[str, Any]:
    """A snapshot."""
    return item(columns={"id": "bigint", **columns})


def days() -> dict[str, Any]:
    """A windowed resource."""
    columns = {"id": "bigint", "at": "timestamp", "v": "text"}
    return item({"incremental": {"cursor_path": "at"}}, name="days", columns=columns)


@pytest.mark.slow
def test_diff_finds_no_difference_after_a_load(shop: Shop) -> None:
    assert shop.schema("diff", "shop") == (0, "no differences\n", "")
    assert shop.schema("diff", "shop/items", "--dry-run")[0] == 0


def test_diff_says_what_the_next_run_does(shop: Shop, warehouse: Warehouse) -> None:
    shop.declare(items(v="text", w="text"), days(), item(name="more"))
    warehouse.run("DROP TABLE shop.days")
    before = warehouse.rows()
    status, out, _ = shop.schema("diff", "shop")
    lines = out.splitlines()
    assert status == 1
    assert lines[0] == (
        "shop/items: column w (text) is missing. The next run adds it, and it takes 1 value from _extra."
    )
    assert lines[1].endswith(
        "is declared as text. The next run widens it, and it takes 1 value from _extra."
    )
    assert lines[2] == (
        "shop/days: there is no table. Somebody dropped or renamed it. The next run makes it, with the "
        "rows of its partitions."
    )
    assert lines[3] == "shop/more: there is no table. The next run makes it, with all rows."
    assert lines[4] == "4 differences"
    assert warehouse.rows() == before
    assert shop.schema("diff", "shop/items")[1].endswith("2 differences\n")


@pytest.mark.slow
def test_diff_says_what_the_next_run_refuses(shop: Shop, warehouse: Warehouse) -> None:
    declared = items(v="bool", part="text")
    shop.declare({**declared, "primary_key": ["id", "part"]}, days())
    warehouse.run("ALTER TABLE shop.items ADD COLUMN mine INTEGER")
    status, out, _ = shop.schema("diff", "shop/items")
    assert status == 1
    types, key, others = (
        next(x for x in out.splitlines() if s in x) for s in ("v is", "key", "mine")
    )
    assert "ALTER TABLE" in types
    assert "The next run leaves this resource out." in types
    assert "2 rows of the table would have no part" in key
    assert "analytics-sync schema reset shop/items --yes" in key
    assert 'DROP COLUMN "mine"' in others


@pytest.mark.slow
def test_heal_fills_a_column_that_somebody_changed(shop: Shop, warehouse: Warehouse) -> None:
    """The table is as declared: no run looks at ``_extra`` again."""
    shop.declare(items(v="text"), days())
    warehouse.run("ALTER TABLE shop.items ALTER COLUMN v TYPE VARCHAR USING CAST(v AS VARCHAR)")
    hint = "column v can take 1 value from _extra. No run does that by itself: analytics-sync schema heal"
    assert hint in shop.schema("diff", "shop/items")[1]
    dry = shop.schema("heal", "shop/items", "--dry-run")
    assert dry[:2] == (0, "shop/items: column v would take 1 value\n")
    assert warehouse.values()[1] == "7"
    assert shop.schema("heal", "shop")[1].splitlines() == [
        "shop/items: column v took 1 value from _extra",
        "shop/days: nothing to heal",
    ]
    assert warehouse.values() == {1: "007", 2: "5"}
    assert shop.schema("heal", "shop/items")[1] == "shop/items: nothing to heal\n"


@pytest.mark.slow
def test_heal_says_which_table_it_cannot_change(shop: Shop) -> None:
    shop.declare(items(v="bool"), days())
    status, out, _ = shop.schema("heal", "shop")
    assert status == 1
    assert "column v is" in out
    assert "shop/days: nothing to heal" in out


def test_reset_starts_a_table_over(shop: Shop, warehouse: Warehouse) -> None:
    shop.declare(items(v="bool"), days())
    status, out, err = shop.schema("reset", "shop/days")
    assert (status, err) == (2, "Nothing was dropped: add --yes to drop it.\n")
    assert "with 2 rows would be dropped" in out
    assert shop.schema("reset", "shop", "--dry-run")[0] == 0
    assert len(warehouse.rows("days")) == 2

    status, out, _ = shop.schema("reset", "shop/days", "--yes")
    assert status == 0
    table, load_again = out.splitlines()
    assert table.startswith("shop/days: table ")
    assert table.endswith("with 2 rows dropped")
    assert "--select 'key:\"shop/days\"' --partition-range 2025-01-01..." in load_again
    for name in ("_rejected", "_loaded", "_origin"):
        stored = f"SELECT count(*) FROM shop.{name} WHERE resource = 'days'"
        assert warehouse.query(stored) == [(0,)], name
    assert "Somebody" not in shop.schema("diff", "shop/days")[1]

    shop.schema("reset", "shop/items", "--yes")
    noted = warehouse.query("SELECT rows FROM shop._loaded WHERE resource = 'items'")
    assert noted == [(0,)], "the loads before are not lost: their rows were dropped on purpose"
    shop.sync(DAYS[0])
    assert warehouse.values() == {3: None}
    assert {row["id"] for row in warehouse.rows("days")} == {1}
    assert shop.schema("diff", "shop")[0] == 0


@pytest.mark.slow
def test_reset_drops_no_view(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.run(
        "ALTER TABLE shop.items RENAME TO t", "CREATE VIEW shop.items AS SELECT * FROM shop.t"
    )
    status, out, _ = shop.schema("reset", "shop/items", "--yes")
    assert status == 1
    assert "Rename or drop it" in out
    assert len(warehouse.rows()) == 2


@pytest.mark.slow
def test_reset_names_a_view_that_needs_the_table(shop: Shop, warehouse: Warehouse) -> None:
    if warehouse.is_duckdb:
        pytest.skip("a view of DuckDB needs no table")
    warehouse.run("CREATE VIEW shop.w AS SELECT v FROM shop.items")
    status, out, _ = shop.schema("reset", "shop", "--yes")
    first, second, *_ = out.splitlines()
    assert status == 1
    assert first.startswith("shop/items: the table cannot be dropped (")
    assert first.endswith("Drop what needs it, then reset again")
    assert second.endswith("with 2 rows dropped")
    assert len(warehouse.rows()) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nothing", "no source 'nothing'; known: "),
        ("shop/nothing", "shop has no resource 'nothing'; known: items, days"),
    ],
)
def test_an_unknown_name_is_wrong_usage(shop: Shop, place: str, message: str) -> None:
    status, out, err = shop.schema("diff", place)
    assert (status, out) == (2, "")
    assert err.startswith(message)


@pytest.mark.slow
def test_no_secret_is_printed(
    shop: Shop, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    if warehouse.is_duckdb:
        pytest.skip("a DuckDB file has no password")
    address = "postgresql://me:hunter2-secret@127.0.0.1:1/nowhere"
    for name, value in pg.settings(address).items():
        monkeypatch.setenv(name, value)
    status, out, err = shop.schema("diff", "shop")
    assert (status, out) == (2, "")
    assert "hunter2" not in err
    assert err.startswith("shop: looking at the warehouse failed")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_changes_wait_for_loads(shop: Shop, warehouse: Warehouse) -> None:
    """Another process holds the lock of the warehouse, as a load does."""
    if not isinstance(warehouse.place, Path):
        pytest.skip("the lock of PostgreSQL is tested with parallel loads")
    done = threading.Event()
    lock = FileLock(f"{warehouse.place}.lock", thread_local=False)

    def reset() -> None:
        main(["schema", "reset", "shop/items", "--yes"])
        done.set()

    with lock:
        thread = threading.Thread(target=reset)
        thread.start()
        assert not done.wait(0.3)
        assert len(warehouse.rows()) == 2
    thread.join()
    assert done.is_set()
    assert warehouse.query("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'items'") == [
        (0,)
    ]

"""README, the catalog reference and the examples are true.

Their commands run, their links lead to files, and the keys that they name exist.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from analytics_sync.catalog import load_catalog, load_file
from analytics_sync.cli import main
from analytics_sync_tests.commands.test_readme_commands import LOOKING
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.documents import (
    blocks,
    commands,
    run_script,
    script_of,
    write_commands,
)
from analytics_sync_tests.support.world import ROOT, World

README = (ROOT / "README.md").read_text(encoding="utf-8")
CATALOG = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "examples"
# Continuous integration, test_cli and commands/test_readme_commands run these.
ELSEWHERE = {
    "make demo",
    "make dev",
    "source .venv/bin/activate",
    *(f"analytics-sync {command}" for command in LOOKING),
}


def test_every_command_runs(world: World) -> None:
    todo = [c for c in commands(README) if c not in ELSEWHERE]
    assert len(todo) >= 14
    instance, shop, account, _ = blocks(README, "yaml")
    (world.home / "dagster.yaml").write_text(instance)
    (world.folder / "my_apis").mkdir()
    (world.folder / "my_apis" / "shop.yaml").write_text(shop)
    (world.folder / "my_apis" / "account.yaml").write_text(account)
    (world.folder / "workspace.yaml").write_text((ROOT / "workspace.yaml").read_text())
    shutil.copytree(EXAMPLES, world.folder / "examples")
    write_commands(world.folder / "bin")
    (world.folder / ".demo").mkdir()  # as make dev leaves it
    settings = "".join(f"{name}={value}\n" for name, value in world.sandbox.settings().items())
    (world.folder / ".demo" / "sandbox.env").write_text(settings)
    environment = {
        **os.environ,
        **world.environment,
        "ANALYTICS_SYNC__START_DATE": "2026-01-01",
        "PATH": f"{world.folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    status, output = run_script(script_of(todo), environment, world.folder)
    assert status == 0, output[-5000:]
    assert output.count("== ") >= len(todo)
    assert "SOURCES__OBSERVABILITY__BASE_URL" in output
    assert "source: helpdesk" in output
    assert "on: 403 at observability/incidents\n" in output
    assert re.search(r"^observability_eu +on +daily Europe/Berlin", output, re.MULTILINE)
    assert len(world.table("observability/dashboards")) == len(
        world.expected("observability/dashboards")
    )
    tried = world.folder / "try.duckdb"  # made-up rows have a warehouse of their own
    ((lines, with_order),) = duckdb_file.query(
        tried, "SELECT count(*), count(order_id) FROM shop.order_lines"
    )
    assert lines == with_order > 0
    tables = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'shop'"
    assert ("orders",) not in duckdb_file.query(tried, tables), "the last command resets it"
    assert "shop" not in {
        name for (name,) in world.query("SELECT schema_name FROM duckdb_schemas()")
    }


def test_the_example_is_the_file_that_the_readme_shows() -> None:
    assert (EXAMPLES / "shop.yaml").read_text(encoding="utf-8") == blocks(README, "yaml")[1]


def test_the_converted_example_is_read_like_any_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["convert", str(EXAMPLES / "rest_api_config.py"), "--name", "helpdesk"]) == 0
    converted = tmp_path / "helpdesk.yaml"
    converted.write_text(capsys.readouterr().out)
    source = load_file(converted)
    with World(tmp_path, {source.name: source}) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        done = world.run([str(r) for r in source.assets], world.start, world.end)
        assert done.success
        assert {str(r): bool(world.table(str(r))) for r in source.assets} == {
            "helpdesk/agents": True,
            "helpdesk/tickets": True,
            "helpdesk/ticket_comments": True,
        }


def test_links_and_places_exist() -> None:
    for place in re.findall(
        r"^\| `([^`]+)` \|", README.split("## Where things are")[1], re.MULTILINE
    ):
        assert (ROOT / place).exists(), place
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([\w-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_leads_to_every_page() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        name = page.relative_to(ROOT).as_posix()
        assert name == "README.md" or f"]({name})" in README, name


def test_the_settings_of_every_source_are_in_the_table() -> None:
    from analytics_sync.extract.rest_client.declared_settings import declared_settings

    for source in load_catalog().values():
        row = next(line for line in README.splitlines() if line.startswith(f"| `{source.name}` |"))
        for setting in declared_settings(source):
            name = setting.variable.split("__")[-1]
            if not name.endswith("_NAME") or name == "REPORT_NAME":
                assert f"`{name}`" in row, setting.variable


def declared_models(base: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    """The models of the catalog's vocabulary, wherever they are defined."""
    for model in base.__subclasses__():
        if model.__module__.startswith("analytics_sync.catalog.") and model.__name__[0] != "_":
            yield model
        yield from declared_models(model)


@pytest.mark.parametrize("model", [*declared_models()])
def test_the_reference_names_every_key(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        key = field.alias or name
        assert re.search(rf"\b{key}\b", CATALOG), (
            f"{model.__name__}.{key} is not in docs/catalog.md"
        )

"""``--json``: one document on standard output, whatever libraries print, and for failures too."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.cli import main
from analytics_sync.commands.parsers.command_line import command_line
from analytics_sync_tests.project.test_command_line import commands
from analytics_sync_tests.support.json_commands import result
from analytics_sync_tests.support.scripted_api import shop_api
from analytics_sync_tests.support.world import ROOT, World

_WITHOUT = {"demo", "dev", "convert", "infer", "json-schema", "completion"}
"""The commands that start programs, or write a file or a text of another kind."""
SHOP = """
source: shop
client: {base_url: https://api.shop.net}
resources:
  - {name: shops, primary_key: id, columns: {id: text}, endpoint: {path: /shops, paginator: single_page}}
"""
api = shop_api


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder := tmp_path / "catalog").mkdir()
    (file := folder / "shop.yaml").write_text(SHOP)
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    return file


def test_each_command_that_shows_data_has_a_document() -> None:
    def has_json(parser: argparse.ArgumentParser) -> bool:
        return any("--json" in action.option_strings for action in parser._actions)

    found = {name for name, parser in commands(command_line()) if has_json(parser)}
    assert found == set(dict(commands(command_line()))) - _WITHOUT


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        pytest.param(["list", "shop"], {"assets", "errors"}, marks=pytest.mark.slow),
        pytest.param(
            ["describe", "shop/shops"],
            {"asset", "request", "columns", "checks"},
            marks=pytest.mark.slow,
        ),
        (["check"], {"sources", "errors"}),
        (["settings", "shop"], {"settings", "missing", "hints", "errors"}),
        (["sources"], {"sources", "errors"}),
        pytest.param(["sources", "shop"], {"source", "values"}, marks=pytest.mark.slow),
        (["destinations"], {"destinations", "configured", "configured_type", "error"}),
        pytest.param(["lint", "shop"], {"defects", "resources"}, marks=pytest.mark.slow),
        pytest.param(["lint", "--rules"], {"rules"}, marks=pytest.mark.slow),
        pytest.param(["plan", "shop"], {"sources"}, marks=pytest.mark.slow),
        (["schema", "diff", "shop"], {"differences"}),
        (["schema", "heal", "shop"], {"tables", "next_steps"}),
        pytest.param(
            ["schema", "reset", "shop", "--dry-run"],
            {"tables", "next_steps"},
            marks=pytest.mark.slow,
        ),
        pytest.param(["alert-test"], {"receivers"}, marks=pytest.mark.slow),
    ],
)
@pytest.mark.usefixtures("shop")
def test_the_document_has_its_keys(
    arguments: list[str], keys: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = result(capsys, *arguments)
    assert keys <= set(found)


@pytest.mark.parametrize(
    "arguments",
    [["list", "nope"], ["settings", "nope"], ["sources", "nope"],
     *(pytest.param(words.split(), marks=pytest.mark.slow) for words in (
         "describe nope", "plan nope", "run nope", "lint nope", "preview nope", "check --live nope", "schema diff nope"))],
)  # fmt: skip
def test_wrong_usage_is_a_document_with_the_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 2
    printed = capsys.readouterr()
    assert "'nope'" in json.loads(printed.out)["error"]
    assert printed.err


def test_arguments_that_the_parser_refuses_have_no_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["list", "--nonsense", "--json"])
    assert (stopped.value.code, capsys.readouterr().out) == (2, "")


def test_the_check_of_files_says_what_is_wrong(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.with_name("other.yaml").write_text("source: [")
    status, found = result(capsys, "check", str(shop), str(shop.with_name("other.yaml")))
    assert status == 2
    assert [entry["source"] for entry in found["sources"]] == ["shop"]
    assert "other.yaml:2: not valid YAML" in found["errors"][0]
    shutil.copy(shop, shop.with_name("twin.yaml"))
    status, found = result(capsys, "check", str(shop), str(shop.with_name("twin.yaml")))
    assert status == 2
    assert "shop" in found["error"], "two files declare the source"


def test_what_is_printed_meanwhile_goes_to_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import sys\n"
        "from analytics_sync.commands import list_assets\n"
        "from analytics_sync.cli import main\n"
        "chosen = list_assets.chosen\n"
        "def loud(places):\n"
        "    print('a library says something')\n"
        "    return chosen(places)\n"
        "list_assets.chosen = loud\n"
        "sys.exit(main(['list', 'delivery/builds', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )  # fmt: skip
    assert json.loads(done.stdout)["assets"][0]["asset"] == "delivery/builds"
    assert done.stderr == "a library says something\n"


@pytest.mark.slow
def test_a_run_has_a_document(world: World) -> None:
    day = str(world.days[0])
    world.command("analytics-sync", "list", "delivery/builds")  # a process starts
    done: Any = subprocess.run(
        [sys.executable, "-m", "analytics_sync.cli", "run", "delivery/builds", "--days", day, "--json"],
        cwd=world.folder, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **world.environment, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert (done.returncode, found["failures"]) == (0, [])
    (entry,) = found["assets"]
    assert entry["asset"] == "delivery/builds"
    assert entry["rows_loaded"] == len(world.table("delivery/builds"))
    assert entry["checks"]["complete"]
    assert f"delivery/builds, {day}" in done.stderr, "the progress is beside the document"


def test_trouble_of_a_sandbox_has_a_document(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    url = world.sandbox.url
    status, found = result(capsys, "trouble", "403", "delivery/builds", "--url", url)
    assert status == 0
    assert [(t["kind"], t["place"]) for t in found["trouble"]] == [("403", "delivery/builds")]

"""The README tells the truth: its commands run, its links lead somewhere, its keys exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from analytics_sync.catalog import client, load_catalog, models, paginators, params
from analytics_sync_tests.support.world import ROOT, World

README = (ROOT / "README.md").read_text(encoding="utf-8")
CATALOG = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
# run by continuous integration, by test_cli and by whoever reads the README
ELSEWHERE = {"make demo", "make dev", "source .venv/bin/activate"}


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    """Every command of every shell block, in order, without comments."""
    lines = [line.split(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_every_command_runs(world: World) -> None:
    todo = [c for c in commands() if c not in ELSEWHERE]
    assert len(todo) >= 13
    bin_folder = world.folder / "bin"
    bin_folder.mkdir()
    modules = {"dagster": "-m dagster", "analytics-sync": "-m analytics_sync.cli", "python": ""}
    for name, module in modules.items():
        script = bin_folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        script.chmod(0o755)
    instance, shop = blocks("yaml")
    (world.home / "dagster.yaml").write_text(instance)
    (world.folder / "my_apis").mkdir()
    (world.folder / "my_apis" / "shop.yaml").write_text(shop)
    (world.folder / "workspace.yaml").write_text((ROOT / "workspace.yaml").read_text())
    lines = ["set -e"]
    for command in todo:
        lines += [f"echo '== {command.replace(chr(39), '')}'", command]
        if command.endswith("&"):  # the sandbox: wait until it answers
            lines += ["for i in $(seq 300); do", "  python -c \"import urllib.request as u; "
                      "u.urlopen('http://127.0.0.1:8765/_sandbox')\" 2>/dev/null && break", "done"]  # fmt: skip
    environment = {
        **os.environ,
        **world.environment,
        "ANALYTICS_SYNC__START_DATE": "2026-01-01",
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        env=environment, cwd=world.folder, text=True, timeout=300, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    assert done.stdout.count("== ") >= len(todo)
    assert "SOURCES__OBSERVABILITY__BASE_URL" in done.stdout
    assert len(world.table("observability/dashboards")) == len(
        world.expected("observability/dashboards")
    )
    assert world.query("SELECT count(*) FROM shop.orders")[0][0] > 0
    assert world.query("SELECT count(*) FROM shop.order_lines WHERE order_id IS NULL")[0][0] == 0


def test_links_and_places_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for place in re.findall(
        r"^\| `([^`]+)` \|", README.split("## Where things are")[1], re.MULTILINE
    ):
        assert (ROOT / place).exists(), place
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_settings_of_every_source_are_in_the_table() -> None:
    from analytics_sync.extract.rest_client.settings import declared_settings

    for source in load_catalog().values():
        row = next(line for line in README.splitlines() if line.startswith(f"| `{source.name}` |"))
        for setting in declared_settings(source):
            name = setting.variable.split("__")[-1]
            if not name.endswith("_NAME") or name == "REPORT_NAME":
                assert f"`{name}`" in row, setting.variable


@pytest.mark.parametrize(
    "model",
    [
        m
        for module in (models, client, params, paginators)
        for m in vars(module).values()
        if isinstance(m, type) and issubclass(m, BaseModel) and not m.__name__.startswith("_")
    ],
)
def test_the_reference_names_every_key(model: type[BaseModel]) -> None:
    for key in model.model_fields:
        assert re.search(rf"\b{key}\b", CATALOG), (
            f"{model.__name__}.{key} is not in docs/catalog.md"
        )


def test_a_fresh_reader_finds_no_machine_or_tool_of_ours() -> None:
    for path in [*ROOT.glob("*.md"), *Path(ROOT / "docs").glob("*.md"), ROOT / "Makefile"]:
        assert not re.search(r"/root/|/tmp/|/home/", path.read_text(encoding="utf-8")), path

"""A Dagster project of somebody else, with the wheel: every command and example of ``docs/embedding.md``.

In: a project as Dagster's scaffold makes it, in a fresh environment. Out: its definitions, and the rows of a run
against the sandbox.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
import yaml

from analytics_sync.catalog import load_catalog
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.fresh_environment import environment_with_wheel
from analytics_sync_tests.support.world import ROOT, World

DOCS = (ROOT / "docs/embedding.md").read_text(encoding="utf-8")
SHOP = ROOT / "examples/shop.yaml"
PYPROJECT = """\
[project]
name = "host"
version = "0.1.0"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "host"
"""
DEFINITIONS = """\
from pathlib import Path

from dagster import definitions, load_from_defs_folder


@definitions
def defs():
    return load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


def blocks(language: str) -> list[str]:
    """The examples of the documentation in one language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


class Project:
    """A project in a folder, and the environment that its commands run in."""

    def __init__(self, folder: Path, venv: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.defs = folder / "src/host/defs"
        kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        self.environment = kept | settings | {
            "PATH": f"{venv / 'bin'}:{kept['PATH']}", "VIRTUAL_ENV": str(venv), "PYTHONPATH": str(folder / "src"),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
        }  # fmt: skip

    def make(self) -> None:
        """Write the files that Dagster's scaffold of a project writes."""
        folder = self.folder
        package = folder / "src/host"
        (package / "defs").mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        for file in (package / "__init__.py", package / "defs/__init__.py"):
            file.touch()
        (package / "definitions.py").write_text(DEFINITIONS)

    def command(self, line: str, *, status: int = 0) -> str:
        """Run a command, and give its output."""
        done = subprocess.run(
            shlex.split(line), cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout[-4000:]
        return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and ``dg``."""
    return environment_with_wheel(tmp_path_factory.mktemp("environment"), "requirements-dg.txt")


@pytest.mark.slow
def test_the_wheel_in_a_fresh_dagster_project(environment: Path, tmp_path: Path) -> None:
    options = {"start": date(2026, 3, 1), "end": date(2026, 3, 4)}
    with World(tmp_path, load_catalog([SHOP]), **options) as world:
        project = Project(tmp_path / "host", environment, world.environment)
        project.make()
        scaffold, *commands = [line for block in blocks("sh") for line in block.splitlines()]
        project.command(scaffold)
        made = project.defs / "shop"
        assert sorted(f.name for f in made.iterdir()) == ["defs.yaml", "shop.yaml"]
        assert "All definitions loaded" in project.command("dg check defs")
        (attributes,) = blocks("yaml")
        written = yaml.safe_load((made / "defs.yaml").read_text())
        assert yaml.safe_load(attributes)["attributes"] | written["attributes"] == yaml.safe_load(attributes)["attributes"]  # fmt: skip
        (made / "defs.yaml").write_text(attributes)
        shutil.copy(SHOP, made / "shop.yaml")
        said = {line: project.command(line) for line in commands}
        assert "analytics_sync.RestSource" in said["dg list components"]
        assert "raw/shop/orders" in said["dg list defs"]
        rows = duckdb_file.table(world.warehouse, "shop/orders")
        expected = world.expected("shop/orders", date(2026, 3, 2), date(2026, 3, 3))
        assert {row["id"] for row in rows} == {record["id"] for record in expected} != set()
        _check_mistakes(project, made)
        _check_function(project)


def _check_mistakes(project: Project, made: Path) -> None:
    """Mistakes are named with their line."""
    right = (made / "defs.yaml").read_text()
    (made / "defs.yaml").write_text(right.replace("  group:", "  groupe_:"))
    assert re.search(
        r"defs\.yaml:6.*groupe_", project.command("dg check yaml", status=1), re.DOTALL
    )
    (made / "defs.yaml").write_text(right.replace("2026-03-01", "2026-33-01"))
    said = project.command("dg check defs", status=1)
    assert re.search(r"defs\.yaml:9.*expected a day", said, re.DOTALL)
    (made / "defs.yaml").write_text(right)
    (made / "shop.yaml").write_text(
        SHOP.read_text().replace("primary_key: id,", "primary_kee: id,")
    )
    assert re.search(r"shop\.yaml:6: .*primary_kee", project.command("dg check defs", status=1))
    shutil.rmtree(made)


def _check_function(project: Project) -> None:
    """The example of the function is the whole of ``definitions.py``."""
    (example,) = blocks("python")
    (project.defs.parent / "definitions.py").write_text(example)
    billing = project.folder / "catalog/billing"
    billing.mkdir(parents=True)
    shutil.copy(SHOP, billing.parent / "shop.yaml")
    (billing / "billing.yaml").write_text(
        SHOP.read_text().replace("source: shop", "source: billing")
    )
    listed = project.command("dg list defs")
    assert all(key in listed for key in ("raw/shop/orders", "billing/orders", "sync_billing"))


@pytest.mark.slow
def test_dg_works_in_this_project(environment: Path, tmp_path: Path) -> None:
    """``[tool.dg]`` names the code location of this package."""
    with World(tmp_path) as world:
        project = Project(tmp_path / "copy", environment, world.environment)
        shutil.copytree(ROOT / "analytics_sync", tmp_path / "copy/analytics_sync")
        shutil.copy(ROOT / "pyproject.toml", tmp_path / "copy")
        assert "observability/incidents" in project.command("dg list defs --json")
        assert "validated" in project.command("dg check yaml")
        assert "All definitions loaded" in project.command("dg check defs")
        project.command("dg launch --assets delivery/projects")
        assert len(world.table("delivery/projects")) == len(world.expected("delivery/projects")) > 0

"""Broken catalog files: the other sources load, and the broken file is seen in the UI with its message.

In: a folder with a good file and one that does not load, or two that take one name. Out: the definitions
of the code location, a run of the broken file's job, and what the command line says.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, Definitions
from dagster._core.definitions.utils import DISALLOWED_NAMES

from analytics_sync.catalog import configured, load_text, loader
from analytics_sync.catalog.configured import configured_catalog
from analytics_sync.catalog.naming import problem_of_name
from analytics_sync.cli import main
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import step_failure
from analytics_sync_tests.support.scripted_api import item
from analytics_sync_tests.support.world import World

SHIPPED = {"observability", "product_guidance", "ci_pipelines", "customer_data", "delivery"}


def good(name: str = "good", **keys: Any) -> str:
    """The text of a catalog file, with a line for each key."""
    return json.dumps({"source": name, "client": {}, "resources": [item()], **keys}, indent=0)


# the way in which the file wrong.yaml is made -> the message of its error
BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "unknown key": (lambda p: p.write_text(good("wrong").replace("primary_key", "primary_kee")), "primary_kee: unknown key"),
    "no YAML": (lambda p: p.write_text("source: [\n"), "not valid YAML"),
    "no UTF-8": (lambda p: p.write_bytes(b"source: sh\xf6p\n"), "cannot be read"),
    "empty": (lambda p: p.write_text(""), "expected a mapping"),
    "null byte": (lambda p: p.write_bytes(b"source: a\0b\n"), "not valid YAML"),
    "two documents": (lambda p: p.write_text(f"{good('wrong')}\n---\n{good('more')}"), "not valid YAML"),
    "reserved name": (lambda p: p.write_text(good("public")), "is reserved"),
    "a keyword": (lambda p: p.write_text(good("class")), "source name 'class': Dagster reserves this word"),
    "a secret": (lambda p: p.write_text(good(client={"auth": {"token": "sk_live_51H8xT2eZvKYlo2C"}})), "wrong.yaml"),
    "a folder": (lambda p: p.mkdir(), "is no regular file"),
    "a FIFO": (lambda p: os.mkfifo(p), "is no regular file"),
    "a link to nothing": (lambda p: p.symlink_to("gone.yaml"), "there is no such file"),
    "a circle of links": (lambda p: p.symlink_to("wrong.yaml"), "Too many levels of symbolic links"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of catalog files, with a good one."""
    (folder := tmp_path / "catalog").mkdir()
    (folder / "good.yaml").write_text(good())
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    return folder


def definitions() -> Definitions:
    """The definitions of the code location."""
    catalog = configured_catalog()
    return build_definitions(catalog.sources, catalog.broken)


def groups(defs: Definitions) -> set[str]:
    return {str(spec.group_name) for spec in defs.resolve_all_asset_specs()}


def broken_assets(defs: Definitions) -> dict[str, str]:
    """The name of each broken file, and the description of its asset."""
    return {
        spec.key.path[0]: str(spec.description)
        for spec in defs.resolve_all_asset_specs()
        if spec.key.path[-1] == "catalog_file"
    }


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_takes_only_itself_down(
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    make, message = BROKEN[kind]
    make(folder / "wrong.yaml")
    catalog = configured_catalog()
    assert set(catalog.sources) == {"good", *SHIPPED}
    (broken,) = catalog.broken
    assert broken.name == "wrong"
    assert message in str(broken.error)
    assert "wrong.yaml" in str(broken.error)
    assert "sk_live" not in str(broken.error)
    assert "catalog file does not load" not in caplog.text
    assert main(["check"]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"{broken.error}\n"
    assert "good.yaml: good: 1 assets" in printed.out, "the other files are checked, too"


def test_a_broken_file_is_an_asset_that_fails(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "wrong.yaml").write_text(good("shop").replace("primary_key", "primary_kee"))
    defs = definitions()
    assert groups(defs) == {"good", "shop", *SHIPPED}
    (description,) = broken_assets(defs).values()
    message = "wrong.yaml:7: resource 'items': primary_kee: unknown key"
    assert message in description
    assert [m for m in caplog.messages if message in m], "the command line says so, too"
    result = defs.resolve_job_def("sync_shop").execute_in_process(raise_on_error=False)
    assert not result.success
    assert message in step_failure(result).description
    everything = defs.resolve_job_def("sync_everything").asset_layer
    assert AssetKey(["shop", "catalog_file"]) in everything.executable_asset_keys
    schedule = defs.resolve_schedule_def("daily_shop")
    assert schedule.job_name == "sync_shop", "a schedule that was switched on fails each night"
    assert schedule.default_status.value == "STOPPED"


def test_hidden_files_and_other_files_are_not_read(folder: Path) -> None:
    for name in (".wrong.yaml", "._good.yaml", "notes.txt", "x.yamml", "good.yaml~"):
        (folder / name).write_text("source: [")
    (folder / ".#good.yaml").symlink_to("me@host.123")  # an editor's lock
    assert broken_assets(definitions()) == {}


# files by name -> sources that load, and broken files with a part of each message
CLASHES: dict[str, tuple[dict[str, str], set[str], dict[str, str]]] = {
    "two files of one source": (
        {"a.yaml": good("shop"), "b.yaml": good("shop")},
        set(),
        {"shop": "a.yaml:2: source 'shop' is declared in b.yaml:2 too", "b": "b.yaml:2: source 'shop' is declared in a.yaml:2 too"},
    ),
    "two names of one dataset": (
        {"a.yaml": good("my__shop"), "b.yaml": good("my_shop"), "c.yaml": good("other")},
        {"other"},
        {"my__shop": "are both the dataset 'my_shop'", "my_shop": "are both the dataset 'my_shop'"},
    ),
    "the name of a file that ships": (
        {"a.yaml": good("delivery")}, set(), {"a": "source 'delivery' is declared in"},
    ),
    "a file and a source that ships": (
        {"delivery.yaml": good("delivery")}, set(), {"delivery_2": "source 'delivery' is declared in"},
    ),
    "a job of the project": ({"a.yaml": good("everything")}, set(), {"a": "is the project's own"}),
    "a file that is wrong has no names": (
        {"a.yaml": good("shop").replace("primary_key", "x"), "shop.yaml": good("shop")}, {"shop"}, {"a": "unknown key"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CLASHES)
def test_of_two_files_with_one_name_neither_loads_but_those_that_ship(
    folder: Path, case: str
) -> None:
    files, loaded, messages = CLASHES[case]
    for name, text in files.items():
        (folder / name).write_text(text)
    catalog = configured_catalog()
    assert set(catalog.sources) == {"good", *loaded, *SHIPPED}
    found = {broken.name: str(broken.error).replace("catalog/", "") for broken in catalog.broken}
    assert found.keys() == messages.keys()
    for name, message in messages.items():
        assert message in found[name]


def test_a_file_that_ships_may_be_broken_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(loader.BUILTIN, shipped := tmp_path / "sources")
    (shipped / "delivery.yaml").write_text("source: delivery\nclient: {}\n")
    for module in (loader, configured):
        monkeypatch.setattr(module, "BUILTIN", shipped)
    defs = definitions()
    assert groups(defs) == {"good", *SHIPPED}
    assert set(broken_assets(defs)) == {"delivery"}


@pytest.mark.parametrize("kind", ["nothing", "a file"])
def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    folder = tmp_path / "gone"
    if kind == "a file":
        folder.write_text("")
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    for command in ("check", "settings"):
        assert main([command]) == 2
        (message,) = capsys.readouterr().err.splitlines()
        assert message.startswith(f"ANALYTICS_SYNC__CATALOG_DIR: the folder {str(folder)!r} cannot")
    defs = definitions()
    assert groups(defs) == {"catalog_dir", *SHIPPED}
    assert "ANALYTICS_SYNC__CATALOG_DIR" in broken_assets(defs)["catalog_dir"]


def test_a_name_that_is_too_long_for_postgresql_takes_its_source_down(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "long.yaml").write_text(good("long", resources=[item(name="x" * 64)]))
    assert broken_assets(definitions()) == {}
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    defs = definitions()
    assert groups(defs) == {"good", "long", *SHIPPED}
    assert "at most 63" in broken_assets(defs)["long"]


@pytest.mark.slow
def test_the_command_line_loads_the_others_and_says_what_is_broken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := world.folder / "catalog").mkdir()
    (folder / "wrong.yaml").write_text("source: [\n")
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    module = ("-m", "analytics_sync.definitions")
    said = world.command("dagster", "definitions", "validate", *module)
    assert "catalog/wrong.yaml:2: not valid YAML" in said
    select = ("dagster", "asset", "materialize", "--select")
    said = world.command(*select, "observability/dashboards", *module)
    assert "catalog/wrong.yaml:2: not valid YAML" in said
    both = "key:wrong/catalog_file or key:observability/incidents"
    days = ("--partition-range", f"{world.days[0]}...{world.days[1]}")
    said = world.command(*select, both, *days, *module, status=None)
    assert "Materialization failed" in said
    assert world.table("observability/incidents")


def test_definitions_that_cannot_be_built_take_their_source_down() -> None:
    """The loader refuses such a name. Dagster may refuse more than it does."""
    sources = {
        name: load_text(good(name), name=name, file=f"{name}.yaml") for name in ("one", "two")
    }
    defs = build_definitions({**sources, "one": replace(sources["one"], name="config")})
    (description,) = broken_assets(defs).values()
    assert (
        "one.yaml:2: the definitions cannot be built: DagsterInvalidDefinitionError: "
        in description
    )
    assert "two" in groups(defs)


def test_every_name_that_dagster_reserves_is_refused(folder: Path) -> None:
    for name in (*DISALLOWED_NAMES, "default"):
        assert bool(problem_of_name(name)) == (name != "default")

"""Tests of the house rules: links, make targets, docstrings, sizes, names, and traces of a machine."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_sync_tests.support.world import ROOT

MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 350
PACKAGE = sorted((ROOT / "analytics_sync").rglob("*.py"))
TESTS = sorted((ROOT / "analytics_sync_tests").rglob("*.py"))
MARKDOWN = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")]
)  # fmt: skip
NO_CONTRACT = {"__init__.py", "__main__.py"}
# A character class in each pattern keeps this file from matching itself.
HOSTS = re.compile(r"p[y]pi\.org|p[y]thonhosted|[a]naconda\.org|n[p]mjs|[d]ocker\.io|[g]hcr\.io")
MACHINE_PATHS = re.compile(r"/(?:[r]oot|[h]ome|[w]ork|[U]sers|[o]pt|[m]nt|[t]mp)/")
# These payloads try to write to the temporary folder, and this file looks whether they did.
HOSTILE = {"hostile_payloads.py", "hostile_warehouse.py"}
SETTINGS = {"catalog_dir", "destination", "journal_dir", "start_date"}
CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "time", "time_ns"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    """The path below the root, for messages."""
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Name and text of each file that git tracks; pictures and pins are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if path.is_file() and path.suffix != ".png" and not name.endswith(".txt"):
            yield name, path.read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", MARKDOWN, ids=name_of)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place) if place else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", MARKDOWN, ids=name_of)
def test_every_named_file_exists(page: Path) -> None:
    """Such as `load/clients/merge_sql.py`, below the root, the package or its tests."""
    for named in re.findall(r"`([\w./*-]+\.py)`", page.read_text(encoding="utf-8")):
        roots = (ROOT, ROOT / "analytics_sync", ROOT / "analytics_sync_tests")
        assert any(any(root.glob(named)) for root in roots) or named == "FILE.py", named


def unknown_part(dotted: str) -> str:
    """The part of a dotted name that neither a module nor a line of that module has; or no text."""
    place, parts = ROOT, dotted.split(".")
    if len(parts) == 2 and parts[1] in SETTINGS:
        return ""
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    module = place / f"{parts[0]}.py" if parts else place / "__init__.py"
    if parts and module.exists():
        parts.pop(0)
    elif parts:
        module = place / "__init__.py"
    text = module.read_text(encoding="utf-8")
    return next((part for part in parts if not re.search(rf"\b{part}\b", text)), "")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="without git")
def test_every_dotted_name_in_a_text_exists() -> None:
    """Also in strings and docs, which no type checker reads."""
    found = {
        (name, dotted)
        for name, text in tracked_texts()
        if Path(name).suffix in {".py", ".md", ".toml", ".yaml", ".yml"}
        for dotted in re.findall(r"\banalytics_sync(?:\.[a-z]\w*)+", text)
    }
    assert {(name, dotted) for name, dotted in found if unknown_part(dotted)} == set()


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]*):(?!=)(.*)$", makefile, re.MULTILINE)
    assert len(targets) >= 13
    assert [name for name, rest in targets if not re.search(r"## \w", rest)] == []
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == {name for name, _ in targets}


@pytest.mark.skipif(shutil.which("make") is None, reason="without make")
def test_make_alone_lists_the_targets() -> None:
    command = ["make", "--no-print-directory"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "make help" in done.stdout
    assert "make test-all" in done.stdout


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="without git")
def test_no_file_names_a_package_index_or_a_path_of_a_machine() -> None:
    found = []
    for name, text in tracked_texts():
        found += [(name, match[0]) for match in HOSTS.finditer(text)]
        if Path(name).name not in HOSTILE:
            found += [(name, match[0]) for match in MACHINE_PATHS.finditer(text)]
    assert found == []


def test_every_module_says_what_goes_in_and_what_comes_out() -> None:
    modules = [path for path in PACKAGE if path.name not in NO_CONTRACT]
    docstrings = {name_of(path): ast.get_docstring(tree_of(path)) or "" for path in modules}
    assert [name for name, doc in docstrings.items() if "In:" not in doc or "Out:" not in doc] == []
    assert all(ast.get_docstring(tree_of(path)) for path in PACKAGE)


def test_files_and_functions_are_small() -> None:
    long_files = [
        (name_of(path), count)
        for path in PACKAGE
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    ]
    long_functions = [
        (f"{name_of(path)}:{node.name}", count)
        for path in PACKAGE
        for node in ast.walk(tree_of(path))
        if isinstance(node, Function)
        and (count := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert (long_files, long_functions) == ([], [])


def test_no_two_public_classes_share_a_name() -> None:
    places = defaultdict(list)
    for path in PACKAGE:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name_of(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_method_of_a_library_is_replaced() -> None:
    ignored = "method" + "-assign"
    assert [name_of(p) for p in PACKAGE if ignored in p.read_text(encoding="utf-8")] == []


def asserted_durations(path: Path) -> Iterator[str]:
    """Assertions on the difference of two readings of a clock, such as ``monotonic() - begun < 5``."""
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Assert):
            continue
        for part in ast.walk(node.test):
            if (
                isinstance(part, ast.BinOp)
                and isinstance(part.op, ast.Sub)
                and isinstance(part.left, ast.Call)
                and ast.unparse(part.left.func).rpartition(".")[2] in CLOCKS
            ):
                yield f"{name_of(path)}:{node.lineno}"


def test_tests_measure_behaviour_and_not_time() -> None:
    assert [place for path in TESTS for place in asserted_durations(path)] == []


def test_the_licence_is_the_declared_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["authors"] == [{"name": "The analytics_sync authors"}]
    assert (ROOT / "analytics_sync" / "py.typed").exists()
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "The analytics_sync authors" in licence


def test_the_changelog_has_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert headings[1].split(" - ")[0] == project["version"]


def test_decisions_are_numbered_and_whole() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(r.name[:4]) for r in records] == list(range(len(records)))
    for record in records:
        headings = re.findall(r"^## (.+)$", record.read_text(encoding="utf-8"), re.MULTILINE)
        expected = ["Context", "Decision", "Consequences", "Alternatives rejected"]
        assert headings == expected, record.name


def test_every_error_has_a_remedy() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    modules = ["common/errors.py", "load/errors.py", "catalog/errors.py"]
    errors = [
        node.name
        for module in modules
        for node in ast.walk(tree_of(ROOT / "analytics_sync" / module))
        if isinstance(node, ast.ClassDef) and node.bases
    ]
    assert len(errors) >= 9
    assert [name for name in errors if f"`{name}`" not in operations] == []

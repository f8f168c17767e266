"""Tests of the pinned requirements: one version a line, with hashes, without a package index."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from analytics_sync_tests.support.world import ROOT

FILES = [
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-audit.txt",
    "requirements-bench.txt",
    "requirements-deploy.txt",
]
# Pins of an environment of its own.
DG = "requirements-dg.txt"
DEPLOY = ["postgres", "mariadb", "redis", "dagster-postgres", "celery", "kubernetes"]
# The installer itself, before all others.
PIP = "requirements-pip.txt"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
# Requirements file -> the extras of the package that the file pins.
EXTRAS = {
    "requirements.txt": ["postgres"],
    "requirements-dev.txt": [*DEPLOY, "dev"],
    "requirements-audit.txt": ["audit"],
    "requirements-bench.txt": ["bench"],
    "requirements-deploy.txt": DEPLOY,
    DG: ["postgres", "dg"],
}
# Requirements of the programs that benchmarks compare with; each has its own environment.
PEERS = [
    "benchmarks/harness/requirements-airbyte.txt",
    "benchmarks/harness/requirements-singer.txt",
]
PIN = re.compile(
    r"([a-z0-9][a-z0-9._-]*)==([0-9][A-Za-z0-9.+!]*)( ; [^\\]+?)?((?: --hash=sha256:[0-9a-f]{64})+)"
)


def lines(file: str) -> list[str]:
    """The requirements of a file, each joined to one line."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return [" ".join(line.split()) for line in text.replace("\\\n", " ").splitlines()]


def pins(file: str) -> dict[str, str]:
    """The pinned packages of a file: name -> version."""
    matches = [PIN.fullmatch(line) for line in lines(file)]
    return {match[1]: match[2] for match in matches if match}


def name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


@pytest.mark.parametrize("file", [*FILES, DG, *PEERS])
def test_every_line_is_one_version_with_hashes(file: str) -> None:
    assert len(lines(file)) > 30
    matches = [PIN.fullmatch(line) for line in lines(file)]
    assert [line for line, match in zip(lines(file), matches, strict=True) if not match] == []
    # A package may have several lines: one version for each Python version.
    assert len({(match[1], match[3]) for match in matches if match}) == len(lines(file))


@pytest.mark.parametrize(
    "file",
    [*FILES, PIP, DG, *PEERS, "requirements.in", "requirements-pip.in", "pyproject.toml"],
)
def test_no_index_and_no_host_is_named(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host|\bfile:|@ |\bgit\+", text)


def test_pip_is_pinned_alone() -> None:
    assert [line.split("==")[0] for line in lines(PIP)] == ["pip"]
    assert all(PIN.fullmatch(line) for line in lines(PIP))


@pytest.mark.parametrize("file", [*FILES, DG])
def test_direct_dependencies_are_pinned(file: str) -> None:
    extras = [r for extra in EXTRAS[file] for r in PROJECT["optional-dependencies"][extra]]
    assert {name(r) for r in [*PROJECT["dependencies"], *extras]} <= pins(file).keys()


def test_some_file_pins_every_extra() -> None:
    assert {e for extras in EXTRAS.values() for e in extras} == set(PROJECT["optional-dependencies"])  # fmt: skip


def test_files_agree_about_versions() -> None:
    """All files are installed into one environment."""
    versions: dict[str, str] = {}
    for file in [*FILES, PIP]:
        for package, version in pins(file).items():
            assert versions.setdefault(package, version) == version, (file, package)


def test_every_direct_dependency_has_a_comment_with_its_purpose() -> None:
    extras = [r for requirements in PROJECT["optional-dependencies"].values() for r in requirements]
    for requirement in [*PROJECT["dependencies"], *extras]:
        comment = re.search(rf'^ +"{re.escape(requirement)}", +# (.+)$', PYPROJECT, re.MULTILINE)
        assert comment is not None, requirement
        assert len(comment[1].split()) >= 2, requirement


def test_pip_installs_only_packages_with_a_pinned_hash() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    # test-latest is about packages that are not pinned, in an environment of its own
    latest = [line for line in installs if "$(LATEST)" in line]
    assert [line for line in latest if "--no-deps" not in line] == [
        line for line in latest if line.endswith("--upgrade $(NEWEST)")
    ]
    installs = [line for line in installs if line not in latest]
    # An image installs requirements-deploy.txt. pip and this package have lines of their own, in each of
    # two environments.
    assert len(installs) == len([*FILES, DG]) - 1 + 2 * 2
    for line in installs:
        assert "--no-deps" in line
        assert "--require-hashes" in line or "--no-build-isolation -e ." in line
    compiles = [line for line in makefile.splitlines() if "pip compile" in line]
    assert {line.split()[-1] for line in compiles} == {*FILES, PIP, DG, *PEERS}
    assert all("--generate-hashes" in line for line in compiles)


FOUND = "Found 1 known vulnerability in 1 package\nName Version ID\nx 1 X-1"
# Name -> output and exit status of pip-audit, exit status of ``make audit``, text in its output.
AUDITS = {
    "clean": ("No known vulnerabilities found", 0, 0, "No known vulnerabilities found"),
    "found": (FOUND, 1, 2, "X-1"),
    "found, and an error": (f"{FOUND}\nfixed a ConnectionError", 1, 2, "X-1"),
    "no network": ("requests.exceptions.ConnectionError: no route", 1, 0, "not audited"),
    "an unusable response": ("pip_audit._service.interface.ServiceError", 1, 0, "not audited"),
    "a wrong file": ("ERROR: requirement has no hash", 1, 2, "has no hash"),
    "not in the database": ("ERROR:pip_audit._cli:x: could not be audited", 1, 2, "x: could not"),
}


@pytest.mark.skipif(shutil.which("make") is None, reason="without make")
@pytest.mark.parametrize("case", AUDITS)
def test_an_audit_without_the_database_says_so(case: str, tmp_path: Path) -> None:
    output, status, expected, shown = AUDITS[case]
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "pip-audit"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit {status}\n")
    script.chmod(0o755)
    # Make finds these files and therefore installs nothing.
    for stamp in ("bin/python", ".pip", ".runtime", ".audit"):
        (tmp_path / stamp).touch()
    command = ["make", "--no-print-directory", "audit", f"VENV={tmp_path}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert shown in done.stdout
    assert ("not audited" in done.stdout) == (shown == "not audited")
    assert shown != "not audited" or len(done.stdout.splitlines()) == 1

"""What is installed is what was pinned: one version a line, with hashes, from wherever pip looks."""

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
]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
# which extras are pinned in which file
EXTRAS = {
    "requirements.txt": ["postgres"],
    "requirements-dev.txt": ["postgres", "dev"],
    "requirements-audit.txt": ["audit"],
    "requirements-bench.txt": ["bench"],
}
# of other programs, each in an environment of its own
PEERS = [
    "benchmarks/harness/requirements-airbyte.txt",
    "benchmarks/harness/requirements-singer.txt",
]
PIN = re.compile(
    r"([a-z0-9][a-z0-9._-]*)==([0-9][A-Za-z0-9.+!]*)( ; [^\\]+?)?((?: --hash=sha256:[0-9a-f]{64})+)"
)


def lines(file: str) -> list[str]:
    """The requirements of a file, each in one line."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return [" ".join(line.split()) for line in text.replace("\\\n", " ").splitlines()]


def pins(file: str) -> dict[str, str]:
    found = [PIN.fullmatch(line) for line in lines(file)]
    return {match[1]: match[2] for match in found if match}


def name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


@pytest.mark.parametrize("file", [*FILES, *PEERS])
def test_every_line_is_one_version_with_hashes(file: str) -> None:
    assert len(lines(file)) > 30
    matches = [PIN.fullmatch(line) for line in lines(file)]
    assert [line for line, match in zip(lines(file), matches, strict=True) if not match] == []
    # a package may need one version for each Python
    assert len({(match[1], match[3]) for match in matches if match}) == len(lines(file))


@pytest.mark.parametrize("file", [*FILES, *PEERS, "requirements.in", "pyproject.toml"])
def test_no_index_and_no_host_is_named(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host|\bfile:|@ |\bgit\+", text)


@pytest.mark.parametrize("file", FILES)
def test_direct_dependencies_are_pinned(file: str) -> None:
    extras = [r for extra in EXTRAS[file] for r in PROJECT["optional-dependencies"][extra]]
    assert {name(r) for r in [*PROJECT["dependencies"], *extras]} <= pins(file).keys()


def test_every_extra_is_pinned_somewhere() -> None:
    assert {e for extras in EXTRAS.values() for e in extras} == set(PROJECT["optional-dependencies"])  # fmt: skip


def test_files_agree_about_versions() -> None:
    """They go into one environment."""
    versions: dict[str, str] = {}
    for file in FILES:
        for package, version in pins(file).items():
            assert versions.setdefault(package, version) == version, (file, package)


def test_every_direct_dependency_says_what_it_is_for() -> None:
    extras = [r for requirements in PROJECT["optional-dependencies"].values() for r in requirements]
    for requirement in [*PROJECT["dependencies"], *extras]:
        said = re.search(rf'^ +"{re.escape(requirement)}", +# (.+)$', PYPROJECT, re.MULTILINE)
        assert said is not None, requirement
        assert len(said[1].split()) >= 2, requirement


def test_pip_takes_only_what_has_a_pinned_hash() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert len(installs) == len(FILES) + 1
    for line in installs:
        assert "--no-deps" in line
        assert "--require-hashes" in line or "--no-build-isolation -e ." in line
    compiles = [line for line in makefile.splitlines() if "pip compile" in line]
    assert [line.split()[-1] for line in compiles] == [*FILES, *PEERS]
    assert all("--generate-hashes" in line for line in compiles)


FOUND = "Found 1 known vulnerability in 1 package\nName Version ID\nx 1 X-1"
AUDITS = {
    "clean": ("No known vulnerabilities found", 0, 0, "No known vulnerabilities found"),
    "found": (FOUND, 1, 2, "X-1"),
    "found, and an error": (f"{FOUND}\nfixed a ConnectionError", 1, 2, "X-1"),
    "no network": ("requests.exceptions.ConnectionError: no route", 1, 0, "not audited"),
    "an answer that is none": ("pip_audit._service.interface.ServiceError", 1, 0, "not audited"),
    "a wrong file": ("ERROR: requirement has no hash", 1, 2, "has no hash"),
    "not in the database": ("ERROR:pip_audit._cli:x: could not be audited", 1, 2, "x: could not"),
}


@pytest.mark.skipif(shutil.which("make") is None, reason="without make")
@pytest.mark.parametrize("case", AUDITS)
def test_an_audit_that_asked_nobody_says_so(case: str, tmp_path: Path) -> None:
    said, status, expected, shown = AUDITS[case]
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "pip-audit"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {status}\n")
    script.chmod(0o755)
    for made in ("bin/python", ".runtime", ".audit"):  # so that make has nothing to set up
        (tmp_path / made).touch()
    command = ["make", "--no-print-directory", "audit", f"VENV={tmp_path}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert shown in done.stdout
    assert ("not audited" in done.stdout) == (shown == "not audited")
    assert shown != "not audited" or len(done.stdout.splitlines()) == 1

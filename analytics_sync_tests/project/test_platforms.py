"""Where the package runs: the metadata, and the refusal of Windows."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.specifiers import SpecifierSet

from analytics_sync_tests.support.world import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]
SENTENCE = "analytics_sync runs on Linux and macOS, not on Windows: use WSL 2 or a container.\n"


@pytest.mark.parametrize(
    "module", ["analytics_sync.definitions", "analytics_sync.cli", "analytics_sync.event_log"]
)
def test_windows_is_refused_with_one_sentence(module: str) -> None:
    """A process that takes itself for one on Windows, where there is no module ``fcntl``."""
    code = f"import sys; sys.platform = 'win32'; sys.modules['fcntl'] = None; import {module}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (1, "", SENTENCE)


def test_the_metadata_names_the_versions_and_systems() -> None:
    named = [c.rpartition(" :: ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c]
    assert named == VERSIONS
    assert [
        v for v in (*VERSIONS, "3.10", "3.15") if v in SpecifierSet(PROJECT["requires-python"])
    ] == VERSIONS
    systems = {c for c in PROJECT["classifiers"] if c.startswith("Operating System")}
    assert systems == {"Operating System :: MacOS", "Operating System :: POSIX :: Linux"}


def test_every_pinned_package_allows_these_versions() -> None:
    """Packages for other systems are not installed here, so that they are left out."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    names, refused = re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE), []
    for name in names:
        try:
            allowed = distribution(name).metadata.get("Requires-Python") or ""
        except PackageNotFoundError:
            continue
        refused += [
            (name, version) for version in VERSIONS if f"{version}.1" not in SpecifierSet(allowed)
        ]
    assert len(names) > 80
    assert not refused

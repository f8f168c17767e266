"""Diagnoses of the machine: Python, packages, Dagster's home, room on disks.

In: the process and its environment. Out: diagnoses. What the package was tested with stands in its metadata.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from analytics_sync.commands.doctor.diagnosis import Diagnosis, failed, ok, warning
from analytics_sync.load.clients.destination import configured_kind, duckdb_file
from analytics_sync.load.errors import LoadError

_PACKAGE = "analytics_sync"
_GIGABYTE = 1 << 30
_LITTLE_ROOM, _NO_ROOM = _GIGABYTE, _GIGABYTE // 10
_HOME = "DAGSTER_HOME"
_CREDENTIALS = re.compile(r"://[^\s/]*@")


def python() -> Iterator[Diagnosis]:
    """Whether the package takes this version of Python."""
    wanted, found = metadata(_PACKAGE)["Requires-Python"], platform.python_version()
    if SpecifierSet(wanted).contains(found, prereleases=True):
        yield ok("python", f"{found}, tested are {wanted}")
    else:
        yield failed("python", f"{found}, tested are {wanted}: install one of them.")


def packages() -> Iterator[Diagnosis]:
    """Whether the installed packages are those that the package was tested with."""
    wrong = 0
    for text in requires(_PACKAGE) or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name, wanted = requirement.name, requirement.specifier
        try:
            found = version(name)
        except PackageNotFoundError:
            wrong += 1
            yield failed(name, f"is not installed; tested is {wanted}: pip install '{text}'.")
            continue
        if not wanted.contains(found, prereleases=True):
            wrong += 1
            yield failed(name, f"{found}, tested is {wanted}: pip install '{text}'.")
    if not wrong:
        yield ok("packages", f"dagster {version('dagster')}, dlt {version('dlt')}, as tested")


def dagster_home() -> Iterator[Diagnosis]:
    """Whether Dagster can keep its history."""
    text = os.environ.get(_HOME, "").strip()
    if not text:
        yield warning(
            _HOME,
            "is not set: Dagster forgets runs when its process ends, and each command has a history of its own. "
            "Set it to the absolute path of a folder.",
        )
        return
    home = Path(text).expanduser()
    if not home.is_absolute():
        yield failed(_HOME, f"is {text!r}, and Dagster takes absolute paths only. Set such a path.")
    elif not home.is_dir():
        yield failed(_HOME, f"{home} is no folder: make it, or set {_HOME} to another one.")
    elif not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        yield failed(_HOME, f"{home} is not writable for this user: change its rights.")
    else:
        yield _instance(home)


def _instance(home: Path) -> Diagnosis:
    from dagster import DagsterInstance

    try:
        with DagsterInstance.get() as instance:
            count = instance.get_runs_count()
    except Exception as e:  # of any kind: its storage may be a server
        first_line = str(e).strip().partition("\n")[0] or type(e).__name__
        problem = _CREDENTIALS.sub("://***@", first_line)
        return failed(
            _HOME, f"{home}: Dagster cannot open it: {problem}. Look at its dagster.yaml."
        )
    return ok(_HOME, f"{home}, {count:,} runs")


def disks() -> Iterator[Diagnosis]:
    """Whether there is room for the warehouse, for temporary files and for Dagster's history."""
    places = {"temporary files": Path(tempfile.gettempdir())}
    if home := os.environ.get(_HOME):
        places["Dagster's history"] = Path(home)
    try:
        if configured_kind() == "duckdb":
            places["the warehouse"] = duckdb_file().parent
    except LoadError:  # another diagnosis names it
        pass
    for purpose, path in places.items():
        yield _room(purpose, existing(path))


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next((p for p in (path, *path.absolute().parents) if p.exists()), Path("/"))


def _room(purpose: str, path: Path) -> Diagnosis:
    free = shutil.disk_usage(path).free
    text = f"{free / _GIGABYTE:,.1f} GB are free in {path}, for {purpose}"
    if free < _NO_ROOM:
        return failed("disk", f"{text}: make room, or name another folder.")
    return warning("disk", f"{text}: that is little.") if free < _LITTLE_ROOM else ok("disk", text)

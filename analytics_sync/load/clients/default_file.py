"""The default place of the DuckDB file: one for a project, whatever folder a run starts from.

In: ``DAGSTER_HOME``, and the working folder. Out: the path of ``warehouse.duckdb``. A daemon, a UI and a
command line may run in different folders. With a Dagster home, the first load notes the place there, and
all later runs of this home meet the same file. Otherwise the file lies in the folder of the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from analytics_sync.load.errors import LoadError

DEFAULT_FILE = "warehouse.duckdb"
NOTE = "analytics_sync_warehouse.txt"
_SETTING = "DESTINATION__DUCKDB__CREDENTIALS"
_DAGSTER_TABLE = "[tool.dagster]"


def default_file() -> Path:
    """The absolute path of the default warehouse.

    Raises:
        LoadError: It does not exist, and the working folder has a file of this name: earlier versions
            took that one.
    """
    file = _noted() or project_folder() / DEFAULT_FILE
    here = Path.cwd() / DEFAULT_FILE
    if here != file and here.is_file() and not file.exists():
        raise LoadError(
            f"the warehouse {file} does not exist, and {here} does: earlier versions took the file of "
            f"the working folder. Move it (mv '{here}' '{file}'), or set {_SETTING}='{here}'."
        )
    return file


def note_default_file() -> None:
    """Note the place in Dagster's home, so that runs from other folders meet the same file."""
    note = _note()
    if note is None or _noted() is not None:
        return
    file = default_file()
    try:
        with note.open("x", encoding="utf-8") as output:
            output.write(f"{file}\n")
    except OSError:
        return  # another run was first, or the home is read-only: then the project's folder counts


def file_left_behind() -> Path | None:
    """A file of the default name in the working folder that is not the warehouse; None without one."""
    here = Path.cwd() / DEFAULT_FILE
    return here if here.is_file() and not here.samefile(default_file()) else None


def project_folder() -> Path:
    """The folder of the project: the nearest one that is marked as such, else the working folder.

    ``DLT_PROJECT_DIR`` names it. Otherwise it has a ``workspace.yaml``, a ``pyproject.toml`` for Dagster
    or a folder ``.dlt``.
    """
    here = Path.cwd()
    if named := os.environ.get("DLT_PROJECT_DIR"):
        return here / named
    return next((folder for folder in _own_folders(here) if _is_project(folder)), here)


def _own_folders(here: Path) -> Iterator[Path]:
    """The folder and those above it, up to one that others may write to, and below the home folder."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # Path.home() fails without a home
    for folder in (here, *here.parents):
        if folder != here and (folder == home or not _is_own(folder)):
            return
        yield folder


def _is_own(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o002


def _is_project(folder: Path) -> bool:
    if (folder / "workspace.yaml").is_file():
        return True
    if (folder / ".dlt").is_dir() and folder != Path(os.path.expanduser("~")):  # noqa: PTH111
        return True
    try:
        return _DAGSTER_TABLE in (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _note() -> Path | None:
    home = os.environ.get("DAGSTER_HOME")
    return Path(home).expanduser() / NOTE if home else None


def _noted() -> Path | None:
    """The noted place; None without a note."""
    note = _note()
    try:
        text = note.read_text(encoding="utf-8").strip() if note else ""
    except (OSError, UnicodeDecodeError):
        return None
    return Path(text) if text and Path(text).is_absolute() else None

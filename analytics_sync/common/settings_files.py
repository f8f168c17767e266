"""The files of dlt's settings: refused if another user could write them, and named if they are damaged.

In: the files that dlt reads. Out: a sentence about the first that is wrong. A user
without a home has dlt's settings in the temporary folder, where everybody can create them first. The
addresses in them decide where credentials go.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from analytics_sync.common.private_folder import is_put_by_another_user


def foreign_settings() -> str:
    """What is wrong with a file of settings, without an end of the sentence; empty if nothing is."""
    for path in _settings_files():
        for entry in (path.parent, path):
            if is_put_by_another_user(entry):
                return f"dlt takes settings from {path}, and {entry} belongs to another user"
    return ""


def damaged_settings(paths: Iterable[str]) -> str:
    """Where a file of settings is no TOML. The text quotes nothing of the file: it may hold secrets.

    Args:
        paths: The files of which one could not be read.
    """
    for path in map(Path, paths):
        try:
            tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except tomllib.TOMLDecodeError as e:
            found = re.search(r"at line (\d+)", str(e))
            if not found:
                return f"{path}: this is not valid TOML, it ends within a value. Complete it."
            place = f"{path}:{found[1]}"
            return f"{place}: this is not valid TOML. Correct the line, for example its quotes."
        except ValueError:
            return f"{path}: this is no text in UTF-8. Save the file in UTF-8."
        except OSError as e:
            return f"{path}: cannot be read: {e.strerror}. Give this user the right to read it."
    return f"one of the files {', '.join(paths)} is not valid TOML. Correct it."


def _settings_files() -> Iterator[Path]:
    for provider in Container()[PluggableRunContext].providers.providers:
        for location in provider.present_locations or ():  # None, against its type
            yield Path(location).absolute()

"""The files of dlt's settings: refused if another user could write them.

In: the files that dlt reads. Out: a sentence about the first that another user has put there. A user
without a home has dlt's settings in the temporary folder, where everybody can create them first. The
addresses in them decide where credentials go.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def _settings_files() -> Iterator[Path]:
    for provider in Container()[PluggableRunContext].providers.providers:
        for location in provider.present_locations or ():  # None, against its type
            yield Path(location).absolute()

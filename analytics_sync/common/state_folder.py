"""The state folder of this user: for the little that must outlive a run and that nobody else may read.

In: names of folders in it. Out: the open folder. It is ``analytics-sync-<uid>`` in ``XDG_STATE_HOME``, or
in ``~/.local/state`` without this setting.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from analytics_sync.common.private_folder import PrivateFolder


def state_folders() -> Iterator[Path]:
    """The folders that may hold this user's lasting state, the preferred one first.

    A service may have no home. Then the temporary folder has to do.
    """
    name = f"analytics-sync-{os.geteuid()}"
    configured = Path(os.environ.get("XDG_STATE_HOME", ""))
    if configured.is_absolute():
        yield configured / name
    with suppress(RuntimeError):  # this user has no home
        yield Path.home() / ".local" / "state" / name
    yield Path(tempfile.gettempdir()) / f"analytics-sync-state-{os.geteuid()}"


def open_state_folder(*parts: str, create: bool) -> PrivateFolder:
    """Open the first state folder that is private and can be used.

    Args:
        parts: Names of folders in the state folder; none for the state folder itself.
        create: Whether to create a missing folder.

    Raises:
        OSError: There is none.
    """
    problem: OSError | None = None
    for state in state_folders():
        try:
            folder = PrivateFolder(state, create=create)
            for part in parts:
                folder.close()
                folder = PrivateFolder(folder.path / part, create=create)
        except OSError as e:
            problem = problem or e
        else:
            return folder
    assert problem is not None, "the temporary folder is always tried"
    raise problem

"""The file of a rate limit: opened where all processes of this user, and nobody else, can share it.

In: a name. Out: the open file, and its path for messages. Other users can create the usual folder first.
Then the file is in the state folder. If that cannot be had either, the file has no name, and the process
keeps the limit on its own.
"""

from __future__ import annotations

import logging
import os
import platform
import tempfile
from functools import partial
from pathlib import Path

from analytics_sync.common.private_folder import PrivateFolder, create_file
from analytics_sync.common.state_folder import open_state_folder

log = logging.getLogger(__name__)

_MAX_FILE_AGE_SECONDS = 86_400.0


def open_rate_limit_file(name: str) -> tuple[Path, int]:
    """Open or create the file; return its path and its descriptor."""
    usual = Path(tempfile.gettempdir()) / f"analytics-sync-pace-{os.geteuid()}"
    problems = []
    for open_folder in (
        partial(PrivateFolder, usual, create=True),
        # another machine that shares the state folder has another clock
        partial(open_state_folder, f"pace-{platform.node()}", create=True),
    ):
        try:
            folder, file = create_file(open_folder, name)
        except OSError as e:
            problems.append(str(e))
            continue
        with folder:
            if problems:
                log.warning("%s; the rate limit is shared in %s instead", problems[0], folder.path)
            folder.remove_older(_MAX_FILE_AGE_SECONDS)
            return folder.path / name, file
    log.warning("processes do not share the rate limit: %s", "; ".join(problems))
    with tempfile.TemporaryFile() as unnamed:
        return Path(tempfile.gettempdir()), os.dup(unnamed.fileno())

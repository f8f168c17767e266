"""The holder of a DuckDB file: who has it open, in DuckDB's own words.

In: the error of an attempt to open the file. Out: the process that has it open, or nothing if the error
says something else. DuckDB lets one process write, or several read. Within a process it shares a file
among connections of equal settings only.
"""

from __future__ import annotations

import os
import re

from analytics_sync.common.shown import shown
from analytics_sync.load.errors import causes

_HELD = re.compile(
    r"onflicting lock is held in (?:(?P<name>.+?) \(PID (?P<pid>\d+)\)|PID (?P<only_pid>-?\d+))"
    r"(?: by user (?P<user>\S+?))?(?:\. |$)"
)
_MAX_NAME = 200  # a path
# Another connection of this process has the file open: with other settings, attached to another
# database, or with settings of an earlier load that can be set only once.
_HELD_HERE = (
    "different configuration than existing connections",
    "Unique file handle conflict",
    "has been disabled by configuration",
    "already held in current process",
)


def holder(error: BaseException) -> str | None:
    """Who has the file open, after the words "is in use by"; None if that is not the error.

    Args:
        error: The error, with its causes.
    """
    for cause in causes(error):
        text = str(cause)
        if any(sign in text for sign in _HELD_HERE):
            return f"another connection of this process (PID {os.getpid()})"
        if found := _HELD.search(text):
            return _process(found["name"], found["pid"] or found["only_pid"], found["user"])
    return None


def _process(name: str | None, pid: str, user: str | None) -> str:
    if int(pid) <= 0:  # of another machine or container
        return "a process that this machine does not see"
    by = f" of user {shown(user)}" if user else ""
    return (
        f"{shown(name, _MAX_NAME)} (PID {pid}){by}" if name else f"the process with PID {pid}{by}"
    )

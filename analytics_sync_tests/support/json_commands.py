"""Commands with ``--json``, in this process.

In: the command line. Out: its exit status and its document. Standard output must hold nothing else.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from analytics_sync.cli import main


def result(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The exit status of a command and the document that it writes."""
    capsys.readouterr()
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)

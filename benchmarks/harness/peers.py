"""Peers: tools whose packages conflict with this project's, each in a virtualenv of its own.

In: a peer's name. Out: the path of a Python that can import the peer, or ``NotInstalled`` with a
reason. ``requirements-<peer>.txt`` beside this file pins the peer's packages. The virtualenv is
created on first use and again when these pins change. After that, no network is needed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

_PIP_ARGUMENTS = (
    *("install", "--quiet", "--disable-pip-version-check", "--retries", "1"),
    *("--no-deps", "--require-hashes"),
)
_TIMEOUT_SECONDS = 900


class NotInstalled(Exception):
    """The peer cannot be measured here; the message is one line."""


def peer_python(peer: str, folder: Path) -> Path:
    """The interpreter of the peer's virtualenv below ``folder``.

    Raises:
        NotInstalled: The peer's packages cannot be installed.
    """
    pins = Path(__file__).with_name(f"requirements-{peer}.txt")
    virtualenv = (folder / peer).absolute()
    python = virtualenv / "bin" / "python"
    stamp = virtualenv / "pins.sha256"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    if virtualenv.exists() and not (virtualenv / "pyvenv.cfg").exists():
        raise NotInstalled(f"not installed: {virtualenv} is something else")
    shutil.rmtree(virtualenv, ignore_errors=True)
    try:
        _run([sys.executable, "-I", "-m", "venv", virtualenv])
        # -I: pip would count the packages on PYTHONPATH as installed.
        _run([python, "-I", "-m", "pip", *_PIP_ARGUMENTS, "-r", pins])
    except NotInstalled as e:
        shutil.rmtree(virtualenv, ignore_errors=True)
        raise NotInstalled(f"not installed: {e}") from None
    stamp.write_text(digest)
    return python


def _run(command: list[str | Path]) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS
        )
    except subprocess.CalledProcessError as e:
        lines = (e.stderr + e.stdout).strip().splitlines()
        errors = [line for line in lines if line.startswith("ERROR")]
        raise NotInstalled((errors or lines or [str(e)])[-1]) from None
    except (OSError, subprocess.TimeoutExpired) as e:
        raise NotInstalled(str(e)) from None

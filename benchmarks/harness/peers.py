"""Virtualenvs for what cannot live in this project's own.

In: a peer's name. Out: the path of a Python that can import it, or ``NotInstalled`` with a reason.
``requirements-<peer>.txt`` beside this file pins it; the virtualenv is made on first use and again
when those pins change. Once it is there, no network is needed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

_INSTALL = (
    *("install", "--quiet", "--disable-pip-version-check", "--retries", "1"),
    *("--no-deps", "--require-hashes"),
)
_TIMEOUT = 900


class NotInstalled(Exception):
    """A peer that cannot be measured here; the message is one line."""


def python_of(peer: str, folder: Path) -> Path:
    """The interpreter of the peer's virtualenv below ``folder``.

    Raises:
        NotInstalled: Its packages cannot be had.
    """
    pins = Path(__file__).with_name(f"requirements-{peer}.txt")
    home = (folder / peer).absolute()
    python = home / "bin" / "python"
    stamp = home / "pins.sha256"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    if home.exists() and not (home / "pyvenv.cfg").exists():
        raise NotInstalled(f"not installed: {home} is something else")
    shutil.rmtree(home, ignore_errors=True)
    try:
        _run([sys.executable, "-I", "-m", "venv", home])
        # isolated: what PYTHONPATH has would count as installed
        _run([python, "-I", "-m", "pip", *_INSTALL, "-r", pins])
    except NotInstalled as e:
        shutil.rmtree(home, ignore_errors=True)
        raise NotInstalled(f"not installed: {e}") from None
    stamp.write_text(digest)
    return python


def _run(command: list[str | Path]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT)
    except subprocess.CalledProcessError as e:
        lines = (e.stderr + e.stdout).strip().splitlines()
        errors = [line for line in lines if line.startswith("ERROR")]
        raise NotInstalled((errors or lines or [str(e)])[-1]) from None
    except (OSError, subprocess.TimeoutExpired) as e:
        raise NotInstalled(str(e)) from None

"""A fresh environment with the wheel of this package.

In: a folder, and a requirements file. Out: an environment that knows nothing of the checkout.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from analytics_sync_tests.support.world import ROOT


def environment_with_wheel(folder: Path, requirements: str) -> Path:
    """Build the wheel, and install it with the pins of a requirements file.

    Returns:
        The folder of the environment.
    """
    command = [
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", str(folder), str(ROOT),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=300, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=300)
    install = [
        str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
        "--requirement", str(ROOT / requirements),
    ]  # fmt: skip
    subprocess.run(install, check=True, timeout=1500)
    subprocess.run([*install[:6], str(wheel)], check=True, timeout=300)
    return venv

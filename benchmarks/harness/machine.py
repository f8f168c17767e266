"""Description of the machine and the versions that a result was measured with.

In: this machine, and the pins of the peers. Out: a mapping for ``results.json``.
"""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "analytics_sync",
    "dlt",
    "dagster",
    "dagster-dlt",
    "duckdb",
    "pyarrow",
    "orjson",
    "urllib3",
)
_PEERS = {"airbyte": "airbyte-cdk", "singer": "singer-sdk"}


def describe_machine() -> dict[str, Any]:
    """This machine, this Python, and the versions of the compared packages."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "cpus": os.cpu_count(),
        "cpu": _cpu(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": packages | {name: _pinned(peer, name) for peer, name in _PEERS.items()},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else None
    return found[1] if found else platform.processor()


def _pinned(peer: str, package: str) -> str:
    pins = Path(__file__).with_name(f"requirements-{peer}.txt").read_text()
    found = re.search(rf"^{re.escape(package)}(?:\[[^\]]*\])?==(\S+)", pins, re.M)
    return found[1] if found else "?"

"""A Dagster code location that loads REST APIs into a warehouse.

In: declarations of APIs, in YAML. Out: one Dagster asset and one table per resource. The entry is
``analytics_sync.definitions``. Sixty resources of five APIs ship with the package.
"""

import sys

if sys.platform == "win32":  # else the first import of fcntl would fail with a traceback
    raise SystemExit(
        "analytics_sync runs on Linux and macOS, not on Windows: use WSL 2 or a container."
    )

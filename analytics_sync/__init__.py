"""A Dagster code location that loads REST APIs into a warehouse.

In: declarations of APIs, in YAML. Out: one Dagster asset and one table per resource. The entry is
``analytics_sync.definitions``. Sixty resources of five APIs ship with the package.
"""

from __future__ import annotations

import sys

# A type checker takes it for true. The import of typing would be a tenth of the time of help.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from analytics_sync.component import RestSource
    from analytics_sync.embedding import build_definitions

__all__ = ["RestSource", "build_definitions"]

if sys.platform == "win32":  # else the first import of fcntl would fail with a traceback
    raise SystemExit(
        "analytics_sync runs on Linux and macOS, not on Windows: use WSL 2 or a container."
    )


def __getattr__(name: str) -> Any:
    """``build_definitions`` and ``RestSource``, imported when they are asked for: they import all of Dagster."""
    if name == "build_definitions":
        from analytics_sync.embedding import build_definitions

        return build_definitions
    if name == "RestSource":
        from analytics_sync.component import RestSource

        return RestSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names of the module, with those that are imported later: Dagster looks for components here."""
    return sorted({*globals(), *__all__})

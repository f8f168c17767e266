"""The Dagster code location.

In: the catalog files that ship, and those in the folder ``ANALYTICS_SYNC__CATALOG_DIR`` names.
Out: ``defs``, built when it is first asked for: importing the module reads nothing. Building it needs
no secret, no network and no file besides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics_sync.common.gc_tuning import freeze_objects

if TYPE_CHECKING:
    from dagster import Definitions

    defs: Definitions


def __getattr__(name: str) -> Definitions:
    if name != "defs":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with freeze_objects():
        built = globals()["defs"] = _build()
    return built


def __dir__() -> list[str]:
    """With ``defs``: Dagster looks through what a module has."""
    return sorted({*globals(), "defs"})


def _build() -> Definitions:
    from pathlib import Path

    import dlt

    from analytics_sync.catalog import catalog_files, load_catalog
    from analytics_sync.defs.build import build_definitions

    folder = dlt.config.get("analytics_sync.catalog_dir", str)
    return build_definitions(load_catalog(catalog_files(Path(folder) if folder else None)))

"""The catalog: what a source file may declare, and the ``Source`` objects that result.

In: YAML files, or dlt ``rest_api`` configurations in Python. Out: ``Source`` objects.
"""

from analytics_sync.common.gc_tuning import freeze_objects

with freeze_objects():  # garbage collections during these imports take 80 ms
    from analytics_sync.catalog.errors import CatalogError
    from analytics_sync.catalog.loader import (
        catalog_files,
        configured_files,
        load_catalog,
        load_file,
        load_text,
    )
    from analytics_sync.catalog.source import Field, Resource, Source

__all__ = [
    "CatalogError",
    "Field",
    "Resource",
    "Source",
    "catalog_files",
    "configured_files",
    "load_catalog",
    "load_file",
    "load_text",
]

"""The vocabulary of a catalog file.

In: YAML files, or dlt ``rest_api`` configurations in Python. Out: ``Source`` objects.
"""

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.loader import catalog_files, load_catalog, load_file, load_text
from analytics_sync.catalog.source import Field, Resource, Source

__all__ = [
    "CatalogError",
    "Field",
    "Resource",
    "Source",
    "catalog_files",
    "load_catalog",
    "load_file",
    "load_text",
]

"""The Dagster code location.

In: the catalog files that ship, and those in the folder ``ANALYTICS_SYNC__CATALOG_DIR`` names.
Out: ``defs``. Loading needs no secret, no network and no file besides.
"""

from pathlib import Path

import dlt

from analytics_sync.defs.location import build_definitions
from analytics_sync.spec import catalog_files, load_catalog

_folder = dlt.config.get("analytics_sync.catalog_dir", str)

defs = build_definitions(load_catalog(catalog_files(Path(_folder) if _folder else None)))
